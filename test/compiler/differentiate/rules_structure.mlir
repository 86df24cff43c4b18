// RUN: graven-opt %s -differentiate-append-gradients | FileCheck %s

// One entry for each rule of rules/structure.cc.

// CHECK-LABEL: graph.entry @broadcast(
// CHECK: %[[V0:.*]] = broadcast(%x, shape = [2, 3, 4])
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [2, 3, 4])
// CHECK-NEXT: %[[V4:.*]] = sum(%[[V3]], axis = [0, 2])
// CHECK-NEXT: %[[V5:.*]] = reshape(%[[V4]], shape = [3, 1]) : (tensor<3xf32>) -> tensor<3x1xf32>
// CHECK-NEXT: return(%[[V5]])
graph.entry @broadcast(%x: tensor<3x1xf32>) attributes {result_names = []} {
  %y = broadcast(%x, shape = [2, 3, 4]) : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
  %s = sum(%y) : (tensor<2x3x4xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  return(%dx) : (tensor<3x1xf32>) -> ()
}

// CHECK-LABEL: graph.entry @broadcast_axes(
// CHECK: %[[V0:.*]] = broadcast(%x, axes = [0], shape = [3, 4])
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [3, 4])
// CHECK-NEXT: %[[V4:.*]] = sum(%[[V3]], axis = [1])
// CHECK-NEXT: return(%[[V4]])
graph.entry @broadcast_axes(%x: tensor<3xf32>) attributes {result_names = []} {
  %y = broadcast(%x, shape = [3, 4], axes = [0]) : (tensor<3xf32>) -> tensor<3x4xf32>
  %s = sum(%y) : (tensor<3x4xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<3xf32>) -> tensor<3xf32>
  return(%dx) : (tensor<3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @reshape(
// CHECK: %[[V0:.*]] = reshape(%x, shape = [6]) : (tensor<2x3xf32>) -> tensor<6xf32>
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [6])
// CHECK-NEXT: %[[V4:.*]] = reshape(%[[V3]], shape = [2, 3]) : (tensor<6xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return(%[[V4]])
graph.entry @reshape(%x: tensor<2x3xf32>) attributes {result_names = []} {
  %y = reshape(%x, shape = [6]) : (tensor<2x3xf32>) -> tensor<6xf32>
  %s = sum(%y) : (tensor<6xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return(%dx) : (tensor<2x3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @transpose(
// CHECK: %[[V0:.*]] = transpose(%x, permutation = [1, 2, 0])
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [3, 4, 2])
// CHECK-NEXT: %[[V4:.*]] = transpose(%[[V3]], permutation = [2, 0, 1])
// CHECK-NEXT: return(%[[V4]])
graph.entry @transpose(%x: tensor<2x3x4xf32>) attributes {result_names = []} {
  %y = transpose(%x, permutation = [1, 2, 0]) : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %s = sum(%y) : (tensor<3x4x2xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return(%dx) : (tensor<2x3x4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @slice(
// CHECK: %[[V0:.*]] = slice(%x, limit = [7, 3], start = [1, 0], stride = [2, 1])
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [3, 3])
// CHECK-NEXT: %[[V4:.*]] = pad(%[[V3]], high = [1, 2], interior = [1, 0], low = [1, 0])
// CHECK-NEXT: return(%[[V4]])
graph.entry @slice(%x: tensor<7x5xf32>) attributes {result_names = []} {
  %y = slice(%x, start = [1, 0], limit = [7, 3], stride = [2, 1]) : (tensor<7x5xf32>) -> tensor<3x3xf32>
  %s = sum(%y) : (tensor<3x3xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<7x5xf32>) -> tensor<7x5xf32>
  return(%dx) : (tensor<7x5xf32>) -> ()
}

// CHECK-LABEL: graph.entry @concatenate(
// CHECK: %[[V0:.*]] = concatenate(%x, %y, axis = 1)
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [2, 4])
// CHECK-NEXT: %[[V4:.*]] = slice(%[[V3]], limit = [2, 3], start = [0, 0])
// CHECK-NEXT: %[[V5:.*]] = slice(%[[V3]], limit = [2, 4], start = [0, 3])
// CHECK-NEXT: return(%[[V4]], %[[V5]])
graph.entry @concatenate(%x: tensor<2x3xf32>, %y: tensor<2x1xf32>) attributes {result_names = []} {
  %z = concatenate(%x, %y, axis = 1) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %s = sum(%z) : (tensor<2x4xf32>) -> tensor<f32>
  %dx, %dy = gradient(%s, %x, %y) : (tensor<f32>, tensor<2x3xf32>, tensor<2x1xf32>) -> (tensor<2x3xf32>, tensor<2x1xf32>)
  return(%dx, %dy) : (tensor<2x3xf32>, tensor<2x1xf32>) -> ()
}

// CHECK-LABEL: graph.entry @pad(
// CHECK: %[[V0:.*]] = pad(%x, high = [2], interior = [1], low = [1])
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [8])
// CHECK-NEXT: %[[V4:.*]] = slice(%[[V3]], limit = [6], start = [1], stride = [2])
// CHECK-NEXT: return(%[[V4]])
graph.entry @pad(%x: tensor<3xf32>) attributes {result_names = []} {
  %y = pad(%x, low = [1], high = [2], interior = [1]) : (tensor<3xf32>) -> tensor<8xf32>
  %s = sum(%y) : (tensor<8xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<3xf32>) -> tensor<3xf32>
  return(%dx) : (tensor<3xf32>) -> ()
}
