#include "dialect/graph/ir/shape_rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"

using namespace mlir;

namespace graven::graph {
namespace {

// Chooses by the kind of the elements the op computes on (its last operand's).
Value emitByKind(OpBuilder &b, Location loc, ValueRange v, ScalarEmitter onFloat,
                 ScalarEmitter onInt, ScalarEmitter onBool) {
  Type element = getElementTypeOrSelf(v.back().getType());
  ScalarEmitter emitter = isa<FloatType>(element) ? onFloat : element.isInteger(1) ? onBool : onInt;
  assert(emitter && "the verifier admits only kinds that have an emitter");
  return emitter(b, loc, v);
}

}  // namespace

Type withElementType(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type)) return VectorType::get(vector.getShape(), element);
  return element;
}

Value scalarConstant(OpBuilder &b, Location loc, Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr one;
  if (isa<FloatType>(element))
    one = b.getFloatAttr(element, value);
  else
    one = b.getIntegerAttr(element, static_cast<int64_t>(value));
  if (auto vector = dyn_cast<VectorType>(type))
    one = DenseElementsAttr::get(vector, Attribute(one));
  return arith::ConstantOp::create(b, loc, one);
}

Value emitIdentity(OpBuilder &b, Location loc, ValueRange v) { return v[0]; }

Value emitSelect(OpBuilder &b, Location loc, ValueRange v) {
  return arith::SelectOp::create(b, loc, v[0], v[1], v[2]);
}

Value emitNot(OpBuilder &b, Location loc, ValueRange v) {
  Value ones = arith::ConstantOp::create(
      b, loc,
      isa<VectorType>(v[0].getType())
          ? TypedAttr(DenseElementsAttr::get(cast<VectorType>(v[0].getType()), true))
          : TypedAttr(b.getBoolAttr(true)));
  return arith::XOrIOp::create(b, loc, v[0], ones);
}

Value emitSign(OpBuilder &b, Location loc, ValueRange v) {
  Type type = v[0].getType();
  Value zero = scalarConstant(b, loc, type, 0.0);
  Value one = scalarConstant(b, loc, type, 1.0);
  Value magnitude = math::CopySignOp::create(b, loc, one, v[0]);
  // Zero and NaN are their own sign.
  Value unordered = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UEQ, v[0], zero);
  return arith::SelectOp::create(b, loc, unordered, v[0], magnitude);
}

Value emitIntSign(OpBuilder &b, Location loc, ValueRange v) {
  Type type = v[0].getType();
  Value one = scalarConstant(b, loc, type, 1);
  Value minusOne = scalarConstant(b, loc, type, -1);
  return arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, v[0], one), minusOne);
}

Value emitIntNegate(OpBuilder &b, Location loc, ValueRange v) {
  return arith::SubIOp::create(b, loc, scalarConstant(b, loc, v[0].getType(), 0), v[0]);
}

Value emitIntAbs(OpBuilder &b, Location loc, ValueRange v) {
  return arith::MaxSIOp::create(b, loc, v[0], emitIntNegate(b, loc, v));
}

// x / 0 = 0 and min / -1 wraps: the machine's trap on either is kept away by dividing by 1 instead.
Value emitIntDivide(OpBuilder &b, Location loc, ValueRange v) {
  Type type = v[0].getType();
  Value zero = scalarConstant(b, loc, type, 0);
  Value one = scalarConstant(b, loc, type, 1);
  Value byZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, v[1], zero);
  Value byMinusOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, v[1],
                                           scalarConstant(b, loc, type, -1));
  Value special = arith::OrIOp::create(b, loc, byZero, byMinusOne);
  Value divisor = arith::SelectOp::create(b, loc, special, one, v[1]);
  Value quotient = arith::DivSIOp::create(b, loc, v[0], divisor);
  Value negated = arith::SubIOp::create(b, loc, zero, v[0]);
  Value orNegated = arith::SelectOp::create(b, loc, byMinusOne, negated, quotient);
  return arith::SelectOp::create(b, loc, byZero, zero, orNegated);
}

