// The passes of code generation that any device shares.
#ifndef GRAVEN_COMPILER_CODEGEN_MATH_PASSES_H_
#define GRAVEN_COMPILER_CODEGEN_MATH_PASSES_H_

#include <memory>

#include "mlir/Pass/Pass.h"

namespace graven::codegen {

// What the expansions may use.
struct MathOptions {
  // Fast numerics: errors up to 3.5 ULP in f32 where that saves time; else the precise formulas of
  // expand_math.h, which give the same bits on every machine.
  bool fast = false;
  // Whether the machine has AVX-512's vrsqrt14ps, vscalefps, vrangeps, vgetexpps and vgetmantps, at
  // all vector lengths.
  bool estimates = false;
};

// --codegen-expand-math: works on any op; fails where a function has no expansion for its type.
std::unique_ptr<mlir::Pass> createExpandMathPass(MathOptions options = {});

// --codegen-canonical-nan: every NaN that is stored is the positive quiet one without payload.
// Which NaN an operation makes differs between machines; with this pass, memory does not tell them
// apart.
std::unique_ptr<mlir::Pass> createCanonicalNanPass();

// Conversions with f32 that the machine has instructions for, in both directions.
struct NarrowFloatOptions {
  bool f16 = false;
  bool bf16 = false;
  // Whether these must make the one NaN that the expansions make: positive, quiet, no payload.
  bool canonical_nan = false;
};

// --codegen-expand-narrow-floats: rewrites arith.extf and arith.truncf between f32 and the types
// that the machine cannot convert. Rounds to nearest even.
std::unique_ptr<mlir::Pass> createExpandNarrowFloatsPass(NarrowFloatOptions options = {});
void registerExpandNarrowFloatsPass();

// Makes the passes known to graven-opt under their names.
void registerPasses();

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_MATH_PASSES_H_
