// RUN: graven-opt %s -simplify-apply-identities | FileCheck %s

// The identities of patterns/conversions.cc.

// CHECK-LABEL: graph.entry @same(
// CHECK: return(%x)
graph.entry @same(%x: tensor<4xf32>) attributes {result_names = []} {
  %r = convert(%x, dtype = f32) : (tensor<4xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @widened(
// CHECK: %[[V0:.*]] = convert(%x, dtype = i32)
// CHECK-NEXT: return(%x, %[[V0]])
graph.entry @widened(%x: tensor<4xf32>) attributes {result_names = []} {
  %a = convert(%x, dtype = f64) : (tensor<4xf32>) -> tensor<4xf64>
  %r = convert(%a, dtype = f32) : (tensor<4xf64>) -> tensor<4xf32>
  %s = convert(%a, dtype = i32) : (tensor<4xf64>) -> tensor<4xi32>
  return(%r, %s) : (tensor<4xf32>, tensor<4xi32>) -> ()
}

// CHECK-LABEL: graph.entry @truth(
// CHECK: %[[V0:.*]] = convert(%c, dtype = f32)
// CHECK-NEXT: return(%[[V0]])
graph.entry @truth(%c: tensor<4xi1>) attributes {result_names = []} {
  %a = convert(%c, dtype = i32) : (tensor<4xi1>) -> tensor<4xi32>
  %r = convert(%a, dtype = f32) : (tensor<4xi32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @narrowed_stays(
// CHECK: %[[V0:.*]] = convert(%x, dtype = f32)
// CHECK-NEXT: %[[V1:.*]] = convert(%[[V0]], dtype = f64)
// CHECK-NEXT: return(%[[V1]])
graph.entry @narrowed_stays(%x: tensor<4xf64>) attributes {result_names = []} {
  %a = convert(%x, dtype = f32) : (tensor<4xf64>) -> tensor<4xf32>
  %r = convert(%a, dtype = f64) : (tensor<4xf32>) -> tensor<4xf64>
  return(%r) : (tensor<4xf64>) -> ()
}

// CHECK-LABEL: graph.entry @other_kind_stays(
// CHECK: %[[V0:.*]] = convert(%x, dtype = f64)
// CHECK-NEXT: %[[V1:.*]] = convert(%[[V0]], dtype = i32)
// CHECK-NEXT: return(%[[V1]])
graph.entry @other_kind_stays(%x: tensor<4xi32>) attributes {result_names = []} {
  %a = convert(%x, dtype = f64) : (tensor<4xi32>) -> tensor<4xf64>
  %r = convert(%a, dtype = i32) : (tensor<4xf64>) -> tensor<4xi32>
  return(%r) : (tensor<4xi32>) -> ()
}
