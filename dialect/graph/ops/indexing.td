// Access by computed index.
#ifndef GRAVEN_DIALECT_GRAPH_OPS_INDEXING_TD
#define GRAVEN_DIALECT_GRAPH_OPS_INDEXING_TD

include "dialect/graph/ir/graph_base.td"

def Graph_GatherOp : Graph_Primitive<"gather", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$indices, DefaultValuedOptionalAttr<Graph_Int, "0">:$axis);
  let summary = "rows by index";
  let maths = "Takes slices of x along `axis` at `indices` (i32 or i64, any shape; clamped into range): the axis is replaced by the axes of `indices`.";
  let example = "%y = gather(%table, %tokens, axis = 0)";
}
def Graph_ScatterAddOp : Graph_Primitive<"scatter_add"> {
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$indices, Graph_Tensor:$updates, DefaultValuedOptionalAttr<Graph_Int, "0">:$axis);
  let summary = "addition into rows by index";
  let maths = "x with slices of `updates` added along `axis` at `indices` (clamped into range), in the order of the indices; the reverse of `gather`.";
  let example = "%y = scatter_add(%zeros, %tokens, %updates, axis = 0)";
}

#endif
