// From the sums of a matrix product, in the registers of a workgroup, to the kernel's outputs.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_RESULT_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_RESULT_H_

#include "compiler/codegen/gpu/strategies/block_product.h"

namespace graven::codegen::gpu {

// Where a block of the result begins, and of which matrix it is.
struct BlockPlace {
  Index row, column, matrix;
};

// What is done with sums at row `m` and the columns from `n` on. Called within the result only.
using Finish = llvm::function_ref<void(const Index &m, const Index &n, mlir::Value sum)>;

// Calls `finish` for all of a block: straight from the registers, unrolled, which is best where
// little follows.
void finishFromRegisters(KernelFunction &function, const BlockTiling &tiling, BlockProduct &product,
                         const BlockPlace &place, mlir::ValueRange sums, Finish finish);
// The same by way of shared memory, in a loop: threads then stand side by side along rows, whatever
// their tile was, and `finish` is emitted once.
void finishThroughShared(KernelFunction &function, const BlockTiling &tiling, BlockProduct &product,
                         const BlockPlace &place, mlir::ValueRange sums, mlir::Value shared,
                         Finish finish);

// Elements of a row that are stored together: 16 bytes of the widest output.
int64_t storedLanes(mlir::Block &body);

// Elements of 16 bytes or less that rows of `columns` elements can be cut into.
int64_t lanesAlong(int64_t columns, int64_t most);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_RESULT_H_
