// RUN: graven-opt %s | FileCheck %s
// RUN: graven-opt %s | graven-opt | FileCheck %s

// CHECK-LABEL: nn.model @iris {
nn.model @iris {
  // CHECK: %x = input(dtype = f32, shape = [4])
  %x = input(shape = [4], dtype = f32)
  // CHECK-NEXT: {{.*}} = normalization()
  normalization()
  // CHECK-NEXT: %hidden = dense(activation = relu, kernel_init = uniform(-0.1, 0.1), units = 16)
  %hidden = dense(units = 16, activation = relu, kernel_init = uniform(-0.1, 0.1))
  // CHECK-NEXT: {{.*}} = dropout(rate = 0.1)
  dropout(rate = 0.1)
  // CHECK: apply(@gated, %hidden)
  %a = apply(@gated, %hidden)
  // CHECK: graph.tanh(%a)
  %t = graph.tanh(%a)
  dense(%t, units = 3)
  // CHECK: } train {
} train {
  // CHECK-NEXT: sparse_categorical_crossentropy(from_logits = true)
  sparse_categorical_crossentropy(from_logits = true)
  // CHECK-NEXT: adam(learning_rate = 0.01)
  adam(learning_rate = 0.01)
  // CHECK-NEXT: accuracy()
  accuracy()
  // CHECK-NEXT: fit(batch_size = 16, early_stopping = true, epochs = 100, validation_split = 0.2)
  fit(batch_size = 16, epochs = 100, validation_split = 0.2, early_stopping = true)
}

// CHECK-LABEL: nn.layer @gated(%x) {
nn.layer @gated(%x) {
  // CHECK: %w = parameter(%x, init = glorot_uniform, shape = [-1, 16])
  %w = parameter(%x, shape = [-1, 16], init = glorot_uniform)
  %y = matmul(%x, %w)
  return(%y)
}

// CHECK: graph.state @w : tensor<4xf32> role(parameter) init = normal(0.0, 0.5)
graph.state @w : tensor<4xf32> role(parameter) init = normal(0, 0.5)
