// RUN: graven-opt %s | graven-opt | FileCheck %s

// CHECK: kernel.func @map_exp_f32_16x4 attributes {kind = "map", same_index = [array<i64: 0, 0>], stages = [#kernel.stage<"", grid = 1>], strategy = #kernel.strategy<"map", {lanes = 16 : i64}>} {
kernel.func @map_exp_f32_16x4 attributes {kind = "map", strategy = #kernel.strategy<"map", {lanes = 16}>, stages = [#kernel.stage<"", grid = 1>], same_index = [array<i64: 0, 0>]} {
^bb0(%a: tensor<16x4xf32>):
  %0 = exp(%a) : (tensor<16x4xf32>) -> tensor<16x4xf32>
  kernel.yield %0 : tensor<16x4xf32>
}

graph.entry @predict(%x: tensor<16x4xf32>) attributes {result_names = ["y", "z"]} {
  // CHECK: kernel.fused(%x) {kind = "map"} : (tensor<16x4xf32>) -> tensor<16x4xf32> {
  %y = kernel.fused(%x) {kind = "map"} : (tensor<16x4xf32>) -> tensor<16x4xf32> {
  ^bb0(%a: tensor<16x4xf32>):
    // CHECK: exp(
    %0 = exp(%a) : (tensor<16x4xf32>) -> tensor<16x4xf32>
    kernel.yield %0 : tensor<16x4xf32>
  }
  // CHECK: kernel.call @map_exp_f32_16x4(%{{.*}}) : (tensor<16x4xf32>) -> tensor<16x4xf32>
  %z = kernel.call @map_exp_f32_16x4(%y) : (tensor<16x4xf32>) -> tensor<16x4xf32>
  return(%y, %z) : (tensor<16x4xf32>, tensor<16x4xf32>) -> ()
}
