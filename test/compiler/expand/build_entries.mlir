// RUN: graven-opt %s --pass-pipeline='builtin.module(expand-name-layers,expand-build-entries)' | FileCheck %s
// RUN: graven-opt %s --pass-pipeline='builtin.module(expand-name-layers,expand-build-entries{batch=8,1})' | FileCheck %s --check-prefix=BATCH
// RUN: graven-opt %s --pass-pipeline='builtin.module(expand-name-layers,expand-build-entries{entries=predict})' | FileCheck %s --check-prefix=ONLY

// The attributes of the module say what is trained, how, and which metrics are kept.
// CHECK: graph.metrics = [{denominator = @loss.count, name = "loss", numerator = @loss.sum}, {denominator = @accuracy.count, name = "accuracy", numerator = @accuracy.sum}]
// CHECK-SAME: graph.model = "iris"
// CHECK-SAME: graph.signature = {classes = 3 : i64, fit = {batch_size = 16 : i64, early_stopping = {}, epochs = 100 : i64}
// CHECK-SAME: input = {dtype = "f32", name = "x", shape = [4]}, loss = "sparse_categorical_crossentropy", metrics = ["loss", "accuracy"], name = "iris", normalization = true, optimizer = "adam"}

// CHECK-DAG: graph.state @normalization.mean : tensor<4xf32> role(statistic)
// CHECK-DAG: graph.state @hidden.kernel : tensor<4x16xf32> role(parameter)
// CHECK-DAG: graph.state @hidden.kernel.adam.m : tensor<4x16xf32> role(slot)
// CHECK-DAG: graph.state @seed : tensor<2xi32> role(control)
// CHECK-DAG: graph.state @step : tensor<i64> role(control)
// CHECK-DAG: graph.state @lr_scale : tensor<f32> role(control)
// CHECK-DAG: graph.state @accuracy.sum : tensor<f64> role(metric)

// CHECK-LABEL: graph.entry @init(%seed: tensor<2xi32>)
// CHECK: random_uniform(%seed, {{.*}}) : (tensor<2xi32>) -> tensor<4x16xf32>

// CHECK-LABEL: graph.entry @adapt(%x: tensor<16x4xf32>, %rows: tensor<i32>)
// CHECK: writes = [@normalization.mean, @normalization.variance, @normalization.count]

// CHECK-LABEL: graph.entry @train_step(%x: tensor<16x4xf32>, %label: tensor<16xi32>, %rows: tensor<i32>)
// CHECK-SAME: arg_ranges = [unit, array<i64: 0, 3>, unit], batch = 16 : i64, batched_args = array<i64: 0, 1>, result_names = ["loss"]
// CHECK-DAG: %[[SEED:.*]] = read(@seed)
// CHECK-DAG: %[[STEP:.*]] = read(@step)
// CHECK-DAG: %[[W:.*]] = read(@hidden.kernel)
// CHECK: dot_general(%{{.*}}, %[[W]], lhs_contract = [1], rhs_contract = [0])
// CHECK: random_uniform(%[[SEED]], %[[STEP]], {{.*}}shape = [16, 16]
// CHECK: log_softmax
// CHECK: %[[LOSS:.*]] = mean(%{{.*}}) : (tensor<16xf32>) -> tensor<f32>
// CHECK: gradient(%[[LOSS]], %[[W]],
// CHECK: return(%[[LOSS]],
// CHECK-SAME: @loss.sum
// CHECK-SAME: @hidden.kernel.adam.m
// CHECK-SAME: @step]

// Not in training: no dropout, no gradient, nothing written but metrics.
// CHECK-LABEL: graph.entry @eval_step
// CHECK-NOT: random_uniform
// CHECK-NOT: gradient
// CHECK: writes = [@loss.sum, @loss.count, @accuracy.sum, @accuracy.count])

// CHECK-LABEL: graph.entry @predict(%x: tensor<16x4xf32>, %rows: tensor<i32>)
// CHECK-SAME: result_names = ["y"]
// CHECK-NOT: writes
// CHECK: return(%{{.*}}) : (tensor<16x3xf32>) -> ()

// CHECK-LABEL: graph.entry @reset_metrics()
// CHECK: writes = [@loss.sum, @loss.count, @accuracy.sum, @accuracy.count]
// CHECK-NOT: nn.

// BATCH: graph.entry @train_step(%x: tensor<8x4xf32>
// BATCH: graph.entry @predict(%x: tensor<8x4xf32>
// BATCH: graph.entry @train_step$1(%x: tensor<1x4xf32>
// BATCH: graph.entry @predict$1(%x: tensor<1x4xf32>

// ONLY-NOT: graph.state @{{.*}}adam
// ONLY: graph.entry @predict
// ONLY-NOT: graph.entry

nn.model @iris {
  input(shape = [4])
  normalization()
  %hidden = dense(units = 16, activation = relu)
  dropout(rate = 0.1)
  dense(units = 3)
} train {
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.01)
  accuracy()
  fit(batch_size = 16, epochs = 100, early_stopping = true)
}
