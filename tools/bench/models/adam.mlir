// One step of Adam over COUNT parameters whose gradient is given: what an update of all costs.
graph.state @p : tensor<COUNTxf32> role(parameter) init = zeros
graph.state @m : tensor<COUNTxf32> role(slot) init = zeros
graph.state @v : tensor<COUNTxf32> role(slot) init = zeros
graph.state @step : tensor<f32> role(control) init = zeros

graph.func @train_step(%g: tensor<COUNTxf32>) {
  %one    = constant(1.0)
  %count  = read(@step)
  %next   = add(%count, %one)
  write(@step, %next)
  %b1     = constant(0.9)
  %b2     = constant(0.999)
  %p1     = power(%b1, %next)
  %p2     = power(%b2, %next)
  %c1     = subtract(%one, %p1)
  %c2     = subtract(%one, %p2)
  %root   = sqrt(%c2)
  %ratio  = divide(%root, %c1)
  %rate   = constant(0.001)
  %scale  = multiply(%rate, %ratio)
  %m      = read(@m)
  %g1     = constant(0.1)
  %mk     = multiply(%b1, %m)
  %mg     = multiply(%g1, %g)
  %mn     = add(%mk, %mg)
  write(@m, %mn)
  %v      = read(@v)
  %g2     = constant(0.001)
  %vk     = multiply(%b2, %v)
  %gg     = multiply(%g, %g)
  %vg     = multiply(%g2, %gg)
  %vn     = add(%vk, %vg)
  write(@v, %vn)
  %p      = read(@p)
  %rv     = sqrt(%vn)
  %eps    = constant(0.0000001)
  %low    = add(%rv, %eps)
  %sm     = multiply(%scale, %mn)
  %move   = divide(%sm, %low)
  %pn     = subtract(%p, %move)
  write(@p, %pn)
  return(%next)
}
