// RUN: graven-opt %s -simplify-apply-identities | FileCheck %s

// The identities of patterns/one_hot.cc.

// A row of the sum is 1 where the label is one of the columns, whatever they are.
// CHECK-LABEL: graph.entry @sum_of_one_hot(
// CHECK-NOT: tensor<4x8xi1>
// CHECK-DAG: %[[LOW:.*]] = greater_equal(
// CHECK-DAG: %[[HIGH:.*]] = less(
// CHECK: %[[IN:.*]] = logical_and(%[[LOW]], %[[HIGH]])
// CHECK: %[[ONE:.*]] = convert(%[[IN]], dtype = f32)
// CHECK-NEXT: return(%[[ONE]])
graph.entry @sum_of_one_hot(%label: tensor<4xi32>) attributes {result_names = []} {
  %l = broadcast(%label, shape = [4, 8], axes = [0]) : (tensor<4xi32>) -> tensor<4x8xi32>
  %i = iota(shape = [4, 8], axis = 1, dtype = i32) : () -> tensor<4x8xi32>
  %c = equal(%l, %i) : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi1>
  %h = convert(%c, dtype = f32) : (tensor<4x8xi1>) -> tensor<4x8xf32>
  %r = sum(%h, axis = 1) : (tensor<4x8xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// A number times one-hot, as in a loss' gradient.
// CHECK-LABEL: graph.entry @sum_of_scaled(
// CHECK: %[[IN:.*]] = logical_and(
// CHECK: %[[V:.*]] = select(%[[IN]], %{{.*}}, %{{.*}})
// CHECK: %[[N:.*]] = negate(%[[V]])
// CHECK-NEXT: return(%[[N]])
graph.entry @sum_of_scaled(%label: tensor<4x1xi32>) attributes {result_names = []} {
  %l = broadcast(%label, shape = [4, 8]) : (tensor<4x1xi32>) -> tensor<4x8xi32>
  %i = iota(shape = [4, 8], axis = 1, dtype = i32) : () -> tensor<4x8xi32>
  %c = equal(%i, %l) : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi1>
  %h = convert(%c, dtype = f32) : (tensor<4x8xi1>) -> tensor<4x8xf32>
  %k = constant(-0.25, shape = [4, 8], dtype = f32) : () -> tensor<4x8xf32>
  %s = multiply(%h, %k) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %n = negate(%s) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = sum(%n, axis = 1, keep_dims = true) : (tensor<4x8xf32>) -> tensor<4x1xf32>
  return(%r) : (tensor<4x1xf32>) -> ()
}

// What a row has once leaves the sum; 0 b keeps a NaN.
// CHECK-LABEL: graph.entry @hot_difference(
// CHECK: %[[H:.*]] = convert({{.*}}) : (tensor<4x8xi1>)
// CHECK: %[[IN:.*]] = convert({{.*}}) : (tensor<4x1xi1>)
// CHECK: %[[HX:.*]] = multiply(%[[H]], %x)
// CHECK: %[[S:.*]] = sum(%[[HX]], axis = [1], keep_dims = true)
// CHECK-DAG: %[[B:.*]] = multiply(%b, %[[IN]])
// CHECK-DAG: %[[NAN:.*]] = multiply(%b, %{{.*}})
// CHECK: %[[D:.*]] = subtract(%[[S]], %[[B]])
// CHECK: %[[R:.*]] = subtract(%[[D]], %[[NAN]])
// CHECK-NEXT: return(%[[R]])
graph.entry @hot_difference(%x: tensor<4x8xf32>, %b: tensor<4x1xf32>, %label: tensor<4x1xi32>) attributes {result_names = []} {
  %l = broadcast(%label, shape = [4, 8]) : (tensor<4x1xi32>) -> tensor<4x8xi32>
  %i = iota(shape = [4, 8], axis = 1, dtype = i32) : () -> tensor<4x8xi32>
  %c = equal(%l, %i) : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi1>
  %h = convert(%c, dtype = f32) : (tensor<4x8xi1>) -> tensor<4x8xf32>
  %bb = broadcast(%b, shape = [4, 8]) : (tensor<4x1xf32>) -> tensor<4x8xf32>
  %d = subtract(%x, %bb) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %p = multiply(%h, %d) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = sum(%p, axis = 1, keep_dims = true) : (tensor<4x8xf32>) -> tensor<4x1xf32>
  return(%r) : (tensor<4x1xf32>) -> ()
}

// Along another axis the counter has the same number everywhere, and so it stays.
// CHECK-LABEL: graph.entry @other_axis_stays(
// CHECK: %[[H:.*]] = convert({{.*}}) : (tensor<4x8xi1>)
// CHECK: %[[R:.*]] = sum(%[[H]], axis = [1])
// CHECK-NEXT: return(%[[R]])
graph.entry @other_axis_stays(%label: tensor<4xi32>) attributes {result_names = []} {
  %l = broadcast(%label, shape = [4, 8], axes = [0]) : (tensor<4xi32>) -> tensor<4x8xi32>
  %i = iota(shape = [4, 8], axis = 0, dtype = i32) : () -> tensor<4x8xi32>
  %c = equal(%l, %i) : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi1>
  %h = convert(%c, dtype = f32) : (tensor<4x8xi1>) -> tensor<4x8xf32>
  %r = sum(%h, axis = [1]) : (tensor<4x8xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// So does what is compared with a number for each column.
// CHECK-LABEL: graph.entry @uneven_stays(
// CHECK: %[[R:.*]] = sum(%{{.*}}, axis = [1])
// CHECK-NEXT: return(%[[R]])
graph.entry @uneven_stays(%label: tensor<8xi32>) attributes {result_names = []} {
  %l = broadcast(%label, shape = [4, 8]) : (tensor<8xi32>) -> tensor<4x8xi32>
  %i = iota(shape = [4, 8], axis = 1, dtype = i32) : () -> tensor<4x8xi32>
  %c = equal(%l, %i) : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi1>
  %h = convert(%c, dtype = f32) : (tensor<4x8xi1>) -> tensor<4x8xf32>
  %r = sum(%h, axis = [1]) : (tensor<4x8xf32>) -> tensor<4xf32>
  return(%r) : (tensor<4xf32>) -> ()
}

// CHECK-LABEL: graph.entry @sum_of_negated(
// CHECK: %[[S:.*]] = sum(%x, axis = [0, 1])
// CHECK-NEXT: %[[R:.*]] = negate(%[[S]])
// CHECK-NEXT: return(%[[R]])
graph.entry @sum_of_negated(%x: tensor<4x8xf32>) attributes {result_names = []} {
  %n = negate(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = sum(%n) : (tensor<4x8xf32>) -> tensor<f32>
  return(%r) : (tensor<f32>) -> ()
}

// Where there is no other place, nothing makes a NaN of an infinite b.
// CHECK-LABEL: graph.entry @one_column_stays(
// CHECK-NOT: sum(
// CHECK: %[[D:.*]] = subtract(%x, %{{.*}})
// CHECK: multiply(%{{.*}}, %[[D]])
// CHECK-NOT: subtract(
// CHECK: return
graph.entry @one_column_stays(%x: tensor<4x1xf32>, %b: tensor<4xf32>, %label: tensor<4xi32>) attributes {result_names = []} {
  %l = broadcast(%label, shape = [4, 1], axes = [0]) : (tensor<4xi32>) -> tensor<4x1xi32>
  %i = iota(shape = [4, 1], axis = 1, dtype = i32) : () -> tensor<4x1xi32>
  %c = equal(%l, %i) : (tensor<4x1xi32>, tensor<4x1xi32>) -> tensor<4x1xi1>
  %h = convert(%c, dtype = f32) : (tensor<4x1xi1>) -> tensor<4x1xf32>
  %bb = broadcast(%b, shape = [4, 1], axes = [0]) : (tensor<4xf32>) -> tensor<4x1xf32>
  %d = subtract(%x, %bb) : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %p = multiply(%h, %d) : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %r = sum(%p, axis = 1, keep_dims = true) : (tensor<4x1xf32>) -> tensor<4x1xf32>
  return(%r) : (tensor<4x1xf32>) -> ()
}
