// Algebra of elementwise ops, as far as it holds in IEEE arithmetic.
#include <cmath>

#include "compiler/simplify/patterns/identities.h"

namespace graven::simplify {
namespace {

using namespace graph;
using namespace mlir;

// The x of -x, or nothing.
Value negated(Value value) {
  auto op = value.getDefiningOp<NegateOp>();
  return op ? op.getX() : Value();
}

bool isPowerOfTwo(double number) {
  int exponent;
  return std::isnormal(number) && std::abs(std::frexp(number, &exponent)) == 0.5;
}

// c ∘ x = x ∘ c: constants stand on the right.
Value constantToRight(ElementwiseOpInterface op, GraphBuilder &g) {
  if (!op->hasTrait<OpTrait::IsCommutative>() || !splatOf(op->getOperand(0)) ||
      splatOf(op->getOperand(1)))
    return {};
  return *g.tryCreate(op->getName(), {op->getOperand(1), op->getOperand(0)});
}

// x + 0 = x,  x + (-y) = x - y,  (-x) + y = y - x
Value simplifyAdd(AddOp op, GraphBuilder &g) {
  Expr x(g, op.getX()), y(g, op.getY());
  if (isNumber(y, 0)) return x;
  if (Value b = negated(y)) return x - Expr(g, b);
  if (Value a = negated(x)) return y - Expr(g, a);
  return {};
}

// x - 0 = x,  x - (-y) = x + y
Value simplifySubtract(SubtractOp op, GraphBuilder &g) {
  Expr x(g, op.getX()), y(g, op.getY());
  if (isNumber(y, 0)) return x;
  if (Value b = negated(y)) return x + Expr(g, b);
  return {};
}

// x · 1 = x,  x · -1 = -x,  (-x)(-y) = x y,  (-x) c = x · -c,  convert(b) c = select(b, c, 0 c) for
// a condition b,  and for integers x · 0 = 0
Value simplifyMultiply(MultiplyOp op, GraphBuilder &g) {
  Expr x(g, op.getX()), y(g, op.getY());
  if (isNumber(y, 1)) return x;
  if (isNumber(y, -1)) return -x;
  if (auto chosen = op.getX().getDefiningOp<ConvertOp>(); chosen && numberIn(y)) {
    Expr condition(g, chosen.getX());
    // A product with 0 keeps the constant's sign, which makes -0 of what is added to other numbers.
    if (condition.element().isInteger(1)) return select(condition, y, x.like(0 * *numberIn(y)));
  }
  Value a = negated(x), b = negated(y);
  if (a && b) return Expr(g, a) * Expr(g, b);
  if (isa<IntegerType>(x.element())) return isNumber(y, 0) ? Value(y) : Value();
  std::optional<double> c = numberIn(y);
  return a && c ? Value(Expr(g, a) * -*c) : Value();
}

// x / 1 = x,  x / -1 = -x,  and x / c = x · (1 / c) where 1 / c is exact
Value simplifyDivide(DivideOp op, GraphBuilder &g) {
  Expr x(g, op.getX()), y(g, op.getY());
  std::optional<double> c = numberIn(y);
  if (!c) return {};
  if (*c == 1) return x;
  if (*c == -1) return -x;
  // The largest powers of two have no normal reciprocal in their type.
  auto real = dyn_cast<FloatType>(x.element());
  double limit =
      real ? std::ldexp(1.0, -APFloat::semanticsMinExponent(real.getFloatSemantics())) : 0;
  bool exact = real && isPowerOfTwo(*c) && std::abs(*c) <= limit && std::abs(*c) >= 1 / limit;
  return exact ? Value(x * (1 / *c)) : Value();
}

// -(-x) = x,  -(x c) = x · -c
Value simplifyNegate(NegateOp op, GraphBuilder &g) {
  if (Value x = negated(op.getX())) return x;
  auto product = op.getX().getDefiningOp<MultiplyOp>();
  if (!product || !product->hasOneUse() || !isa<FloatType>(typeOf(product).getElementType()))
    return {};
  std::optional<double> c = numberIn(product.getY());
  return c ? Value(Expr(g, product.getX()) * -*c) : Value();
}

// x^0 = 1, x^1 = x, x² = x x, x³ = x x x, x^-1 = 1 / x
Value simplifyPower(PowerOp op, GraphBuilder &g) {
  Expr x(g, op.getX());
  std::optional<double> exponent = numberIn(op.getY());
  if (!exponent) return {};
  if (*exponent == 0) return x.like(1.0);
  if (*exponent == 1) return x;
  if (*exponent == 2) return x * x;
  if (*exponent == 3) return x * x * x;
  if (*exponent == -1) return 1.0 / x;
  return {};
}

// max(x, x) = x, and so for min, and, or
template <typename OpTy>
Value idempotent(OpTy op, GraphBuilder &) {
  return op.getX() == op.getY() ? op.getX() : Value();
}

// A condition that is known, does not matter, or is a negation.
Value simplifySelect(SelectOp op, GraphBuilder &g) {
  Value yes = op.getOnTrue(), no = op.getOnFalse();
  if (yes == no) return yes;
  if (isNumber(op.getCondition(), 1)) return yes;
  if (isNumber(op.getCondition(), 0)) return no;
  if (auto negation = op.getCondition().getDefiningOp<LogicalNotOp>())
    return select(Expr(g, negation.getX()), Expr(g, no), Expr(g, yes));
  return {};
}

// c and true = c, c and false = false; or likewise
template <typename OpTy, int kNeutral>
Value simplifyLogical(OpTy op, GraphBuilder &) {
  if (isNumber(op.getY(), kNeutral)) return op.getX();
  if (isNumber(op.getY(), 1 - kNeutral)) return op.getY();
  return {};
}

// not not c = c
Value simplifyNot(LogicalNotOp op, GraphBuilder &) {
  auto inner = op.getX().getDefiningOp<LogicalNotOp>();
  return inner ? inner.getX() : Value();
}

}  // namespace

void addAlgebraIdentities(Identities &identities) {
  identities.addForAll<ElementwiseOpInterface>(constantToRight);
  identities.add<AddOp>(simplifyAdd);
  identities.add<SubtractOp>(simplifySubtract);
  identities.add<MultiplyOp>(simplifyMultiply);
  identities.add<DivideOp>(simplifyDivide);
  identities.add<NegateOp>(simplifyNegate);
  identities.add<PowerOp>(simplifyPower);
  identities.add<MaximumOp>(idempotent);
  identities.add<MinimumOp>(idempotent);
  identities.add<LogicalAndOp>(idempotent);
  identities.add<LogicalOrOp>(idempotent);
  identities.add<LogicalAndOp>(simplifyLogical<LogicalAndOp, 1>);
  identities.add<LogicalOrOp>(simplifyLogical<LogicalOrOp, 0>);
  identities.add<LogicalNotOp>(simplifyNot);
  identities.add<SelectOp>(simplifySelect);
}

}  // namespace graven::simplify
