// RUN: graven-opt %s --strategy-choose-strategies=cpu=x86-64-v4 | FileCheck %s

// What a profile shows of a kernel: its hero and what tells most of the rest.

graph.state @w : tensor<64x48xf32> role(parameter)

// Of a long list stay the contraction, the random numbers and the first arithmetic.
// CHECK: kernel.func @matmul_add_random_multiply_f32_64x48x128_
graph.entry @hidden(%x: tensor<64x128xf32>, %v: tensor<128x48xf32>, %z: tensor<64x48xf32>, %key: tensor<2xi32>) attributes {result_names = ["y"]} {
  %y = kernel.fused(%x, %v, %z, %key) {kind = "contraction"} : (tensor<64x128xf32>, tensor<128x48xf32>, tensor<64x48xf32>, tensor<2xi32>) -> tensor<64x48xf32> {
  ^bb0(%a: tensor<64x128xf32>, %b: tensor<128x48xf32>, %c: tensor<64x48xf32>, %k: tensor<2xi32>):
    %0 = dot_general(%a, %b, lhs_contract = [1], rhs_contract = [0]) : (tensor<64x128xf32>, tensor<128x48xf32>) -> tensor<64x48xf32>
    %1 = add(%0, %c) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    %2 = random_uniform(%k, shape = [64, 48], dtype = f32, site = 7) : (tensor<2xi32>) -> tensor<64x48xf32>
    %3 = less(%2, %c) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xi1>
    %4 = select(%3, %1, %c) : (tensor<64x48xi1>, tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    %5 = multiply(%4, %c) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    %6 = subtract(%5, %c) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    kernel.yield %6 : tensor<64x48xf32>
  }
  return(%y) : (tensor<64x48xf32>) -> ()
}

// What follows from a gradient and ends in a state is an update, whatever the formula.
// CHECK: kernel.func @matmul_update_f32_64x48x128_
graph.entry @train(%x: tensor<128x64xf32>, %g: tensor<128x48xf32>) attributes {result_names = []} {
  %w = read(@w) : () -> tensor<64x48xf32>
  %y = kernel.fused(%w, %x, %g) {kind = "contraction"} : (tensor<64x48xf32>, tensor<128x64xf32>, tensor<128x48xf32>) -> tensor<64x48xf32> {
  ^bb0(%c: tensor<64x48xf32>, %a: tensor<128x64xf32>, %b: tensor<128x48xf32>):
    %0 = dot_general(%a, %b, lhs_contract = [0], rhs_contract = [0]) : (tensor<128x64xf32>, tensor<128x48xf32>) -> tensor<64x48xf32>
    %1 = subtract(%c, %0) : (tensor<64x48xf32>, tensor<64x48xf32>) -> tensor<64x48xf32>
    kernel.yield %1 : tensor<64x48xf32>
  }
  return(%y, writes = [@w]) : (tensor<64x48xf32>) -> ()
}

// Movement is named where there is nothing else.
// CHECK: kernel.func @broadcast_f32_4x3_v
graph.entry @spread(%x: tensor<3xf32>) attributes {result_names = ["y"]} {
  %y = kernel.fused(%x) {kind = "map"} : (tensor<3xf32>) -> tensor<4x3xf32> {
  ^bb0(%a: tensor<3xf32>):
    %0 = broadcast(%a, shape = [4, 3]) : (tensor<3xf32>) -> tensor<4x3xf32>
    kernel.yield %0 : tensor<4x3xf32>
  }
  return(%y) : (tensor<4x3xf32>) -> ()
}
