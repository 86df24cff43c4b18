#include "compiler/simplify/passes.h"

#include "dialect/graph/ir/graph.h"
#include "mlir/Transforms/Passes.h"

namespace graven::simplify {

#define GEN_PASS_REGISTRATION
#include "compiler/simplify/passes.h.inc"

void registerPasses() {
  registerEraseStopGradientsPass();
  registerWidenNarrowFloatsPass();
  registerApplyIdentitiesPass();
  mlir::registerCSEPass();
}

void addSimplifyPasses(mlir::OpPassManager &pm) {
  mlir::OpPassManager &entry = pm.nest<graph::EntryOp>();
  entry.addPass(createEraseStopGradientsPass());
  // Before anything is rewritten: identities of f32 hold for what is computed in f32.
  entry.addPass(createWidenNarrowFloatsPass());
  // Gradient rules compute the same small things again and again; merged first, they are rewritten
  // once, and what has one use is seen to have one.
  entry.addPass(mlir::createCSEPass());
  entry.addPass(createApplyIdentitiesPass());
  // Identities make equal what was different.
  entry.addPass(mlir::createCSEPass());
}

}  // namespace graven::simplify
