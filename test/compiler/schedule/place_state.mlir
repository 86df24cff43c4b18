// RUN: graven-opt %s --schedule-place-state | FileCheck %s

// Parameters, slots, statistics, control: whatever the order of the module. Metrics lie apart.
// CHECK: module attributes {plan.metric_bytes = 64 : i64, plan.state_bytes = 448 : i64}
// CHECK: @seed {{.*}} {plan.place = #plan.range<state 0, offset = 384, bytes = 8, value = 0>
graph.state @seed : tensor<2xi32> role(control)
// CHECK: @mean {{.*}} {plan.place = #plan.range<state 0, offset = 320, bytes = 16, value = 0>
graph.state @mean : tensor<4xf32> role(statistic)
// CHECK: @w {{.*}} {plan.place = #plan.range<state 0, offset = 0, bytes = 80, value = 0>
graph.state @w : tensor<4x5xf32> role(parameter)
// CHECK: @w.adam.m {{.*}} {plan.place = #plan.range<state 0, offset = 192, bytes = 80, value = 0>
graph.state @w.adam.m : tensor<4x5xf32> role(slot)
// CHECK: @loss {{.*}} {plan.place = #plan.range<metric 0, offset = 0, bytes = 8, value = 0>
graph.state @loss : tensor<f64> role(metric)
// A tensor of no elements takes no bytes.
// CHECK: @none {{.*}} {plan.place = #plan.range<state 0, offset = 128, bytes = 0, value = 0>
graph.state @none : tensor<0x4xf32> role(parameter)
// CHECK: @flag {{.*}} {plan.place = #plan.range<state 0, offset = 128, bytes = 3, value = 0>
graph.state @flag : tensor<3xi1> role(parameter)
