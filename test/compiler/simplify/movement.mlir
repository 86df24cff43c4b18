// RUN: graven-opt %s -simplify-apply-identities | FileCheck %s

// The identities of patterns/movement.cc.

// CHECK-LABEL: graph.entry @nothing(
// CHECK: return(%x)
graph.entry @nothing(%x: tensor<3x4xf32>) attributes {result_names = []} {
  %a = reshape(%x, shape = [3, 4]) : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %b = broadcast(%a, shape = [3, 4]) : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %c = transpose(%b, permutation = [0, 1]) : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %d = slice(%c, start = [0, 0], limit = [3, 4]) : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %e = pad(%d, low = [0, 0], high = [0, 0]) : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %f = concatenate(%e, axis = 0) : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return(%f) : (tensor<3x4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @reshape_twice(
// CHECK: %[[V0:.*]] = reshape(%x, shape = [2, 6]) : (tensor<3x4xf32>) -> tensor<2x6xf32>
// CHECK-NEXT: return(%[[V0]])
graph.entry @reshape_twice(%x: tensor<3x4xf32>) attributes {result_names = []} {
  %a = reshape(%x, shape = [12]) : (tensor<3x4xf32>) -> tensor<12xf32>
  %b = reshape(%a, shape = [2, 6]) : (tensor<12xf32>) -> tensor<2x6xf32>
  return(%b) : (tensor<2x6xf32>) -> ()
}

// CHECK-LABEL: graph.entry @transpose_twice(
// CHECK: %[[V0:.*]] = transpose(%x, permutation = [2, 0, 1])
// CHECK-NEXT: return(%[[V0]], %x)
graph.entry @transpose_twice(%x: tensor<2x3x4xf32>) attributes {result_names = []} {
  %a = transpose(%x, permutation = [1, 2, 0]) : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %b = transpose(%a, permutation = [1, 2, 0]) : (tensor<3x4x2xf32>) -> tensor<4x2x3xf32>
  %c = transpose(%b, permutation = [1, 2, 0]) : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  return(%b, %c) : (tensor<4x2x3xf32>, tensor<2x3x4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @transpose_unit(
// CHECK: %[[V0:.*]] = reshape(%x, shape = [3, 1]) : (tensor<1x3xf32>) -> tensor<3x1xf32>
// CHECK-NEXT: return(%[[V0]])
graph.entry @transpose_unit(%x: tensor<1x3xf32>) attributes {result_names = []} {
  %a = transpose(%x) : (tensor<1x3xf32>) -> tensor<3x1xf32>
  return(%a) : (tensor<3x1xf32>) -> ()
}

// CHECK-LABEL: graph.entry @broadcast_twice(
// CHECK: %[[V0:.*]] = broadcast(%x, axes = [1], shape = [2, 3, 4])
// CHECK-NEXT: return(%[[V0]])
graph.entry @broadcast_twice(%x: tensor<3xf32>) attributes {result_names = []} {
  %a = broadcast(%x, shape = [3, 4], axes = [0]) : (tensor<3xf32>) -> tensor<3x4xf32>
  %b = broadcast(%a, shape = [2, 3, 4]) : (tensor<3x4xf32>) -> tensor<2x3x4xf32>
  return(%b) : (tensor<2x3x4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @broadcast_of_reshape(
// CHECK: %[[V0:.*]] = broadcast(%x, axes = [0], shape = [3, 4])
// CHECK-NEXT: return(%[[V0]])
graph.entry @broadcast_of_reshape(%x: tensor<3xf32>) attributes {result_names = []} {
  %a = reshape(%x, shape = [3, 1]) : (tensor<3xf32>) -> tensor<3x1xf32>
  %b = broadcast(%a, shape = [3, 4]) : (tensor<3x1xf32>) -> tensor<3x4xf32>
  return(%b) : (tensor<3x4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @reshape_of_broadcast(
// CHECK: %[[V0:.*]] = broadcast(%x, axes = [0], shape = [3, 1, 4])
// CHECK-NEXT: return(%[[V0]])
graph.entry @reshape_of_broadcast(%x: tensor<3xf32>) attributes {result_names = []} {
  %a = broadcast(%x, shape = [3, 4], axes = [0]) : (tensor<3xf32>) -> tensor<3x4xf32>
  %b = reshape(%a, shape = [3, 1, 4]) : (tensor<3x4xf32>) -> tensor<3x1x4xf32>
  return(%b) : (tensor<3x1x4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @transpose_of_broadcast(
// CHECK: %[[V0:.*]] = broadcast(%x, axes = [1], shape = [4, 3])
// CHECK-NEXT: return(%[[V0]])
graph.entry @transpose_of_broadcast(%x: tensor<3xf32>) attributes {result_names = []} {
  %a = broadcast(%x, shape = [3, 4], axes = [0]) : (tensor<3xf32>) -> tensor<3x4xf32>
  %b = transpose(%a) : (tensor<3x4xf32>) -> tensor<4x3xf32>
  return(%b) : (tensor<4x3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @reduction_keeps(
// CHECK: %[[V0:.*]] = sum(%x, axis = [1], keep_dims = true)
// CHECK-NEXT: %[[V1:.*]] = max(%x, axis = [1], keep_dims = false)
// CHECK-NEXT: return(%[[V0]], %[[V1]])
graph.entry @reduction_keeps(%x: tensor<3x4xf32>) attributes {result_names = []} {
  %a = sum(%x, axis = 1) : (tensor<3x4xf32>) -> tensor<3xf32>
  %b = reshape(%a, shape = [3, 1]) : (tensor<3xf32>) -> tensor<3x1xf32>
  %c = max(%x, axis = [-1], keep_dims = true) : (tensor<3x4xf32>) -> tensor<3x1xf32>
  %d = reshape(%c, shape = [3]) : (tensor<3x1xf32>) -> tensor<3xf32>
  return(%b, %d) : (tensor<3x1xf32>, tensor<3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @reduction_of_nothing(
// CHECK: %[[V0:.*]] = reshape(%x, shape = [3]) : (tensor<3x1xf32>) -> tensor<3xf32>
// CHECK-NEXT: return(%[[V0]], %x)
graph.entry @reduction_of_nothing(%x: tensor<3x1xf32>) attributes {result_names = []} {
  %a = sum(%x, axis = 1) : (tensor<3x1xf32>) -> tensor<3xf32>
  %b = max(%x, axis = 1, keep_dims = true) : (tensor<3x1xf32>) -> tensor<3x1xf32>
  return(%a, %b) : (tensor<3xf32>, tensor<3x1xf32>) -> ()
}

// CHECK-LABEL: graph.entry @slice_of_part(
// CHECK: %[[V0:.*]] = concatenate(%x, %y, axis = 0)
// CHECK-NEXT: %[[V1:.*]] = slice(%x, limit = [2], start = [1])
// CHECK-NEXT: %[[V2:.*]] = slice(%[[V0]], limit = [3], start = [1])
// CHECK-NEXT: return(%y, %[[V1]], %[[V2]])
graph.entry @slice_of_part(%x: tensor<2xf32>, %y: tensor<3xf32>) attributes {result_names = []} {
  %a = concatenate(%x, %y, axis = 0) : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  %b = slice(%a, start = [2], limit = [5]) : (tensor<5xf32>) -> tensor<3xf32>
  %c = slice(%a, start = [1], limit = [2]) : (tensor<5xf32>) -> tensor<1xf32>
  %d = slice(%a, start = [1], limit = [3]) : (tensor<5xf32>) -> tensor<2xf32>
  return(%b, %c, %d) : (tensor<3xf32>, tensor<1xf32>, tensor<2xf32>) -> ()
}

// CHECK-LABEL: graph.entry @compute_before_broadcast(
// CHECK: %[[V0:.*]] = divide(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(2.0, dtype = f32, shape = [3, 1])
// CHECK-NEXT: %[[V2:.*]] = maximum(%[[V0]], %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [0, 1], shape = [3, 4])
// CHECK-NEXT: return(%[[V3]])
graph.entry @compute_before_broadcast(%x: tensor<3x1xf32>, %y: tensor<3x1xf32>) attributes {result_names = []} {
  %a = broadcast(%x, shape = [3, 4]) : (tensor<3x1xf32>) -> tensor<3x4xf32>
  %b = broadcast(%y, shape = [3, 4]) : (tensor<3x1xf32>) -> tensor<3x4xf32>
  %q = divide(%a, %b) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %c = constant(2.0, shape = [3, 4], dtype = f32) : () -> tensor<3x4xf32>
  %r = maximum(%q, %c) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return(%r) : (tensor<3x4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @scalars_stay(
// CHECK: %[[V0:.*]] = broadcast(%x, shape = [3, 4])
// CHECK-NEXT: %[[V1:.*]] = exp(%[[V0]])
// CHECK-NEXT: return(%[[V1]])
graph.entry @scalars_stay(%x: tensor<f32>) attributes {result_names = []} {
  %a = broadcast(%x, shape = [3, 4]) : (tensor<f32>) -> tensor<3x4xf32>
  %q = exp(%a) : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return(%q) : (tensor<3x4xf32>) -> ()
}
