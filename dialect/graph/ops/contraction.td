// Products summed over axes.
#ifndef GRAVEN_DIALECT_GRAPH_OPS_CONTRACTION_TD
#define GRAVEN_DIALECT_GRAPH_OPS_CONTRACTION_TD

include "dialect/graph/ir/graph_base.td"

def Graph_DotGeneralOp : Graph_Primitive<"dot_general"> {
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs,
      DefaultValuedOptionalAttr<Graph_Ints, "{}">:$lhs_batch, DefaultValuedOptionalAttr<Graph_Ints, "{}">:$rhs_batch,
      DefaultValuedOptionalAttr<Graph_Ints, "{}">:$lhs_contract, DefaultValuedOptionalAttr<Graph_Ints, "{}">:$rhs_contract);
  let summary = "contraction";
  let maths = "Multiplies over paired batch axes, sums over paired contracting axes. Result axes: the batch axes, then the free axes of lhs, then those of rhs. Floats only.";
  let example = "%y = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0])";
}

#endif
