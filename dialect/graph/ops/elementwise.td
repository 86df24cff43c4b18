// Elementwise primitives: each element of the result from the elements at the same index.
#ifndef GRAVEN_DIALECT_GRAPH_OPS_ELEMENTWISE_TD
#define GRAVEN_DIALECT_GRAPH_OPS_ELEMENTWISE_TD

include "dialect/graph/ir/graph_base.td"

// `onFloat`, `onInt`, `onBool`: how the op is emitted on elements of that kind (`emit<SomeOp>` or a
// function of elementwise_scalar.h); empty where the op does not take them.
class Graph_Elementwise<string mnemonic, string onFloat, string onInt = "", string onBool = "",
                        list<Trait> traits = []>
    : Graph_Primitive<mnemonic,
        !listconcat(traits, [DeclareOpInterfaceMethods<ElementwiseOpInterface>])> {
  string elementRule = "sameElementType";
  code elementwiseDefinition =
      "::mlir::FailureOr<::mlir::RankedTensorType> $cppClass::inferType("
      # "::llvm::ArrayRef<::mlir::RankedTensorType> operands, "
      # "::llvm::function_ref<::mlir::InFlightDiagnostic()> error) {"
      # " return inferElementwise(*this, operands, {" # !if(!empty(onFloat), "false", "true") # ", "
      # !if(!empty(onInt), "false", "true") # ", " # !if(!empty(onBool), "false", "true") # "}, "
      # elementRule # ", error); }\n"
      # "::mlir::Value $cppClass::emitScalar(::mlir::OpBuilder &b, ::mlir::Location loc, ::mlir::ValueRange v) {"
      # " return emitByKind(b, loc, v, " # !if(!empty(onFloat), "nullptr", onFloat) # ", "
      # !if(!empty(onInt), "nullptr", onInt) # ", " # !if(!empty(onBool), "nullptr", onBool) # "); }\n";
  let moreDefinition = elementwiseDefinition;
}
class Graph_Unary<string mnemonic, string onFloat, string onInt = "", string onBool = "",
                  list<Trait> traits = []>
    : Graph_Elementwise<mnemonic, onFloat, onInt, onBool, traits> {
  let arguments = (ins Graph_Tensor:$x);
  let example = "%y = " # mnemonic # "(%x)";
}
class Graph_Binary<string mnemonic, string onFloat, string onInt = "", string onBool = "",
                   list<Trait> traits = []>
    : Graph_Elementwise<mnemonic, onFloat, onInt, onBool, traits> {
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$y);
  let example = "%z = " # mnemonic # "(%x, %y)";
}
class Graph_Comparison<string mnemonic, string onFloat, string onInt, string onBool = "">
    : Graph_Binary<mnemonic, onFloat, onInt, onBool, [NotDifferentiable]> {
  let elementRule = "boolElement";
}

// --- arithmetic ---
def Graph_AddOp : Graph_Binary<"add", "emit<::mlir::arith::AddFOp>", "emit<::mlir::arith::AddIOp>", "", [Commutative]> {
  let summary = "sum"; let maths = "z = x + y; integers wrap."; }
def Graph_SubtractOp : Graph_Binary<"subtract", "emit<::mlir::arith::SubFOp>", "emit<::mlir::arith::SubIOp>"> {
  let summary = "difference"; let maths = "z = x - y; integers wrap."; }
def Graph_MultiplyOp : Graph_Binary<"multiply", "emit<::mlir::arith::MulFOp>", "emit<::mlir::arith::MulIOp>", "", [Commutative]> {
  let summary = "product"; let maths = "z = x y, element by element; integers wrap. For the product of matrices see `matmul`."; }
def Graph_DivideOp : Graph_Binary<"divide", "emit<::mlir::arith::DivFOp>", "emitIntDivide"> {
  let summary = "quotient"; let maths = "z = x / y. Integers: toward zero, x / 0 = 0, the most negative value / -1 wraps."; }
def Graph_PowerOp : Graph_Binary<"power", "emit<::mlir::math::PowFOp>"> {
  let summary = "power"; let maths = "z = x^y. The gradient by y is zero where x <= 0."; }
