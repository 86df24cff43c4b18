// Machine code for kernels on CPUs.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_CODEGEN_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_CODEGEN_H_

#include "compiler/strategy/passes.h"
#include "mlir/IR/BuiltinOps.h"

namespace graven::codegen::cpu {

// The device that `triple` and `cpu` name (see resolveTarget), with the CPU's strategies.
llvm::Expected<strategy::Device> resolveDevice(llvm::StringRef triple, llvm::StringRef cpu);

// Adds to `out`, a module of its own, the functions of every kernel.func of `kernels`, one for each
// stage: `<kernel>` or `<kernel>_<stage>`. `out` then goes to lowerToLlvm. Kernels are not changed.
llvm::LogicalResult emitKernels(mlir::ModuleOp kernels, const strategy::Target &target,
                                mlir::ModuleOp out);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_CODEGEN_H_
