#include "compiler/codegen/backend.h"
#include "dialect/kernel/kernel.h"

using namespace mlir;

namespace graven::codegen {

LogicalResult emitKernels(ModuleOp module, strategy::StrategyTable table,
                          const strategy::Target &target, ModuleOp out) {
  for (auto kernel : module.getOps<kernel::FuncOp>()) {
    const strategy::Strategy *chosen = nullptr;
    for (const strategy::Strategy &strategy : table)
      if (strategy.name == kernel.getStrategy().getName()) chosen = &strategy;
    if (!chosen)
      return kernel.emitOpError() << "has strategy '" << kernel.getStrategy().getName()
                                  << "', which the device '" << target.device << "' does not know";
    if (failed(chosen->emit(kernel, target, out))) return failure();
  }
  return success();
}

}  // namespace graven::codegen
