// RUN: graven-opt %s --pass-pipeline='builtin.module(expand-name-layers,expand-build-entries)' -split-input-file -verify-diagnostics
// One mistake a section: what is wrong, where, and what to do.

graph.func @predict(%x: tensor<?x4xf32>) {
  %w = constant([[1.0], [2.0], [3.0]])
  // expected-error @+1 {{'graph.matmul' cannot multiply 32x4xf32 by 3x1xf32: the last axis of the first has length 4, axis 0 of the second 3}}
  %y = matmul(%x, %w)
  return(%y)
}

// -----

graph.func @predict(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{there is no function or model @los; did you mean @loss?}}
  %y = call(@los, %x)
  return(%y)
}
graph.func private @loss(%x: tensor<?x4xf32>) {
  return(%x)
}

// -----

graph.func @predict(%x: tensor<?x4xf32>) {
  // expected-note @+1 {{through this call}}
  %y = call(@again, %x)
  return(%y)
}
graph.func private @again(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{@again calls itself; a graph is static, so calls must end}}
  %y = call(@again, %x)
  return(%y)
}

// -----

graph.func @predict(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{@two takes 2 values, got 1}}
  %y = call(@two, %x)
  return(%y)
}
graph.func private @two(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) {
  return(%x)
}

// -----

graph.func @predict(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{@five takes ?x5xf32 as value 0, got 32x4xf32}}
  %y = call(@five, %x)
  return(%y)
}
// expected-note @+1 {{declared here; ? is the batch size, 32}}
graph.func private @five(%x: tensor<?x5xf32>) {
  return(%x)
}

// -----

graph.func @predict(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{@one returns 1 value, but 2 are named here}}
  %y:2 = call(@one, %x)
  return(%y#0)
}
graph.func private @one(%x: tensor<?x4xf32>) {
  return(%x)
}

// -----

// expected-error @+1 {{is an entry, so its argument %x needs a type: %x: tensor<?x4xf32>}}
graph.func @predict(%x) {
  return(%x)
}

// -----

// expected-error @+1 {{'?', the batch size, can be the first axis only, got 4x?xf32}}
graph.func @predict(%x: tensor<4x?xf32>) {
  return(%x)
}

// -----

graph.state @weights : tensor<4xf32> role(parameter)
graph.func @predict(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{there is no state @weight; did you mean @weights?}}
  %w = read(@weight)
  return(%w)
}

// -----

graph.state @w : tensor<4xf32> role(parameter)
graph.func @predict(%x: tensor<?x4xf32>) {
  %zero = constant(0, shape = [4], dtype = f32)
  // expected-error @+1 {{predict writes nothing, but writes the state 'w' here}}
  write(@w, %zero)
  return(%x)
}

// -----

graph.state @w : tensor<4xf32> role(parameter)
graph.func @eval_step(%x: tensor<?x4xf32>) {
  %zero = constant(0, shape = [4], dtype = f32)
  // expected-error @+1 {{eval_step writes metrics only, but writes the state 'w' of role parameter here; move the write to train_step}}
  write(@w, %zero)
  return(%x)
}

// -----

graph.func @eval_step(%x: tensor<?x4xf32>) {
  %y = call(@noisy, %x)
  return(%y)
}
graph.func private @noisy(%x: tensor<?x4xf32>) {
  %key = read(@seed)
  // expected-error @+1 {{eval_step draws no random numbers from the state 'seed', but does so here}}
  %u = random_uniform(%key, shape = [4])
  %y = add(%x, %u)
  return(%y)
}

// -----

graph.state @w : tensor<4xf32> role(parameter)
graph.func @train_step(%x: tensor<?x4xf32>) {
  %y = call(@writer, %x)
  return(%y)
}
graph.func private @writer(%x: tensor<?x4xf32>) {
  %m = mean(%x, axis = 0)
  // expected-error @+1 {{only an entry writes state, and @writer is called by one; return the value and write it there}}
  write(@w, %m)
  return(%m)
}

// -----

graph.state @w : tensor<4xf32> role(parameter)
graph.func @train_step(%x: tensor<?x4xf32>) {
  %m = mean(%x, axis = 0)
  // expected-note @+1 {{the first write}}
  write(@w, %m)
  // expected-error @+1 {{the state 'w' is written twice; an entry gives a state one next value}}
  write(@w, %m)
  return(%m)
}

// -----

graph.state @w : tensor<4xf32> role(parameter)
graph.func @train_step(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{cannot write 32x4xf32 to the state 'w' of type 4xf32}}
  write(@w, %x)
  return(%x)
}

// -----

graph.func @train_step(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{a gradient is taken of one number, got 32x4xf32; reduce it first: mean(%loss)}}
  %g = gradient(%x, %x)
  return(%g)
}

// -----

