// tanh and the logistic function.
//
// Precise: L(x) = 1 / (1 + exp(-x)) with exp(-x) = m 2^-k is 2^k / (2^k + m), where nothing
// overflows and where the scaling by 2^k, the last step, rounds what is subnormal. The sum and m
// are kept in two parts, and the reciprocal is corrected by its residual. tanh x = 1 - 2 L(-2x),
// with the same parts, where |x| >= 0.6, so that the subtraction cancels nothing; below,
// x + x^3 q(x^2), q a minimax approximation found by Remez's exchange algorithm in 220-bit
// arithmetic, its error relative to tanh.
//
// Fast: 2^k / (2^k + m) rounded at each step, and tanh x = -E / (2 + E) with E = exp(-2x) - 1.
#include "compiler/codegen/math/expand_math.h"

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

constexpr ElementaryFunction kFunctions[] = {
    {"math.tanh", expandTanh, expandFastTanh},
    {"element.logistic", expandLogistic, expandFastLogistic}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> hyperbolicFunctions() { return kFunctions; }

}  // namespace graven::codegen
