// RUN: graven-opt %s --pass-pipeline='builtin.module(graph.entry(fuse-form-kernels))' | FileCheck %s

graph.state @w : tensor<4x3xf32> role(parameter)
graph.state @b : tensor<3xf32> role(parameter)
graph.state @m : tensor<4x3xf32> role(slot)
graph.state @a : tensor<16x3xf32> role(parameter)

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

// A bias gradient is a column kernel, and where nothing but the parameter's update reads it, the
// update is computed with it.
// CHECK-LABEL: graph.entry @bias
graph.entry @bias(%g: tensor<16x3xf32>) attributes {result_names = []} {
  %b = read(@b) : () -> tensor<3xf32>
  // CHECK: kernel.fused(%{{.*}}, %g) {kind = "column"}
  // CHECK: sum
  // CHECK: multiply
  // CHECK: subtract
  // CHECK-NOT: kernel.fused
  // CHECK: return
  %d = sum(%g, axis = [0]) : (tensor<16x3xf32>) -> tensor<3xf32>
  %c = constant(0.1, shape = [3], dtype = f32) : () -> tensor<3xf32>
  %m = multiply(%d, %c) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %n = subtract(%b, %m) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return(%n, writes = [@b]) : (tensor<3xf32>) -> ()
}

// A decision drawn at random, one byte, is stored for the second kernel that wants it.
// CHECK-LABEL: graph.entry @mask
graph.entry @mask(%x: tensor<16x4xf32>, %w: tensor<4x3xf32>, %v: tensor<3x3xf32>, %key: tensor<2xi32>) attributes {result_names = ["z"]} {
  %u = random_uniform(%key, shape = [16, 3], dtype = f32, site = 7) : (tensor<2xi32>) -> tensor<16x3xf32>
  %c = constant(0.5, shape = [16, 3], dtype = f32) : () -> tensor<16x3xf32>
  %0 = constant(0.0, shape = [16, 3], dtype = f32) : () -> tensor<16x3xf32>
  %m = less(%u, %c) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xi1>
  // CHECK: %[[K:.*]]:2 = kernel.fused({{.*}}) {kind = "contraction"} : {{.*}} -> (tensor<16x3x{{.*}}>, tensor<16x3x{{.*}}>)
  // CHECK: random_uniform
  // CHECK: kernel.fused({{.*}}%[[K]]#{{.*}}%[[K]]#{{.*}}) {kind = "contraction"}
  // CHECK-NOT: random_uniform
  // CHECK: return
  %a = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x3xf32>) -> tensor<16x3xf32>
  %y = select(%m, %a, %0) : (tensor<16x3xi1>, tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  %d = dot_general(%y, %v, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x3xf32>, tensor<3x3xf32>) -> tensor<16x3xf32>
  %z = select(%m, %d, %0) : (tensor<16x3xi1>, tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  return(%z) : (tensor<16x3xf32>) -> ()
}

// Random numbers themselves are drawn again wherever they are wanted, never stored.
// CHECK-LABEL: graph.entry @noise
graph.entry @noise(%x: tensor<16x4xf32>, %w: tensor<4x3xf32>, %v: tensor<3x3xf32>, %key: tensor<2xi32>) attributes {result_names = ["y", "z"]} {
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

// So is the gradient of weights, with the moments' decay too, which alone would be a map.
// CHECK-LABEL: graph.entry @weights
graph.entry @weights(%x: tensor<16x4xf32>, %g: tensor<16x3xf32>) attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4x3xf32>
  %m = read(@m) : () -> tensor<4x3xf32>
  // CHECK: %[[K:.*]]:2 = kernel.fused({{.*}}%x, %g{{.*}}) {kind = "contraction"}
  // CHECK-NOT: kernel.fused
  // CHECK: return(%[[K]]#1, %[[K]]#0, writes = [@w, @m])
  %d = dot_general(%x, %g, lhs_contract = [0], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<16x3xf32>) -> tensor<4x3xf32>
  %c = constant(0.9, shape = [4, 3], dtype = f32) : () -> tensor<4x3xf32>
  %decayed = multiply(%m, %c) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %next = add(%decayed, %d) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %new = subtract(%w, %next) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return(%new, %next, writes = [@w, @m]) : (tensor<4x3xf32>, tensor<4x3xf32>) -> ()
}

// A gradient whose norm is wanted first is stored, and its squares are not; the update is a kernel of
// its own.
// CHECK-LABEL: graph.entry @clipped
graph.entry @clipped(%x: tensor<16x4xf32>, %g: tensor<16x3xf32>) attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4x3xf32>
  // CHECK: %[[D:.*]] = kernel.fused(%x, %g) {kind = "contraction"}
  // CHECK: kernel.fused({{.*}}%[[D]]{{.*}}) {kind = "row"}
  // CHECK: multiply
  // CHECK: sum
  // CHECK: kernel.fused({{.*}}) {kind = "map"}
  %d = dot_general(%x, %g, lhs_contract = [0], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<16x3xf32>) -> tensor<4x3xf32>
  %s = multiply(%d, %d) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %n = sum(%s) : (tensor<4x3xf32>) -> tensor<f32>
  %b = broadcast(%n, shape = [4, 3]) : (tensor<f32>) -> tensor<4x3xf32>
  %u = divide(%d, %b) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %new = subtract(%w, %u) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return(%new, writes = [@w]) : (tensor<4x3xf32>) -> ()
}

