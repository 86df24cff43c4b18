// Products summed over axes.
#ifndef GRAVEN_DIALECT_GRAPH_OPS_CONTRACTION_TD
#define GRAVEN_DIALECT_GRAPH_OPS_CONTRACTION_TD

include "dialect/graph/ir/graph_base.td"

def Graph_DotGeneralOp : Graph_Primitive<"dot_general", [WidensResult]> {
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs,
      DefaultValuedOptionalAttr<Graph_Ints, "{}">:$lhs_batch, DefaultValuedOptionalAttr<Graph_Ints, "{}">:$rhs_batch,
      DefaultValuedOptionalAttr<Graph_Ints, "{}">:$lhs_contract, DefaultValuedOptionalAttr<Graph_Ints, "{}">:$rhs_contract,
      OptionalAttr<Graph_DType>:$dtype);
  let summary = "contraction";
  let maths = "Multiplies over paired batch axes, sums over paired contracting axes. Result axes: the batch axes, then the free axes of lhs, then those of rhs. Floats only. Products of f16 or bf16 are summed in f32, and each sum is rounded once; with `dtype = f32` it is not. Their gradients are products of the same element type, for which that of an f32 result is rounded first.";
  let example = "%y = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0])";
}

#endif
