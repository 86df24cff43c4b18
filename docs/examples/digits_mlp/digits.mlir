// Handwritten digits: 28 by 28 pixels go in, a score for each of ten digits comes out.
nn.model @digits {
  input(shape = [784])
  rescaling(scale = 0.00392156862745098)   // a pixel is 0 to 255
  dense(units = 128, activation = relu)
  dropout(rate = 0.2)
  dense(units = 10)
} train {
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.002)
  accuracy()
  fit(batch_size = 128, epochs = 20)
}
