// pow.
//
// |x|^y = exp(y log|x|). f32 computes it in f64, whose spare bits cover what y log|x| amplifies,
// with polynomials as short as f32 allows; f64 carries log|x| and the product in two parts. Signs
// and special values follow C's Annex F, in a branch that is taken when a lane needs it.
#include <limits>

#include "compiler/codegen/math/expand_math.h"

namespace graven::codegen {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// size^y for finite size > 0 and finite y.
Real magnitude(const Scope &scope, Real size, Real y) {
  if (!scope.isDouble()) {
    BinaryParts parts = decompose(scope, size);
    Scope wide = scope.widened();
    Real log = shortLogarithm(wide, widen(parts.exponent, wide), widen(parts.f, wide));
    // Beyond these bounds the result rounds to zero or infinity.
    Real exponent = clamp(widen(y, wide) * log, -105.0, 90.0);
    return narrow(shortExponential(wide, exponent), scope);
  }
  Pair log = preciseLogarithm(scope, size);
  Real high = y * log.high;
  Real low = fma(y, log.low, fma(y, log.high, -high));
  // Far outside the range of exp the low part may be NaN, and means nothing.
  return exponential(scope, high, select(abs(high) < 1000.0, low, scope.real(0.0)));
}

// x^y where x is not positive or not finite, or y is not finite; `size` is |x|^y where |x| is
// positive and both are finite.
Real special(const Scope &scope, Real x, Real y, Real size) {
  Real base = abs(x);
  // Zero, infinity, or an infinite exponent: 0 or infinity by which side of 1 the base lies.
  Mask extreme = base == 0.0 || base == kInfinity || abs(y) == kInfinity;
  Mask shrinks = (base < 1.0 && y > 0.0) || (base > 1.0 && y < 0.0);
  Real result = select(extreme, select(shrinks, 0.0, scope.real(kInfinity)), size);
  result = select(base == 1.0, 1.0, result);

  Mask whole = floor(y) == y;
  Real half = y * 0.5;
  Mask odd = whole && !(floor(half) == half) && abs(y) < kInfinity;
  Mask negative = x < 0.0 || (x == 0.0 && lessThan(bitsOf(x), 0));
  // A negative base needs a whole exponent (an infinite one counts as even).
  result = select(x < 0.0 && !whole && base < kInfinity, kNan, result);
  result = select(negative && odd, -result, result);

  result = select(isNan(x) || isNan(y), kNan, result);
  return select(y == 0.0 || x == 1.0, 1.0, result);
}

Real expandPow(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0], y = operands[1];
  Real size = magnitude(scope, abs(x), y);
  Mask ordinary = x > 0.0 && x < kInfinity && abs(y) < kInfinity;
  return patch(!ordinary, size, [&] { return special(scope, x, y, size); });
}

constexpr ElementaryFunction kFunctions[] = {{"math.powf", expandPow}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> powerFunctions() { return kFunctions; }

}  // namespace graven::codegen
