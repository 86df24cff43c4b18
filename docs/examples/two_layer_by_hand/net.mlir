// The Iris classifier again, every tensor spelled out: two layers, softmax cross-entropy, and
// gradient descent with momentum.
graph.state @w1 : tensor<4x16xf32> role(parameter) init = glorot_uniform
graph.state @b1 : tensor<16xf32> role(parameter) init = zeros
graph.state @w2 : tensor<16x3xf32> role(parameter) init = glorot_uniform
graph.state @b2 : tensor<3xf32> role(parameter) init = zeros
graph.state @v1 : tensor<4x16xf32> role(slot) init = zeros
graph.state @v2 : tensor<16x3xf32> role(slot) init = zeros

graph.func private @scores(%x: tensor<?x4xf32>) {
  %w1 = read(@w1)
  %b1 = read(@b1)
  %w2 = read(@w2)
  %b2 = read(@b2)
  %h0 = matmul(%x, %w1)
  %h1 = add(%h0, %b1)
  %h  = tanh(%h1)
  %s0 = matmul(%h, %w2)
  %s  = add(%s0, %b2)
  return(%s)
}

graph.func private @loss(%x: tensor<?x4xf32>, %label: tensor<?xi32>) {
  %s    = call(@scores, %x)
  %logp = log_softmax(%s, axis = 1)
  %true = one_hot(%label, depth = 3)
  %hits = multiply(%true, %logp)
  %each = sum(%hits, axis = 1)
  %mean = mean(%each)
  %loss = negate(%mean)
  return(%loss)
}

graph.func @train_step(%x: tensor<?x4xf32>, %label: tensor<?xi32> in [0, 3)) {
  %loss = call(@loss, %x, %label)
  %w1 = read(@w1)
  %b1 = read(@b1)
  %w2 = read(@w2)
  %b2 = read(@b2)
  %dw1, %db1, %dw2, %db2 = gradient(%loss, %w1, %b1, %w2, %b2)
  %keep = constant(0.9)
  %rate = constant(0.01)

  // The weights move with momentum: v' = 0.9 v + dw, w' = w - 0.01 v'.
  %v1   = read(@v1)
  %v1k  = multiply(%keep, %v1)
  %v1n  = add(%v1k, %dw1)
  %m1   = multiply(%rate, %v1n)
  %w1n  = subtract(%w1, %m1)
  write(@v1, %v1n)
  write(@w1, %w1n)
  %v2   = read(@v2)
  %v2k  = multiply(%keep, %v2)
  %v2n  = add(%v2k, %dw2)
  %m2   = multiply(%rate, %v2n)
  %w2n  = subtract(%w2, %m2)
  write(@v2, %v2n)
  write(@w2, %w2n)

  // The biases without.
  %m3   = multiply(%rate, %db1)
  %b1n  = subtract(%b1, %m3)
  write(@b1, %b1n)
  %m4   = multiply(%rate, %db2)
  %b2n  = subtract(%b2, %m4)
  write(@b2, %b2n)
  return(%loss)
}

graph.func @eval_step(%x: tensor<?x4xf32>, %label: tensor<?xi32> in [0, 3)) {
  %loss = call(@loss, %x, %label)
  return(%loss)
}

graph.func @predict(%x: tensor<?x4xf32>) {
  %s = call(@scores, %x)
  return(%s)
}
