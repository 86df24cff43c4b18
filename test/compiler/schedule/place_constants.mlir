// RUN: graven-opt %s --schedule-place-constants | FileCheck %s

// CHECK: module attributes {plan.constant_bytes = 128 : i64}
// CHECK: plan.constant @constant_0 at <constant 0, offset = 0, bytes = 12, value = 0> = dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<3xf32>
// CHECK: plan.constant @constant_1 at <constant 0, offset = 64, bytes = 3, value = 0> = dense<[true, false, true]> : tensor<3xi1>
// CHECK-NOT: plan.constant

// CHECK-LABEL: graph.entry @a
graph.entry @a() attributes {result_names = []} {
  // CHECK: %[[A:.*]] = plan.read_constant @constant_0 : tensor<3xf32>
  // CHECK: %[[B:.*]] = plan.read_constant @constant_1 : tensor<3xi1>
  // CHECK: %[[ZERO:.*]] = constant(
  // CHECK: return(%[[A]], %[[B]], %[[ZERO]])
  %0 = constant([1, 2, 3], dtype = f32) : () -> tensor<3xf32>
  %1 = constant([true, false, true]) : () -> tensor<3xi1>
  %2 = constant(0.0, shape = [4]) : () -> tensor<4xf32>
  return(%0, %1, %2) : (tensor<3xf32>, tensor<3xi1>, tensor<4xf32>) -> ()
}

// The same numbers in another spelling are the same constant.
// CHECK-LABEL: graph.entry @b
graph.entry @b() attributes {result_names = []} {
  // CHECK: %[[A:.*]] = plan.read_constant @constant_0 : tensor<3xf32>
  // CHECK: return(%[[A]])
  %0 = constant([1.0, 2.0, 3.0]) : () -> tensor<3xf32>
  return(%0) : (tensor<3xf32>) -> ()
}
