// Where a grouping is refused, a remark says why.
// RUN: graven-opt %s --pass-pipeline='builtin.module(graph.entry(fuse-form-kernels))' --verify-diagnostics --remark-policy=all --remarks-filter-missed=fuse --remark-format=emitRemark -o /dev/null

graph.entry @net(%x: tensor<16x4xf32>, %w: tensor<4x4xf32>) attributes {result_names = ["y", "b"]} {
  %s = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x4xf32>) -> tensor<16x4xf32>
  %h = tanh(%s) : (tensor<16x4xf32>) -> tensor<16x4xf32>
  // expected-remark@+1 {{Reason="a contraction reads whole tensors from memory"}}
  %t = dot_general(%h, %w, lhs_contract = [1], rhs_contract = [0]) : (tensor<16x4xf32>, tensor<4x4xf32>) -> tensor<16x4xf32>
  // expected-remark@+1 {{Reason="it reduces over other axes than the last"}}
  %b = sum(%t, axis = [0]) : (tensor<16x4xf32>) -> tensor<4xf32>
  // expected-remark@+1 {{Reason="only maps and row kernels take a reduction"}}
  %r = sum(%t, axis = [1]) : (tensor<16x4xf32>) -> tensor<16xf32>
  return(%r, %b) : (tensor<16xf32>, tensor<4xf32>) -> ()
}
