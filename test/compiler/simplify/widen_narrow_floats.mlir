// RUN: graven-opt %s -simplify-widen-narrow-floats | FileCheck %s

// CHECK-LABEL: graph.entry @arithmetic(
// CHECK-DAG: %[[X:.*]] = convert(%x, dtype = f32) : (tensor<4xbf16>) -> tensor<4xf32>
// CHECK-DAG: %[[Y:.*]] = convert(%y, dtype = f32) : (tensor<4xbf16>) -> tensor<4xf32>
// CHECK: %[[Z:.*]] = add(%[[X]], %[[Y]]) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK: %[[R:.*]] = convert(%[[Z]], dtype = bf16)
// CHECK: return(%[[R]])
graph.entry @arithmetic(%x: tensor<4xbf16>, %y: tensor<4xbf16>) attributes {result_names = []} {
  %z = add(%x, %y) : (tensor<4xbf16>, tensor<4xbf16>) -> tensor<4xbf16>
  return(%z) : (tensor<4xbf16>) -> ()
}

// CHECK-LABEL: graph.entry @product(
// CHECK: %[[Z:.*]] = dot_general(%x, %y, dtype = f32, {{.*}}) : (tensor<4x3xf16>, tensor<3x2xf16>) -> tensor<4x2xf32>
// CHECK: convert(%[[Z]], dtype = f16)
graph.entry @product(%x: tensor<4x3xf16>, %y: tensor<3x2xf16>) attributes {result_names = []} {
  %z = dot_general(%x, %y, lhs_contract = [1], rhs_contract = [0]) : (tensor<4x3xf16>, tensor<3x2xf16>) -> tensor<4x2xf16>
  return(%z) : (tensor<4x2xf16>) -> ()
}

// What rounds nothing, or is not narrow, stays.
// CHECK-LABEL: graph.entry @kept(
// CHECK-NOT: convert
graph.entry @kept(%x: tensor<4x3xf16>, %y: tensor<4x3xf32>) attributes {result_names = []} {
  %a = transpose(%x) : (tensor<4x3xf16>) -> tensor<3x4xf16>
  %b = maximum(%a, %a) : (tensor<3x4xf16>, tensor<3x4xf16>) -> tensor<3x4xf16>
  %c = max(%b, axis = 1) : (tensor<3x4xf16>) -> tensor<3xf16>
  %d = add(%y, %y) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %e = less(%x, %x) : (tensor<4x3xf16>, tensor<4x3xf16>) -> tensor<4x3xi1>
  return(%c, %d, %e) : (tensor<3xf16>, tensor<4x3xf32>, tensor<4x3xi1>) -> ()
}