namespace {

// Truncates toward zero and saturates at the target's bounds; NaN becomes 0. The bounds are the
// nearest floats inside the target's range, so that the conversion itself is always defined.
Value convertFloatToInt(OpBuilder &b, Location loc, Value v, Type to) {
  Type type = v.getType();
  bool isUnsigned = to.isUnsignedInteger();
  unsigned width = to.getIntOrFloatBitWidth();
  auto target = withElementType(type, b.getIntegerType(width));
  double low = isUnsigned ? 0.0 : -std::ldexp(1.0, width - 1);
  double limit = std::ldexp(1.0, isUnsigned ? width : width - 1);
  Value lowValue = scalarConstant(b, loc, type, low);
  Value tooHigh = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, v,
                                        scalarConstant(b, loc, type, limit));
  Value tooLow = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, v, lowValue);
  Value nan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, v, v);
  Value outside = arith::OrIOp::create(b, loc, arith::OrIOp::create(b, loc, tooHigh, tooLow), nan);
  Value safe = arith::SelectOp::create(b, loc, outside, scalarConstant(b, loc, type, 0.0), v);
  Value converted = isUnsigned ? Value(arith::FPToUIOp::create(b, loc, target, safe))
                               : Value(arith::FPToSIOp::create(b, loc, target, safe));
  auto bound = [&](APInt value) {
    TypedAttr one = b.getIntegerAttr(b.getIntegerType(width), value);
    if (auto vector = dyn_cast<VectorType>(target))
      one = DenseElementsAttr::get(vector, Attribute(one));
    return Value(arith::ConstantOp::create(b, loc, one));
  };
  Value high = bound(isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width));
  Value lowest = bound(isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width));
  converted = arith::SelectOp::create(b, loc, tooHigh, high, converted);
  return arith::SelectOp::create(b, loc, tooLow, lowest, converted);
}

}  // namespace

Type heldType(Type element) {
  if (isNarrowFloat(element)) return Float32Type::get(element.getContext());
  if (element.isUnsignedInteger())
    return IntegerType::get(element.getContext(), element.getIntOrFloatBitWidth());
  return element;
}

Value emitRounding(OpBuilder &b, Location loc, Value v, Type element) {
  Type narrow = withElementType(v.getType(), element);
  Value rounded = arith::TruncFOp::create(b, loc, narrow, v);
  return arith::ExtFOp::create(b, loc, v.getType(), rounded);
}

namespace {

Value integerConstant(OpBuilder &b, Location loc, Type type, int64_t value) {
  TypedAttr one = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    one = DenseElementsAttr::get(vector, Attribute(one));
  return arith::ConstantOp::create(b, loc, one);
}

// f64 to f32, rounded to odd (Boldo and Melquiond 2008): of an inexact result's two neighbours the
// one with an odd last bit, which a further rounding to fewer bits takes for neither a value nor a
// tie, so that both together round once.
Value narrowToOdd(OpBuilder &b, Location loc, Value v) {
  Type single = withElementType(v.getType(), b.getF32Type());
  Type bits = withElementType(v.getType(), b.getI32Type());
  Value nearest = arith::TruncFOp::create(b, loc, single, v);
  Value back = arith::ExtFOp::create(b, loc, v.getType(), nearest);
  Value pattern = arith::BitcastOp::create(b, loc, bits, nearest);
  auto number = [&](int64_t value) { return integerConstant(b, loc, bits, value); };
  Value inexact = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, back, v);
  Value last = arith::AndIOp::create(b, loc, pattern, number(1));
  Value even = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, last, number(0));
  Value outward =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, math::AbsFOp::create(b, loc, back),
                            math::AbsFOp::create(b, loc, v));
  Value step = arith::SelectOp::create(b, loc, outward, number(-1), number(1));
  Value odd = arith::AddIOp::create(b, loc, pattern, step);
  Value moves = arith::AndIOp::create(b, loc, inexact, even);
  return arith::BitcastOp::create(b, loc, single,
                                  arith::SelectOp::create(b, loc, moves, odd, pattern));
}

