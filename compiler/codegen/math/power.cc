// pow, and 1 / sqrt.
//
// |x|^y = exp(y log|x|). f32 computes it in f64, whose spare bits cover what y log|x| amplifies;
// f64 carries log|x| and the product in two parts. Signs and special values follow C's Annex F.
#include <limits>

#include "compiler/codegen/math/expand_math.h"

namespace graven::codegen {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// size^y for finite size > 0 and finite y.
Real magnitude(const Scope &scope, Real size, Real y) {
  if (!scope.isDouble()) {
    Scope wide = scope.widened();
    Real exponent = widen(y, wide) * logarithm(wide, widen(size, wide));
    return narrow(exponential(wide, exponent), scope);
  }
  Pair log = preciseLogarithm(scope, size);
  Real high = y * log.high;
  Real low = fma(y, log.low, fma(y, log.high, -high));
  // Far outside the range of exp the low part may be NaN, and means nothing.
  return exponential(scope, high, select(abs(high) < 1000.0, low, scope.real(0.0)));
}

Real expandPow(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0], y = operands[1];
  Real size = abs(x);
  Real result = magnitude(scope, size, y);

  // Zero, infinity, or an infinite exponent: 0 or infinity by which side of 1 the base lies.
  Mask extreme = size == 0.0 || size == kInfinity || abs(y) == kInfinity;
  Mask shrinks = (size < 1.0 && y > 0.0) || (size > 1.0 && y < 0.0);
  result = select(extreme, select(shrinks, 0.0, scope.real(kInfinity)), result);
  result = select(size == 1.0, 1.0, result);

  Mask whole = floor(y) == y;
  Real half = y * 0.5;
  Mask odd = whole && !(floor(half) == half) && abs(y) < kInfinity;
  Mask negative = x < 0.0 || (x == 0.0 && lessThan(bitsOf(x), 0));
  // A negative base needs a whole exponent (an infinite one counts as even).
  result = select(x < 0.0 && !whole && size < kInfinity, kNan, result);
  result = select(negative && odd, -result, result);

  result = select(isNan(x) || isNan(y), kNan, result);
  return select(y == 0.0 || x == 1.0, 1.0, result);
}

Real expandRsqrt(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real root = sqrt(x);
  Real result = 1.0 / root;
  // One Newton step on the rounding errors of both operations: r (1 + (1 - x r^2) / 2).
  Pair product = twoProduct(x, result);
  Real residual = fma(-product.high, result, 1.0) - product.low * result;
  Real refined = fma(result * 0.5, residual, result);
  // Zero, infinity and NaN have no residual.
  return select(x > 0.0 && x < kInfinity, refined, result);
}

constexpr ElementaryFunction kFunctions[] = {{"math.powf", expandPow}, {"math.rsqrt", expandRsqrt}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> powerFunctions() { return kFunctions; }

}  // namespace graven::codegen
