// A layer of our own, written in tensor ops: tanh(x w) * sigmoid(x v + b).
// Its gradient needs no line: the compiler derives it.
nn.layer @gated(%x) {
  %w    = parameter(%x, shape = [-1, 16], init = glorot_uniform)   // -1: as wide as x
  %v    = parameter(%x, shape = [-1, 16], init = glorot_uniform)
  %b    = parameter(shape = [16], init = zeros)
  %xw   = matmul(%x, %w)
  %body = tanh(%xw)
  %xv   = matmul(%x, %v)
  %open = add(%xv, %b)
  %gate = logistic(%open)
  %y    = multiply(%body, %gate)
  return(%y)
}

nn.model @gated_iris {
  %x    = input(shape = [4])
  %n    = normalization(%x)
  %a    = apply(@gated, %n)                // our layer
  %b    = dense(%n, units = 16)            // beside one from the library
  %sum  = graph.add(%a, %b)                // and a single op between layers
  %drop = dropout(%sum, rate = 0.1)
  dense(%drop, units = 3)
} train {
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.01)
  accuracy()
  fit(batch_size = 16, epochs = 60, validation_split = 0.2)
}
