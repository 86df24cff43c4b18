// erf and erfc.
//
// erf, |x| < 1: x + x p(x^2). Above, f32: 1 - exp(-x P(x)), x P(x) approximating -log(erfc(x)), in
// two parts; f64: 1 - erfc(x). erfc(x) for x >= 0: exp(-x^2) g(q) / (1 + 2x) with
// q = (x - K) / (x + K), which maps [0, inf) to [-1, 1) and leaves a function that a polynomial
// follows well; x^2 with its rounding error; erfc(-x) = 2 - erfc(x); near 0, erfc(x) = 1 - erf(x).
// Precise erfc of f32 is computed in f64: exp(-x^2) P(x) / Q(x).
//
// Fast erfc is exp(-x^2) g(q) / (x + 15/16), rounded at each step but for the low part of x^2; the
// divisor and g are both just below 1 at 0, where their roundings count most. With AVX-512 up to
// 3.87, which most arguments are: one of 16 polynomials, whose coefficients lie in registers.
//
// Fast erf is 1 - 2^-w with w = x P(x) approximating -log2(erfc(x)) from 0 on, and 2^-w - 1 with
// its leading digits.
//
// Minimax approximations found by Remez's exchange algorithm in 220-bit arithmetic or by Lawson's
// iteration, weighted by the result they contribute to, rounded to the element type.
#include "compiler/codegen/math/expand_math.h"
#include "compiler/codegen/math/instruction.h"

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
// -log2(erfc(x)) / x on [0, 3.95]; relative error of erf 2^-24.7.
constexpr double kFast[] = {1.62790704,     0.918444693,   0.148321569,     -0.0278522,
                            0.000265081122, 0.00182820531, -0.000557374849, 5.97580656e-5};
// (2^r - 1) / r for |r| <= 1/2; relative error 2^-26.2.
constexpr double kPowerLessOne[] = {0.693147182,  0.240226492,   0.0555036739,
                                    0.0096183056, 0.00133874221, 0.000153845307};
// erfc(x) exp(x^2) = P(x) / Q(x) on [0, 10.25]; relative error 2^-33.5.
constexpr double kP[] = {0.99999999991798783, 1.4347165383876919,  1.0012637836594191,
                         0.40276937564236909, 0.09295059518476223, 0.010035077789125629};
constexpr double kQ[] = {1,
                         2.5630956943505177,
                         2.8934078112262682,
                         1.8567854859687991,
                         0.72280607768980787,
                         0.16474957018295402,
                         0.01778673485723551};
// erfc(x) exp(x^2) (x + 15/16) in q on [0, 10.1], K = 13/4; relative error 2^-26.
constexpr double kFastTail[] = {0.696529269,     -0.203528985,   0.0911861658,  -0.0119594224,
                                -0.0226621293,   0.0246669184,   -0.0140244262, 0.00462901592,
                                -0.000261031644, -0.000539681758};
// erfc on [0, kPieces] in 16 pieces, of which x is in number kPieceOfSquare x^2 + kPieceOf x,
// rounded, since erfc changes by about the same factor in each then: polynomials in x -
// kPieceCenters; relative error 2^-23.6. The centers are near the middle, where a number of the
// type is almost the value.
constexpr double kPieces = 3.87, kPieceOfSquare = 0.7111111, kPieceOf = 1.2444445;
constexpr Row16 kPieceCenters = {0,         0.57725435, 1.005575,  1.3549589, 1.6535134, 1.9092429,
                                 2.153083,  2.385062,   2.5898213, 2.7878296, 2.9672716, 3.1581767,
                                 3.3303776, 3.48439,    3.6430886, 3.799941};
constexpr Row16 kPiece[] = {
    {1, 0.41429374, 0.15499789, 0.055339485, 0.019365413, 0.0069323396, 0.0023274275, 0.00074357464,
     0.0002497068, 8.060757e-5, 2.7124415e-5, 7.957051e-6, 2.4788076e-6, 8.321532e-7, 2.5757836e-7,
     7.703955e-8},
    {-1.1283795, -0.8086088, -0.41049212, -0.17994007, -0.07329048, -0.029468713, -0.010943774,
     -0.003819108, -0.0013790061, -0.00047546762, -0.00016928646, -5.2573552e-5, -1.7199465e-5,
     -6.0213965e-6, -1.9429328e-6, -6.045572e-7},
    {1.7383803e-5, 0.46677086, 0.41278005, 0.24381144, 0.12118683, 0.056262966, 0.023562862,
     0.009108809, 0.003571378, 0.001325522, 0.000502318, 0.00016603654, 5.728072e-5, 2.0980835e-5,
     7.0782544e-6, 2.297277e-6},
    {0.37579787, 0.08993526, -0.1398755, -0.16025656, -0.10916121, -0.06179101, -0.030174155,
     -0.013210329, -0.0057064295, -0.0023050213, -0.0009372314, -0.00033204525, -0.000121439174,
     -4.672809e-5, -1.6542801e-5, -5.6178405e-6},
    {0.0028847686, -0.18143277, -0.06722474, 0.02729498, 0.04985034, 0.040225893, 0.024628025,
     0.012717609, 0.006199238, 0.0027714125, 0.0012234232, 0.0004689826, 0.00018311421, 7.444423e-5,
     2.7785405e-5, 9.910356e-6},
    {-0.12580733, 0.013866654, 0.06813374, 0.033307716, -1.355169e-5, -0.0120718125, -0.012124271,
     -0.008172959, -0.004721349, -0.0024085124, -0.0011756552, -0.00049602316, -0.00020902524,
     -9.034187e-5, -3.578712e-5, -1.3495383e-5},
    {0.029247874, 0.043734644, -0.0056805164, -0.022049865, -0.013122708, -0.002713725,
     0.0022044007, 0.003089396, 0.0023916431, 0.0014778712, 0.0008015182, 0.0003978032,
     0.0001848837, 8.163165e-5, 3.4577293e-5, 1.4149493e-5},
};
// erfc(x) exp(x^2) (1 + 2x) in q; relative error 2^-57 with K = 4, when the part of the
// first coefficient that rounding cut off is added.
constexpr double kTailLow = -4.5238894e-17;
constexpr double kTail[] = {
    1.2329951186255526,     -0.13962111684056253,   0.015379652102619649,    0.068097054254695408,
    -0.10103906603629931,   0.093732834998252107,   -0.066330365812324613,   0.03716751553906552,
    -0.016197734056596986,  0.0050319699638833298,  -0.00075777329693194886, -0.0001992566188384519,
    0.00015062171609416599, -2.4399469562738327e-5, -1.1222173239756076e-5,  5.7102653362477722e-6,
    2.9417171208811372e-7,  -8.2606759211585249e-7, 7.4052096688561313e-8,   1.104087269171846e-7,
    -1.7400061871204362e-8, -1.4084500624355019e-8, 1.6452105446440665e-9,   1.1889280911612515e-9};

