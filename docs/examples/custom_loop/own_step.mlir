// The Iris net of layers, trained by a step of one's own.
nn.model @iris {
  input(shape = [4])
  normalization()
  %hidden = dense(units = 16, activation = relu)    // a name, where one is wanted: its weights
  dropout(rate = 0.1)                               // are hidden.kernel and hidden.bias
  %scores = dense(units = 3)
}

// Mean cross-entropy of a batch.  ? is the batch size; it is chosen when compiling.
graph.func private @loss(%x: tensor<?x4xf32>, %label: tensor<?xi32>) {
  %scores = call(@iris, %x)
  %logp   = log_softmax(%scores, axis = 1)
  %truth  = one_hot(%label, depth = 3)
  %hits   = multiply(%truth, %logp)
  %each   = sum(%hits, axis = 1)
  %mean   = mean(%each)
  %loss   = negate(%mean)
  return(%loss)
}

// What train_step calls is in training: dropout is on, state may be written.
graph.func @train_step(%x: tensor<?x4xf32>, %label: tensor<?xi32> in [0, 3)) {
  %loss = call(@loss, %x, %label)
  for_each_parameter(@iris, %loss) as (%w, %dw) {   // dw: the gradient of loss by w
    %rate = constant(0.1)
    %move = multiply(%rate, %dw)
    %next = subtract(%w, %move)
    yield(%next)                                    // w, from the next step on
  }
  return(%loss)
}

// What eval_step calls is not: no random numbers, nothing written; the compiler checks it.
graph.func @eval_step(%x: tensor<?x4xf32>, %label: tensor<?xi32> in [0, 3)) {
  %loss = call(@loss, %x, %label)
  return(%loss)
}
