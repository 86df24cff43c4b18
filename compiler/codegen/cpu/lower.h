// From kernel bodies in scf, vector, arith, math and llvm ops to LLVM IR.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_LOWER_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_LOWER_H_

#include <memory>

#include "compiler/strategy/target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace mlir {
class DialectRegistry;
}

namespace graven::codegen::cpu {

// Appends the passes that turn a module of `func.func` or `llvm.func` kernels over scf, cf, vector,
// arith, math, index, memref-free llvm ops into the LLVM dialect alone. Elementary functions become
// arithmetic (--codegen-expand-math) first, so that no call to libm is left; what they may do is
// `target`'s to say.
void buildLowerToLlvmPipeline(mlir::OpPassManager &passes, const strategy::Target &target);

// Adds the dialects, interfaces and translations that lowering and translation need.
void registerLowerToLlvm(mlir::DialectRegistry &registry);

// Lowers `kernels` in place and translates it. Diagnostics go to the module's context; null after
// an error. Every function with a body gets hidden visibility and `target`'s CPU attributes.
std::unique_ptr<llvm::Module> lowerToLlvm(mlir::ModuleOp kernels, const strategy::Target &target,
                                          llvm::LLVMContext &context);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_LOWER_H_