def Graph_MaximumOp : Graph_Binary<"maximum", "emit<::mlir::arith::MaximumFOp>", "emit<::mlir::arith::MaxSIOp>", "emit<::mlir::arith::OrIOp>", [Commutative, AnyPrecision]> {
  let summary = "larger of two"; let maths = "z = max(x, y); NaN if either is. At a tie each operand takes half of the gradient."; }
def Graph_MinimumOp : Graph_Binary<"minimum", "emit<::mlir::arith::MinimumFOp>", "emit<::mlir::arith::MinSIOp>", "emit<::mlir::arith::AndIOp>", [Commutative, AnyPrecision]> {
  let summary = "smaller of two"; let maths = "z = min(x, y); NaN if either is. At a tie each operand takes half of the gradient."; }
def Graph_NegateOp : Graph_Unary<"negate", "emit<::mlir::arith::NegFOp>", "emitIntNegate", "", [AnyPrecision]> {
  let summary = "negation"; let maths = "y = -x"; }
def Graph_AbsOp : Graph_Unary<"abs", "emit<::mlir::math::AbsFOp>", "emitIntAbs", "", [AnyPrecision]> {
  let summary = "absolute value"; let maths = "y = |x|; its gradient at 0 is 0."; }
def Graph_SignOp : Graph_Unary<"sign", "emitSign", "emitIntSign", "", [NotDifferentiable, AnyPrecision]> {
  let summary = "sign"; let maths = "y = -1, 0 or 1 as x is negative, zero or positive; NaN stays NaN."; }
def Graph_FloorOp : Graph_Unary<"floor", "emit<::mlir::math::FloorOp>", "", "", [NotDifferentiable, AnyPrecision]> {
  let summary = "floor"; let maths = "y = the largest integer not above x"; }

// --- elementary functions ---
def Graph_ExpOp : Graph_Unary<"exp", "emit<::mlir::math::ExpOp>", "", "", [Activation]> {
  let summary = "exponential"; let maths = "y = e^x"; }
def Graph_Expm1Op : Graph_Unary<"expm1", "emit<::mlir::math::ExpM1Op>"> {
  let summary = "exponential minus one"; let maths = "y = e^x - 1, accurate near 0"; }
def Graph_LogOp : Graph_Unary<"log", "emit<::mlir::math::LogOp>"> {
  let summary = "natural logarithm"; let maths = "y = ln x"; }
def Graph_Log1pOp : Graph_Unary<"log1p", "emit<::mlir::math::Log1pOp>"> {
  let summary = "logarithm of one plus"; let maths = "y = ln(1 + x), accurate near 0"; }
def Graph_TanhOp : Graph_Unary<"tanh", "emit<::mlir::math::TanhOp>", "", "", [Activation]> {
  let summary = "hyperbolic tangent"; let maths = "y = tanh x"; }
def Graph_LogisticOp : Graph_Unary<"logistic", "emit<::graven::element::LogisticOp>", "", "", [Activation]> {
  let summary = "logistic function (sigmoid)"; let maths = "y = 1 / (1 + e^-x)"; }
def Graph_ErfOp : Graph_Unary<"erf", "emit<::mlir::math::ErfOp>"> {
  let summary = "error function"; let maths = "y = erf x"; }
def Graph_ErfcOp : Graph_Unary<"erfc", "emit<::mlir::math::ErfcOp>"> {
  let summary = "complementary error function"; let maths = "y = 1 - erf x, accurate where erf x is near 1"; }
def Graph_SqrtOp : Graph_Unary<"sqrt", "emit<::mlir::math::SqrtOp>"> {
  let summary = "square root"; let maths = "y = the square root of x"; }
def Graph_RsqrtOp : Graph_Unary<"rsqrt", "emit<::mlir::math::RsqrtOp>"> {
  let summary = "reciprocal square root"; let maths = "y = 1 / sqrt x"; }
def Graph_SinOp : Graph_Unary<"sin", "emit<::mlir::math::SinOp>"> {
  let summary = "sine"; let maths = "y = sin x, x in radians"; }
def Graph_CosOp : Graph_Unary<"cos", "emit<::mlir::math::CosOp>"> {
  let summary = "cosine"; let maths = "y = cos x, x in radians"; }

