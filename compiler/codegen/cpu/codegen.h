// The CPU as a device: kernels are functions of the process.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_CODEGEN_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_CODEGEN_H_

#include "compiler/codegen/backend.h"

namespace graven::codegen::cpu {

extern const Backend kBackend;

// Adds to `out`, a module of its own, the functions of every kernel.func of `kernels`, one for each
// stage: `<kernel>` or `<kernel>_<stage>`. `out` then goes to lowerToLlvm. Kernels are not changed.
llvm::LogicalResult emitKernels(mlir::ModuleOp kernels, const strategy::Target &target,
                                mlir::ModuleOp out);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_CODEGEN_H_
