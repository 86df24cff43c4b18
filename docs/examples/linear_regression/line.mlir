// A plane through points, y = x w + b, with nothing but tensors: state, a loss, its gradient, and
// what the next state is.
graph.state @w : tensor<3x1xf32> role(parameter) init = zeros
graph.state @b : tensor<1xf32> role(parameter) init = zeros

graph.func private @guess(%x: tensor<?x3xf32>) {
  %w  = read(@w)
  %b  = read(@b)
  %xw = matmul(%x, %w)
  %y  = add(%xw, %b)
  return(%y)
}

// Mean squared error of a batch.  ? is the batch size; it is chosen when compiling.
graph.func private @error(%x: tensor<?x3xf32>, %y: tensor<?x1xf32>) {
  %guess = call(@guess, %x)
  %miss  = subtract(%guess, %y)
  %each  = square(%miss)
  %loss  = mean(%each)
  return(%loss)
}

graph.func @train_step(%x: tensor<?x3xf32>, %y: tensor<?x1xf32>) {
  %loss = call(@error, %x, %y)
  %w = read(@w)
  %b = read(@b)
  %dw, %db = gradient(%loss, %w, %b)
  %rate   = constant(0.1)
  %move_w = multiply(%rate, %dw)
  %move_b = multiply(%rate, %db)
  %next_w = subtract(%w, %move_w)
  %next_b = subtract(%b, %move_b)
  write(@w, %next_w)
  write(@b, %next_b)
  return(%loss)
}

graph.func @eval_step(%x: tensor<?x3xf32>, %y: tensor<?x1xf32>) {
  %loss = call(@error, %x, %y)
  return(%loss)
}

graph.func @predict(%x: tensor<?x3xf32>) {
  %y = call(@guess, %x)
  return(%y)
}
