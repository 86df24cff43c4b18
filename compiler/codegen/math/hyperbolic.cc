// tanh and the logistic function.
//
// Precise: L(x) = 1 / (1 + exp(-x)) with exp(-x) = m 2^-k is 2^k / (2^k + m), where nothing
// overflows and where the scaling by 2^k, the last step, rounds what is subnormal. The sum and m
// are kept in two parts, and the reciprocal is corrected by its residual. tanh x = 1 - 2 L(-2x),
// with the same parts, where |x| >= 0.6, so that the subtraction cancels nothing; below,
// x + x^3 q(x^2), q a minimax approximation found by Remez's exchange algorithm in 220-bit
// arithmetic, its error relative to tanh.
//
// Fast: 2^k / (2^k + m) rounded at each step, and tanh x = -E / (2 + E) with E = exp(-2x) - 1. With
// AVX-512 tanh is one of 16 polynomials, whose coefficients lie in registers.
#include "compiler/codegen/math/expand_math.h"
#include "compiler/codegen/math/instruction.h"

namespace graven::codegen {
namespace {

// Relative error 2^-32.
constexpr double kQ32[] = {-0.333333313, 0.133332282,   -0.0539498515,
                           0.0217186827, -0.0082244575, 0.0021884304};
// Relative error 2^-62.
constexpr double kQ64[] = {-0.33333333333333126,   0.13333333333299663,    -0.053968253949295213,
                           0.021869488002548263,   -0.0088632267772332431, 0.0035920373773645135,
                           -0.0014552153525660937, 0.00058718836962219872, -0.00023039673416603573,
                           7.9313858126807884e-5,  -1.7178677343625562e-5};
// tanh on [0, kPieces] in four pieces for each binade of 1 + kPieceScale x, in the order of the
// last bit of its exponent but one, the last, and the first two of its fraction: polynomials in x -
// kPieceCenters; relative error 2^-25.3. The centers are near the middle (but for 0), where a
// number of the type is almost the value.
constexpr double kPieces = 9.05, kPieceScale = 1.65;
constexpr Row16 kPieceCenters = {0.7564573, 1.0588259,  1.364994,   1.6716893, 2.1171741, 2.7309349,
                                 3.3335366, 3.9358625,  4.8508525,  6.0651608, 7.2781096, 8.490225,
                                 0,         0.22782153, 0.37797147, 0.53103936};
constexpr Row16 kPiece[] = {
    {0.6389855, 0.78521407, 0.8775463, 0.9317747, 0.97143537, 0.99154466, 0.997459, 0.99923754,
     0.99987763, 0.9999892, 0.99999905, 0.99999994, 0, 0.22396016, 0.3609445, 0.48617518},
    {0.5916976, 0.3834389, 0.22991246, 0.13179594, 0.05631324, 0.016839188, 0.005075553,
     0.0015243411, 0.00024472058, 2.1577023e-5, 1.907412e-6, 1.6891173e-7, 1, 0.94984186, 0.8697191,
     0.7636337},
    {-0.3780861, -0.3010873, -0.2017622, -0.122805074, -0.05470233, -0.016694123, -0.0050616525,
     -0.0015228624, -0.00024380078, -2.1497692e-5, -1.9004053e-6, -1.6836572e-7, 8.101371e-7,
     -0.21272552, -0.31391904, -0.37125894},
    {0.04434826, 0.108599134, 0.10042134, 0.07049782, 0.034375366, 0.01094031, 0.0033573594,
     0.0010138473, 0.00016249043, 1.4326002e-5, 1.2662798e-6, 1.11832065e-7, -0.33338112,
     -0.26897806, -0.17660056, -0.074051015},
    {0.09767707, 0.015746612, -0.02047712, -0.024639735, -0.015225816, -0.0053613987, -0.0016906748,
     -0.0005145679, -8.7644265e-5, -7.735036e-6, -6.8382667e-7, -6.018841e-8, 0.000836425,
     0.1305803, 0.16778587, 0.15937611},
    {-0.06316574, -0.039442822, -0.010398387, 0.0022707328, 0.004442987, 0.001998574, 0.0006614254,
     0.00020291636, 3.506104e-5, 3.1112713e-6, 2.7554128e-7, 2.530069e-8, 0.12844203, 0.082211226,
     0.017712448, -0.035276365},
};

// L(x) = (reciprocal + reciprocal * residual) 2^k.
struct Logistic {
  Real reciprocal, residual;
  Rounded k;
};

// For lowest <= x <= 60, where lowest is that of exp.
Logistic logistic(const Scope &scope, Real x) {
  ScaledPair e = preciseExponential(scope, -x);
  Rounded k = {-e.k.real, 0 - e.k.integer};
  Real one = scope.real(1.0);
  Pair sum = twoSum(scaleByPowerOfTwo(one, k), e.mantissa.high);
  Real low = sum.low + e.mantissa.low;
  Real reciprocal = 1.0 / sum.high;
  Real residual = fma(-low, reciprocal, fma(-sum.high, reciprocal, 1.0));
  return {reciprocal, residual, k};
}

Real expandLogistic(const Scope &scope, llvm::ArrayRef<Real> operands) {
  // Outside, the result rounds to 0 or 1.
  Real x = clamp(operands[0], scope.isDouble() ? -746.0 : -104.0, scope.isDouble() ? 40.0 : 20.0);
  Logistic value = logistic(scope, x);
  return scaleByPowerOfTwo(fma(value.reciprocal, value.residual, value.reciprocal), value.k);
}

Real expandFastLogistic(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = clamp(operands[0], -104.0, 20.0);
  Scaled e = roundedInverseExponential(scope, x);
  Real scale = scaleByPowerOfTwo(scope.real(1.0), e.k);
  return scale / (scale + e.mantissa);
}

Real expandTanh(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  Real square = size * size;
  Real q = scope.isDouble() ? polynomial(square, kQ64) : polynomial(square, kQ32);
  Real small = fma(size * square, q, size);
  double most = scope.isDouble() ? 20.0 : 10.0;  // rounds to 1 from there on
  Logistic l = logistic(scope, select(size > most, most, size) * -2.0);
  Real twice = scaleByPowerOfTwo(l.reciprocal, {l.k.real + 1.0, l.k.integer + 1});
  Pair difference = fastTwoSum(scope.real(1.0), -twice);
  Real large = difference.high + fma(-twice, l.residual, difference.low);
  return copysign(select(size < 0.6, small, large), x);
}

Real expandFastTanh(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  size = select(size > 9.1, 9.1, size);
  Real less_one = fastExponentialLessOne(scope, size + size);
  return copysign(less_one / (less_one + 2.0), x);
}

Real piecewiseTanh(const Scope &, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  size = select(size > kPieces, kPieces, size);
  Int piece = shiftRightUnsigned(bitsOf(fma(size, kPieceScale, 1.0)), 21);
  Real t = size - lookUp(piece, kPieceCenters);
  return copysign(piecewisePolynomial(t, piece, kPiece), x);
}

constexpr ElementaryFunction kFunctions[] = {
    {"math.tanh", expandTanh, expandFastTanh, piecewiseTanh},
    {"element.logistic", expandLogistic, expandFastLogistic}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> hyperbolicFunctions() { return kFunctions; }

}  // namespace graven::codegen
