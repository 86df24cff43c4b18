// exp and expm1.
//
// x = k ln2 + r with |r| <= ln2/2 (Cody and Waite's reduction: ln2 in two parts, the first short
// enough for the difference to be exact), exp(r) = 1 + r + r^2 q(r), result scaled by 2^k. The
// polynomials q are minimax approximations of (exp(r) - 1 - r) / r^2 with weight r^2 / exp(r),
// found by Remez's exchange algorithm in 220-bit arithmetic or by Lawson's iteration, and rounded
// to the element type; the error stated beside each is that of the rounded coefficients, relative
// to exp(r) unless said otherwise.
#include "compiler/codegen/math/expand_math.h"
#include "compiler/codegen/math/instruction.h"

namespace graven::codegen {
namespace {

constexpr double kLog2E = 1.4426950408889634074;
constexpr double kLn2 = 0.693147180559945309417;

struct Parameters {
  // ln2 = high + low; high has 15 (f32) or 32 (f64) bits.
  double ln2_high, ln2_low;
  llvm::ArrayRef<double> q;
  double lowest, highest;  // beyond these the result is 0 or infinity
};

// 2^-28 and 2^-57.
constexpr double kQ32[] = {0.49999994, 0.166665211, 0.041668389, 0.00836871751, 0.00138145476};
constexpr double kQ64[] = {0.50000000000000111,   0.16666666666666438,   0.041666666666525784,
                           0.0083333333334740557, 0.0013888888944869576, 0.00019841269559850382,
                           2.4801491730947107e-5, 2.7557530856635155e-6, 2.7630763437571614e-7,
                           2.5020094817518027e-8};
// 2^-23.2.
constexpr double kFastQ[] = {0.499992281, 0.166671142, 0.0418906286, 0.00831268914};
// Relative to exp(r) - 1: 2^-26.1.
constexpr double kLessOneQ[] = {0.49999997, 0.166665465, 0.0416674353, 0.00836627278,
                                0.00138707156};
// 2^-34, for f64.
constexpr double kShortQ[] = {0.50000000680405954,   0.1666666586457726,    0.041666293622231933,
                              0.0083334976733722144, 0.0013944759509265155, 0.00019790246728342437};

const Parameters kSingle = {0x1.62e4p-1, 0x1.7f7d1cf79abcap-20, kQ32, -104.0, 89.0};
const Parameters kDouble = {0x1.62e42feep-1, 0x1.a39ef35793c76p-33, kQ64, -746.0, 710.0};

const Parameters &parameters(const Scope &scope) { return scope.isDouble() ? kDouble : kSingle; }

// x = k ln2 + (r + tail), r exact.
struct Reduced {
  Rounded k;
  Real r;
  Real tail;
};

Reduced reduce(const Scope &scope, Real x) {
  const Parameters &p = parameters(scope);
  Rounded k = roundProduct(x, kLog2E);
  Real r = fma(k.real, -p.ln2_high, x);
  return {k, r, k.real * -p.ln2_low};
}

// x - k ln2, rounded.
Real reduceRounded(const Scope &scope, Real x, Real k) {
  const Parameters &p = parameters(scope);
  return fma(k, -p.ln2_low, fma(k, -p.ln2_high, x));
}

// exp(r + tail) - 1 - r, for the parts of reduce.
Real remainder(const Scope &scope, Real r, Real tail) {
  llvm::ArrayRef<double> q = parameters(scope).q;
  Real sum = r + tail;
  // The square in two parts; its product with the first coefficient is rounded with the rest.
  Pair square = twoProduct(sum, sum);
  Real cubic = fma(square.high * sum, polynomial(sum, q.drop_front()), tail);
  return fma(square.high, q.front(), fma(square.low, q.front(), cubic));
}

// exp(x) of f32, each step rounded.
Scaled exponentialBy(const Scope &scope, Real x, llvm::ArrayRef<double> q) {
  Rounded k = roundProduct(x, kLog2E);
  Real r = reduceRounded(scope, x, k.real);
  return {fma(fma(polynomial(r, q), r, 1.0), r, 1.0), k};
}

Real expandExp(const Scope &scope, llvm::ArrayRef<Real> operands) {
  return exponential(scope, operands[0]);
}

Real expandFastExp(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  if (!scope.hasScaling()) {
    Scaled value = exponentialBy(scope, clamp(x, kSingle.lowest, kSingle.highest), kFastQ);
    return scaleByPowerOfTwo(value.mantissa, value.k);
  }
  // A mantissa near 1 scaled by 2^k is right for every k, infinite and NaN ones too, so that r,
  // which means nothing where |x| is huge, is all that needs limits.
  Real k = onElements(kNearestInteger, {x * kLog2E});
  Real r = onElements(kSmaller, {reduceRounded(scope, x, k), scope.real(1.0)});
  Real mantissa = fma(fma(polynomial(r, kFastQ), r, 1.0), r, 1.0);
  return onElements(kScale, {mantissa, k});
}

// 2^k (exp(r) - 1) + (2^k - 1), the last sum with its rounding error.
Real expandExpm1(const Scope &scope, llvm::ArrayRef<Real> operands) {
  const Parameters &p = parameters(scope);
  Real x = operands[0];
  // Below -0.5 ln(2) (bits + 3) the result rounds to -1; above `highest` it is infinite.
  Real clamped = clamp(x, scope.isDouble() ? -40.0 : -20.0, p.highest);
  Reduced reduced = reduce(scope, clamped);
  // 2^k may overflow for k = 128 though the result does not: scale by 2^(k-1) and double at the
  // end.
  Real scale = powerOfTwo(reduced.k.integer + -1);
  Real less_one = scale - 0.5;
  Real lost = (scale - less_one) - 0.5;  // not 0 between 2^24 and 2^25 (f32)
  Real rest = remainder(scope, reduced.r, reduced.tail);
  Pair sum = twoSum(less_one, scale * reduced.r);
  Real result = (sum.high + (sum.low + fma(scale, rest, lost))) * 2.0;
  // Keeps the sign of zero, and subnormal results exact.
  return select(abs(x) < (scope.isDouble() ? 0x1p-54 : 0x1p-25), x, result);
}

// 2^k (exp(r) - 1) + (2^k - 1), all rounded; error 2 ULP.
Real expandFastExpm1(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real clamped = clamp(x, -20.0, kSingle.highest);
  Rounded k = roundProduct(clamped, kLog2E);
  Real r = reduceRounded(scope, clamped, k.real);
  Real less_one = fma(r * r, polynomial(r, kLessOneQ), r);
  Real scale = powerOfTwo(k.integer + -1);
  Real result = fma(scale, less_one, scale - 0.5) * 2.0;
  return select(x == 0.0, x, result);
}

constexpr ElementaryFunction kFunctions[] = {{"math.exp", expandExp, expandFastExp},
                                             {"math.expm1", expandExpm1, expandFastExpm1}};

}  // namespace

Real clamp(Real x, double low, double high) {
  x = select(x < low, low, x);
  return select(x > high, high, x);
}

Real exponential(const Scope &scope, Real x) {
  const Parameters &p = parameters(scope);
  x = clamp(x, p.lowest, p.highest);
  if (!scope.isDouble()) {
    // Rounding r costs less than a quarter of a unit, keeping its tail half as many instructions
    // again: 0.895 ULP over all numbers.
    Scaled value = exponentialBy(scope, x, p.q);
    return scaleByPowerOfTwo(value.mantissa, value.k);
  }
  Reduced reduced = reduce(scope, x);
  Real value = 1.0 + (reduced.r + remainder(scope, reduced.r, reduced.tail));
  return scaleByPowerOfTwo(value, reduced.k);
}

Real exponential(const Scope &scope, Real high, Real low) {
  return scaledExponential(scope, high, low, scope.real(1.0));
}

Real scaledExponential(const Scope &scope, Real high, Real low, Real factor) {
  const Parameters &p = parameters(scope);
  Reduced reduced = reduce(scope, clamp(high, p.lowest, p.highest));
  Real less_one = reduced.r + remainder(scope, reduced.r, reduced.tail + low);
  return scaleByPowerOfTwo(fma(factor, less_one, factor), reduced.k);
}

ScaledPair preciseExponential(const Scope &scope, Real x) {
  Reduced reduced = reduce(scope, x);
  Pair sum = fastTwoSum(scope.real(1.0), reduced.r);
  Real low = sum.low + remainder(scope, reduced.r, reduced.tail);
  return {fastTwoSum(sum.high, low), reduced.k};
}

Scaled roundedInverseExponential(const Scope &, Real x) {
  Rounded k = roundProduct(x, kLog2E);
  Real r = fma(k.real, kSingle.ln2_low, fma(k.real, kSingle.ln2_high, -x));
  return {fma(fma(polynomial(r, kQ32), r, 1.0), r, 1.0), k};
}

Scaled roundedExponentialLessOne(const Scope &scope, Real high, Real low) {
  Rounded k = roundProduct(high, kLog2E);
  Real r = reduceRounded(scope, high, k.real) + low;
  return {fma(polynomial(r, kQ32), r, 1.0) * r, k};
}

Real fastExponentialLessOne(const Scope &scope, Real x) {
  Rounded k = roundProduct(x, -kLog2E);
  // One part of ln2 will do: what it lacks grows with -k, as exp(-x) falls.
  Real r = fma(k.real, -kLn2, -x);
  Real less_one = fma(r * r, polynomial(r, kLessOneQ), r);
  Real scale = scope.hasScaling() ? scaleByPowerOfTwo(scope.real(1.0), k) : powerOfTwo(k.integer);
  return fma(scale, less_one, scale - 1.0);
}

Real shortExponential(const Scope &wide, Real x) {
  Rounded k = roundProduct(x, kLog2E);
  Real r = fma(k.real, -kLn2, x);
  Real value = fma(fma(polynomial(r, kShortQ), r, 1.0), r, 1.0);
  return value * powerOfTwo(k.integer);
}

llvm::ArrayRef<ElementaryFunction> exponentialFunctions() { return kFunctions; }

}  // namespace graven::codegen