// --- comparison and logic ---
def Graph_EqualOp : Graph_Comparison<"equal", "compareF<::mlir::arith::CmpFPredicate::OEQ>", "compareI<::mlir::arith::CmpIPredicate::eq>", "compareI<::mlir::arith::CmpIPredicate::eq>"> {
  let summary = "equality"; let maths = "z = (x = y), an i1"; }
def Graph_NotEqualOp : Graph_Comparison<"not_equal", "compareF<::mlir::arith::CmpFPredicate::UNE>", "compareI<::mlir::arith::CmpIPredicate::ne>", "compareI<::mlir::arith::CmpIPredicate::ne>"> {
  let summary = "inequality"; let maths = "z = (x ≠ y), an i1"; }
def Graph_LessOp : Graph_Comparison<"less", "compareF<::mlir::arith::CmpFPredicate::OLT>", "compareI<::mlir::arith::CmpIPredicate::slt>"> {
  let summary = "less than"; let maths = "z = (x < y), an i1; false if either is NaN"; }
def Graph_LessEqualOp : Graph_Comparison<"less_equal", "compareF<::mlir::arith::CmpFPredicate::OLE>", "compareI<::mlir::arith::CmpIPredicate::sle>"> {
  let summary = "less than or equal"; let maths = "z = (x ≤ y), an i1; false if either is NaN"; }
def Graph_GreaterOp : Graph_Comparison<"greater", "compareF<::mlir::arith::CmpFPredicate::OGT>", "compareI<::mlir::arith::CmpIPredicate::sgt>"> {
  let summary = "greater than"; let maths = "z = (x > y), an i1; false if either is NaN"; }
def Graph_GreaterEqualOp : Graph_Comparison<"greater_equal", "compareF<::mlir::arith::CmpFPredicate::OGE>", "compareI<::mlir::arith::CmpIPredicate::sge>"> {
  let summary = "greater than or equal"; let maths = "z = (x ≥ y), an i1; false if either is NaN"; }
def Graph_LogicalAndOp : Graph_Binary<"logical_and", "", "", "emit<::mlir::arith::AndIOp>", [Commutative, NotDifferentiable]> {
  let summary = "conjunction"; let maths = "z = x and y, of i1"; }
def Graph_LogicalOrOp : Graph_Binary<"logical_or", "", "", "emit<::mlir::arith::OrIOp>", [Commutative, NotDifferentiable]> {
  let summary = "disjunction"; let maths = "z = x or y, of i1"; }
def Graph_LogicalXorOp : Graph_Binary<"logical_xor", "", "", "emit<::mlir::arith::XOrIOp>", [Commutative, NotDifferentiable]> {
  let summary = "exclusive disjunction"; let maths = "z = either x or y, of i1"; }
def Graph_LogicalNotOp : Graph_Unary<"logical_not", "", "", "emitNot", [NotDifferentiable]> {
  let summary = "negation of a condition"; let maths = "y = not x, of i1"; }

// --- choice and type ---
def Graph_SelectOp : Graph_Elementwise<"select", "emitSelect", "emitSelect", "emitSelect", [AnyPrecision]> {
  let arguments = (ins Graph_Tensor:$condition, Graph_Tensor:$on_true, Graph_Tensor:$on_false);
  let elementRule = "selectElement";
  let summary = "choice";
  let maths = "z = on_true where condition (an i1) holds, on_false elsewhere; the value not chosen has gradient 0, NaN or not.";
  let example = "%z = select(%condition, %a, %b)";
}
def Graph_ConvertOp : Graph_Primitive<"convert", [AnyPrecision, DeclareOpInterfaceMethods<ElementwiseOpInterface>]> {
  let arguments = (ins Graph_Tensor:$x, Graph_DType:$dtype);
  let summary = "change of element type";
  let maths = "y = x in another element type. Float to integer truncates and saturates, NaN becomes 0; a number is true when it is not 0. What f16 or bf16 cannot hold is rounded once, to the nearest, at a tie to the even one.";
  let example = "%y = convert(%x, dtype = f32)";
}
def Graph_StopGradientOp : Graph_Unary<"stop_gradient", "emitIdentity", "emitIdentity", "emitIdentity", [NotDifferentiable, AnyPrecision]> {
  let summary = "identity without gradient"; let maths = "y = x, a constant to differentiation"; }

#endif
