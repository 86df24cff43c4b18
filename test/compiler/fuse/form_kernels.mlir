// RUN: graven-opt %s --pass-pipeline='builtin.module(graph.entry(fuse-form-kernels))' | FileCheck %s

graph.state @w : tensor<4x3xf32> role(parameter)
graph.state @b : tensor<3xf32> role(parameter)

// A contraction takes its bias and activation; what the gradient needs is stored beside it.
// CHECK-LABEL: graph.entry @dense
graph.entry @dense(%x: tensor<16x4xf32>) attributes {result_names = ["z", "y"]} {
  %w = read(@w) : () -> tensor<4x3xf32>
  %b = read(@b) : () -> tensor<3xf32>
  // CHECK: %[[K:.*]]:2 = kernel.fused(%x, %{{.*}}, %{{.*}}) {kind = "contraction"}
  // CHECK: dot_general
  // CHECK: broadcast
  // CHECK: add
  // CHECK: tanh
  // CHECK: kernel.yield
  %s = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x3xf32>) -> tensor<16x3xf32>
  %bb = broadcast(%b, shape = [16, 3]) : (tensor<3xf32>) -> tensor<16x3xf32>
  %z = add(%s, %bb) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  %y = tanh(%z) : (tensor<16x3xf32>) -> tensor<16x3xf32>
  // CHECK: return(%[[K]]#0, %[[K]]#1)
  return(%z, %y) : (tensor<16x3xf32>, tensor<16x3xf32>) -> ()
}

// Softmax is one row kernel; the reshape between its reductions and its rows stays inside.
// CHECK-LABEL: graph.entry @softmax
graph.entry @softmax(%x: tensor<16x3xf32>) attributes {result_names = ["y"]} {
  // CHECK: kernel.fused(%x) {kind = "row"}
  // CHECK-NOT: kernel.fused
  // CHECK: return
  %m = max(%x, axis = [1]) : (tensor<16x3xf32>) -> tensor<16xf32>
  %r = reshape(%m, shape = [16, 1]) : (tensor<16xf32>) -> tensor<16x1xf32>
  %mb = broadcast(%r, shape = [16, 3]) : (tensor<16x1xf32>) -> tensor<16x3xf32>
  %s = subtract(%x, %mb) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  %e = exp(%s) : (tensor<16x3xf32>) -> tensor<16x3xf32>
  %t = sum(%e, axis = [1], keep_dims = true) : (tensor<16x3xf32>) -> tensor<16x1xf32>
  %tb = broadcast(%t, shape = [16, 3]) : (tensor<16x1xf32>) -> tensor<16x3xf32>
  %y = divide(%e, %tb) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  return(%y) : (tensor<16x3xf32>) -> ()
}

// A bias gradient is a column kernel; the update of the parameter stays a map of its own.
// CHECK-LABEL: graph.entry @bias
graph.entry @bias(%g: tensor<16x3xf32>) attributes {result_names = []} {
  %b = read(@b) : () -> tensor<3xf32>
  // CHECK: kernel.fused(%g) {kind = "column"}
  // CHECK: sum
  // CHECK-NEXT: kernel.yield
  %d = sum(%g, axis = [0]) : (tensor<16x3xf32>) -> tensor<3xf32>
  // CHECK: kernel.fused({{.*}}) {kind = "map"}
  %c = constant(0.1, shape = [3], dtype = f32) : () -> tensor<3xf32>
  %m = multiply(%d, %c) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %n = subtract(%b, %m) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return(%n, writes = [@b]) : (tensor<3xf32>) -> ()
}

// A mask is drawn again wherever it is wanted, never stored.
// CHECK-LABEL: graph.entry @mask
graph.entry @mask(%x: tensor<16x4xf32>, %w: tensor<4x3xf32>, %v: tensor<3x3xf32>, %key: tensor<2xi32>) attributes {result_names = ["y", "z"]} {
  %u = random_uniform(%key, shape = [16, 3], dtype = f32, site = 7) : (tensor<2xi32>) -> tensor<16x3xf32>
  // CHECK: kernel.fused(%{{.*}}, %{{.*}}, %key) {kind = "contraction"}
  // CHECK: random_uniform
  // CHECK: kernel.fused(%{{.*}}, %{{.*}}, %key) {kind = "contraction"}
  // CHECK: random_uniform
  %a = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x3xf32>) -> tensor<16x3xf32>
  %y = multiply(%a, %u) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  %c = dot_general(%y, %v, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x3xf32>, tensor<3x3xf32>) -> tensor<16x3xf32>
  %z = multiply(%c, %u) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  return(%y, %z) : (tensor<16x3xf32>, tensor<16x3xf32>) -> ()
}
