// RUN: graven-opt %s -differentiate-append-gradients | FileCheck %s

// One entry for each rule of rules/elementwise.cc.

// CHECK-LABEL: graph.entry @negate(
// CHECK: negate(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = negate(%[[V1]])
// CHECK-NEXT: return(%[[V2]])
graph.entry @negate(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = negate(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @abs(
// CHECK: abs(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = sign(%x)
// CHECK-NEXT: %[[V3:.*]] = multiply(%[[V1]], %[[V2]])
// CHECK-NEXT: return(%[[V3]])
graph.entry @abs(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = abs(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @exp(
// CHECK: %[[V0:.*]] = exp(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = multiply(%[[V1]], %[[V0]])
// CHECK-NEXT: return(%[[V2]])
graph.entry @exp(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = exp(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @expm1(
// CHECK: %[[V0:.*]] = expm1(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = add(%[[V0]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = multiply(%[[V1]], %[[V3]])
// CHECK-NEXT: return(%[[V4]])
graph.entry @expm1(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = expm1(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @log(
// CHECK: log(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = divide(%[[V1]], %x)
// CHECK-NEXT: return(%[[V2]])
graph.entry @log(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = log(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @log1p(
// CHECK: log1p(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = add(%x, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = divide(%[[V1]], %[[V3]])
// CHECK-NEXT: return(%[[V4]])
graph.entry @log1p(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = log1p(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @tanh(
// CHECK: %[[V0:.*]] = tanh(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = multiply(%[[V0]], %[[V0]])
// CHECK-NEXT: %[[V3:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V4:.*]] = subtract(%[[V3]], %[[V2]])
// CHECK-NEXT: %[[V5:.*]] = multiply(%[[V1]], %[[V4]])
// CHECK-NEXT: return(%[[V5]])
graph.entry @tanh(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = tanh(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @logistic(
// CHECK: %[[V0:.*]] = logistic(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = subtract(%[[V2]], %[[V0]])
// CHECK-NEXT: %[[V4:.*]] = multiply(%[[V0]], %[[V3]])
// CHECK-NEXT: %[[V5:.*]] = multiply(%[[V1]], %[[V4]])
// CHECK-NEXT: return(%[[V5]])
graph.entry @logistic(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = logistic(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @erf(
// CHECK: erf(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = multiply(%x, %x)
// CHECK-NEXT: %[[V3:.*]] = negate(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = exp(%[[V3]])
// CHECK-NEXT: %[[V5:.*]] = constant(1.1283791670955126, dtype = f32, shape = [])
// CHECK-NEXT: %[[V6:.*]] = multiply(%[[V4]], %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = multiply(%[[V1]], %[[V6]])
// CHECK-NEXT: return(%[[V7]])
graph.entry @erf(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = erf(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @erfc(
// CHECK: erfc(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = multiply(%x, %x)
// CHECK-NEXT: %[[V3:.*]] = negate(%[[V2]])
// CHECK-NEXT: %[[V4:.*]] = exp(%[[V3]])
// CHECK-NEXT: %[[V5:.*]] = constant(-1.1283791670955126, dtype = f32, shape = [])
// CHECK-NEXT: %[[V6:.*]] = multiply(%[[V4]], %[[V5]])
// CHECK-NEXT: %[[V7:.*]] = multiply(%[[V1]], %[[V6]])
// CHECK-NEXT: return(%[[V7]])
graph.entry @erfc(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = erfc(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @sqrt(
// CHECK: %[[V0:.*]] = sqrt(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = constant(0.5, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = multiply(%[[V1]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = divide(%[[V3]], %[[V0]])
// CHECK-NEXT: return(%[[V4]])
graph.entry @sqrt(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = sqrt(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @rsqrt(
// CHECK: %[[V0:.*]] = rsqrt(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = multiply(%[[V0]], %[[V0]])
// CHECK-NEXT: %[[V3:.*]] = multiply(%[[V2]], %[[V0]])
// CHECK-NEXT: %[[V4:.*]] = constant(-0.5, dtype = f32, shape = [])
// CHECK-NEXT: %[[V5:.*]] = multiply(%[[V3]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = multiply(%[[V1]], %[[V5]])
// CHECK-NEXT: return(%[[V6]])
graph.entry @rsqrt(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = rsqrt(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @sin(
// CHECK: sin(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = cos(%x)
// CHECK-NEXT: %[[V3:.*]] = multiply(%[[V1]], %[[V2]])
// CHECK-NEXT: return(%[[V3]])
graph.entry @sin(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = sin(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @cos(
// CHECK: cos(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = sin(%x)
// CHECK-NEXT: %[[V3:.*]] = multiply(%[[V1]], %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = negate(%[[V3]])
// CHECK-NEXT: return(%[[V4]])
graph.entry @cos(%x: tensor<f32>) attributes {result_names = ["dx"]} {
  %y = cos(%x) : (tensor<f32>) -> tensor<f32>
  %dx = gradient(%y, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return(%dx) : (tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @add(
// CHECK: add(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: return(%[[V1]], %[[V1]])
graph.entry @add(%x: tensor<f32>, %y: tensor<f32>) attributes {result_names = ["dx", "dy"]} {
  %z = add(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx, %dy = gradient(%z, %x, %y) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return(%dx, %dy) : (tensor<f32>, tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @subtract(
// CHECK: subtract(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = negate(%[[V1]])
// CHECK-NEXT: return(%[[V1]], %[[V2]])
graph.entry @subtract(%x: tensor<f32>, %y: tensor<f32>) attributes {result_names = ["dx", "dy"]} {
  %z = subtract(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx, %dy = gradient(%z, %x, %y) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return(%dx, %dy) : (tensor<f32>, tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @multiply(
// CHECK: multiply(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = multiply(%[[V1]], %y)
// CHECK-NEXT: %[[V3:.*]] = multiply(%[[V1]], %x)
// CHECK-NEXT: return(%[[V2]], %[[V3]])
graph.entry @multiply(%x: tensor<f32>, %y: tensor<f32>) attributes {result_names = ["dx", "dy"]} {
  %z = multiply(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx, %dy = gradient(%z, %x, %y) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return(%dx, %dy) : (tensor<f32>, tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @divide(
// CHECK: %[[V0:.*]] = divide(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = divide(%[[V1]], %y)
// CHECK-NEXT: %[[V3:.*]] = divide(%[[V1]], %y)
// CHECK-NEXT: %[[V4:.*]] = multiply(%[[V3]], %[[V0]])
// CHECK-NEXT: %[[V5:.*]] = negate(%[[V4]])
// CHECK-NEXT: return(%[[V2]], %[[V5]])
graph.entry @divide(%x: tensor<f32>, %y: tensor<f32>) attributes {result_names = ["dx", "dy"]} {
  %z = divide(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx, %dy = gradient(%z, %x, %y) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return(%dx, %dy) : (tensor<f32>, tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @power(
// CHECK: %[[V0:.*]] = power(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = constant(0.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = equal(%y, %[[V2]])
// CHECK-NEXT: %[[V4:.*]] = constant(0.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V5:.*]] = equal(%x, %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = logical_and(%[[V5]], %[[V3]])
// CHECK-NEXT: %[[V7:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V8:.*]] = subtract(%y, %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V10:.*]] = select(%[[V6]], %[[V9]], %[[V8]])
// CHECK-NEXT: %[[V11:.*]] = power(%x, %[[V10]])
// CHECK-NEXT: %[[V12:.*]] = multiply(%y, %[[V11]])
// CHECK-NEXT: %[[V13:.*]] = multiply(%[[V1]], %[[V12]])
// CHECK-NEXT: %[[V14:.*]] = constant(0.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V15:.*]] = greater(%x, %[[V14]])
// CHECK-NEXT: %[[V16:.*]] = constant(0.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V17:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V18:.*]] = select(%[[V15]], %x, %[[V17]])
// CHECK-NEXT: %[[V19:.*]] = log(%[[V18]])
// CHECK-NEXT: %[[V20:.*]] = multiply(%[[V0]], %[[V19]])
// CHECK-NEXT: %[[V21:.*]] = multiply(%[[V1]], %[[V20]])
// CHECK-NEXT: %[[V22:.*]] = select(%[[V15]], %[[V21]], %[[V16]])
// CHECK-NEXT: return(%[[V13]], %[[V22]])
graph.entry @power(%x: tensor<f32>, %y: tensor<f32>) attributes {result_names = ["dx", "dy"]} {
  %z = power(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx, %dy = gradient(%z, %x, %y) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return(%dx, %dy) : (tensor<f32>, tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @maximum(
// CHECK: maximum(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = greater(%x, %y)
// CHECK-NEXT: %[[V3:.*]] = constant(0.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V4:.*]] = constant(0.5, dtype = f32, shape = [])
// CHECK-NEXT: %[[V5:.*]] = multiply(%[[V1]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = equal(%x, %y)
// CHECK-NEXT: %[[V7:.*]] = select(%[[V6]], %[[V5]], %[[V3]])
// CHECK-NEXT: %[[V8:.*]] = select(%[[V2]], %[[V1]], %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = greater(%y, %x)
// CHECK-NEXT: %[[V10:.*]] = constant(0.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V11:.*]] = constant(0.5, dtype = f32, shape = [])
// CHECK-NEXT: %[[V12:.*]] = multiply(%[[V1]], %[[V11]])
// CHECK-NEXT: %[[V13:.*]] = equal(%y, %x)
// CHECK-NEXT: %[[V14:.*]] = select(%[[V13]], %[[V12]], %[[V10]])
// CHECK-NEXT: %[[V15:.*]] = select(%[[V9]], %[[V1]], %[[V14]])
// CHECK-NEXT: return(%[[V8]], %[[V15]])
graph.entry @maximum(%x: tensor<f32>, %y: tensor<f32>) attributes {result_names = ["dx", "dy"]} {
  %z = maximum(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx, %dy = gradient(%z, %x, %y) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return(%dx, %dy) : (tensor<f32>, tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @minimum(
// CHECK: minimum(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V2:.*]] = less(%x, %y)
// CHECK-NEXT: %[[V3:.*]] = constant(0.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V4:.*]] = constant(0.5, dtype = f32, shape = [])
// CHECK-NEXT: %[[V5:.*]] = multiply(%[[V1]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = equal(%x, %y)
// CHECK-NEXT: %[[V7:.*]] = select(%[[V6]], %[[V5]], %[[V3]])
// CHECK-NEXT: %[[V8:.*]] = select(%[[V2]], %[[V1]], %[[V7]])
// CHECK-NEXT: %[[V9:.*]] = less(%y, %x)
// CHECK-NEXT: %[[V10:.*]] = constant(0.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V11:.*]] = constant(0.5, dtype = f32, shape = [])
// CHECK-NEXT: %[[V12:.*]] = multiply(%[[V1]], %[[V11]])
// CHECK-NEXT: %[[V13:.*]] = equal(%y, %x)
// CHECK-NEXT: %[[V14:.*]] = select(%[[V13]], %[[V12]], %[[V10]])
// CHECK-NEXT: %[[V15:.*]] = select(%[[V9]], %[[V1]], %[[V14]])
// CHECK-NEXT: return(%[[V8]], %[[V15]])
graph.entry @minimum(%x: tensor<f32>, %y: tensor<f32>) attributes {result_names = ["dx", "dy"]} {
  %z = minimum(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %dx, %dy = gradient(%z, %x, %y) : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return(%dx, %dy) : (tensor<f32>, tensor<f32>) -> ()
}

// CHECK-LABEL: graph.entry @select(
// CHECK: %[[V0:.*]] = select(%c, %x, %y)
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [3])
// CHECK-NEXT: %[[V4:.*]] = constant(0.0, dtype = f32, shape = [3])
// CHECK-NEXT: %[[V5:.*]] = select(%c, %[[V3]], %[[V4]])
// CHECK-NEXT: %[[V6:.*]] = select(%c, %[[V4]], %[[V3]])
// CHECK-NEXT: return(%[[V5]], %[[V6]])
graph.entry @select(%c: tensor<3xi1>, %x: tensor<3xf32>, %y: tensor<3xf32>) attributes {result_names = []} {
  %z = select(%c, %x, %y) : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %s = sum(%z) : (tensor<3xf32>) -> tensor<f32>
  %dx, %dy = gradient(%s, %x, %y) : (tensor<f32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return(%dx, %dy) : (tensor<3xf32>, tensor<3xf32>) -> ()
}

// CHECK-LABEL: graph.entry @convert(
// CHECK: %[[V0:.*]] = convert(%x, dtype = f32)
// CHECK-NEXT: sum(%[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(1.0, dtype = f32, shape = [])
// CHECK-NEXT: %[[V3:.*]] = broadcast(%[[V2]], axes = [], shape = [3])
// CHECK-NEXT: %[[V4:.*]] = convert(%[[V3]], dtype = f64)
// CHECK-NEXT: return(%[[V4]])
graph.entry @convert(%x: tensor<3xf64>) attributes {result_names = []} {
  %z = convert(%x, dtype = f32) : (tensor<3xf64>) -> tensor<3xf32>
  %s = sum(%z) : (tensor<3xf32>) -> tensor<f32>
  %dx = gradient(%s, %x) : (tensor<f32>, tensor<3xf64>) -> tensor<3xf64>
  return(%dx) : (tensor<3xf64>) -> ()
}
