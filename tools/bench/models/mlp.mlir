// The network of the training benchmark: no normalization, so that every contender does the same.
nn.model @mlp {
  input(shape = [784])
  dense(units = 128, activation = relu)
  dropout(rate = 0.2)
  dense(units = 10)
} train {
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.001)
}
