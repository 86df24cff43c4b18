// RUN: graven-opt %s -differentiate-append-gradients | FileCheck %s

// One entry for each rule of rules/contraction.cc and rules/indexing.cc.

// CHECK-LABEL: graph.entry @dense(
// CHECK: %[[V0:.*]] = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0])
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [16, 8])
// CHECK-NEXT: %[[V4:.*]] = dot_general(%[[V3]], %w, lhs_contract = [1], rhs_contract = [1])
// CHECK-NEXT: %[[V5:.*]] = dot_general(%x, %[[V3]], lhs_contract = [0], rhs_contract = [0])
// CHECK-NEXT: return(%[[V4]], %[[V5]])
graph.entry @dense(%x: tensor<16x4xf32>, %w: tensor<4x8xf32>) attributes {result_names = []} {
  %y = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x8xf32>) -> tensor<16x8xf32>
  %s = sum(%y) : (tensor<16x8xf32>) -> tensor<f32>
  %dx, %dw = gradient(%s, %x, %w) : (tensor<f32>, tensor<16x4xf32>, tensor<4x8xf32>) -> (tensor<16x4xf32>, tensor<4x8xf32>)
  return(%dx, %dw) : (tensor<16x4xf32>, tensor<4x8xf32>) -> ()
}

// CHECK-LABEL: graph.entry @batched(
// CHECK: %[[V0:.*]] = dot_general(%x, %y, lhs_batch = [0], lhs_contract = [2], rhs_batch = [0], rhs_contract = [2])
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [5, 2, 4])
// CHECK-NEXT: %[[V4:.*]] = dot_general(%[[V3]], %y, lhs_batch = [0], lhs_contract = [2], rhs_batch = [0], rhs_contract = [1])
// CHECK-NEXT: %[[V5:.*]] = dot_general(%[[V3]], %x, lhs_batch = [0], lhs_contract = [1], rhs_batch = [0], rhs_contract = [1])
// CHECK-NEXT: return(%[[V4]], %[[V5]])
graph.entry @batched(%x: tensor<5x2x3xf32>, %y: tensor<5x4x3xf32>) attributes {result_names = []} {
  %z = dot_general(%x, %y, lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [2]) : (tensor<5x2x3xf32>, tensor<5x4x3xf32>) -> tensor<5x2x4xf32>
  %s = sum(%z) : (tensor<5x2x4xf32>) -> tensor<f32>
  %dx, %dy = gradient(%s, %x, %y) : (tensor<f32>, tensor<5x2x3xf32>, tensor<5x4x3xf32>) -> (tensor<5x2x3xf32>, tensor<5x4x3xf32>)
  return(%dx, %dy) : (tensor<5x2x3xf32>, tensor<5x4x3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @gather(
// CHECK: %[[V0:.*]] = gather(%x, %i)
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [3, 2])
// CHECK-NEXT: %[[V4:.*]] = constant(0.0, dtype = f32, shape = [5, 2])
// CHECK-NEXT: %[[V5:.*]] = scatter_add(%[[V4]], %i, %[[V3]], axis = 0)
// CHECK-NEXT: return(%[[V5]])
graph.entry @gather(%x: tensor<5x2xf32>, %i: tensor<3xi32>) attributes {result_names = []} {
  %y = gather(%x, %i) : (tensor<5x2xf32>, tensor<3xi32>) -> tensor<3x2xf32>
  %s = sum(%y) : (tensor<3x2xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<5x2xf32>) -> tensor<5x2xf32>
  return(%dx) : (tensor<5x2xf32>) -> ()
}

// CHECK-LABEL: graph.entry @scatter_add(
// CHECK: %[[V0:.*]] = scatter_add(%x, %i, %u)
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [5, 2])
// CHECK-NEXT: %[[V4:.*]] = gather(%[[V3]], %i, axis = 0)
// CHECK-NEXT: return(%[[V3]], %[[V4]])
graph.entry @scatter_add(%x: tensor<5x2xf32>, %i: tensor<3xi32>, %u: tensor<3x2xf32>) attributes {result_names = []} {
  %y = scatter_add(%x, %i, %u) : (tensor<5x2xf32>, tensor<3xi32>, tensor<3x2xf32>) -> tensor<5x2xf32>
  %s = sum(%y) : (tensor<5x2xf32>) -> tensor<f32>
  %dx, %du = gradient(%s, %x, %u) : (tensor<f32>, tensor<5x2xf32>, tensor<3x2xf32>) -> (tensor<5x2xf32>, tensor<3x2xf32>)
  return(%dx, %du) : (tensor<5x2xf32>, tensor<3x2xf32>) -> ()
}
