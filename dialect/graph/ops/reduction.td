// Reductions over one or more axes.
#ifndef GRAVEN_DIALECT_GRAPH_OPS_REDUCTION_TD
#define GRAVEN_DIALECT_GRAPH_OPS_REDUCTION_TD

include "dialect/graph/ir/graph_base.td"

class Graph_Reduction<string mnemonic, list<Trait> traits = []>
    : Graph_Primitive<mnemonic, !listconcat(traits, [DeclareOpInterfaceMethods<ReductionOpInterface>])> {
  let arguments = (ins Graph_Tensor:$x, OptionalAttr<Graph_Axes>:$axis,
                       DefaultValuedOptionalAttr<Graph_Flag, "false">:$keep_dims);
  let example = "%y = " # mnemonic # "(%x, axis = 1)";
}
def Graph_SumOp : Graph_Reduction<"sum"> {
  let summary = "sum over axes"; let maths = "Sum over `axis` (one, a list, or all where none is given); 0 of nothing."; }
def Graph_ProdOp : Graph_Reduction<"prod"> {
  let summary = "product over axes"; let maths = "Product over `axis`; 1 of nothing. Its gradient is exact where factors are 0 as well."; }
def Graph_MaxOp : Graph_Reduction<"max", [AnyPrecision]> {
  let summary = "largest over axes"; let maths = "Largest element over `axis`; NaN if there is one. Equal largest elements share the gradient evenly."; }
def Graph_MinOp : Graph_Reduction<"min", [AnyPrecision]> {
  let summary = "smallest over axes"; let maths = "Smallest element over `axis`; NaN if there is one. Equal smallest elements share the gradient evenly."; }
def Graph_ArgmaxOp : Graph_Primitive<"argmax", [NotDifferentiable]> {
  let arguments = (ins Graph_Tensor:$x, Graph_Int:$axis);
  let summary = "place of the largest";
  let maths = "Index (i32) of the first largest element along `axis`; a NaN counts as largest.";
  let example = "%y = argmax(%x, axis = 1)";
}

#endif
