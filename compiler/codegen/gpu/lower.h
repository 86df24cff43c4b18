// From kernel bodies to LLVM IR for NVIDIA GPUs.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_LOWER_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_LOWER_H_

#include <memory>

#include "compiler/strategy/target.h"
#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace mlir {
class DialectRegistry;
}

namespace graven::codegen::gpu {

// Adds the dialects and translations that lowering needs.
void registerLowerToPtx(mlir::DialectRegistry &registry);

// Lowers `kernels` in place and translates it. Diagnostics go to the module's context; null after
// an error.
std::unique_ptr<llvm::Module> lowerToLlvm(mlir::ModuleOp kernels, const strategy::Target &target,
                                          llvm::LLVMContext &context);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_LOWER_H_
