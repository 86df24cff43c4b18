// RUN: graven-opt %s -split-input-file -verify-diagnostics

graph.entry @a(%x: tensor<16x4xf32>, %y: tensor<4xf32>) attributes {result_names = []} {
  // expected-error @+1 {{has operands of different shapes, 16x4xf32 and 4xf32}}
  %0 = add(%x, %y) : (tensor<16x4xf32>, tensor<4xf32>) -> tensor<16x4xf32>
  return()
}

// -----

graph.func @b(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'graph.softmax' has no option 'axs'; did you mean 'axis'?}}
  %0 = softmax(%x, axs = 1)
  return(%0)
}

// -----

graph.func @c(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{attribute 'depth' failed to satisfy constraint: an integer}}
  %0 = one_hot(%x, depth = true)
  return(%0)
}

// -----

graph.entry @d(%x: tensor<16x4xf32>) attributes {result_names = []} {
  // expected-error @+1 {{has no axis 2: its operand has axes 0 to 1}}
  %0 = sum(%x, axis = 2) : (tensor<16x4xf32>) -> tensor<16xf32>
  return()
}

// -----

// expected-error @+1 {{has no role 'weight'; roles are parameter, slot, statistic, control and metric}}
graph.state @w : tensor<4xf32> role(weight)
