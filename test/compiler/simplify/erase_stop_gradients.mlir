// RUN: graven-opt %s -simplify-erase-stop-gradients | FileCheck %s

// CHECK-LABEL: graph.entry @once(
// CHECK-NOT: stop_gradient
// CHECK: exp(%x)
graph.entry @once(%x: tensor<4xf32>) attributes {result_names = []} {
  %0 = stop_gradient(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = stop_gradient(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = exp(%1) : (tensor<4xf32>) -> tensor<4xf32>
  return(%2) : (tensor<4xf32>) -> ()
}
