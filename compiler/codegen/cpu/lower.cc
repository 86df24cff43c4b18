#include "compiler/codegen/cpu/lower.h"

#include "compiler/codegen/loops/lower.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Module.h"
#include "mlir/Target/LLVMIR/Export.h"

namespace graven::codegen::cpu {

std::unique_ptr<llvm::Module> lowerToLlvm(mlir::ModuleOp kernels, const strategy::Target &target,
                                          llvm::LLVMContext &context) {
  if (mlir::failed(lowerToLlvmDialect(kernels, target))) return nullptr;
  std::unique_ptr<llvm::Module> module =
      mlir::translateModuleToLLVMIR(kernels, context, "graven_kernels");
  if (!module) return nullptr;
  bool wide = target.vector_bytes >= 64;
  for (llvm::Function &function : *module) {
    if (function.isDeclaration()) continue;
    function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    function.setDSOLocal(true);
    function.addFnAttr("target-cpu", target.instruction_set);
    if (target.cpu != target.instruction_set) function.addFnAttr("tune-cpu", target.cpu);
    if (!target.llvm_features.empty()) function.addFnAttr("target-features", target.llvm_features);
    if (wide) function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("no-trapping-math", "true");
    function.setDoesNotThrow();
  }
  return module;
}

}  // namespace graven::codegen::cpu
