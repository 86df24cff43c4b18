// Elementary functions as arithmetic.
//
// Kernels must not call libm: its results change with the version and with the CPU that glibc
// finds, and an artifact would need it at run time. `--codegen-expand-math` rewrites the math and
// element dialects' elementary functions on f32 and f64, scalars and vectors of any shape, into
// arith ops, math.fma and bit operations that every target has. Runs before the conversion to LLVM.
//
// A function has a precise formula, made of correctly rounded operations alone, so that it gives
// the same bits on every machine, and may have quicker ones for f32 in fast code.
//
// Largest error, in units in the last place:
//   precise f32: sqrt 0.5; erfc, pow, 1/sqrt 0.51; tanh 0.72; logistic, sin, cos 0.8; exp 0.9; log,
//     log1p 0.93; expm1 0.95; erf 1
//   precise f64: sqrt 0.5; 1/sqrt 0.51; tanh, logistic, sin, cos 0.8; exp 0.9; expm1, log, log1p,
//     erf, pow 1; erfc 1.8
//   fast f32: pow 0.51; sqrt 0.85; 1/sqrt 1.1; log 1.2; log1p 1.3; expm1 1.6; exp, sin, cos 2.2;
//     tanh (1.1 with AVX-512), logistic 2.6; erf 3.1; erfc 3.4
// Special values follow C's Annex F. The tests measure the bounds.
#ifndef GRAVEN_COMPILER_CODEGEN_MATH_EXPAND_MATH_H_
#define GRAVEN_COMPILER_CODEGEN_MATH_EXPAND_MATH_H_

#include "compiler/codegen/math/expression.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace graven::codegen {

using Formula = Real (*)(const Scope &scope, llvm::ArrayRef<Real> operands);

// One elementary function: the op it replaces and the formulas that replace it.
struct ElementaryFunction {
  llvm::StringRef op;                // "math.exp"
  Formula precise;                   // f32 and f64; null: the op is an instruction
  Formula fast = nullptr;            // f32, errors up to 3.5 ULP
  Formula fast_on_avx512 = nullptr;  // the same, by instructions of AVX-512
};

// All of them; each family's file holds its part.
llvm::ArrayRef<ElementaryFunction> exponentialFunctions();    // exp expm1
llvm::ArrayRef<ElementaryFunction> logarithmFunctions();      // log log1p
llvm::ArrayRef<ElementaryFunction> hyperbolicFunctions();     // tanh logistic
llvm::ArrayRef<ElementaryFunction> errorFunctions();          // erf erfc
llvm::ArrayRef<ElementaryFunction> trigonometricFunctions();  // sin cos
llvm::ArrayRef<ElementaryFunction> powerFunctions();          // powf
llvm::ArrayRef<ElementaryFunction> rootFunctions();           // sqrt rsqrt

// Shared kernels of the families, without handling of special values ---------------------------

// `x`, or the bound that it lies beyond; NaN stays.
Real clamp(Real x, double low, double high);

// exp(x) for any x, NaN and infinities included: 0.9 ULP.
Real exponential(const Scope &scope, Real x);
// exp(high + low), |low| tiny against high: for functions that compute their exponent in two parts.
Real exponential(const Scope &scope, Real high, Real low);
// factor exp(high + low), factor of the order of 1.
Real scaledExponential(const Scope &scope, Real high, Real low, Real factor);

// exp(x) = (mantissa.high + mantissa.low) 2^k, relative error about 2^-27 (f32) or 2^-56 (f64),
// mantissa between 0.7 and 1.42; |x| < 2^10.
struct ScaledPair {
  Pair mantissa;
  Rounded k;
};
ScaledPair preciseExponential(const Scope &scope, Real x);

// A number mantissa 2^k.
struct Scaled {
  Real mantissa;
  Rounded k;
};
// exp(-x) = mantissa 2^-k for f32, rounded at each step, relative error about 2^-24.
Scaled roundedInverseExponential(const Scope &scope, Real x);
// exp(high + low) = (1 + mantissa) 2^k for f32, relative error about 2^-25, |high| < 2^10, |low|
// tiny against high.
Scaled roundedExponentialLessOne(const Scope &scope, Real high, Real low);
// exp(-x) - 1 for f32, 0 <= x < 80, relative error about 2^-23.
Real fastExponentialLessOne(const Scope &scope, Real x);

// For f32 results that are computed in f64. exp(x) for |x| < 700, relative error 2^-34.
Real shortExponential(const Scope &wide, Real x);
// log(2^exponent (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)), relative error 2^-37.
Real shortLogarithm(const Scope &wide, Real exponent, Real f);

// x = 2^exponent (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); x positive and finite.
struct BinaryParts {
  Real exponent, f;
};
BinaryParts decompose(const Scope &scope, Real x);
// log(x) for x positive and finite, in two parts, f64 with a relative error of about 2^-66.
Pair preciseLogarithm(const Scope &scope, Real x);

// sin(x) and cos(x) for any x: 0.8 ULP.
Real preciseSine(const Scope &scope, Real x);
Real preciseCosine(const Scope &scope, Real x);

// `quick`; where any lane of `rare` is set, in a branch of its own, `slow()` in those lanes.
Real patch(Mask rare, Real quick, llvm::function_ref<Real()> slow);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_MATH_EXPAND_MATH_H_
