// sqrt, which is an instruction, and 1/sqrt; f32 in fast code from the machine's estimate.
//
// Precise 1/sqrt corrects the quotient by its residual. AVX-512's vrsqrt14ps gives 1/sqrt(x) with a
// relative error e below 2^-14; one correction leaves about e^2, beside the rounding of the result.
// The estimate is defined by a table: its scalar and vector forms, of all lengths, give the same
// bits. Special values and subnormal numbers come out as from the exact instructions. Division
// stays exact: vdivps is quicker than vrcp14ps with the corrections and the care for special
// quotients that it needs.
//
// Largest errors of the fast ones: sqrt 0.85, 1/sqrt 1.1 ULP; a root that is a number of the type
// comes out exact.
#include <limits>

#include "compiler/codegen/math/expand_math.h"
#include "compiler/codegen/math/instruction.h"

namespace graven::codegen {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

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

// With y the estimate of 1/sqrt(x), s = x y and e = 1/2 - s y/2: sqrt(x) = s + s e + ...
Real estimateSqrt(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real y = onElements({"rsqrt14"}, {x});
  Real s = x * y;
  Real e = fma(-s, y * 0.5, 0.5);
  // Their estimates are infinite and 0, and s is NaN.
  return select(x == 0.0 || x == kInfinity, x, fma(s, e, s));
}

// y + y e with e = (1 - x y^2) / 2.
Real estimateRsqrt(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real y = onElements({"rsqrt14"}, {x});
  Real e = fma(-(x * y), y, 1.0);
  // For zero, infinity and negative numbers the estimate is the result, and e is NaN.
  return select(isNan(e), y, fma(y * 0.5, e, y));
}

constexpr ElementaryFunction kFunctions[] = {{"math.sqrt", nullptr, nullptr, estimateSqrt},
                                             {"math.rsqrt", expandRsqrt, nullptr, estimateRsqrt}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> rootFunctions() { return kFunctions; }

}  // namespace graven::codegen
