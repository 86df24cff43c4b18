// erf and erfc.
//
// erf, |x| < 1: x + x p(x^2). Above, f32: 1 - exp(-x P(x)), x P(x) approximating -log(erfc(x));
// f64: 1 - erfc(x). erfc(x) for x >= 0: exp(-x^2) g(q) / (1 + 2x) with q = (x - K) / (x + K), which
// maps [0, inf) to [-1, 1) and leaves a function that a polynomial follows well; x^2 with its
// rounding error; erfc(-x) = 2 - erfc(x); near 0, erfc(x) = 1 - erf(x). Minimax approximations
// found by Remez's exchange algorithm in 220-bit arithmetic, weighted by the result they contribute
// to, rounded to the element type.
#include "compiler/codegen/math/expand_math.h"

namespace graven::codegen {
namespace {

// erf(x) / x - 1 in x^2 on [0, 1]; relative error 2^-27 and 2^-56, that of the first coefficient.
constexpr double kSmall32[] = {0.128379166,   -0.37612626,     0.112835854,  -0.026853811,
                               0.00518832775, -0.000801019371, 7.85386583e-5};
constexpr double kSmall64[] = {
    0.12837916709551259,   -0.37612638903183748,    0.11283791670954857,    -0.026866170645072896,
    0.005223977624780874,  -0.00085483269787425234, 0.00012055331036907019, -1.4925593506960294e-5,
    1.6460972816494542e-6, -1.6350025201235489e-7,  1.4657879606096233e-8,  -1.1365664748682918e-9,
    5.94525927602576e-11};
// -log(erfc(x)) / x on [0.95, 4]; error of erf 2^-27.
constexpr double kLarge32[] = {1.12866902,    0.635068357,     0.106373474,  -0.02387923,
                               0.00369764236, -0.000336327386, 1.25779616e-5};
// erfc(x) exp(x^2) (1 + 2x) in q; relative error 2^-27 with K = 2, 2^-57 with K = 4, when the part
// of the first coefficient that rounding cut off is added.
constexpr double kTailLow32 = 9.16048037e-9, kTailLow64 = -4.5238894e-17;
constexpr double kTail32[] = {1.27697837,     -0.0927638188,   -0.166030526,  0.164051041,
                              -0.0542178154,  -0.00803087465,  0.00870902836, 0.00125271524,
                              -0.00142063631, -0.000400719087, 0.00016925676, 7.935342e-5};
constexpr double kTail64[] = {
    1.2329951186255526,     -0.13962111684056253,   0.015379652102619649,    0.068097054254695408,
    -0.10103906603629931,   0.093732834998252107,   -0.066330365812324613,   0.03716751553906552,
    -0.016197734056596986,  0.0050319699638833298,  -0.00075777329693194886, -0.0001992566188384519,
    0.00015062171609416599, -2.4399469562738327e-5, -1.1222173239756076e-5,  5.7102653362477722e-6,
    2.9417171208811372e-7,  -8.2606759211585249e-7, 7.4052096688561313e-8,   1.104087269171846e-7,
    -1.7400061871204362e-8, -1.4084500624355019e-8, 1.6452105446440665e-9,   1.1889280911612515e-9};

// erfc(x) for x >= 0; NaN passes through.
Real upperTail(const Scope &scope, Real x) {
  double center = scope.isDouble() ? 4.0 : 2.0;
  // Beyond, the result rounds to zero.
  x = select(x > (scope.isDouble() ? 27.5 : 10.2), scope.isDouble() ? 27.5 : 10.2, x);
  Real q = (x - center) / (x + center);
  // g = c0 + q (c1 + ...), with the rounding error of the last sum and of c0.
  llvm::ArrayRef<double> c(scope.isDouble() ? llvm::ArrayRef<double>(kTail64)
                                            : llvm::ArrayRef<double>(kTail32));
  Real higher = polynomial(q, c.drop_front());
  Real g = fma(higher, q, c.front());
  Real g_low = fma(higher, q, c.front() - g) + (scope.isDouble() ? kTailLow64 : kTailLow32);
  Pair square = twoProduct(x, x);
  Real ratio = g / fma(x, 2.0, 1.0);
  // What the division, its divisor and g lost, relative to g, goes into the exponent; g is between
  // 1 and 1.28, so that a constant serves as 1 / g.
  Real lost = fma(ratio, x * -2.0, g - ratio) + g_low;
  return scaledExponential(scope, -square.high, fma(lost, 0.88, -square.low), ratio);
}

// erf(x) for 0 <= x <= 1.
Real smallErf(const Scope &scope, Real x) {
  Real square = x * x;
  Real p = scope.isDouble() ? polynomial(square, kSmall64) : polynomial(square, kSmall32);
  return fma(x, p, x);
}

Real expandErf(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  Real small = smallErf(scope, size);
  Real large;
  if (scope.isDouble()) {
    large = 1.0 - upperTail(scope, size);
  } else {
    Real bounded = select(size > 4.0, 4.0, size);  // erf(4) rounds to 1
    large = 1.0 - exponential(scope, -(bounded * polynomial(bounded, kLarge32)));
  }
  return copysign(select(size < 1.0, small, large), x);
}

Real expandErfc(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  Real tail = upperTail(scope, size);
  Real large = select(x < 0.0, 2.0 - tail, tail);
  // While the result is near 1, the small erf has the smaller error.
  Real small = 1.0 - copysign(smallErf(scope, size), x);
  return select(size < 0.47, small, large);
}

constexpr ElementaryFunction kFunctions[] = {{"math.erf", expandErf}, {"math.erfc", expandErfc}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> errorFunctions() { return kFunctions; }

}  // namespace graven::codegen
