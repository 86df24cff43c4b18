// Constants: ops on them are computed here, if the result is the same on every machine.
#include "compiler/simplify/patterns/identities.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace graven::simplify {

using namespace graph;
using namespace mlir;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

TypedAttr splatOf(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant) return {};
  Builder b(value.getContext());
  Type element = typeOf(value).getElementType();
  Attribute held = constant.getValue();
  if (auto dense = dyn_cast<DenseElementsAttr>(held)) {
    if (!dense.isSplat()) return {};
    held = dense.getSplatValue<Attribute>();
  }
  if (!isa<FloatAttr, IntegerAttr>(held)) return {};
  if (isa<FloatType>(element)) return b.getFloatAttr(element, numberOf(held));
  auto signless = IntegerType::get(b.getContext(), element.getIntOrFloatBitWidth());
  if (auto integer = dyn_cast<IntegerAttr>(held))
    return IntegerAttr::get(signless, integer.getValue().sextOrTrunc(signless.getWidth()));
  return {};
}

std::optional<double> numberIn(Value value) {
  TypedAttr element = splatOf(value);
  if (!element) return std::nullopt;
  if (auto real = dyn_cast<FloatAttr>(element)) return real.getValueAsDouble();
  const APInt &bits = cast<IntegerAttr>(element).getValue();
  Type type = typeOf(value).getElementType();
  return type.isUnsignedInteger() || type.isInteger(1) ? bits.roundToDouble()
                                                       : bits.signedRoundToDouble();
}

bool isNumber(Value value, double number) {
  std::optional<double> held = numberIn(value);
  return held && *held == number;
}

Value splat(GraphBuilder &g, TypedAttr element, RankedTensorType type) {
  Attribute held;
  if (auto real = dyn_cast<FloatAttr>(element)) {
    held = g.builder().getF64FloatAttr(real.getValueAsDouble());
  } else {
    const APInt &bits = cast<IntegerAttr>(element).getValue();
    if (type.getElementType().isInteger(1))
      held = g.builder().getBoolAttr(!bits.isZero());
    else
      held = g.builder().getI64IntegerAttr(type.getElementType().isUnsignedInteger()
                                               ? static_cast<int64_t>(bits.getZExtValue())
                                               : bits.getSExtValue());
  }
  return g.create<ConstantOp>({}, {g.option("value", held), g.ints("shape", type.getShape()),
                                   g.type("dtype", type.getElementType())});
}

namespace {

// Ops whose results IEEE 754 or integer arithmetic determines. Others (exp, ...) are left to the
// kernels, which compute them alike everywhere; this machine's libm would not.
bool isExact(Operation *op) {
  return isa<arith::ArithDialect>(op->getDialect()) ||
         isa<math::SqrtOp, math::AbsFOp, math::FloorOp, math::AbsIOp>(op);
}

// An elementwise op of constants is the constant that the ops it is emitted as fold to.
Value foldElementwise(ElementwiseOpInterface op, GraphBuilder &g) {
  SmallVector<TypedAttr> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(splatOf(operand));
    if (!operands.back()) return {};
  }
  Block scratch;
  OpBuilder b(op->getContext());
  b.setInsertionPointToEnd(&scratch);
  SmallVector<Value> values;
  for (TypedAttr operand : operands) {
    if (isNarrowFloat(operand.getType()))
      operand = b.getF32FloatAttr(cast<FloatAttr>(operand).getValueAsDouble());
    values.push_back(arith::ConstantOp::create(b, op->getLoc(), operand));
  }
  Value emitted = op.emitScalar(b, op->getLoc(), values);
  llvm::SmallDenseMap<Value, Attribute> known;
  for (Operation &step : scratch) {
    if (!isExact(&step) || step.getNumResults() != 1) return {};
    SmallVector<Attribute> inputs;
    for (Value input : step.getOperands()) inputs.push_back(known.lookup(input));
    SmallVector<OpFoldResult> folded;
    if (failed(step.fold(inputs, folded)) || folded.size() != 1) return {};
    auto attribute = dyn_cast<Attribute>(folded[0]);
    known[step.getResult(0)] = attribute ? attribute : known.lookup(cast<Value>(folded[0]));
  }
  auto result = dyn_cast_or_null<TypedAttr>(known.lookup(emitted));
  if (!result || !isa<FloatAttr, IntegerAttr>(result)) return {};
  // The text has no word for infinity and NaN.
  if (auto real = dyn_cast<FloatAttr>(result); real && !real.getValue().isFinite()) return {};
  return splat(g, result, typeOf(op->getResult(0)));
}

// Movement of a constant is the constant in another shape.
template <typename OpTy>
Value moveSplat(OpTy op, GraphBuilder &g) {
  TypedAttr element = splatOf(op->getOperand(0));
  return element ? splat(g, element, typeOf(op.getResult())) : Value();
}

// A border of what is inside is more of the same.
Value padSplat(PadOp op, GraphBuilder &g) {
  return isNumber(op.getX(), op.getValue()) ? moveSplat(op, g) : Value();
}

}  // namespace

void addConstantIdentities(Identities &identities) {
  identities.addForAll<ElementwiseOpInterface>(foldElementwise);
  identities.add<BroadcastOp>(moveSplat);
  identities.add<ReshapeOp>(moveSplat);
  identities.add<TransposeOp>(moveSplat);
  identities.add<SliceOp>(moveSplat);
  identities.add<PadOp>(padSplat);
}

}  // namespace graven::simplify
