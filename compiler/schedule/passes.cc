#include "compiler/schedule/passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

namespace graven::schedule {
namespace {
#define GEN_PASS_REGISTRATION
#include "compiler/schedule/passes.h.inc"
}  // namespace

void registerPasses() {
  registerSchedulePasses();
  mlir::PassPipelineRegistration<>("schedule", "The whole phase: orders kernels, places every byte",
                                   addSchedulePasses);
}

void addSchedulePasses(mlir::OpPassManager &manager) {
  manager.addPass(createPlaceStatePass());
  manager.addPass(createPlaceConstantsPass());
  manager.addPass(createOrderKernelsPass());
  manager.addPass(createAssignBuffersPass());
  // Always, not in tests alone: a plan that reads the wrong bytes must never leave the compiler.
  manager.addPass(createVerifyPlanPass());
}

}  // namespace graven::schedule
