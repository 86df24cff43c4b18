#include "compiler/codegen/backend.h"
#include "dialect/kernel/kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

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
    Block &emitted = *out.getBody();
    Operation *before = emitted.empty() ? nullptr : &emitted.back();
    if (failed(chosen->emit(kernel, target, out))) return failure();
    if (!kernel.getStrategy().getParams().contains("flush")) continue;
    auto begin = before ? std::next(before->getIterator()) : emitted.begin();
    for (Operation &op : llvm::make_range(begin, emitted.end()))
      if (auto function = dyn_cast<func::FuncOp>(op))
        function->setAttr("passthrough", ArrayAttr::get(out.getContext(),
                                                        StringAttr::get(out.getContext(), kFlush)));
  }
  return success();
}

}  // namespace graven::codegen
