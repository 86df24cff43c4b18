// RUN: graven-opt %s --pass-pipeline='builtin.module(graph.entry(expand-decompose-composites))' | FileCheck %s
// RUN: graven-opt %s --pass-pipeline='builtin.module(graph.entry(expand-decompose-composites{keep-means}))' | FileCheck %s --check-prefix=KEEP

graph.entry @f(%x: tensor<4x3xf32>, %w: tensor<3x2xf32>) attributes {result_names = ["y"]} {
  // CHECK: dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0])
  %0 = matmul(%x, %w) : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
  // CHECK: max(%{{.*}}, axis = [1], keep_dims = true)
  // CHECK: exp
  // CHECK: divide
  %1 = softmax(%0) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  // A variance is made of means, which are made of sums.
  // CHECK-NOT: mean
  // CHECK-COUNT-2: sum(
  // KEEP-COUNT-2: mean(
  // KEEP-NOT: variance
  %2 = variance(%1) : (tensor<4x2xf32>) -> tensor<f32>
  return(%2) : (tensor<f32>) -> ()
}
