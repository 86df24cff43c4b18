// The phase `differentiate`: gradient requests become gradient ops.
#ifndef GRAVEN_COMPILER_DIFFERENTIATE_PASSES_H_
#define GRAVEN_COMPILER_DIFFERENTIATE_PASSES_H_

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace graven::differentiate {

#define GEN_PASS_DECL
#include "compiler/differentiate/passes.h.inc"

// Makes the phase's passes known to tools by their names.
void registerPasses();

// The whole phase, for a module whose entries `expand` has made.
void addDifferentiatePasses(mlir::OpPassManager &pm);

}  // namespace graven::differentiate

#endif  // GRAVEN_COMPILER_DIFFERENTIATE_PASSES_H_
