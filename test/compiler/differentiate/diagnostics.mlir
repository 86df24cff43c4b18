// RUN: graven-opt %s -differentiate-append-gradients -split-input-file -verify-diagnostics

graph.entry @no_rule(%x: tensor<4xf32>) attributes {result_names = []} {
  // expected-error @+1 {{'graph.softmax' op has no gradient, but its operand 0 (4xf32) needs one; put stop_gradient around that operand if it shall count as a constant}}
  %0 = softmax(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = sum(%0) : (tensor<4xf32>) -> tensor<f32>
  // expected-note @+1 {{the gradient is asked for here}}
  %dx = gradient(%1, %x) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return(%dx) : (tensor<4xf32>) -> ()
}

// -----

graph.entry @not_scalar(%x: tensor<4xf32>) attributes {result_names = []} {
  %0 = exp(%x) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{expects a scalar float to differentiate, got 4xf32; reduce it with sum or mean}}
  %dx = gradient(%0, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%dx) : (tensor<4xf32>) -> ()
}

// -----

graph.entry @not_float(%x: tensor<i32>, %y: tensor<f32>) attributes {result_names = []} {
  // expected-error @+1 {{expects a scalar float to differentiate, got i32}}
  %dy = gradient(%x, %y) : (tensor<i32>, tensor<f32>) -> tensor<f32>
  return(%dy) : (tensor<f32>) -> ()
}

// -----

graph.entry @by_integer(%x: tensor<f32>, %label: tensor<4xi32>) attributes {result_names = []} {
  // expected-error @+1 {{cannot differentiate by operand 1 of type 4xi32; only floats have gradients}}
  %d = gradient(%x, %label) : (tensor<f32>, tensor<4xi32>) -> tensor<4xi32>
  return(%d) : (tensor<4xi32>) -> ()
}
