// RUN: graven-opt %s --expand-freeze-state="entries=predict,eval_step" -split-input-file -verify-diagnostics | FileCheck %s

// Reads become constants; metrics stay state; what no entry needs goes.
// CHECK: graph.metrics = {{.*}}name = "loss"
// CHECK-SAME: frozen = {metadata = {train.data = "{}"}, states = [{name = "w", type = "2xf32"}]}
// CHECK-SAME: metrics = ["loss"]
// CHECK-NOT: graph.weights
// CHECK-NOT: @step
module attributes {
    graph.weights = {w = dense<[1.0, 2.0]> : tensor<2xf32>, w.adam.m = dense<0.0> : tensor<2xf32>,
                     step = dense<5> : tensor<i64>},
    graph.weights_file = "w.safetensors", graph.weights_metadata = {train.data = "{}"},
    graph.signature = {metrics = ["loss"], name = "m"},
    graph.metrics = [{name = "loss", numerator = @loss.sum, denominator = @loss.count}]} {
  graph.state @w : tensor<2xf32> role(parameter)
  graph.state @w.adam.m : tensor<2xf32> role(slot)
  graph.state @step : tensor<i64> role(control)
  // CHECK: graph.state @loss.sum
  graph.state @loss.sum : tensor<f64> role(metric)
  graph.state @loss.count : tensor<f64> role(metric)
  // CHECK-NOT: @train_step
  graph.entry @train_step() {
    %0 = read(@w) : () -> tensor<2xf32>
    return(%0, writes = [@w]) : (tensor<2xf32>) -> ()
  }
  // CHECK: graph.entry @predict
  // CHECK-NEXT: constant(dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>)
  graph.entry @predict() {
    %0 = read(@w) : () -> tensor<2xf32>
    return(%0) : (tensor<2xf32>) -> ()
  }
  // CHECK: graph.entry @eval_step
  // CHECK: read(@loss.sum)
  graph.entry @eval_step() {
    %0 = read(@loss.sum) : () -> tensor<f64>
    %1 = read(@loss.count) : () -> tensor<f64>
    return(%0, %1, writes = [@loss.sum, @loss.count]) : (tensor<f64>, tensor<f64>) -> ()
  }
}

// -----

// expected-error @+1 {{weights from a file are constant, but eval_step changes state such as 'w'; keep entries that change none: --entries=predict}}
module attributes {graph.weights = {w = dense<[1.0, 2.0]> : tensor<2xf32>}} {
  graph.state @w : tensor<2xf32> role(parameter)
  graph.entry @eval_step() {
    %0 = read(@w) : () -> tensor<2xf32>
    return(%0, writes = [@w]) : (tensor<2xf32>) -> ()
  }
  graph.entry @predict() {
    %0 = read(@w) : () -> tensor<2xf32>
    return(%0) : (tensor<2xf32>) -> ()
  }
}

// -----

// expected-error @+1 {{the weights 'w.safetensors' do not fit the model: it holds 'kernle', which the model has not (is 'kernel' meant?); 'w' is 3xf32 there, expected 2xf32; it lacks 'kernel' (2xf32); use a file saved from this very model}}
module attributes {graph.weights = {w = dense<1.0> : tensor<3xf32>, kernle = dense<1.0> : tensor<2xf32>},
                   graph.weights_file = "w.safetensors"} {
  graph.state @w : tensor<2xf32> role(parameter)
  graph.state @kernel : tensor<2xf32> role(parameter)
  graph.entry @predict() {
    %0 = read(@w) : () -> tensor<2xf32>
    %1 = read(@kernel) : () -> tensor<2xf32>
    return(%0, %1) : (tensor<2xf32>, tensor<2xf32>) -> ()
  }
}