graph.func @train_step(%x: tensor<?x4xf32>) {
  %loss = mean(%x)
  // expected-error @+1 {{asks for gradients by 1 values, but 2 are named here}}
  %g:2 = gradient(%loss, %x)
  return(%loss)
}

// -----

nn.model @net {
  input(shape = [4])
  dense(units = 3)
}
graph.func @train_step(%x: tensor<?x4xf32>) {
  %loss = mean(%x)
  // expected-error @+1 {{@net has no parameters that this entry read; call it above this line}}
  for_each_parameter(@net, %loss) as (%w, %dw) {
    yield(%w)
  }
  return(%loss)
}

// -----

nn.model @net {
  %x = input(shape = [])
  // expected-error @+1 {{'nn.dense' expects rows with at least one axis of features, as ?x4xf32, got 32xf32; give the input a shape: input(shape = [1])}}
  dense(units = 3)
}

// -----

nn.model @net {
  %a = input(shape = [4])
  %b = dense(%a, units = 3)
  // expected-error @+1 {{'graph.add' cannot combine shapes 32x4xf32 and 32x3xf32}}
  add(%a, %b)
}

// -----

nn.model @net {
  input(shape = [4])
  // expected-error @+1 {{there is no layer @gate; did you mean @gated?}}
  %g = apply(@gate)
}
nn.layer @gated(%x) {
  return(%x)
}

// -----

nn.model @net {
  input(shape = [4])
  // expected-error @+1 {{the state 'dense.kernel' knows no initializer 'glorot'; initializers are}}
  dense(units = 3, kernel_init = glorot)
}

// -----

nn.model @net {
  input(shape = [4])
  // expected-error @+1 {{the state 'dense.kernel' knows no initializer 'he_unifrom'; did you mean 'he_uniform'?}}
  dense(units = 3, kernel_init = he_unifrom)
}

// -----

nn.model @net {
  input(shape = [4])
  // expected-error @+1 {{the state 'dense.kernel' has an initializer 'uniform' with 1 numbers; it takes 2}}
  dense(units = 3, kernel_init = uniform(0.1))
}

// -----

nn.model @net {
  %x = input(shape = [4])
  %y = graph.mean(%x)
} train {
  // expected-error @+1 {{expects a value for each row of the batch (32 rows), got f32}}
  mean_squared_error()
  sgd()
}

// -----

nn.model @net {
  input(shape = [4])
  dense(units = 1)
} train {
  mean_squared_error()
  sgd()
  // expected-error @+1 {{counts right classes, and the loss compares numbers; remove it, or use a cross-entropy}}
  accuracy()
}

// -----

nn.model @net {
  input(shape = [4])
} train {
  mean_squared_error()
  // expected-error @+1 {{has nothing to train: the model has no parameters; add a layer that has some}}
  sgd()
}

// -----

nn.model @net {
  input(shape = [4])
  dense(units = 1)
} train {
  // expected-error @+1 {{has nothing to train with: the `train` part names no loss and no optimizer, and the text has no train_step of its own}}
  fit(epochs = 3)
}

// -----

// expected-note @+1 {{the first}}
nn.model @a {
  input(shape = [4])
} train {
  accuracy()
}
// expected-error @+1 {{is a second model with a `train` part; an artifact has one}}
nn.model @b {
  input(shape = [4])
} train {
  accuracy()
}

// -----

nn.model @one {
  input(shape = [4])
  // expected-note @+1 {{declared here}}
  dense(units = 3)
}
nn.model @two {
  input(shape = [4])
  // expected-error @+1 {{the state 'dense.kernel' belongs to another line; give this line a name of its own: %name = ...}}
  dense(units = 3)
}
graph.func @predict(%x: tensor<?x4xf32>) {
  %a = call(@one, %x)
  %b = call(@two, %x)
  return(%a, %b)
}

// -----

// The random numbers of a draw are known by a 32-bit hash of its name.
nn.model @net {
  input(shape = [4])
  %drop17411 = dropout(rate = 0.5)
  // expected-error @+1 {{the names 'drop17886' and 'drop17411' would draw the same random numbers; rename one of the two}}
  %drop17886 = dropout(rate = 0.5)
  dense(units = 1)
} train {
  mean_squared_error()
  sgd()
}

// -----

graph.func @predict(%x: tensor<?x4xi32>) {
  %half = constant(0.5)
  // expected-error @+1 {{has operands of different element types, 'i32' and 'f32'; convert one of them: convert(%x, dtype = 'i32')}}
  %y = multiply(%x, %half)
  return(%y)
}

// -----

// expected-error @-2 {{the text defines neither an nn.model nor a graph.func that is not private, so there is nothing to compile}}
graph.func private @unused(%x: tensor<?x4xf32>) {
  return(%x)
}
