// Composites: what people write, defined by primitives (composite.cc).
#ifndef GRAVEN_DIALECT_GRAPH_OPS_COMPOSITE_TD
#define GRAVEN_DIALECT_GRAPH_OPS_COMPOSITE_TD

include "dialect/graph/ir/graph_base.td"

// The result has the type of the first operand, a float.
class Graph_FloatUnary<string mnemonic, dag options = (ins), list<Trait> traits = []>
    : Graph_Composite<mnemonic, traits> {
  let arguments = !con((ins Graph_Tensor:$x), options);
  let example = "%y = " # mnemonic # "(%x)";
  let moreDefinition = "::mlir::FailureOr<::mlir::RankedTensorType> $cppClass::inferType("
      # "::llvm::ArrayRef<::mlir::RankedTensorType> operands, "
      # "::llvm::function_ref<::mlir::InFlightDiagnostic()> error) {"
      # " return inferFloatLikeFirst(*this, operands, error); }";
}
class Graph_Activation<string mnemonic, dag options = (ins), list<Trait> traits = []>
    : Graph_FloatUnary<mnemonic, options, !listconcat(traits, [Activation])>;
def Graph_ReluOp : Graph_Activation<"relu", (ins), [AnyPrecision]> { let summary = "rectifier"; let maths = "y = x where x > 0, else 0; its gradient at 0 is 0."; }
def Graph_LeakyReluOp : Graph_Activation<"leaky_relu", (ins DefaultValuedOptionalAttr<Graph_Number, "0.01">:$slope)> { let summary = "leaky rectifier"; let maths = "y = x where x > 0, else slope x"; }
def Graph_EluOp : Graph_Activation<"elu", (ins DefaultValuedOptionalAttr<Graph_Number, "1.0">:$alpha)> { let summary = "exponential linear unit"; let maths = "y = x where x > 0, else alpha (e^x - 1)"; }
def Graph_GeluOp : Graph_Activation<"gelu", (ins DefaultValuedOptionalAttr<Graph_Flag, "false">:$approximate)> { let summary = "Gaussian error linear unit"; let maths = "y = x Φ(x) = x erfc(-x / √2) / 2; with `approximate`, x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2"; }
def Graph_SiluOp : Graph_Activation<"silu"> { let summary = "sigmoid linear unit (swish)"; let maths = "y = x / (1 + e^-x)"; }
def Graph_SigmoidOp : Graph_Activation<"sigmoid"> { let summary = "sigmoid"; let maths = "Another name of `logistic`."; }
def Graph_SoftplusOp : Graph_Activation<"softplus"> { let summary = "smooth rectifier"; let maths = "y = ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)"; }
def Graph_SquareOp : Graph_FloatUnary<"square"> { let summary = "square"; let maths = "y = x²"; }
def Graph_ReciprocalOp : Graph_FloatUnary<"reciprocal"> { let summary = "reciprocal"; let maths = "y = 1 / x"; }
def Graph_ClampOp : Graph_FloatUnary<"clamp", (ins Graph_Number:$low, Graph_Number:$high), [AnyPrecision]> { let summary = "limit to a range"; let maths = "y = min(max(x, low), high)"; let example = "%y = clamp(%x, low = -1.0, high = 1.0)"; }
def Graph_SoftmaxOp : Graph_Activation<"softmax", (ins DefaultValuedOptionalAttr<Graph_Int, "-1">:$axis)> { let summary = "softmax"; let maths = "y = e^x / Σ e^x along `axis` (the last where none is given), computed from x - max x"; }
def Graph_LogSoftmaxOp : Graph_Activation<"log_softmax", (ins DefaultValuedOptionalAttr<Graph_Int, "-1">:$axis)> { let summary = "logarithm of softmax"; let maths = "y = x - ln Σ e^x along `axis`, computed from x - max x"; }

class Graph_CompositeReduction<string mnemonic> : Graph_Composite<mnemonic> {
  let arguments = (ins Graph_Tensor:$x, OptionalAttr<Graph_Axes>:$axis, DefaultValuedOptionalAttr<Graph_Flag, "false">:$keep_dims);
  let example = "%y = " # mnemonic # "(%x, axis = 1)";
  let moreDefinition = "::mlir::FailureOr<::mlir::RankedTensorType> $cppClass::inferType("
      # "::llvm::ArrayRef<::mlir::RankedTensorType> operands, "
      # "::llvm::function_ref<::mlir::InFlightDiagnostic()> error) {"
      # " return inferReduction(*this, operands, error); }";
}
def Graph_MeanOp : Graph_CompositeReduction<"mean"> { let summary = "mean over axes"; let maths = "Σ x / n over `axis` (all where none is given). Over the batch axis of a partial batch n counts the rows that are there."; }
def Graph_VarianceOp : Graph_CompositeReduction<"variance"> { let summary = "variance over axes"; let maths = "Σ (x - mean)² / n over `axis`"; }
def Graph_LogsumexpOp : Graph_CompositeReduction<"logsumexp"> { let summary = "logarithm of a sum of exponentials"; let maths = "ln Σ e^x over `axis`, computed from x - max x"; }

def Graph_MatmulOp : Graph_Composite<"matmul", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs, OptionalAttr<Graph_DType>:$dtype);
  let summary = "product of matrices";
  let maths = "Last axis of lhs with the last but one of rhs (its only one, if rhs is a vector); leading axes are batch axes and must agree, unless rhs is a matrix, which serves all. `dtype` as for `dot_general`.";
  let example = "%y = matmul(%x, %w)";
}
def Graph_OneHotOp : Graph_Composite<"one_hot", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$indices, Graph_Int:$depth, OptionalAttr<Graph_DType>:$dtype);
  let summary = "class numbers as unit vectors";
  let maths = "y[..., k] = 1 where indices[...] = k, else 0; f32 where no `dtype` is given. An index outside [0, depth) gives a row of zeros.";
  let example = "%y = one_hot(%label, depth = 10)";
}

#endif
