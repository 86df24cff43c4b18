// RUN: graven-opt %s --strategy-choose-strategies=cpu=x86-64-v4 | FileCheck %s
// RUN: graven-opt %s --strategy-choose-strategies=target=aarch64-linux-gnu | FileCheck %s --check-prefix=ARM
// RUN: graven-opt %s --strategy-choose-strategies="cpu=x86-64-v4 force=contraction:pack_rhs=1,rows=4" | FileCheck %s --check-prefix=FORCED

// What the CPU's strategies decide: tiles by the target's registers, operands packed where memory
// wants it, totals in two stages, sharing of memory only where it is proven.

// CHECK-LABEL: graph.entry @plain
// CHECK: kernel.call @matmul_f32_64x256x128_t8x32(
// ARM-LABEL: graph.entry @plain
// ARM: kernel.call @matmul_f32_64x256x128_t8x8(
graph.entry @plain(%x: tensor<64x128xf32>, %w: tensor<128x256xf32>) attributes {result_names = ["y"]} {
  %y = kernel.fused(%x, %w) {kind = "contraction"} : (tensor<64x128xf32>, tensor<128x256xf32>) -> tensor<64x256xf32> {
  ^bb0(%a: tensor<64x128xf32>, %b: tensor<128x256xf32>):
    %0 = dot_general(%a, %b, lhs_contract = [1], rhs_contract = [0]) : (tensor<64x128xf32>, tensor<128x256xf32>) -> tensor<64x256xf32>
    kernel.yield %0 : tensor<64x256xf32>
  }
  return(%y) : (tensor<64x256xf32>) -> ()
}

// The right operand's rows are not contiguous: the thread that needs a panel packs it. Only the addend, read where the
// result is written, may share its memory.
// CHECK: kernel.func @matmul_add_f32_64x48x128_t8x32p attributes {
// CHECK-SAME: same_index = [array<i64: 2, 0>]
// CHECK-SAME: stages = [#kernel.stage<"", grid
// CHECK-SAME: strategy = #kernel.strategy<"contraction", {{.*}}pack_rhs = 2
// FORCED: kernel.func @{{.*}}_f32_64x48x128_t4x32p{{.*}} attributes {
// FORCED-SAME: scratch_bytes = 32768
// FORCED-SAME: stages = [#kernel.stage<"pack", grid = 2, moves = 49152>, #kernel.stage<"", grid
graph.entry @packed(%x: tensor<64x128xf32>, %w: tensor<48x128xf32>, %z: tensor<64x48xf32>) attributes {result_names = ["y"]} {
  %y = kernel.fused(%x, %w, %z) {kind = "contraction"} : (tensor<64x128xf32>, tensor<48x128xf32>, tensor<64x48xf32>) -> tensor<64x48xf32> {
  ^bb0(%a: tensor<64x128xf32>, %b: tensor<48x128xf32>, %c: tensor<64x48xf32>):
    %0 = dot_general(%a, %b, lhs_contract = [1], rhs_contract = [1]) : (tensor<64x128xf32>, tensor<48x128xf32>) -> tensor<64x48xf32>
    %1 = add(%0, %c) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    kernel.yield %1 : tensor<64x48xf32>
  }
  return(%y) : (tensor<64x48xf32>) -> ()
}

// A weight gradient of many rows: parts of the contracted axis, added up by the main stage.
// CHECK: kernel.func @matmul_f32_64x64x16384_t11x32k1344 attributes {
// CHECK-SAME: scratch_bytes = 212992
// CHECK-SAME: stages = [#kernel.stage<"part", grid = 26>, #kernel.stage<"", grid = 16, moves = 212992>]
graph.entry @parts(%x: tensor<16384x64xf32>, %dy: tensor<16384x64xf32>) attributes {result_names = ["dw"]} {
  %dw = kernel.fused(%x, %dy) {kind = "contraction"} : (tensor<16384x64xf32>, tensor<16384x64xf32>) -> tensor<64x64xf32> {
  ^bb0(%a: tensor<16384x64xf32>, %b: tensor<16384x64xf32>):
    %0 = dot_general(%a, %b, lhs_contract = [0], rhs_contract = [0]) : (tensor<16384x64xf32>, tensor<16384x64xf32>) -> tensor<64x64xf32>
    kernel.yield %0 : tensor<64x64xf32>
  }
  return(%dw) : (tensor<64x64xf32>) -> ()
}

// CHECK: kernel.func @sum_f32_1x65536_r1v16 attributes {
// CHECK-SAME: scratch_bytes = 64
// CHECK-SAME: stages = [#kernel.stage<"part", grid = 4>, #kernel.stage<"", grid = 1>]
// CHECK-SAME: strategy = #kernel.strategy<"row"
graph.entry @total(%x: tensor<256x256xf32>) attributes {result_names = ["y"]} {
  %y = kernel.fused(%x) {kind = "row"} : (tensor<256x256xf32>) -> tensor<f32> {
  ^bb0(%a: tensor<256x256xf32>):
    %0 = sum(%a) : (tensor<256x256xf32>) -> tensor<f32>
    kernel.yield %0 : tensor<f32>
  }
  return(%y) : (tensor<f32>) -> ()
}

// A channel's sum over images and pixels: rows in a first stage, images joined in order in the main
// one.
// CHECK: kernel.func @sum_f32_8x64x784_r5v16 attributes {
// CHECK-SAME: scratch_bytes = 2048
// CHECK-SAME: stages = [#kernel.stage<"part", grid = 103>, #kernel.stage<"", grid = 1>]
// CHECK-SAME: strategy = #kernel.strategy<"row"
graph.entry @channels(%x: tensor<8x64x28x28xf32>) attributes {result_names = ["y"]} {
  %y = kernel.fused(%x) {kind = "reference"} : (tensor<8x64x28x28xf32>) -> tensor<64xf32> {
  ^bb0(%a: tensor<8x64x28x28xf32>):
    %0 = sum(%a, axis = [0, 2, 3]) : (tensor<8x64x28x28xf32>) -> tensor<64xf32>
    kernel.yield %0 : tensor<64xf32>
  }
  return(%y) : (tensor<64xf32>) -> ()
}

// CHECK: kernel.func @argmax_i32_128x10_r400v16 attributes {
// CHECK-SAME: strategy = #kernel.strategy<"row"
graph.entry @place(%x: tensor<128x10xf32>) attributes {result_names = ["y"]} {
  %y = kernel.fused(%x) {kind = "reference"} : (tensor<128x10xf32>) -> tensor<128xi32> {
  ^bb0(%a: tensor<128x10xf32>):
    %0 = argmax(%a, axis = 1) : (tensor<128x10xf32>) -> tensor<128xi32>
    kernel.yield %0 : tensor<128xi32>
  }
  return(%y) : (tensor<128xi32>) -> ()
}

// A transpose reads elsewhere than it writes: nothing may be shared, though the sizes agree.
// CHECK: kernel.func @transpose_f32_16x16_t16 attributes {
// CHECK-NOT: same_index
// CHECK-SAME: strategy = #kernel.strategy<"transpose"
graph.entry @moved(%x: tensor<16x16xf32>) attributes {result_names = ["y"]} {
  %y = kernel.fused(%x) {kind = "map"} : (tensor<16x16xf32>) -> tensor<16x16xf32> {
  ^bb0(%a: tensor<16x16xf32>):
    %0 = transpose(%a) : (tensor<16x16xf32>) -> tensor<16x16xf32>
    kernel.yield %0 : tensor<16x16xf32>
  }
  return(%y) : (tensor<16x16xf32>) -> ()
}
