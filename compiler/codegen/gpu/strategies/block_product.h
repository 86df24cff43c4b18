// The main loop of a matrix product on a GPU: one block of the result in the registers of a
// workgroup's threads.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_PRODUCT_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_PRODUCT_H_

#include <memory>

#include "compiler/codegen/gpu/strategies/operand_stage.h"

namespace graven::codegen::gpu {

// Sums with k ascending, by steps that follow from the shape alone, so an element has the same bits
// in whatever block it falls.
//
// Tiles of both operands lie in shared memory; `stages` of them in turn. A turn of the loop waits
// for one tile, starts the copy of the one that comes stages - 1 later into the slot that was read
// a turn ago, and multiplies: the double-buffered outer products of V. Volkov and J. Demmel,
// "Benchmarking GPUs to tune dense linear algebra" (SC 2008), with asynchronous copies. Subclasses
// say how a tile is multiplied.
class BlockProduct {
 public:
  virtual ~BlockProduct() = default;

  // Sums over the k's [k_begin, k_begin + k) in the block whose first row and column are given, of
  // matrix number `matrix`. Element i * tiling.groups() + g holds the columns columnOf(g) and on
  // of row rowOf(i). All threads have read shared memory to the end when they pass the next
  // barrier.
  llvm::SmallVector<mlir::Value> multiply(const Index &row, const Index &column,
                                          const Index &matrix, const Index &k_begin, int64_t k);

  // Rows and columns of this thread, from the block's first on.
  Index rowOf(int64_t i);
  Index columnOf(int64_t group);

 protected:
  BlockProduct(KernelFunction &function, const BlockTiling &tiling, mlir::Value shared);

  // Sums before the first step.
  virtual Emitter::Carry begin() = 0;
  // Adds `count` steps of k of the tile in `slot`, 0 < count <= block_k. `overlapped`: copies are
  // under way, and instructions of theirs between these.
  virtual Emitter::Carry tile(const Index &slot, int64_t count, bool overlapped,
                              mlir::ValueRange sums) = 0;
  // The sums as multiply() returns them.
  virtual llvm::SmallVector<mlir::Value> end(mlir::ValueRange sums) = 0;

  KernelFunction &f_;
  Emitter &e_;
  const BlockTiling &t_;
  mlir::Value shared_;
  mlir::Type element_;
  OperandStage left_, right_;
  Index row_, column_;  // of this thread's first element, from the block's first on
};

// The product that tiling.step_k asks for. `shared`: tiling.sharedBytes() of shared memory.
std::unique_ptr<BlockProduct> blockProduct(KernelFunction &function, const BlockTiling &tiling,
                                           mlir::Value shared);

// One fused multiply-add for each element and step of k: the same bits as on the CPU. Tiles lie in
// shared memory as [k][m] and [k][n].
std::unique_ptr<BlockProduct> fmaProduct(KernelFunction &function, const BlockTiling &tiling,
                                         mlir::Value shared);
// Tensor cores (mma.sync): steps of 16 k's of 16-bit elements or 8 of f32 elements rounded to tf32,
// each summed in an order of the machine's, in f32. Tiles lie in shared memory as in global memory,
// and are turned, where they must be, on the way to registers.
std::unique_ptr<BlockProduct> tensorProduct(KernelFunction &function, const BlockTiling &tiling,
                                            mlir::Value shared);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_PRODUCT_H_
