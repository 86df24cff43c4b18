// RUN: graven-opt %s | graven-opt | FileCheck %s

// CHECK: graph.state @w : tensor<4xf32> role(parameter) {plan.place = #plan.range<state 0, offset = 0, bytes = 16, value = 0>}
graph.state @w : tensor<4xf32> role(parameter) {plan.place = #plan.range<state 0, offset = 0, bytes = 16, value = 0>}

// CHECK: plan.constant @constant_0 at <constant 0, offset = 0, bytes = 16, value = 0> = dense<[0.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<4xf32>
plan.constant @constant_0 at <constant 0, offset = 0, bytes = 16, value = 0> = dense<[0.0, 1.0, 2.0, 3.0]> : tensor<4xf32>

// CHECK: plan.program @predict attributes {arena_bytes = 64 : i64
plan.program @predict attributes {
    public_name = "predict", batch = 4 : i64, partial, arg_names = ["x"], arg_types = [tensor<4xf32>],
    result_names = ["y", "z"], result_types = [tensor<4xf32>, tensor<4xf32>], arena_bytes = 64 : i64,
    liveness_bound = 64 : i64, initial = [], final = []} {
  // CHECK-NEXT: plan.launch @k stage "main" grid 2 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch [] {flops = 8 : i64}
  plan.launch @k stage "main" grid 2 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch [] {flops = 8 : i64}
  // CHECK-NEXT: plan.copy <arena 0, offset = 0, bytes = 16, value = 2> to <output 0, offset = 0, bytes = 16, value = 2>
  plan.copy <arena 0, offset = 0, bytes = 16, value = 2> to <output 0, offset = 0, bytes = 16, value = 2>
  // CHECK-NEXT: plan.fill <output 1, offset = 0, bytes = 16, value = 3> with 255
  plan.fill <output 1, offset = 0, bytes = 16, value = 3> with 255
}
