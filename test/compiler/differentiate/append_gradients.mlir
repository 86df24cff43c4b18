// RUN: graven-opt %s -differentiate-append-gradients -split-input-file -verify-diagnostics | FileCheck %s
// RUN: graven-opt %s -differentiate-append-gradients -split-input-file -mlir-print-debuginfo -mlir-print-local-scope 2> /dev/null | FileCheck %s --check-prefix=LOC

// A training step: the bias gradient is the sum that undoes its broadcast; the input, which nobody
// asks for, gets no ops.
// CHECK-LABEL: graph.entry @train_step(
// CHECK: %[[X:.*]] = dot_general(
// CHECK: %[[Y:.*]] = tanh(
// CHECK: %[[LOSS:.*]] = sum(
// CHECK: %[[ONE:.*]] = constant(1.0, {{.*}})
// CHECK: %[[G:.*]] = broadcast(%[[ONE]]
// CHECK: %[[YY:.*]] = multiply(%[[Y]], %[[Y]])
// CHECK: %[[SLOPE:.*]] = subtract(%{{.*}}, %[[YY]])
// CHECK: %[[DZ:.*]] = multiply(%[[G]], %[[SLOPE]])
// CHECK: %[[DB:.*]] = sum(%[[DZ]], axis = [0])
// CHECK: %[[DW:.*]] = dot_general(%x, %[[DZ]], lhs_contract = [0], rhs_contract = [0])
// CHECK-NOT: dot_general
// CHECK: return(%[[LOSS]], %[[DW]], %[[DB]], writes = [@w, @b])
// The ops appended name the op whose gradient they are part of, and where it stands.
// LOC-LABEL: graph.entry @train_step(
// LOC: = constant({{.*}} loc("gradient"(
// LOC: = broadcast({{.*}} loc("gradient of sum"({{.*}}append_gradients.mlir":
// LOC: = subtract({{.*}} loc("gradient of tanh"({{.*}}append_gradients.mlir":
// LOC: = sum({{.*}} loc("gradient of broadcast"({{.*}}append_gradients.mlir":
// LOC: = dot_general({{.*}} loc("gradient of dot_general"({{.*}}append_gradients.mlir":
graph.state @w : tensor<4x8xf32> role(parameter)
graph.state @b : tensor<8xf32> role(parameter)
graph.entry @train_step(%x: tensor<16x4xf32>) attributes {result_names = ["loss"]} {
  %w = read(@w) : () -> tensor<4x8xf32>
  %b = read(@b) : () -> tensor<8xf32>
  %0 = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x8xf32>) -> tensor<16x8xf32>
  %1 = broadcast(%b, shape = [16, 8], axes = [1]) : (tensor<8xf32>) -> tensor<16x8xf32>
  %2 = add(%0, %1) : (tensor<16x8xf32>, tensor<16x8xf32>) -> tensor<16x8xf32>
  %3 = tanh(%2) : (tensor<16x8xf32>) -> tensor<16x8xf32>
  %loss = sum(%3) : (tensor<16x8xf32>) -> tensor<f32>
  %dw, %db = gradient(%loss, %w, %b) : (tensor<f32>, tensor<4x8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<8xf32>)
  return(%loss, %dw, %db, writes = [@w, @b]) : (tensor<f32>, tensor<4x8xf32>, tensor<8xf32>) -> ()
}

// -----

// Requests are served in order, so that the second differentiates the first's result.
// CHECK-LABEL: graph.entry @second_order(
// CHECK: %[[Y:.*]] = sin(%x)
// CHECK: %[[COS:.*]] = cos(%x)
// CHECK: %[[DX:.*]] = multiply(%{{.*}}, %[[COS]])
// CHECK: %[[SIN:.*]] = sin(%x)
// CHECK: %[[PRODUCT:.*]] = multiply(%{{.*}}, %[[SIN]])
// CHECK: %[[DDX:.*]] = negate(%[[PRODUCT]])
// CHECK: return(%[[DX]], %[[DDX]])
// LOC-LABEL: graph.entry @second_order(
// LOC: negate({{.*}} loc("gradient of cos"("gradient of sin"(
graph.entry @second_order(%x: tensor<f32>) attributes {result_names = []} {
  %y = sin(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %ddx = gradient(%dx, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx, %ddx) : (tensor<f32>, tensor<f32>) -> ()
}

// -----

// A value used twice receives two parts.
// CHECK-LABEL: graph.entry @fan_out(
// CHECK: %[[EXP:.*]] = exp(%x)
// CHECK: %[[ONE:.*]] = constant(
// CHECK: %[[FIRST:.*]] = multiply(%[[ONE]], %x)
// CHECK: %[[SECOND:.*]] = multiply(%[[ONE]], %[[EXP]])
// CHECK: %[[THROUGH:.*]] = multiply(%[[FIRST]], %[[EXP]])
// CHECK: %[[TOTAL:.*]] = add(%[[SECOND]], %[[THROUGH]])
// CHECK: return(%[[TOTAL]])
graph.entry @fan_out(%x: tensor<f32>) attributes {result_names = []} {
  %0 = exp(%x) : (tensor<f32>) -> tensor<f32>
  %1 = multiply(%0, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx = gradient(%1, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// -----

// Every read of a state is the same value.
// CHECK-LABEL: graph.entry @reads(
// CHECK-COUNT-1: read(@w)
// CHECK-NOT: read(@w)
// CHECK: %[[DW:.*]] = cos(
graph.state @w : tensor<f32> role(parameter)
graph.entry @reads() attributes {result_names = []} {
  %0 = read(@w) : () -> tensor<f32>
  %1 = sin(%0) : (tensor<f32>) -> tensor<f32>
  %2 = read(@w) : () -> tensor<f32>
  %dw = gradient(%1, %2) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dw) : (tensor<f32>) -> ()
}

// -----

// stop_gradient cuts; so does everything that is not differentiable.
// CHECK-LABEL: graph.entry @stop(
// CHECK: %[[S:.*]] = stop_gradient(%x)
// CHECK: %[[ONE:.*]] = constant(
// CHECK: %[[DX:.*]] = multiply(%[[ONE]], %[[S]])
// CHECK: return(%[[DX]])
graph.entry @stop(%x: tensor<f32>) attributes {result_names = []} {
  %0 = stop_gradient(%x) : (tensor<f32>) -> tensor<f32>
  %1 = multiply(%x, %0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx = gradient(%1, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// -----

// CHECK-LABEL: graph.entry @independent(
// CHECK: %[[ZERO:.*]] = constant(0.0, {{.*}}shape = [2])
// CHECK: return(%[[ZERO]])
graph.entry @independent(%x: tensor<f32>, %y: tensor<2xf32>) attributes {result_names = []} {
  %0 = exp(%x) : (tensor<f32>) -> tensor<f32>
  // expected-warning @+1 {{gradient by operand 1 is zero: the differentiated value does not depend on it}}
  %dy = gradient(%0, %y) : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  return(%dy) : (tensor<2xf32>) -> ()
}
