#include "compiler/codegen/gpu/lower.h"

#include "compiler/codegen/gpu/target.h"
#include "compiler/codegen/loops/lower.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Module.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

namespace graven::codegen::gpu {

void registerLowerToPtx(mlir::DialectRegistry &registry) {
  registerLowerToLlvm(registry);
  registry.insert<mlir::NVVM::NVVMDialect>();
  mlir::registerNVVMDialectTranslation(registry);
}

std::unique_ptr<llvm::Module> lowerToLlvm(mlir::ModuleOp kernels, const strategy::Target &target,
                                          llvm::LLVMContext &context) {
  if (mlir::failed(lowerToLlvmDialect(kernels, target))) return nullptr;
  std::unique_ptr<llvm::Module> module =
      mlir::translateModuleToLLVMIR(kernels, context, "graven_kernels");
  if (!module) return nullptr;
  for (llvm::Function &function : *module) {
    if (function.isDeclaration()) continue;
    function.addFnAttr("target-cpu", chipOf(target));
    function.addFnAttr("target-features", "+ptx80");
    function.addFnAttr("no-trapping-math", "true");
    function.setDoesNotThrow();
  }
  return module;
}

}  // namespace graven::codegen::gpu
