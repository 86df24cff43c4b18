// RUN: graven-opt %s -split-input-file -verify-diagnostics

nn.model @a {
  input(shape = [4])
  // expected-error @+1 {{custom op 'nn.dens' is unknown; did you mean 'dense'?}}
  dens(units = 3)
}

// -----

nn.model @b {
  input(shape = [4])
  // expected-error @+1 {{custom op 'nn.relu' is unknown; did you mean 'graph.relu'?}}
  relu()
}

// -----

nn.model @c {
  input(shape = [4])
  // expected-error @+1 {{'nn.dense' has no option 'unit'; did you mean 'units'?}}
  dense(unit = 3)
}

// -----

nn.model @d {
  // expected-note @+1 {{the first}}
  input(shape = [4])
  // expected-error @+1 {{is a second input; a model has one}}
  input(shape = [4])
}

// -----

nn.model @e {
  // expected-error @+1 {{has no value to work on: no line with a value stands above it; begin the model with input(shape = [...])}}
  dense(units = 3)
}

// -----

nn.model @f {
  input(shape = [4])
  // expected-error @+1 {{expects a rate in [0, 1), the share of elements to drop, got 1.}}
  dropout(rate = 1.0)
}

// -----

nn.model @g {
  input(shape = [4])
  // expected-error @+1 {{expects units of at least 1, got 0}}
  dense(units = 0)
}

// -----

nn.model @h {
  input(shape = [4])
  // expected-error @+1 {{knows no activation 'rellu'; did you mean 'relu'?}}
  dense(units = 3, activation = rellu)
}

// -----

nn.model @i {
  input(shape = [4])
  // expected-error @+1 {{is no layer; losses, optimizers, metrics and fit belong into the model's `train { }` part}}
  adam()
}

// -----

nn.model @j {
  input(shape = [4])
} train {
  mean_squared_error()
  // expected-note @+1 {{the first}}
  sgd()
  // expected-error @+1 {{is a second optimizer; a model has one}}
  adam()
}

// -----

nn.model @k {
  input(shape = [4])
} train {
  // expected-error @+1 {{has no optimizer beside it; add one}}
  mean_squared_error()
}

// -----

nn.model @l {
  input(shape = [4])
} train {
  mean_squared_error()
  // expected-error @+1 {{asks for nesterov without momentum; add momentum = 0.9}}
  sgd(nesterov = true)
}

// -----

nn.model @m {
  input(shape = [4])
} train {
  mean_squared_error()
  sgd()
  // expected-error @+1 {{gives 'patience', an option of early stopping; add early_stopping = true}}
  fit(patience = 3)
}

// -----

nn.model @n {
  input(shape = [4])
} train {
  mean_squared_error()
  // expected-error @+1 {{expects a learning_rate above 0, got -1}}
  sgd(learning_rate = -1)
}

// -----

nn.model @n1 {
  input(shape = [4])
} train {
  mean_squared_error()
  // expected-error @+1 {{expects a finite clip_norm above 0, got 0}}
  adam(clip_norm = 0)
}

// -----

nn.model @n2 {
  input(shape = [4])
} train {
  mean_squared_error()
  // expected-error @+1 {{expects a finite clip_value above 0, got -5}}
  sgd(clip_value = -0.5)
}

// -----

nn.model @n3 {
  input(shape = [4])
} train {
  mean_squared_error()
  // expected-error @+1 {{clip_norm}}
  adamw(clip_norm = true)
}

// -----

graph.func @o(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{custom op 'graph.matmull' is unknown; did you mean 'matmul'?}}
  %y = matmull(%x, %x)
  return(%y)
}

// -----

nn.model @p {
  // expected-error @+1 {{expects lengths of at least 1, got -1; the batch axis is not part of the shape}}
  input(shape = [-1, 4])
}

// -----

// expected-error @+1 {{has no layers; its first is input(shape = [...])}}
nn.model @q {
}

// -----

nn.model @r {
  input(shape = [4])
} train {
  // expected-error @+1 {{does not belong into the `train` part, which holds a loss, an optimizer, metrics and fit}}
  dense(units = 3)
}
