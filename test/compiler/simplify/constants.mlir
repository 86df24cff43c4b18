// RUN: graven-opt %s -simplify-apply-identities | FileCheck %s

// The identities of patterns/constants.cc.

// CHECK-LABEL: graph.entry @elementwise(
// CHECK: %[[V0:.*]] = constant(5.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V1:.*]] = constant(0.6666666865348816, dtype = f32, shape = [4])
// CHECK-NEXT: return(%[[V0]], %[[V1]])
graph.entry @elementwise() attributes {result_names = []} {
  %a = constant(2.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %b = constant(3.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %s = add(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %q = divide(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = sqrt(%a) : (tensor<4xf32>) -> tensor<4xf32>
  %l = less(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %m = select(%l, %q, %r) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%s, %m) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @integers(
// CHECK: %[[V0:.*]] = constant(0, dtype = i32, shape = [4])
// CHECK-NEXT: %[[V1:.*]] = constant(7.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V2:.*]] = constant(-7, dtype = i32, shape = [4])
// CHECK-NEXT: return(%[[V0]], %[[V1]], %[[V2]])
graph.entry @integers() attributes {result_names = []} {
  %a = constant(7, shape = [4], dtype = i32) : () -> tensor<4xi32>
  %b = constant(0, shape = [4], dtype = i32) : () -> tensor<4xi32>
  %q = divide(%a, %b) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %f = convert(%a, dtype = f32) : (tensor<4xi32>) -> tensor<4xf32>
  %n = negate(%a) : (tensor<4xi32>) -> tensor<4xi32>
  return(%q, %f, %n) : (tensor<4xi32>, tensor<4xf32>, tensor<4xi32>) -> ()
}

// CHECK-LABEL: graph.entry @kernels_compute_exponentials(
// CHECK: %[[V0:.*]] = constant(2.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V1:.*]] = exp(%[[V0]])
// CHECK-NEXT: return(%[[V1]])
graph.entry @kernels_compute_exponentials() attributes {result_names = []} {
  %a = constant(2.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %e = exp(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return(%e) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @infinity_stays(
// CHECK: %[[V0:.*]] = constant(2.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V1:.*]] = constant(0.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V2:.*]] = divide(%[[V0]], %[[V1]])
// CHECK-NEXT: return(%[[V2]])
graph.entry @infinity_stays() attributes {result_names = []} {
  %a = constant(2.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %b = constant(0.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %e = divide(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%e) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @movement(
// CHECK: %[[V0:.*]] = constant(2.0, dtype = f32, shape = [5])
// CHECK-NEXT: %[[V1:.*]] = constant(2.0, dtype = f32, shape = [4, 3])
// CHECK-NEXT: return(%[[V0]], %[[V1]])
graph.entry @movement() attributes {result_names = []} {
  %a = constant(2.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %b = broadcast(%a, shape = [3, 4]) : (tensor<4xf32>) -> tensor<3x4xf32>
  %c = reshape(%b, shape = [12]) : (tensor<3x4xf32>) -> tensor<12xf32>
  %d = slice(%c, start = [0], limit = [5]) : (tensor<12xf32>) -> tensor<5xf32>
  %t = transpose(%b) : (tensor<3x4xf32>) -> tensor<4x3xf32>
  return(%d, %t) : (tensor<5xf32>, tensor<4x3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @pad(
// CHECK: %[[V0:.*]] = constant(0.0, dtype = f32, shape = [6])
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V2:.*]] = pad(%[[V1]], high = [1], low = [1])
// CHECK-NEXT: return(%[[V0]], %[[V2]])
graph.entry @pad() attributes {result_names = []} {
  %a = constant(0.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %b = pad(%a, low = [1], high = [1]) : (tensor<4xf32>) -> tensor<6xf32>
  %c = constant(1.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %d = pad(%c, low = [1], high = [1]) : (tensor<4xf32>) -> tensor<6xf32>
  return(%b, %d) : (tensor<6xf32>, tensor<6xf32>) -> ()
}
