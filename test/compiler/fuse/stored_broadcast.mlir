// RUN: graven-opt %s -fuse-form-kernels | FileCheck %s

// A broadcast that is a result of the entry is stored by a kernel of its own; the kernel whose sum it
// repeats computes it again instead of reading it, for the two would wait for one another.
// CHECK-LABEL: graph.entry @scaled(
// CHECK: %[[ROW:.*]]:2 = kernel.fused(%x) {kind = "row"}
// CHECK: sum(
// CHECK: broadcast(
// CHECK: multiply(
// CHECK: sum(
// CHECK: %[[STORED:.*]] = kernel.fused(%[[ROW]]#0) {kind = "map"}
// CHECK: return(%[[STORED]], %[[ROW]]#1)
graph.entry @scaled(%x: tensor<4xf32>) attributes {result_names = ["mean", "y"]} {
  %0 = sum(%x, axis = [0]) : (tensor<4xf32>) -> tensor<f32>
  %1 = broadcast(%0, shape = [4]) : (tensor<f32>) -> tensor<4xf32>
  %2 = multiply(%1, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = sum(%2, axis = [0]) : (tensor<4xf32>) -> tensor<f32>
  return(%1, %3) : (tensor<4xf32>, tensor<f32>) -> ()
}
