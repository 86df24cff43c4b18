// Sums along an axis of what is one-hot along it: 1 where the axis' index equals a number that does
// not change along the axis, as in a row of labels written out, and 0 elsewhere.
//
// Adding zeros rounds nothing. So a sum of products h·v, h being one-hot, is the v of one place to
// the last bit, and what does not change along the axis may leave it. Such sums then wait for
// nothing that the rest of v waited for: of a cross-entropy's log-softmax the scores alone stay
// inside, which the first pass over a row reads.
#include "compiler/simplify/patterns/identities.h"

namespace graven::simplify {
namespace {

using namespace graph;
using namespace mlir;

// Whether `value` does not change along `axis`.
bool isEvenAlong(Value value, int64_t axis) {
  if (splatOf(value)) return true;
  auto repeated = value.getDefiningOp<BroadcastOp>();
  if (!repeated) return false;
  for (auto [from, to] : llvm::enumerate(axesOf(repeated)))
    if (to == axis && typeOf(repeated.getX()).getDimSize(from) != 1) return false;
  return true;
}

// Such a value, with length 1 at `axis`.
Expr onceAlong(GraphBuilder &g, Value value, int64_t axis) {
  SmallVector<int64_t> shape(typeOf(value).getShape());
  shape[axis] = 1;
  if (TypedAttr element = splatOf(value))
    return {g, splat(g, element, RankedTensorType::get(shape, typeOf(value).getElementType()))};
  auto repeated = value.getDefiningOp<BroadcastOp>();
  return broadcast(Expr(g, repeated.getX()), shape, axesOf(repeated));
}

bool isIotaAlong(Value value, int64_t axis) {
  auto iota = value.getDefiningOp<IotaOp>();
  if (!iota || !isa<IntegerType>(typeOf(value).getElementType())) return false;
  int64_t along = iota.getAxis();
  return axis == (along < 0 ? along + typeOf(value).getRank() : along);
}

// The place where `condition` holds along `axis`; nothing where it is not one-hot.
Value hotPlace(Value condition, int64_t axis) {
  auto equal = condition.getDefiningOp<EqualOp>();
  if (!equal) return {};
  Value x = equal.getX(), y = equal.getY();
  if (isIotaAlong(y, axis) && isEvenAlong(x, axis)) return x;
  return isIotaAlong(x, axis) && isEvenAlong(y, axis) ? y : Value();
}

// Whether there is such a place at all; with length 1 at `axis`.
Expr isInside(GraphBuilder &g, Value place, int64_t axis) {
  Expr once = onceAlong(g, place, axis);
  auto length = static_cast<double>(typeOf(place).getDimSize(axis));
  return logicalAnd(once >= 0.0, once < length);
}

// h as numbers: the condition that they are made from.
Value conditionOf(Value value) {
  auto convert = value.getDefiningOp<ConvertOp>();
  return convert && typeOf(convert.getX()).getElementType().isInteger(1) ? convert.getX() : Value();
}

// Σ -x = -Σ x: rounding is symmetric.
Value sumOfNegated(SumOp op, GraphBuilder &g) {
  auto negate = op.getX().getDefiningOp<NegateOp>();
  if (!negate) return {};
  return -sum(Expr(g, negate.getX()), op.getReducedAxes(), op.getKeepDims());
}

// Σ h = 1 where there is such a place,  Σ select(h, c, 0) = c there; else 0.
Value sumOfOneHot(SumOp op, GraphBuilder &g) {
  SmallVector<int64_t> axes = op.getReducedAxes();
  if (axes.size() != 1) return {};
  int64_t axis = axes[0];
  Expr result;
  if (Value condition = conditionOf(op.getX())) {
    Value place = hotPlace(condition, axis);
    if (!place) return {};
    result = convert(isInside(g, place, axis), typeOf(op.getX()).getElementType());
  } else if (auto select = op.getX().getDefiningOp<SelectOp>()) {
    Value place = hotPlace(select.getCondition(), axis);
    if (!place || !isEvenAlong(select.getOnTrue(), axis) || !isNumber(select.getOnFalse(), 0))
      return {};
    Expr value = onceAlong(g, select.getOnTrue(), axis);
    result = graph::select(isInside(g, place, axis), value, value.like(0));
  } else {
    return {};
  }
  return reshape(result, typeOf(op).getShape());
}

// Σ h·(a - b) = Σ h·a - b·Σ h - 0·b  where b does not change along the axis. The last term is NaN
// where b is not finite, as 0·(a - b) is in the other places.
Value sumOfHotDifference(SumOp op, GraphBuilder &g) {
  SmallVector<int64_t> axes = op.getReducedAxes();
  auto product = op.getX().getDefiningOp<MultiplyOp>();
  if (axes.size() != 1 || !product || !product->hasOneUse() ||
      !isa<FloatType>(typeOf(product).getElementType()))
    return {};
  int64_t axis = axes[0];
  Value hot = product.getX(), other = product.getY();
  if (!conditionOf(hot)) std::swap(hot, other);
  Value condition = conditionOf(hot);
  Value place = condition ? hotPlace(condition, axis) : Value();
  auto difference = other.getDefiningOp<SubtractOp>();
  if (!place || !difference || !isEvenAlong(difference.getY(), axis)) return {};
  if (typeOf(place).getDimSize(axis) < 2) return {};
  Expr h(g, hot), even = onceAlong(g, difference.getY(), axis);
  Expr inside = convert(isInside(g, place, axis), even.element());
  Expr rest = sum(h * Expr(g, difference.getX()), axes, /*keepDims=*/true);
  return reshape(rest - even * inside - even * 0.0, typeOf(op).getShape());
}

}  // namespace

void addOneHotIdentities(Identities &identities) {
  identities.add<SumOp>(sumOfNegated);
  identities.add<SumOp>(sumOfOneHot);
  identities.add<SumOp>(sumOfHotDifference);
}

}  // namespace graven::simplify
