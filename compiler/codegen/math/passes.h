// The passes of code generation that any device shares.
#ifndef GRAVEN_COMPILER_CODEGEN_MATH_PASSES_H_
#define GRAVEN_COMPILER_CODEGEN_MATH_PASSES_H_

#include <memory>

#include "mlir/Pass/Pass.h"

namespace graven::codegen {

// --codegen-expand-math: works on any op; fails where a function has no expansion for its type.
std::unique_ptr<mlir::Pass> createExpandMathPass();

// Makes the passes known to graven-opt under their names.
void registerPasses();

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_MATH_PASSES_H_
