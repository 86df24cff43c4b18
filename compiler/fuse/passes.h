// The phase `fuse`: entries of graph ops in, entries of isolated kernel.fused regions out.
#ifndef GRAVEN_COMPILER_FUSE_PASSES_H_
#define GRAVEN_COMPILER_FUSE_PASSES_H_

#include <memory>

#include "mlir/Pass/Pass.h"

namespace graven::fuse {

#define GEN_PASS_DECL
#include "compiler/fuse/passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/fuse/passes.h.inc"

inline void registerPasses() { registerFusePasses(); }
// Appends the phase to a pipeline on modules.
void addFusePasses(mlir::OpPassManager &passes);

}  // namespace graven::fuse

#endif  // GRAVEN_COMPILER_FUSE_PASSES_H_
