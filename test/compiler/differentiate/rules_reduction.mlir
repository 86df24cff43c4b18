// RUN: graven-opt %s -differentiate-append-gradients | FileCheck %s

// One entry for each rule of rules/reduction.cc.

// CHECK-LABEL: graph.entry @sum(
// CHECK: %[[V0:.*]] = sum(%x, axis = 1, keep_dims = true)
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [2, 1])
// CHECK-NEXT: %[[V4:.*]] = broadcast(%[[V3]], axes = [0, 1], shape = [2, 3])
// CHECK-NEXT: return(%[[V4]])
graph.entry @sum(%x: tensor<2x3xf32>) attributes {result_names = []} {
  %y = sum(%x, axis = 1, keep_dims = true) : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %s = sum(%y) : (tensor<2x1xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return(%dx) : (tensor<2x3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @max(
// CHECK: %[[V0:.*]] = max(%x, axis = 1)
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [2])
// CHECK-NEXT: %[[V4:.*]] = broadcast(%[[V0]], axes = [0], shape = [2, 3])
// CHECK-NEXT: %[[V5:.*]] = equal(%x, %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = convert(%[[V5]], dtype = f32)
// CHECK-NEXT: %[[V7:.*]] = sum(%[[V6]], axis = [1])
// CHECK-NEXT: %[[V8:.*]] = constant(0.0, dtype = f32, shape = [2, 3])
// CHECK-NEXT: %[[V9:.*]] = divide(%[[V3]], %[[V7]])
// CHECK-NEXT: %[[V10:.*]] = broadcast(%[[V9]], axes = [0], shape = [2, 3])
// CHECK-NEXT: %[[V11:.*]] = select(%[[V5]], %[[V10]], %[[V8]])
// CHECK-NEXT: return(%[[V11]])
graph.entry @max(%x: tensor<2x3xf32>) attributes {result_names = []} {
  %y = max(%x, axis = 1) : (tensor<2x3xf32>) -> tensor<2xf32>
  %s = sum(%y) : (tensor<2xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return(%dx) : (tensor<2x3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @min(
// CHECK: %[[V0:.*]] = min(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = broadcast(%[[V0]], axes = [], shape = [3])
// CHECK-NEXT: %[[V3:.*]] = equal(%x, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = convert(%[[V3]], dtype = f32)
// CHECK-NEXT: %[[V5:.*]] = sum(%[[V4]], axis = [0])
// CHECK-NEXT: %[[V6:.*]] = constant(0.0, dtype = f32, shape = [3])
// CHECK-NEXT: %[[V7:.*]] = divide(%[[V1]], %[[V5]])
// CHECK-NEXT: %[[V8:.*]] = broadcast(%[[V7]], axes = [], shape = [3])
// CHECK-NEXT: %[[V9:.*]] = select(%[[V3]], %[[V8]], %[[V6]])
// CHECK-NEXT: return(%[[V9]])
graph.entry @min(%x: tensor<3xf32>) attributes {result_names = []} {
  %y = min(%x) : (tensor<3xf32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<3xf32>) -> tensor<3xf32>
  return(%dx) : (tensor<3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @prod(
// CHECK: %[[V0:.*]] = prod(%x, axis = 1)
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [2])
// CHECK-NEXT: %[[V4:.*]] = transpose(%x, permutation = [1, 0])
// CHECK-NEXT: %[[V5:.*]] = slice(%[[V4]], limit = [2, 2], start = [0, 0])
// CHECK-NEXT: %[[V6:.*]] = slice(%[[V4]], limit = [3, 2], start = [2, 0])
// CHECK-NEXT: %[[V7:.*]] = constant(1.0, dtype = f32, shape = [1, 2])
// CHECK-NEXT: %[[V8:.*]] = concatenate(%[[V6]], %[[V7]], axis = 0)
// CHECK-NEXT: %[[V9:.*]] = multiply(%[[V5]], %[[V8]])
// CHECK-NEXT: %[[V10:.*]] = slice(%[[V9]], limit = [1, 2], start = [0, 0])
// CHECK-NEXT: %[[V11:.*]] = slice(%[[V9]], limit = [2, 2], start = [1, 0])
// CHECK-NEXT: multiply(%[[V10]], %[[V11]])
// CHECK-NEXT: %[[V13:.*]] = constant(1.0, dtype = f32, shape = [1, 2])
// CHECK-NEXT: %[[V14:.*]] = multiply(%[[V13]], %[[V11]])
// CHECK-NEXT: %[[V15:.*]] = multiply(%[[V13]], %[[V10]])
// CHECK-NEXT: %[[V16:.*]] = concatenate(%[[V14]], %[[V15]], axis = 0)
// CHECK-NEXT: %[[V17:.*]] = multiply(%[[V16]], %[[V8]])
// CHECK-NEXT: %[[V18:.*]] = multiply(%[[V16]], %[[V5]])
// CHECK-NEXT: %[[V19:.*]] = concatenate(%[[V17]], %[[V18]], axis = 0)
// CHECK-NEXT: %[[V20:.*]] = slice(%[[V19]], limit = [3, 2], start = [0, 0])
// CHECK-NEXT: %[[V21:.*]] = transpose(%[[V20]], permutation = [1, 0])
// CHECK-NEXT: %[[V22:.*]] = broadcast(%[[V3]], axes = [0], shape = [2, 3])
// CHECK-NEXT: %[[V23:.*]] = multiply(%[[V22]], %[[V21]])
// CHECK-NEXT: return(%[[V23]])
graph.entry @prod(%x: tensor<2x3xf32>) attributes {result_names = []} {
  %y = prod(%x, axis = 1) : (tensor<2x3xf32>) -> tensor<2xf32>
  %s = sum(%y) : (tensor<2xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return(%dx) : (tensor<2x3xf32>) -> ()
}
