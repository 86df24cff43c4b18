// RUN: graven-opt %s --strategy-choose-strategies=cpu=x86-64-v3 | FileCheck %s
// RUN: graven-opt %s --strategy-choose-strategies=cpu=znver4 | FileCheck %s --check-prefix=BF16

// A constant right operand is stored in the panels that the product reads: here element (k, n) at
// 2 k + n of the only panel. The argument keeps its type; stored_types has that of the memory.
// CHECK: kernel.func @matmul_f32_8x2x3_t{{[0-9x]+}}c
// CHECK-SAME: stored_types = [tensor<8x3xf32>, tensor<6xf32>]
// CHECK-SAME: pack_rhs = 4
// CHECK: ^bb0(%{{.*}}: tensor<8x3xf32>, %{{.*}}: tensor<2x3xf32>):
// CHECK: graph.entry @predict
// CHECK-NEXT: {{.*}}constant(dense<[1.000000e+00, 4.000000e+00, 2.000000e+00, 5.000000e+00, 3.000000e+00, 6.000000e+00]> : tensor<6xf32>)
// CHECK-NEXT: {{.*}}kernel.call @matmul_f32_8x2x3_t{{[0-9x]+}}c({{.*}}) : (tensor<8x3xf32>, tensor<6xf32>) -> tensor<8x2xf32>
graph.entry @predict(%x: tensor<8x3xf32>) {
  %w = "graph.constant"() <{value = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>}> : () -> tensor<2x3xf32>
  %0 = kernel.fused(%x, %w) {kind = "contraction"} : (tensor<8x3xf32>, tensor<2x3xf32>) -> tensor<8x2xf32> {
  ^bb0(%a: tensor<8x3xf32>, %b: tensor<2x3xf32>):
    %1 = dot_general(%a, %b, lhs_contract = [1], rhs_contract = [1]) : (tensor<8x3xf32>, tensor<2x3xf32>) -> tensor<8x2xf32>
    kernel.yield %1 : tensor<8x2xf32>
  }
  return(%0) : (tensor<8x2xf32>) -> ()
}

// bf16 is stored in pairs along k where the CPU multiplies them: (k, n) at 2 (4 (k / 2) + n) + k % 2,
// zeros behind an odd last k. Elsewhere it is converted when it is packed, which takes no constant.
// CHECK: kernel.func @matmul_f16_3x4x3_t{{[0-9x]+}} attributes
// BF16: kernel.func @matmul_f16_3x4x3_t{{[0-9x]+}}bc
// BF16-SAME: stored_types = [tensor<3x3xbf16>, tensor<16xbf16>]
// BF16-SAME: pack_rhs = 4
// BF16-SAME: pairs = 1
// BF16: constant(dense<[1.000000e+00, 5.000000e+00, 2.000000e+00, 6.000000e+00, 3.000000e+00, 7.000000e+00, 4.000000e+00, 8.000000e+00, 9.000000e+00, 0.000000e+00, 1.000000e+01, 0.000000e+00, 1.100000e+01, 0.000000e+00, 1.200000e+01, 0.000000e+00]> : tensor<16xbf16>)
graph.entry @narrow(%x: tensor<3x3xbf16>) {
  %w = "graph.constant"() <{value = dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]]> : tensor<3x4xbf16>}> : () -> tensor<3x4xbf16>
  %0 = kernel.fused(%x, %w) {kind = "contraction"} : (tensor<3x3xbf16>, tensor<3x4xbf16>) -> tensor<3x4xbf16> {
  ^bb0(%a: tensor<3x3xbf16>, %b: tensor<3x4xbf16>):
    %1 = dot_general(%a, %b, lhs_contract = [1], rhs_contract = [0]) : (tensor<3x3xbf16>, tensor<3x4xbf16>) -> tensor<3x4xbf16>
    kernel.yield %1 : tensor<3x4xbf16>
  }
  return(%0) : (tensor<3x4xbf16>) -> ()
}
