// Instructions of NVIDIA GPUs that matrix products are made of: thin builders over NVVM ops.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_MATRIX_INSTRUCTIONS_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_MATRIX_INSTRUCTIONS_H_

#include "mlir/IR/Builders.h"

namespace graven::codegen::gpu {

// `pointer` (!llvm.ptr, to global memory) as cp.async wants it: !llvm.ptr<1>.
mlir::Value globalPointer(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value pointer);

// Starts to copy `bytes` (4, 8 or 16, to which both addresses are aligned) from global to shared
// memory. The copy lands at a waitForCopies() of this thread; other threads need a barrier behind.
// With `filled` (i32) that many bytes are read, and the rest becomes zero.
void copyAsync(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value shared, mlir::Value global,
               int64_t bytes, mlir::Value filled = {});
// Closes a group of this thread's copies.
void commitCopies(mlir::OpBuilder &builder, mlir::Location loc);
// Waits until at most the last `pending` groups of this thread's copies are under way.
void waitForCopies(mlir::OpBuilder &builder, mlir::Location loc, int64_t pending);

// Reads `count` (1, 2 or 4) matrices of 8 x 8 elements of 16 bits from shared memory, the warp's
// threads together: thread 8 j + i says where row i of matrix j lies (16 bytes, aligned). Each
// thread gets an i32 of every matrix: elements 2 (lane % 4) and the next of row lane / 4, or with
// `transposed` those of column lane / 4.
llvm::SmallVector<mlir::Value> loadMatrices(mlir::OpBuilder &builder, mlir::Location loc,
                                            mlir::Value row, int64_t count, bool transposed);
// `value` (f32) rounded to the 11 bits of tf32, at a tie away from zero; its bits as i32.
mlir::Value roundToTf32(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);

// `sums` (4 of f32) plus the product of a 16 x k matrix (4 of i32) and a k x 8 one (2 of i32),
// spread over the warp as mma.sync.m16n8k16 wants them with `element` f16 or bf16 (k = 16), and
// m16n8k8 with f32, which stands for tf32 (k = 8). Sums 0 and 1 are elements 2 (lane % 4) and the
// next of row lane / 4, sums 2 and 3 those of the row 8 below.
llvm::SmallVector<mlir::Value> multiplyMatrices(mlir::OpBuilder &builder, mlir::Location loc,
                                                mlir::Type element, mlir::ValueRange left,
                                                mlir::ValueRange right, mlir::ValueRange sums);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_MATRIX_INSTRUCTIONS_H_
