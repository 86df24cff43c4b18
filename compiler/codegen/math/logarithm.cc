// log and log1p.
//
// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), log x = e ln2 + log(1 + f), the sum with its
// rounding error. For f32, log(1 + f) = f + f^2 (f q(f) - 1/2); for f64, with s = f / (2 + f),
// log(1 + f) = f - (f^2/2 - s (f^2/2 + s^2 R(s^2))), the identity that FreeBSD's e_log.c uses: f is
// exact and the rest is small. q and R are minimax approximations found by Remez's exchange
// algorithm in 220-bit arithmetic or by Lawson's iteration, with weights that bound the error
// relative to the logarithm, and rounded to the element type.
//
// Fast: 1 + f in [3/4, 3/2) and each step rounded. On AVX-512 vgetmantps and vgetexpps make the
// parts, those of zero, infinity, NaN and negative numbers such that the result is right.
#include <cmath>
#include <limits>

#include "compiler/codegen/math/expand_math.h"
#include "compiler/codegen/math/instruction.h"

namespace graven::codegen {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Relative error 2^-27.
constexpr double kQ32[] = {0.333333313, -0.250008196, 0.200012267, -0.166233584,
                           0.142017603, -0.131601766, 0.127615765, -0.0763452649};
// On [-1/4, 1/2]; relative error 2^-25.1.
constexpr double kFastQ[] = {-0.500000596, 0.333335489, -0.249934942, 0.199771047,
                             -0.168220893, 0.149830505, -0.120700151, 0.0541729592};
// (2 atanh(s) - 2 s) / s^3 in s^2, for f64; relative error of the logarithm 2^-37.
constexpr double kShort[] = {0.66666665644492806, 0.40000335569931339, 0.28537276013714441,
                             0.23582906996232858};
// Relative error 2^-59.
constexpr double kR64[] = {0.6666666666666734,  0.39999999999414648, 0.28571428742391586,
                           0.22222198572882995, 0.18183564340760025, 0.15314050148670044,
                           0.14795954280494386};

// (2 atanh(s) - 2 s - 2/3 s^3) / s^5 in s^2; relative error of the logarithm 2^-67.
constexpr double kAtanh64[] = {0.40000000000002256, 0.2857142857010031,  0.22222222519783549,
                               0.18181784379889723, 0.15386756720633857, 0.13256832416749992,
                               0.13196188865888414};

constexpr double kLn2 = 0.693147180559945309417;

// ln2 = high + low; k high is exact for every exponent k.
struct Ln2 {
  double high, low;
};
Ln2 ln2(const Scope &scope) {
  return scope.isDouble() ? Ln2{0x1.62e42feep-1, 0x1.a39ef35793c76p-33}
                          : Ln2{0x1.62e4p-1, 0x1.7f7d1cp-20};
}

// log(1 + f) - f.
Real tail(const Scope &scope, Real f) {
  if (!scope.isDouble()) return f * f * fma(f, polynomial(f, kQ32), -0.5);
  Real s = f / (2.0 + f);
  Real z = s * s;
  Real half_square = 0.5 * f * f;
  return s * fma(z, polynomial(z, kR64), half_square) - half_square;
}

// e ln2 + f + (log(1 + f) - f) + correction.
Real combine(const Scope &scope, Real e, Real f, Real correction) {
  Pair sum = fastTwoSum(e * ln2(scope).high, f);
  // With e = 0 the pair is (f, 0) though 0 is not the larger term.
  return sum.high + (sum.low + (fma(e, ln2(scope).low, tail(scope, f)) + correction));
}

// The exponent e for which 2^-e x lies in [sqrt(1/2), sqrt(2)); x positive and normal.
Int exponentOf(const Scope &scope, Real x) {
  int bits = scope.mantissaBits();
  // sqrt(1/2) as a bit pattern: subtracting it makes the exponent field count from there.
  int64_t root = scope.isDouble() ? 0x3fe6a09e667f3bcdLL : 0x3f3504f3LL;
  return (bitsOf(x) + -root) >> bits;
}

// The same for [3/4, 3/2).
Int fastExponentOf(Real x) { return (bitsOf(x) + -0x3f400000LL) >> x.scope->mantissaBits(); }

// x with its exponent from `exponentOf`; subnormal numbers are scaled into the normal range first.
BinaryParts decompose(const Scope &scope, Real x,
                      llvm::function_ref<Int(Real positive)> exponentOf) {
  Mask tiny = x < (scope.isDouble() ? 0x1p-1022 : 0x1p-126);
  double lift = scope.isDouble() ? 54 : 25;
  Real scaled = select(tiny, x * std::exp2(lift), x);
  Int e = exponentOf(scaled);
  Real f = fromBits(bitsOf(scaled) - (e << scope.mantissaBits())) - 1.0;
  return {toReal(e) - select(tiny, lift, scope.real(0.0)), f};
}

// `result`, the logarithm of x where x is positive and finite, and what is right elsewhere.
Real withSpecialValues(Real x, Real result) {
  result = select(x == kInfinity, x, result);
  result = select(x == 0.0, -kInfinity, result);
  return select(x >= 0.0, result, x.scope->real(kNan));
}

Real expandLog(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  BinaryParts parts = decompose(scope, x);
  return withSpecialValues(x, combine(scope, parts.exponent, parts.f, scope.real(0.0)));
}

Real fastLogarithm(BinaryParts parts) {
  Real f = parts.f;
  return fma(parts.exponent, kLn2, fma(f * f, polynomial(f, kFastQ), f));
}

Real expandFastLog(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  return withSpecialValues(x, fastLogarithm(decompose(scope, x, fastExponentOf)));
}

Real expandLogOnAvx512(const Scope &, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  constexpr Instruction kExponent = {.name = "mask.getexp", .rounds = true};
  // Mantissas in [3/4, 3/2), NaN for negative numbers.
  constexpr Instruction kMantissa = {.name = "mask.getmant", .rounds = true, .immediate = 0b1011};
  Real mantissa = onElements(kMantissa, {x});
  Real exponent = onElements(kExponent, {x}) - onElements(kExponent, {mantissa});
  return fastLogarithm({exponent, mantissa - 1.0});
}

// `result`, the logarithm of 1 + x where that is positive and finite, and what is right elsewhere.
Real withSpecialValues1p(Real x, Real result) {
  // Keeps the sign of zero and subnormal numbers.
  result = select(abs(x) < (x.scope->isDouble() ? 0x1p-54 : 0x1p-25), x, result);
  result = select(x == kInfinity, x, result);
  result = select(x == -1.0, -kInfinity, result);
  return select(x >= -1.0, result, x.scope->real(kNan));
}

// 1 + x = 2^e (1 + f): f = 2^-e x + (2^-e - 1), with its rounding error as correction.
Real expandLog1p(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Int e = exponentOf(scope, 1.0 + x);
  // 2^-e in two factors: at the far end it is subnormal itself.
  Int half = (0 - e) >> 1;
  Real first = powerOfTwo(half), second = powerOfTwo(0 - e - half);
  Pair f = twoSum(x * first * second, first * second - 1.0);
  // log(1 + f + d) = log(1 + f) + d / (1 + f), and d is tiny: 1 - f stands for 1 / (1 + f).
  Real correction = fma(-f.low, f.high, f.low);
  return withSpecialValues1p(x, combine(scope, toReal(e), f.high, correction));
}

// 1 + x = 2^e (1 + f) as above, f rounded once.
Real expandFastLog1p(const Scope &, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Int e = fastExponentOf(1.0 + x);
  Int half = (0 - e) >> 1;
  Real first = powerOfTwo(half), second = powerOfTwo(0 - e - half);
  Real f = fma(x * first, second, fma(first, second, -1.0));
  return withSpecialValues1p(x, fastLogarithm({toReal(e), f}));
}

constexpr ElementaryFunction kFunctions[] = {
    {"math.log", expandLog, expandFastLog, expandLogOnAvx512},
    {"math.log1p", expandLog1p, expandFastLog1p}};

}  // namespace

