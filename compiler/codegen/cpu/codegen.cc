#include "compiler/codegen/cpu/codegen.h"

#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/cpu/target.h"

using namespace mlir;

namespace graven::codegen::cpu {

llvm::Expected<strategy::Device> resolveDevice(StringRef triple, StringRef cpu) {
  llvm::Expected<strategy::Target> target = resolveTarget(triple, cpu);
  if (!target) return target.takeError();
  return strategy::Device{*target, strategies()};
}

LogicalResult emitKernels(ModuleOp kernels, const strategy::Target &target, ModuleOp out) {
  for (auto kernel : kernels.getOps<kernel::FuncOp>()) {
    const strategy::Strategy *chosen = nullptr;
    for (const strategy::Strategy &strategy : strategies())
      if (strategy.name == kernel.getStrategy().getName()) chosen = &strategy;
    if (!chosen)
      return kernel.emitOpError() << "has strategy '" << kernel.getStrategy().getName()
                                  << "', which the CPU does not know";
    if (failed(chosen->emit(kernel, target, out))) return failure();
  }
  return success();
}

}  // namespace graven::codegen::cpu