// An integer as an f64, above 2^53 rounded to odd, for a further rounding to f16 or bf16.
Value widenToOdd(OpBuilder &b, Location loc, Value v) {
  Type type = v.getType();
  if (getElementTypeOrSelf(type).isInteger(64)) {
    auto number = [&](int64_t value) { return integerConstant(b, loc, type, value); };
    Value rest = arith::AndIOp::create(b, loc, v, number(0x7ff));
    Value exact = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, rest, number(0));
    Value odd = arith::OrIOp::create(b, loc, arith::SubIOp::create(b, loc, v, rest), number(0x800));
    // Whether v lies in [-2^53, 2^53).
    Value shifted = arith::AddIOp::create(b, loc, v, number(int64_t{1} << 53));
    Value small =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, shifted, number(int64_t{1} << 54));
    Value keeps = arith::OrIOp::create(b, loc, exact, small);
    v = arith::SelectOp::create(b, loc, keeps, v, odd);
  }
  return arith::SIToFPOp::create(b, loc, withElementType(type, b.getF64Type()), v);
}

// To f16 or bf16, rounded once, whatever the source.
Value convertToNarrow(OpBuilder &b, Location loc, Value v, Type from, Type to) {
  if (isa<IntegerType>(from)) {
    if (from.isInteger(1) || from.isUnsignedInteger())  // exact
      return arith::UIToFPOp::create(b, loc, withElementType(v.getType(), b.getF32Type()), v);
    v = widenToOdd(b, loc, v);
  }
  if (getElementTypeOrSelf(v.getType()).isF64()) v = narrowToOdd(b, loc, v);
  return emitRounding(b, loc, v, to);
}

}  // namespace

Value emitConvert(OpBuilder &b, Location loc, Value v, Type from, Type to) {
  if (from == to) return v;
  if (isNarrowFloat(to)) return convertToNarrow(b, loc, v, from, to);
  from = heldType(from) == b.getF32Type() ? b.getF32Type() : from;
  if (from == to) return v;
  Type target = withElementType(v.getType(), heldType(to));
  bool fromFloat = isa<FloatType>(from);
  if (to.isInteger(1)) {
    Value zero = scalarConstant(b, loc, v.getType(), 0.0);
    if (fromFloat) return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, v, zero);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, v, zero);
  }
  bool unsignedSource = from.isUnsignedInteger() || from.isInteger(1);
  if (fromFloat && isa<FloatType>(to)) {
    if (to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, loc, target, v);
    return arith::TruncFOp::create(b, loc, target, v);
  }
  if (fromFloat) return convertFloatToInt(b, loc, v, to);
  if (isa<FloatType>(to)) {
    // A choice of two constants takes one instruction, a conversion by way of integers three.
    if (from.isInteger(1))
      return arith::SelectOp::create(b, loc, v, scalarConstant(b, loc, target, 1.0),
                                     scalarConstant(b, loc, target, 0.0));
    if (unsignedSource) return arith::UIToFPOp::create(b, loc, target, v);
    return arith::SIToFPOp::create(b, loc, target, v);
  }
  unsigned fromWidth = from.getIntOrFloatBitWidth(), toWidth = to.getIntOrFloatBitWidth();
  if (toWidth < fromWidth) return arith::TruncIOp::create(b, loc, target, v);
  if (toWidth == fromWidth) return v;
  if (unsignedSource) return arith::ExtUIOp::create(b, loc, target, v);
  return arith::ExtSIOp::create(b, loc, target, v);
}

FailureOr<RankedTensorType> ConvertOp::inferType(ArrayRef<RankedTensorType> operands, Error error) {
  return RankedTensorType::get(operands[0].getShape(), getDtype());
}

Value ConvertOp::emitScalar(OpBuilder &b, Location loc, ValueRange v) {
  return emitConvert(b, loc, v[0], cast<RankedTensorType>(getX().getType()).getElementType(),
                     getDtype());
}

}  // namespace graven::graph

using namespace graven::graph;
#define GET_OP_CLASSES
#include "dialect/graph/ops/elementwise.cpp.inc"
