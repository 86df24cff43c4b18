// RUN: graven-opt %s -simplify-apply-identities | FileCheck %s

// The identities of patterns/algebra.cc.

// CHECK-LABEL: graph.entry @add_zero(
// CHECK: return(%x)
graph.entry @add_zero(%x: tensor<4xf32>) attributes {result_names = []} {
  %c = constant(0.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %r = add(%c, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @add_negated(
// CHECK: %[[V0:.*]] = subtract(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = subtract(%x, %y)
// CHECK-NEXT: return(%[[V0]], %[[V1]])
graph.entry @add_negated(%x: tensor<4xf32>, %y: tensor<4xf32>) attributes {result_names = []} {
  %n = negate(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %r = add(%x, %n) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = add(%n, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r, %s) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @subtract(
// CHECK: %[[V0:.*]] = add(%x, %y)
// CHECK-NEXT: return(%[[V0]])
graph.entry @subtract(%x: tensor<4xf32>, %y: tensor<4xf32>) attributes {result_names = []} {
  %c = constant(0.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %a = subtract(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %n = negate(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %r = subtract(%a, %n) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @multiply_one(
// CHECK: return(%x)
graph.entry @multiply_one(%x: tensor<4xf32>) attributes {result_names = []} {
  %c = constant(1.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %r = multiply(%c, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @multiply_minus_one(
// CHECK: %[[V0:.*]] = negate(%x)
// CHECK-NEXT: return(%[[V0]])
graph.entry @multiply_minus_one(%x: tensor<4xf32>) attributes {result_names = []} {
  %c = constant(-1.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %r = multiply(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @multiply_zero_stays(
// CHECK: %[[V0:.*]] = constant(0.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V1:.*]] = multiply(%x, %[[V0]])
// CHECK-NEXT: return(%[[V1]])
graph.entry @multiply_zero_stays(%x: tensor<4xf32>) attributes {result_names = []} {
  %c = constant(0.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %r = multiply(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @multiply_integer_zero(
// CHECK: %[[V0:.*]] = constant(0, dtype = i32, shape = [4])
// CHECK-NEXT: return(%[[V0]])
graph.entry @multiply_integer_zero(%x: tensor<4xi32>) attributes {result_names = []} {
  %c = constant(0, shape = [4], dtype = i32) : () -> tensor<4xi32>
  %r = multiply(%x, %c) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return(%r) : (tensor<4xi32>) -> ()
}

// CHECK-LABEL: graph.entry @multiply_negated(
// CHECK: %[[V0:.*]] = multiply(%x, %y)
// CHECK-NEXT: %[[V1:.*]] = constant(-0.30000001192092896, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V2:.*]] = multiply(%x, %[[V1]])
// CHECK-NEXT: return(%[[V0]], %[[V2]])
graph.entry @multiply_negated(%x: tensor<4xf32>, %y: tensor<4xf32>) attributes {result_names = []} {
  %n = negate(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %m = negate(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %r = multiply(%n, %m) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = constant(0.3, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %s = multiply(%n, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r, %s) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @divide(
// CHECK: %[[V0:.*]] = constant(0.125, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V1:.*]] = multiply(%x, %[[V0]])
// CHECK-NEXT: %[[V2:.*]] = constant(3.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V3:.*]] = divide(%x, %[[V2]])
// CHECK-NEXT: return(%[[V1]], %[[V3]])
graph.entry @divide(%x: tensor<4xf32>) attributes {result_names = []} {
  %c = constant(8.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %r = divide(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %d = constant(3.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %s = divide(%x, %d) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r, %s) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @negate(
// CHECK: %[[V0:.*]] = exp(%x)
// CHECK-NEXT: %[[V1:.*]] = constant(-3.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V2:.*]] = multiply(%[[V0]], %[[V1]])
// CHECK-NEXT: return(%[[V2]])
graph.entry @negate(%x: tensor<4xf32>) attributes {result_names = []} {
  %a = exp(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %c = constant(3.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %b = multiply(%a, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %n = negate(%b) : (tensor<4xf32>) -> tensor<4xf32>
  return(%n) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @negate_twice(
// CHECK: return(%x)
graph.entry @negate_twice(%x: tensor<4xf32>) attributes {result_names = []} {
  %a = negate(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %n = negate(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return(%n) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @power(
// CHECK: %[[V0:.*]] = multiply(%x, %x)
// CHECK-NEXT: %[[V1:.*]] = constant(2.5, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V2:.*]] = power(%x, %[[V1]])
// CHECK-NEXT: %[[V3:.*]] = constant(1.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V4:.*]] = constant(1.0, dtype = f32, shape = [4])
// CHECK-NEXT: %[[V5:.*]] = divide(%[[V4]], %x)
// CHECK-NEXT: return(%[[V0]], %x, %[[V2]], %[[V3]], %[[V5]])
graph.entry @power(%x: tensor<4xf32>) attributes {result_names = []} {
  %c = constant(2.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %r = power(%x, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %d = constant(1.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %s = power(%x, %d) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %e = constant(2.5, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %t = power(%x, %e) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %z = constant(0.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %u = power(%x, %z) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %i = constant(-1.0, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %v = power(%x, %i) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r, %s, %t, %u, %v) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @idempotent(
// CHECK: return(%x)
graph.entry @idempotent(%x: tensor<4xf32>) attributes {result_names = []} {
  %r = maximum(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = minimum(%r, %r) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%s) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @select(
// CHECK: %[[V0:.*]] = select(%c, %y, %x)
// CHECK-NEXT: return(%x, %x, %[[V0]])
graph.entry @select(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) attributes {result_names = []} {
  %t = constant(1, shape = [4], dtype = i1) : () -> tensor<4xi1>
  %r = select(%t, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = select(%c, %x, %x) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %n = logical_not(%c) : (tensor<4xi1>) -> tensor<4xi1>
  %u = select(%n, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r, %s, %u) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @logic(
// CHECK: %[[V0:.*]] = constant(1, dtype = i1, shape = [4])
// CHECK-NEXT: %[[V1:.*]] = constant(0, dtype = i1, shape = [4])
// CHECK-NEXT: return(%c, %[[V0]], %[[V1]], %c)
graph.entry @logic(%c: tensor<4xi1>) attributes {result_names = []} {
  %t = constant(1, shape = [4], dtype = i1) : () -> tensor<4xi1>
  %f = constant(0, shape = [4], dtype = i1) : () -> tensor<4xi1>
  %a = logical_and(%t, %c) : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %b = logical_or(%c, %t) : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %d = logical_and(%c, %f) : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  %m = logical_not(%c) : (tensor<4xi1>) -> tensor<4xi1>
  %n = logical_not(%m) : (tensor<4xi1>) -> tensor<4xi1>
  return(%a, %b, %d, %n) : (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) -> ()
}

// A decision as a number, times a number, is the decision between two numbers.
// CHECK-LABEL: graph.entry @multiply_decision(
// CHECK-DAG: %[[C:.*]] = constant(-0.25, dtype = f32, shape = [4])
// CHECK-DAG: %[[Z:.*]] = constant(-0.0, dtype = f32, shape = [4])
// CHECK: %[[V:.*]] = select(%b, %[[C]], %[[Z]])
// CHECK-NEXT: return(%[[V]])
graph.entry @multiply_decision(%b: tensor<4xi1>) attributes {result_names = []} {
  %h = convert(%b, dtype = f32) : (tensor<4xi1>) -> tensor<4xf32>
  %c = constant(-0.25, shape = [4], dtype = f32) : () -> tensor<4xf32>
  %r = multiply(%h, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}