BinaryParts decompose(const Scope &scope, Real x) {
  return decompose(scope, x, [&](Real positive) { return exponentOf(scope, positive); });
}

Real shortLogarithm(const Scope &, Real exponent, Real f) {
  Real s = f / (2.0 + f);
  Real square = s * s;
  return fma(exponent, kLn2, s * fma(square, polynomial(square, kShort), 2.0));
}

Pair preciseLogarithm(const Scope &scope, Real x) {
  BinaryParts parts = decompose(scope, x);
  // s = f / (2 + f) in two parts.
  Pair divisor = fastTwoSum(scope.real(2.0), parts.f);
  Real s = parts.f / divisor.high;
  Real s_low = (fma(-s, divisor.high, parts.f) - s * divisor.low) / divisor.high;
  // 2/3 s^3 in two parts.
  Pair square = twoProduct(s, s);
  Pair cube = twoProduct(s, square.high);
  Real cube_low = cube.low + fma(s, square.low, 3.0 * square.high * s_low);
  constexpr double kTwoThirds = 0x1.5555555555555p-1, kTwoThirdsLow = 0x1.5555555555555p-55;
  Pair third = twoProduct(cube.high, scope.real(kTwoThirds));
  Real third_low = third.low + fma(cube.high, kTwoThirdsLow, cube_low * kTwoThirds);
  Real rest = cube.high * square.high * polynomial(square.high, kAtanh64);
  // e ln2 + 2 s + 2/3 s^3 + rest; the first two products are exact.
  Pair sum = fastTwoSum(parts.exponent * ln2(scope).high, s + s);
  Pair total = fastTwoSum(sum.high, third.high);
  Real low = fma(parts.exponent, ln2(scope).low, rest) + fma(s_low, 2.0, third_low);
  return fastTwoSum(total.high, (sum.low + total.low) + low);
}

llvm::ArrayRef<ElementaryFunction> logarithmFunctions() { return kFunctions; }

}  // namespace graven::codegen
