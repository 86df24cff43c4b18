// RUN: graven-opt %s --strategy-choose-strategies | FileCheck %s
// RUN: graven-opt %s --strategy-choose-strategies=only=reference | FileCheck %s --check-prefix=ONLY

// Equal regions become one kernel, in front of the entries; another shape is another kernel.
// CHECK: kernel.func @exp_multiply_f32_16x4_v8 attributes {
// CHECK-SAME: same_index = [array<i64: 0, 0>, array<i64: 1, 0>]
// CHECK-SAME: strategy = #kernel.strategy<"map"
// CHECK: kernel.func @exp_multiply_f32_3_v4
// CHECK-LABEL: graph.entry @first
// ONLY: kernel.func @exp_multiply_f32_16x4_reference
// ONLY-SAME: strategy = #kernel.strategy<"reference"
graph.entry @first(%x: tensor<16x4xf32>, %y: tensor<16x4xf32>, %z: tensor<3xf32>) attributes {result_names = ["a", "b"]} {
  // CHECK: kernel.call @exp_multiply_f32_16x4_v8(%x, %y)
  %0 = kernel.fused(%x, %y) {kind = "map"} : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32> {
  ^bb0(%a: tensor<16x4xf32>, %b: tensor<16x4xf32>):
    %e = exp(%a) : (tensor<16x4xf32>) -> tensor<16x4xf32>
    %m = multiply(%e, %b) : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32>
    kernel.yield %m : tensor<16x4xf32>
  }
  // CHECK: kernel.call @exp_multiply_f32_3_v4(%z, %z)
  %1 = kernel.fused(%z, %z) {kind = "map"} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32> {
  ^bb0(%a: tensor<3xf32>, %b: tensor<3xf32>):
    %e = exp(%a) : (tensor<3xf32>) -> tensor<3xf32>
    %m = multiply(%e, %b) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    kernel.yield %m : tensor<3xf32>
  }
  return(%0, %1) : (tensor<16x4xf32>, tensor<3xf32>) -> ()
}

// The same ops connected otherwise are another kernel of another name.
// CHECK: kernel.func @exp_multiply_f32_16x4_v8_v2
// CHECK-LABEL: graph.entry @second
graph.entry @second(%x: tensor<16x4xf32>, %y: tensor<16x4xf32>) attributes {result_names = ["a", "b"]} {
  // CHECK: kernel.call @exp_multiply_f32_16x4_v8(%y, %x)
  %0 = kernel.fused(%y, %x) {kind = "map"} : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32> {
  ^bb0(%a: tensor<16x4xf32>, %b: tensor<16x4xf32>):
    %e = exp(%a) : (tensor<16x4xf32>) -> tensor<16x4xf32>
    %m = multiply(%e, %b) : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32>
    kernel.yield %m : tensor<16x4xf32>
  }
  // CHECK: kernel.call @exp_multiply_f32_16x4_v8_v2(%x, %y)
  %1 = kernel.fused(%x, %y) {kind = "map"} : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32> {
  ^bb0(%a: tensor<16x4xf32>, %b: tensor<16x4xf32>):
    %e = exp(%b) : (tensor<16x4xf32>) -> tensor<16x4xf32>
    %m = multiply(%e, %a) : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32>
    kernel.yield %m : tensor<16x4xf32>
  }
  return(%0, %1) : (tensor<16x4xf32>, tensor<16x4xf32>) -> ()
}
