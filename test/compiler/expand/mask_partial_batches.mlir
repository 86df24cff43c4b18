// RUN: graven-opt %s --pass-pipeline='builtin.module(graph.entry(expand-mask-partial-batches))' -split-input-file -verify-diagnostics | FileCheck %s

// A mean over rows counts those that are there; a sum over features is left alone.
// CHECK-LABEL: graph.entry @mean
// CHECK-SAME: batched_results = array<i64: 1>, partial
graph.entry @mean(%x: tensor<4x3xf32>, %rows: tensor<i32>) attributes {batch = 4, batched_args = array<i64: 0>, result_names = ["y", "z"]} {
  // CHECK: %[[EACH:.*]] = sum(%x, axis = [1])
  %0 = sum(%x, axis = [1]) : (tensor<4x3xf32>) -> tensor<4xf32>
  // CHECK: %[[I:.*]] = iota(axis = 0, dtype = i32, shape = [4])
  // CHECK: %[[N:.*]] = broadcast(%rows, shape = [4])
  // CHECK: %[[THERE:.*]] = less(%[[I]], %[[N]])
  // CHECK: %[[ZERO:.*]] = constant(0.0
  // CHECK: %[[MASKED:.*]] = select(%[[THERE]], %[[EACH]], %[[ZERO]])
  // CHECK: %[[SUM:.*]] = sum(%[[MASKED]])
  // CHECK: %[[COUNT:.*]] = convert(%rows, dtype = f32)
  // CHECK: %[[MEAN:.*]] = divide(%[[SUM]], %[[COUNT]])
  %1 = mean(%0) : (tensor<4xf32>) -> tensor<f32>
  // CHECK: return(%[[MEAN]], %[[EACH]])
  return(%1, %0) : (tensor<f32>, tensor<4xf32>) -> ()
}

// -----

// The least value is neutral in a search of the largest, 1 in a product, 0 in a contraction.
// CHECK-LABEL: graph.entry @neutral
// CHECK-SAME: partial
graph.entry @neutral(%x: tensor<4x3xf32>, %rows: tensor<i32>) attributes {batch = 4, batched_args = array<i64: 0>, result_names = []} {
  // CHECK: constant(-inf
  // CHECK: max
  %0 = max(%x, axis = [0]) : (tensor<4x3xf32>) -> tensor<3xf32>
  // CHECK: constant(1.0
  // CHECK: prod
  %1 = prod(%x, axis = [0]) : (tensor<4x3xf32>) -> tensor<3xf32>
  // CHECK: constant(0.0
  // CHECK: %[[X:.*]] = select
  // CHECK: dot_general(%[[X]], %x, lhs_contract = [0], rhs_contract = [0])
  %2 = dot_general(%x, %x, lhs_contract = [0], rhs_contract = [0]) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<3x3xf32>
  return(%0, %1, %2) : (tensor<3xf32>, tensor<3xf32>, tensor<3x3xf32>) -> ()
}

// -----

// Through broadcasts, reshapes and transposes the rows stay rows.
// CHECK-LABEL: graph.entry @moved
// CHECK-SAME: partial
graph.entry @moved(%x: tensor<4x6xf32>, %rows: tensor<i32>) attributes {batch = 4, batched_args = array<i64: 0>, result_names = []} {
  %0 = reshape(%x, shape = [4, 2, 3]) : (tensor<4x6xf32>) -> tensor<4x2x3xf32>
  %1 = transpose(%0, permutation = [1, 0, 2]) : (tensor<4x2x3xf32>) -> tensor<2x4x3xf32>
  // CHECK: iota(axis = 1, dtype = i32, shape = [2, 4, 3])
  %2 = sum(%1, axis = [1]) : (tensor<2x4x3xf32>) -> tensor<2x3xf32>
  return(%2) : (tensor<2x3xf32>) -> ()
}

// -----

// CHECK-LABEL: graph.entry @mixed(%x: tensor<4x3xf32>)
// CHECK-NOT: partial
graph.entry @mixed(%x: tensor<4x3xf32>, %rows: tensor<i32>) attributes {batch = 4, batched_args = array<i64: 0>, result_names = []} {
  // expected-remark @+1 {{'graph.slice' mixes the rows of the batch, so @mixed takes exactly 4 rows, never fewer}}
  %0 = slice(%x, start = [1, 0], limit = [4, 3]) : (tensor<4x3xf32>) -> tensor<3x3xf32>
  // CHECK: %[[N:.*]] = constant(4, dtype = i32, shape = [])
  // CHECK: convert(%[[N]]
  %1 = convert(%rows, dtype = f64) : (tensor<i32>) -> tensor<f64>
  return(%0, %1) : (tensor<3x3xf32>, tensor<f64>) -> ()
}
