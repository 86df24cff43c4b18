// RUN: graven-opt %s -simplify-apply-identities | FileCheck %s

// The identities of patterns/contraction.cc.

// CHECK-LABEL: graph.entry @lhs(
// CHECK: %[[V0:.*]] = dot_general(%x, %w, lhs_contract = [0], rhs_contract = [0])
// CHECK-NEXT: return(%[[V0]])
graph.entry @lhs(%x: tensor<4x16xf32>, %w: tensor<4x8xf32>) attributes {result_names = []} {
  %t = transpose(%x) : (tensor<4x16xf32>) -> tensor<16x4xf32>
  %r = dot_general(%t, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x8xf32>) -> tensor<16x8xf32>
  return(%r) : (tensor<16x8xf32>) -> ()
}

// CHECK-LABEL: graph.entry @rhs(
// CHECK: %[[V0:.*]] = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [1])
// CHECK-NEXT: return(%[[V0]])
graph.entry @rhs(%x: tensor<16x4xf32>, %w: tensor<8x4xf32>) attributes {result_names = []} {
  %t = transpose(%w) : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %r = dot_general(%x, %t, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x8xf32>) -> tensor<16x8xf32>
  return(%r) : (tensor<16x8xf32>) -> ()
}

// CHECK-LABEL: graph.entry @result(
// CHECK: %[[V0:.*]] = dot_general(%w, %x, lhs_contract = [0], rhs_contract = [1])
// CHECK-NEXT: return(%[[V0]])
graph.entry @result(%x: tensor<16x4xf32>, %w: tensor<4x8xf32>) attributes {result_names = []} {
  %r = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x8xf32>) -> tensor<16x8xf32>
  %t = transpose(%r) : (tensor<16x8xf32>) -> tensor<8x16xf32>
  return(%t) : (tensor<8x16xf32>) -> ()
}

// CHECK-LABEL: graph.entry @batched_result(
// CHECK: %[[V0:.*]] = dot_general(%y, %x, lhs_batch = [0], lhs_contract = [2], rhs_batch = [0], rhs_contract = [2])
// CHECK-NEXT: return(%[[V0]])
graph.entry @batched_result(%x: tensor<5x2x3xf32>, %y: tensor<5x4x3xf32>) attributes {result_names = []} {
  %z = dot_general(%x, %y, lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [2]) : (tensor<5x2x3xf32>, tensor<5x4x3xf32>) -> tensor<5x2x4xf32>
  %t = transpose(%z, permutation = [0, 2, 1]) : (tensor<5x2x4xf32>) -> tensor<5x4x2xf32>
  return(%t) : (tensor<5x4x2xf32>) -> ()
}

// CHECK-LABEL: graph.entry @other_order_stays(
// CHECK: %[[V0:.*]] = transpose(%x, permutation = [1, 0, 2])
// CHECK-NEXT: %[[V1:.*]] = dot_general(%[[V0]], %y, lhs_contract = [2], rhs_contract = [0])
// CHECK-NEXT: return(%[[V1]])
graph.entry @other_order_stays(%x: tensor<2x3x4xf32>, %y: tensor<4xf32>) attributes {result_names = []} {
  %t = transpose(%x, permutation = [1, 0, 2]) : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
  %r = dot_general(%t, %y, lhs_contract = [2], rhs_contract = [0]) : (tensor<3x2x4xf32>, tensor<4xf32>) -> tensor<3x2xf32>
  return(%r) : (tensor<3x2xf32>) -> ()
}

// A product of one term is elementwise: the gradient of weights made from one row.
// CHECK-LABEL: graph.entry @one_row(
// CHECK-DAG: %[[X:.*]] = reshape(%x, shape = [16])
// CHECK-DAG: %[[G:.*]] = reshape(%g, shape = [8])
// CHECK-DAG: %[[XB:.*]] = broadcast(%[[X]], axes = [0], shape = [16, 8])
// CHECK-DAG: %[[GB:.*]] = broadcast(%[[G]], {{.*}}shape = [16, 8])
// CHECK: %[[V0:.*]] = multiply(%[[XB]], %[[GB]])
// CHECK-NEXT: return(%[[V0]])
graph.entry @one_row(%x: tensor<1x16xf32>, %g: tensor<1x8xf32>) attributes {result_names = []} {
  %r = dot_general(%x, %g, lhs_contract = [0], rhs_contract = [0]) : (tensor<1x16xf32>, tensor<1x8xf32>) -> tensor<16x8xf32>
  return(%r) : (tensor<16x8xf32>) -> ()
}

// With batch axes too, and no contracted axis at all; the free axes of the right operand follow
// those of the left one.
// CHECK-LABEL: graph.entry @outer(
// CHECK-NOT: dot_general
// CHECK: multiply
// CHECK-NEXT: return
graph.entry @outer(%x: tensor<5x4xf32>, %y: tensor<5x3xf32>) attributes {result_names = []} {
  %r = dot_general(%x, %y, lhs_batch = [0], rhs_batch = [0], lhs_contract = [], rhs_contract = []) : (tensor<5x4xf32>, tensor<5x3xf32>) -> tensor<5x4x3xf32>
  return(%r) : (tensor<5x4x3xf32>) -> ()
}

// A product with one row of the result stays: it is a sum.
// CHECK-LABEL: graph.entry @one_result(
// CHECK: dot_general
graph.entry @one_result(%x: tensor<1x16xf32>, %w: tensor<16x8xf32>) attributes {result_names = []} {
  %r = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<1x16xf32>, tensor<16x8xf32>) -> tensor<1x8xf32>
  return(%r) : (tensor<1x8xf32>) -> ()
}
