// Instructions of NVIDIA GPUs that matrix products are made of: thin builders over NVVM ops.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_MATRIX_INSTRUCTIONS_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_MATRIX_INSTRUCTIONS_H_

#include "mlir/IR/Builders.h"

namespace graven::codegen::gpu {

// `pointer` (!llvm.ptr, to global memory) as cp.async wants it: !llvm.ptr<1>.
mlir::Value globalPointer(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value pointer);

// Starts to copy `bytes` (4, 8 or 16, to which both addresses are aligned) from global to shared
// memory. The copy lands at a waitForCopies() of this thread; other threads need a barrier behind.
void copyAsync(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value shared, mlir::Value global,
               int64_t bytes);
// Closes a group of this thread's copies.
void commitCopies(mlir::OpBuilder &builder, mlir::Location loc);
// Waits until at most the last `pending` groups of this thread's copies are under way.
void waitForCopies(mlir::OpBuilder &builder, mlir::Location loc, int64_t pending);

// Says that the loop whose result `carried` is stays a loop: the assembler unrolls loops of few
// turns, reads ahead in all of them, and runs out of registers.
void keepRolled(mlir::Value carried);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_MATRIX_INSTRUCTIONS_H_