// erfc(x) for x >= 0, f64; NaN passes through.
Real upperTail(const Scope &scope, Real x) {
  constexpr double kCenter = 4.0;
  x = select(x > 27.5, 27.5, x);  // beyond, the result rounds to zero
  Real q = (x - kCenter) / (x + kCenter);
  // g = c0 + q (c1 + ...), with the rounding error of the last sum and of c0.
  llvm::ArrayRef<double> c(kTail);
  Real higher = polynomial(q, c.drop_front());
  Real g = fma(higher, q, c.front());
  Real g_low = fma(higher, q, c.front() - g) + kTailLow;
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
    llvm::ArrayRef<double> c(kLarge32);
    Real higher = polynomial(bounded, c.drop_front());
    Real p = fma(higher, bounded, c.front());
    Real p_low = fma(higher, bounded, c.front() - p);
    Pair exponent = twoProduct(bounded, p);
    large = 1.0 - exponential(scope, -exponent.high, -fma(bounded, p_low, exponent.low));
  }
  return copysign(select(size < 1.0, small, large), x);
}

Real expandFastErf(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  size = select(size > 4.0, 4.0, size);  // erf(4) rounds to 1
  Real exponent = -(size * polynomial(size, kFast));
  Rounded k = roundProduct(exponent, 1.0);
  Real r = exponent - k.real;
  Real scale = scope.hasScaling() ? scaleByPowerOfTwo(scope.real(1.0), k) : powerOfTwo(k.integer);
  return copysign(fma(scale, r * polynomial(r, kPowerLessOne), scale - 1.0), x);
}

// In f64, rounded once.
Real expandErfcWidened(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  Scope wide = scope.widened();
  Real a = widen(select(size > 10.25, 10.25, size), wide);  // there the result rounds to zero
  Real tail = shortExponential(wide, -(a * a)) * (polynomial(a, kP) / polynomial(a, kQ));
  return narrow(select(x < 0.0, 2.0 - tail, tail), scope);
}

Real expandFastErfc(const Scope &scope, llvm::ArrayRef<Real> operands) {
  constexpr double kCenter = 3.25;
  Real x = operands[0];
  Real size = abs(x);
  size = select(size > 10.1, 10.1, size);  // there the result rounds to zero
  Pair square = twoProduct(size, size);
  Scaled e = roundedExponentialLessOne(scope, -square.high, -square.low);
  Real q = (size - kCenter) / (size + kCenter);
  Real ratio = polynomial(q, kFastTail) / (size + 0.9375);
  Real tail = scaleByPowerOfTwo(fma(ratio, e.mantissa, ratio), e.k);
  return select(x < 0.0, 2.0 - tail, tail);
}

Real piecewiseErfc(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  // The number of the piece is in the last bits of a sum that has no room for a fraction.
  Int piece = bitsOf(fma(fma(size, kPieceOfSquare, kPieceOf), size, 0x1.8p23));
  Real tail = piecewisePolynomial(size - lookUp(piece, kPieceCenters), piece, kPiece);
  Real quick = select(x < 0.0, 2.0 - tail, tail);
  return patch(!(size <= kPieces), quick, [&] { return expandFastErfc(scope, operands); });
}

Real expandErfc(const Scope &scope, llvm::ArrayRef<Real> operands) {
  if (!scope.isDouble()) return expandErfcWidened(scope, operands);
  Real x = operands[0];
  Real size = abs(x);
  Real tail = upperTail(scope, size);
  Real large = select(x < 0.0, 2.0 - tail, tail);
  // While the result is near 1, the small erf has the smaller error.
  Real small = 1.0 - copysign(smallErf(scope, size), x);
  return select(size < 0.47, small, large);
}

constexpr ElementaryFunction kFunctions[] = {
    {"math.erf", expandErf, expandFastErf},
    {"math.erfc", expandErfc, expandFastErfc, piecewiseErfc}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> errorFunctions() { return kFunctions; }

}  // namespace graven::codegen