// A gradient made from another parameter stays apart from the update: each would have to wait until
// the other has read the old value.
// CHECK-LABEL: graph.entry @two_layers
graph.entry @two_layers(%g: tensor<16x4xf32>) attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4x3xf32>
  %a = read(@a) : () -> tensor<16x3xf32>
  // CHECK-COUNT-2: {kind = "contraction"}
  // CHECK-COUNT-2: {kind = "map"}
  %dw = dot_general(%g, %a, lhs_contract = [0], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<16x3xf32>) -> tensor<4x3xf32>
  %da = dot_general(%g, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x3xf32>) -> tensor<16x3xf32>
  %nw = subtract(%w, %dw) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %na = subtract(%a, %da) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  return(%nw, %na, writes = [@w, @a]) : (tensor<4x3xf32>, tensor<16x3xf32>) -> ()
}

// Two reductions of the same rows that meet are one kernel, which reads the rows once; so is what
// makes one value a row beside them.
// CHECK-LABEL: graph.entry @rows_meet
graph.entry @rows_meet(%x: tensor<16x3xf32>, %s: tensor<16x1xf32>) attributes {result_names = ["y"]} {
  // CHECK: kernel.fused(%x, %s) {kind = "row"}
  // CHECK-NOT: kernel.fused
  // CHECK: return
  %a = max(%x, axis = [1], keep_dims = true) : (tensor<16x3xf32>) -> tensor<16x1xf32>
  %q = tanh(%x) : (tensor<16x3xf32>) -> tensor<16x3xf32>
  %b = sum(%q, axis = [1], keep_dims = true) : (tensor<16x3xf32>) -> tensor<16x1xf32>
  %t = exp(%s) : (tensor<16x1xf32>) -> tensor<16x1xf32>
  %m = multiply(%a, %t) : (tensor<16x1xf32>, tensor<16x1xf32>) -> tensor<16x1xf32>
  %y = subtract(%b, %m) : (tensor<16x1xf32>, tensor<16x1xf32>) -> tensor<16x1xf32>
  return(%y) : (tensor<16x1xf32>) -> ()
}

// A single number that others may want is not made where rows are reduced.
// CHECK-LABEL: graph.entry @number_stays
graph.entry @number_stays(%x: tensor<16x3xf32>, %s: tensor<f32>) attributes {result_names = ["y", "t"]} {
  // CHECK: %[[T:.*]] = kernel.fused(%s) {kind = "map"}
  // CHECK: kernel.fused(%x, %[[T]]) {kind = "row"}
  // CHECK: return
  %a = sum(%x) : (tensor<16x3xf32>) -> tensor<f32>
  %t = exp(%s) : (tensor<f32>) -> tensor<f32>
  %y = multiply(%a, %t) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%y, %t) : (tensor<f32>, tensor<f32>) -> ()
}
