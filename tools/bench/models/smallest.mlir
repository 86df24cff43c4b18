// One unit on one number: what remains of a call when there is nothing to compute.
nn.model @smallest {
  input(shape = [1])
  dense(units = 1)
}
