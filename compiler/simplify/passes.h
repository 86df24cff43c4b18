// The phase `simplify`: fewer and simpler ops with the same values.
#ifndef GRAVEN_COMPILER_SIMPLIFY_PASSES_H_
#define GRAVEN_COMPILER_SIMPLIFY_PASSES_H_

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace graven::simplify {

#define GEN_PASS_DECL
#include "compiler/simplify/passes.h.inc"

// Makes the phase's passes known to tools by their names.
void registerPasses();

// The whole phase, for a module whose entries hold no gradient request.
void addSimplifyPasses(mlir::OpPassManager &pm);

}  // namespace graven::simplify

#endif  // GRAVEN_COMPILER_SIMPLIFY_PASSES_H_
