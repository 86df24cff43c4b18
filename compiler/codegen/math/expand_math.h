// Elementary functions as arithmetic.
//
// Kernels must not call libm: its results change with the version and with the CPU that glibc
// finds, and an artifact would need it at run time. `--codegen-expand-math` rewrites the math
// dialect's elementary functions on f32 and f64, scalars and vectors of any shape, into arith ops,
// math.fma and bit operations that every target has. Runs before the conversion to LLVM.
//
// Largest error, in units in the last place:
//   f32: pow, sqrt, 1/sqrt 0.51; exp, expm1, log, log1p, sin, cos 1; erf 1.1; tanh 1.41; erfc 1.8
//   f64: sqrt, 1/sqrt 0.51; exp, log, log1p, erf, sin, cos, pow 1; expm1 1.1; tanh 1.3; erfc 1.8
// Special values follow C's Annex F. The tests measure the bounds.
#ifndef GRAVEN_COMPILER_CODEGEN_MATH_EXPAND_MATH_H_
#define GRAVEN_COMPILER_CODEGEN_MATH_EXPAND_MATH_H_

#include "compiler/codegen/math/expression.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace graven::codegen {

// One elementary function: the op it replaces and the formula that replaces it.
struct ElementaryFunction {
  llvm::StringRef op;  // "math.exp"
  Real (*expand)(const Scope &scope, llvm::ArrayRef<Real> operands);
};

// All of them; each family's file holds its part.
llvm::ArrayRef<ElementaryFunction> exponentialFunctions();    // exp expm1
llvm::ArrayRef<ElementaryFunction> logarithmFunctions();      // log log1p
llvm::ArrayRef<ElementaryFunction> hyperbolicFunctions();     // tanh
llvm::ArrayRef<ElementaryFunction> errorFunctions();          // erf erfc
llvm::ArrayRef<ElementaryFunction> trigonometricFunctions();  // sin cos
llvm::ArrayRef<ElementaryFunction> powerFunctions();          // powf rsqrt
// f32 alone, from the machine's estimate; take the place of the instruction and of rsqrt above.
llvm::ArrayRef<ElementaryFunction> estimatedFunctions();  // sqrt rsqrt

// Shared kernels of the families, without handling of special values ---------------------------

// exp(x) for any x, NaN and infinities included.
Real exponential(const Scope &scope, Real x);
// log(x) for x positive and finite.
Real logarithm(const Scope &scope, Real x);
// The same for f64 in two parts, relative error about 2^-66.
Pair preciseLogarithm(const Scope &scope, Real x);
// exp(high + low), |low| tiny against high: for functions that compute their exponent in two parts.
Real exponential(const Scope &scope, Real high, Real low);
// factor exp(high + low), factor of the order of 1.
Real scaledExponential(const Scope &scope, Real high, Real low, Real factor);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_MATH_EXPAND_MATH_H_
