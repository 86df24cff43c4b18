// From kernel bodies to LLVM IR for CPUs.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_LOWER_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_LOWER_H_

#include <memory>

#include "compiler/strategy/target.h"
#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace graven::codegen::cpu {

// Lowers `kernels` in place and translates it. Diagnostics go to the module's context; null after
// an error. Every function with a body gets hidden visibility and `target`'s CPU attributes.
std::unique_ptr<llvm::Module> lowerToLlvm(mlir::ModuleOp kernels, const strategy::Target &target,
                                          llvm::LLVMContext &context);

// Whether a function of `module` has instructions of strategy::Target::bf16_products. lowerToLlvm()
// gives that feature to such functions alone.
bool usesBf16Products(const llvm::Module &module);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_LOWER_H_
