// RUN: graven-opt %s --pass-pipeline='builtin.module(graph.entry(fuse-form-kernels,fuse-merge-updates))' | FileCheck %s

graph.state @w : tensor<4x3xf32> role(parameter)
graph.state @b : tensor<3xf32> role(parameter)

// CHECK-LABEL: graph.entry @sgd
graph.entry @sgd(%dw: tensor<4x3xf32>, %db: tensor<3xf32>, %rate: tensor<f32>) attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4x3xf32>
  %b = read(@b) : () -> tensor<3xf32>
  // CHECK: %[[K:.*]]:2 = kernel.fused(%rate, {{.*}}) {kind = "segments", segments = 2 : i64, shared = 1 : i64}
  // CHECK-NOT: kernel.fused
  %rw = broadcast(%rate, shape = [4, 3]) : (tensor<f32>) -> tensor<4x3xf32>
  %mw = multiply(%dw, %rw) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %nw = subtract(%w, %mw) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %rb = broadcast(%rate, shape = [3]) : (tensor<f32>) -> tensor<3xf32>
  %mb = multiply(%db, %rb) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %nb = subtract(%b, %mb) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // CHECK: return(%[[K]]#0, %[[K]]#1, writes = [@w, @b])
  return(%nw, %nb, writes = [@w, @b]) : (tensor<4x3xf32>, tensor<3xf32>) -> ()
}
