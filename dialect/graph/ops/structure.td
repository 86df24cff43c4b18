// Sources and movement: constants, counters, broadcasts, views, joins.
#ifndef GRAVEN_DIALECT_GRAPH_OPS_STRUCTURE_TD
#define GRAVEN_DIALECT_GRAPH_OPS_STRUCTURE_TD

include "dialect/graph/ir/graph_base.td"

def Graph_ConstantOp : Graph_Primitive<"constant", [NotDifferentiable]> {
  let arguments = (ins AnyAttr:$value, OptionalAttr<Graph_Ints>:$shape, OptionalAttr<Graph_DType>:$dtype);
  let summary = "constant";
  let maths = "One number in every element of `shape` (a scalar where none is given), or nested lists of numbers, or dense<...>. A number without `dtype` takes the type of what it meets.";
  let example = "%half = constant(0.5)\n%table = constant([[1.0, 2.0], [3.0, 4.0]])\n%zeros = constant(0, shape = [3, 4], dtype = f32)";
}
def Graph_IotaOp : Graph_Primitive<"iota", [NotDifferentiable]> {
  let arguments = (ins Graph_Ints:$shape, DefaultValuedOptionalAttr<Graph_Int, "0">:$axis, OptionalAttr<Graph_DType>:$dtype);
  let summary = "counter along an axis";
  let maths = "y[i] = i along `axis`; i32 where no `dtype` is given.";
  let example = "%rows = iota(shape = [4, 3], axis = 0)";
}
def Graph_BroadcastOp : Graph_Primitive<"broadcast", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$x, Graph_Ints:$shape, OptionalAttr<Graph_Ints>:$axes);
  let summary = "repetition along new or unit axes";
  let maths = "Axis i of x becomes axis axes[i] of the result (the last ones where none are given), which is as long or, where x has length 1, repeats it. `axes` ascends.";
  let example = "%y = broadcast(%bias, shape = [16, 8], axes = [1])";
}
def Graph_ReshapeOp : Graph_Primitive<"reshape", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$x, Graph_Ints:$shape);
  let summary = "same elements, other shape";
  let maths = "The elements in row-major order under another shape; one length may be -1 and follows from the rest.";
  let example = "%y = reshape(%x, shape = [-1, 784])";
}
def Graph_TransposeOp : Graph_Primitive<"transpose", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$x, OptionalAttr<Graph_Ints>:$permutation);
  let summary = "permutation of axes";
  let maths = "Axis i of the result is axis permutation[i] of x; all axes reversed where none is given.";
  let example = "%y = transpose(%x, permutation = [1, 0])";
}
def Graph_SliceOp : Graph_Primitive<"slice", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$x, Graph_Ints:$start, Graph_Ints:$limit, OptionalAttr<Graph_Ints>:$stride);
  let summary = "part of a tensor";
  let maths = "y[i] = x[start + i stride] for start + i stride < limit, per axis.";
  let example = "%y = slice(%x, start = [0, 1], limit = [4, 3])";
}
def Graph_ConcatenateOp : Graph_Primitive<"concatenate", [AnyPrecision]> {
  let arguments = (ins Variadic<Graph_Tensor>:$inputs, Graph_Int:$axis);
  let summary = "tensors joined along an axis";
  let maths = "The inputs one after another along `axis`; their other lengths agree.";
  let example = "%y = concatenate(%a, %b, axis = 1)";
}
def Graph_PadOp : Graph_Primitive<"pad", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$x, Graph_Ints:$low, Graph_Ints:$high, OptionalAttr<Graph_Ints>:$interior,
                       DefaultValuedOptionalAttr<Graph_Number, "0.0">:$value);
  let summary = "border of a constant";
  let maths = "low[d] elements of `value` before, high[d] after and interior[d] between the elements of axis d.";
  let example = "%y = pad(%x, low = [1, 1], high = [1, 1])";
}

#endif
