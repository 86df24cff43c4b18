// RUN: graven-opt %s | FileCheck %s
// RUN: graven-opt %s | graven-opt | FileCheck %s

// CHECK: graph.state @w : tensor<4x3xf32> role(parameter)
graph.state @w : tensor<4x3xf32> role(parameter)

// CHECK-LABEL: graph.func private @loss(%x: tensor<?x4xf32>, %label: tensor<?xi32> in [0, 3)) {
graph.func private @loss(%x: tensor<?x4xf32>, %label: tensor<?xi32> in [0, 3)) {
  // CHECK: %w = read(@w)
  %w = read(@w)
  // CHECK: matmul(%x, %w)
  %s = matmul(%x, %w)
  // CHECK: log_softmax({{.*}}, axis = 1)
  %logp = log_softmax(%s, axis = 1)
  %truth = one_hot(%label, depth = 3)
  %hits = multiply(%truth, %logp)
  // CHECK: sum({{.*}}, axis = [0, 1], keep_dims = true)
  %each = sum(%hits, axis = [0, 1], keep_dims = true)
  // CHECK: constant(0.05)
  %c = constant(0.05)
  // CHECK: constant({{\[\[}}1.0, 2.0]]
  %d = constant([[1.0, 2.0]])
  // CHECK: constant(true
  %yes = constant(true, dtype = i1)
  // CHECK: constant(1.0e-07)
  %tiny = constant(1.0e-7)
  // CHECK: constant(-inf)
  %least = constant(-inf)
  // CHECK: constant(inf, dtype = f64)
  %most = constant(inf, dtype = f64)
  // CHECK: constant(nan)
  %not_a_number = constant(nan)
  // CHECK: pad({{.*}}, value = -inf)
  %padded = pad(%w, low = [0, 1], high = [0, 0], value = -inf)
  %u = random_uniform(%c, shape = [4, 3], site = 7)
  return(%each)
}

// CHECK-LABEL: graph.entry @predict(%x: tensor<16x4xf32>, %rows: tensor<i32>) attributes {batch = 16 : i64, partial, result_names = ["y"]} {
graph.entry @predict(%x: tensor<16x4xf32>, %rows: tensor<i32>) attributes {batch = 16 : i64, partial, result_names = ["y"]} {
  // CHECK: %0 = exp(%x) : (tensor<16x4xf32>) -> tensor<16x4xf32>
  %0 = exp(%x) : (tensor<16x4xf32>) -> tensor<16x4xf32>
  %1 = dot_general(%0, %0, lhs_contract = [1], rhs_contract = [1]) : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x16xf32>
  // CHECK: return(%1, writes = [@w])
  return(%1, writes = [@w]) : (tensor<16x16xf32>) -> ()
}

// CHECK-LABEL: graph.func @train_step
graph.func @train_step(%x: tensor<?x4xf32>) {
  %loss = call(@loss, %x)
  // CHECK: for_each_parameter(@iris, %{{.*}}) as (%w, %dw) {
  for_each_parameter(@iris, %loss) as (%w, %dw) {
    %next = subtract(%w, %dw)
    yield(%next)
  }
  return(%loss)
}
