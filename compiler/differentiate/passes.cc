#include "compiler/differentiate/passes.h"

#include "dialect/graph/ir/graph.h"

namespace graven::differentiate {

// Here and not in the header, since the generated functions share names between phases.
#define GEN_PASS_REGISTRATION
#include "compiler/differentiate/passes.h.inc"

void registerPasses() { registerAppendGradientsPass(); }

void addDifferentiatePasses(mlir::OpPassManager &pm) { pm.addPass(createAppendGradientsPass()); }

}  // namespace graven::differentiate
