// RUN: graven-opt %s --pass-pipeline='builtin.module(expand-name-layers,expand-build-entries{batch=8 entries=train_step})' -split-input-file | FileCheck %s

// Stochastic gradient descent with Nesterov's momentum and decay; a penalty joins the loss.
// CHECK-LABEL: graph.entry @train_step(%x: tensor<8x4xf32>, %y: tensor<8x2xf32>, %rows: tensor<i32>)
// CHECK-DAG: %[[W:.*]] = read(@dense.kernel)
// CHECK-DAG: %[[SCALE:.*]] = read(@lr_scale)
// CHECK-DAG: %[[V:.*]] = read(@dense.kernel.sgd.v)
// CHECK: %[[SQUARE:.*]] = multiply(%[[W]], %[[W]])
// CHECK: %[[L2:.*]] = sum(%[[SQUARE]]
// CHECK: %[[MEAN:.*]] = mean(
// CHECK: %[[LOSS:.*]] = add(%[[MEAN]]
// CHECK: %[[G:.*]] = gradient(%[[LOSS]], %[[W]])
// CHECK: multiply(%[[SCALE]]
// CHECK: multiply(%[[V]]
// CHECK: writes = [@loss.sum, @loss.count, @dense.kernel.sgd.v, @dense.kernel])
nn.model @decay {
  input(shape = [4])
  dense(units = 2, use_bias = false, kernel_l2 = 0.01)
} train {
  mean_squared_error()
  sgd(momentum = 0.9, nesterov = true, weight_decay = 0.01)
}

// -----

// Elements of gradients within bounds, then one factor for all of them.
// CHECK-LABEL: graph.entry @train_step(%x: tensor<8x4xf32>
// CHECK: %[[G:.*]]:2 = gradient(
// CHECK-DAG: %[[LOW:.*]] = maximum(%[[G]]#0
// CHECK-DAG: %[[KERNEL:.*]] = minimum(%{{.*}}, %{{.*}}) : (tensor<4x2xf32>, tensor<4x2xf32>)
// CHECK-DAG: %[[BIAS:.*]] = minimum(%{{.*}}, %{{.*}}) : (tensor<2xf32>, tensor<2xf32>)
// CHECK-DAG: multiply(%[[KERNEL]], %[[KERNEL]])
// CHECK-DAG: multiply(%[[BIAS]], %[[BIAS]])
// CHECK: %[[NORM:.*]] = sqrt(
// CHECK: %[[REACHED:.*]] = maximum(%[[NORM]]
// CHECK: %[[SCALE:.*]] = divide(%{{.*}}, %[[REACHED]]) : (tensor<f32>, tensor<f32>)
// CHECK: %[[ALL:.*]] = broadcast(%[[SCALE]], shape = [4, 2])
// CHECK: multiply(%[[KERNEL]], %[[ALL]])
nn.model @clipped {
  input(shape = [4])
  dense(units = 2)
} train {
  mean_squared_error()
  sgd(clip_value = 0.5, clip_norm = 1)
}

// -----

// CHECK-LABEL: graph.entry @train_step(%x: tensor<8x4xf32>, %y: tensor<8x1xf32>, %rows: tensor<i32>)
// CHECK: log1p
// CHECK: greater({{.*}}) : (tensor<8x1xf32>, tensor<8x1xf32>) -> tensor<8x1xi1>
// CHECK: @dense.kernel.adamw.m
nn.model @yes_or_no {
  input(shape = [4])
  dense(units = 1)
} train {
  binary_crossentropy(from_logits = true)
  adamw()
  accuracy()
}

// -----

// CHECK-LABEL: graph.entry @train_step(%image: tensor<8x2x3xf32>, %y: tensor<8x5xf32>, %rows: tensor<i32>)
// CHECK: reshape(%image, shape = [8, 6])
// CHECK: gelu
// CHECK: reshape(%{{.*}}, shape = [8, 5, 1])
// CHECK: concatenate(%{{.*}}, %{{.*}}, axis = 1)
// CHECK: argmax(%y, axis = 1)
nn.model @shapes {
  %image = input(shape = [2, 3])
  flatten()
  %a = dense(units = 5, activation = gelu)
  %b = reshape(%a, shape = [5, 1])
  %c = flatten(%b)
  concatenate(%a, %c, axis = 1)
  dense(units = 5)
  activation(function = softmax)
} train {
  categorical_crossentropy()
  adam()
  accuracy()
}
