// RUN: graven-opt %s --pass-pipeline='builtin.module(expand-name-layers,expand-build-entries{batch=8})' -split-input-file | FileCheck %s

// Linear regression with nothing but tensors: states of one's own, an init of one's own.
// CHECK: graph.metrics = [{denominator = @loss.count, name = "loss", numerator = @loss.sum}]
// CHECK: graph.state @w : tensor<3x1xf32> role(parameter){{$}}
// CHECK: graph.state @moves : tensor<i64> role(statistic){{$}}

// What the text's init leaves out is given its first value.
// CHECK-LABEL: graph.entry @init(%seed: tensor<2xi32>)
// CHECK: %[[U:.*]] = random_uniform(%seed, {{.*}}) : (tensor<2xi32>) -> tensor<3x1xf32>
// CHECK: %[[SEVEN:.*]] = constant(7{{.*}}) : () -> tensor<i64>
// CHECK: return(%[[U]], %[[SEVEN]], writes = [@w, @moves])

// CHECK-LABEL: graph.entry @train_step(%x: tensor<8x3xf32>, %y: tensor<8x1xf32>, %rows: tensor<i32>)
// CHECK-SAME: result_names = ["loss"]
// CHECK: %[[W:.*]] = read(@w)
// CHECK: %[[GUESS:.*]] = matmul(%x, %[[W]])
// CHECK: %[[MISS:.*]] = subtract(%[[GUESS]], %y)
// CHECK: %[[LOSS:.*]] = mean
// CHECK: %[[DW:.*]] = gradient(%[[LOSS]], %[[W]]) : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
// A number takes the type and, where operands must be of one shape, the shape of what it meets.
// CHECK: %[[RATE:.*]] = constant(0.1, dtype = f32) : () -> tensor<f32>
// CHECK: %[[RATES:.*]] = broadcast(%[[RATE]], shape = [3, 1])
// CHECK: multiply(%[[RATES]], %[[DW]])
// CHECK: constant(1, dtype = i64) : () -> tensor<i64>
// CHECK: writes = [@w, @moves, @loss.sum, @loss.count]

// CHECK-LABEL: graph.entry @reset_metrics()
graph.state @w : tensor<3x1xf32> role(parameter)
graph.state @moves : tensor<i64> role(statistic) init = 7

graph.func @init(%seed: tensor<2xi32>) {
  %u = random_uniform(%seed, shape = [3, 1])
  write(@w, %u)
}

graph.func private @error(%x: tensor<?x3xf32>, %y: tensor<?x1xf32>) {
  %w = read(@w)
  %guess = matmul(%x, %w)
  %miss = subtract(%guess, %y)
  %each = square(%miss)
  %loss = mean(%each)
  return(%loss)
}

graph.func @train_step(%x: tensor<?x3xf32>, %y: tensor<?x1xf32>) {
  %loss = call(@error, %x, %y)
  %w = read(@w)
  %dw = gradient(%loss, %w)
  %rate = constant(0.1)
  %move = multiply(%rate, %dw)
  %next = subtract(%w, %move)
  write(@w, %next)
  %count = read(@moves)
  %one = constant(1)
  %counted = add(%count, %one)
  write(@moves, %counted)
  return(%loss)
}

// -----

// A step of one's own in place of the generated one; the rest is derived. What train_step calls is
// in training, and the step counter advances by itself because dropout draws by it.
// CHECK-LABEL: graph.entry @eval_step
// CHECK-NOT: random_uniform
// CHECK-LABEL: graph.entry @predict
// CHECK-LABEL: graph.entry @train_step(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>, %rows: tensor<i32>)
// CHECK: random_uniform
// CHECK: gradient(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<f32>, tensor<4x2xf32>, tensor<2xf32>)
// CHECK: writes = [@out.kernel, @out.bias, @loss.sum, @loss.count, @step]
nn.model @net {
  input(shape = [4])
  dropout(rate = 0.5)
  %out = dense(units = 2)
} train {
  mean_squared_error()
  sgd()
}
graph.func @train_step(%x: tensor<?x4xf32>, %y: tensor<?x2xf32>) {
  %guess = call(@net, %x)
  %miss = subtract(%guess, %y)
  %each = square(%miss)
  %loss = mean(%each)
  for_each_parameter(@net, %loss) as (%w, %dw) {
    %rate = constant(0.05)
    %move = multiply(%rate, %dw)
    %next = subtract(%w, %move)
    yield(%next)
  }
  return(%loss)
}

// -----

// Numbers in a world of f64 are f64; whole numbers join floats; a gradient of a gradient is asked for
// like any other.
// CHECK-LABEL: graph.entry @second(%x: tensor<3xf64>)
// CHECK: constant(0.5, dtype = f64)
// CHECK: constant(2, dtype = f64)
// CHECK: %[[D:.*]] = gradient
// CHECK: %[[S:.*]] = sum(%[[D]])
// CHECK: gradient(%[[S]], %x)
graph.func @second(%x: tensor<3xf64>) {
  %half = constant(0.5)
  %two = constant(2)
  %a = multiply(%x, %half)
  %b = power(%a, %two)
  %f = sum(%b)
  %d = gradient(%f, %x)
  %s = sum(%d)
  %dd = gradient(%s, %x)
  return(%dd)
}

// -----

// A layer of one's own is made anew for each line that applies it; `weights` shares.
// CHECK: graph.state @a.w : tensor<4xf32> role(parameter)
// CHECK-NEXT: graph.state @scaled.w : tensor<4xf32> role(parameter)
// CHECK-NEXT: graph.state @dense.kernel
// CHECK-NOT: graph.state @{{.*}}.w
// CHECK-LABEL: graph.entry @predict(%x: tensor<8x4xui8>
// CHECK: convert(%x, dtype = f32)
// CHECK: tanh
nn.layer @scaled(%x) {
  %w = parameter(%x, shape = [-1], init = ones)
  %y = multiply(%x, %w)
  return(%y)
}
nn.model @net {
  %x = input(shape = [4], dtype = ui8)
  %f = rescaling(%x, scale = 0.5)
  %a = apply(@scaled, %f)
  apply(@scaled, %a)
  %c = apply(@scaled, weights = a)
  %t = graph.tanh(%c)
  dense(%t, units = 1)
}
