// tanh.
//
// |x| < 0.6: x + x^3 q(x^2), q a minimax approximation found by Remez's exchange algorithm in
// 220-bit arithmetic, its error relative to tanh; above: 1 - 2 / (exp(2|x|) + 1), where the
// subtraction cancels nothing.
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

Real expandTanh(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real size = abs(x);
  Real square = size * size;
  Real q = scope.isDouble() ? polynomial(square, kQ64) : polynomial(square, kQ32);
  Real small = fma(size * square, q, size);
  Real large = 1.0 - 2.0 / (exponential(scope, size + size) + 1.0);
  return copysign(select(size < 0.6, small, large), x);
}

constexpr ElementaryFunction kFunctions[] = {{"math.tanh", expandTanh}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> hyperbolicFunctions() { return kFunctions; }

}  // namespace graven::codegen
