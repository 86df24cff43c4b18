// RUN: graven-opt %s -differentiate-append-gradients -simplify-erase-stop-gradients -cse -simplify-apply-identities -cse | FileCheck %s

// The whole phase on the gradient of a softmax classifier: one pass over the scores for the gradient,
// -t/n + softmax · Σ t/n, one contraction for the kernel, one sum for the bias; no reshape, no
// transposition, no seed, nothing dead.
// CHECK-LABEL: graph.entry @train_step(
// CHECK: %[[S:.*]] = subtract(
// CHECK: %[[E:.*]] = exp(%[[S]])
// CHECK: %[[Z:.*]] = sum(%[[E]]
// CHECK: %[[SCALE:.*]] = constant(-0.0625, {{.*}}shape = [16, 3])
// CHECK-NEXT: %[[T:.*]] = multiply(%t, %[[SCALE]])
// CHECK-NEXT: %[[SUM:.*]] = sum(%[[T]], axis = [1], keep_dims = true)
// CHECK-NEXT: %[[ROW:.*]] = negate(%[[SUM]])
// CHECK-NEXT: %[[SHARE:.*]] = divide(%[[ROW]], %[[Z]])
// CHECK-NEXT: %[[REPEATED:.*]] = broadcast(%[[SHARE]]
// CHECK-NEXT: %[[P:.*]] = multiply(%[[REPEATED]], %[[E]])
// CHECK-NEXT: %[[G:.*]] = add(%[[T]], %[[P]])
// CHECK-NEXT: %[[DB:.*]] = sum(%[[G]], axis = [0])
// CHECK-NEXT: %[[DW:.*]] = dot_general(%x, %[[G]], lhs_contract = [0], rhs_contract = [0])
// CHECK-NEXT: return(%{{.*}}, %[[DW]], %[[DB]])
graph.entry @train_step(%x: tensor<16x4xf32>, %w: tensor<4x3xf32>, %b: tensor<3xf32>, %t: tensor<16x3xf32>) attributes {result_names = []} {
  %0 = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x3xf32>) -> tensor<16x3xf32>
  %1 = broadcast(%b, shape = [16, 3]) : (tensor<3xf32>) -> tensor<16x3xf32>
  %2 = add(%0, %1) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  %m = max(%2, axis = 1, keep_dims = true) : (tensor<16x3xf32>) -> tensor<16x1xf32>
  %ms = stop_gradient(%m) : (tensor<16x1xf32>) -> tensor<16x1xf32>
  %mb = broadcast(%ms, shape = [16, 3]) : (tensor<16x1xf32>) -> tensor<16x3xf32>
  %s = subtract(%2, %mb) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  %e = exp(%s) : (tensor<16x3xf32>) -> tensor<16x3xf32>
  %es = sum(%e, axis = 1, keep_dims = true) : (tensor<16x3xf32>) -> tensor<16x1xf32>
  %l = log(%es) : (tensor<16x1xf32>) -> tensor<16x1xf32>
  %lb = broadcast(%l, shape = [16, 3]) : (tensor<16x1xf32>) -> tensor<16x3xf32>
  %lp = subtract(%s, %lb) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  %h = multiply(%t, %lp) : (tensor<16x3xf32>, tensor<16x3xf32>) -> tensor<16x3xf32>
  %r = sum(%h, axis = 1) : (tensor<16x3xf32>) -> tensor<16xf32>
  %n = negate(%r) : (tensor<16xf32>) -> tensor<16xf32>
  %tot = sum(%n) : (tensor<16xf32>) -> tensor<f32>
  %c = constant(16.0, shape = [], dtype = f32) : () -> tensor<f32>
  %loss = divide(%tot, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dw, %db = gradient(%loss, %w, %b) : (tensor<f32>, tensor<4x3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>)
  return(%loss, %dw, %db) : (tensor<f32>, tensor<4x3xf32>, tensor<3xf32>) -> ()
}
