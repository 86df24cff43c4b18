// The main loop of a matrix product on a GPU: one block of the result in the registers of a
// workgroup's threads.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_PRODUCT_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_PRODUCT_H_

#include "compiler/codegen/gpu/strategies/operand_stage.h"

namespace graven::codegen::gpu {

// Multiplies with one fused multiply-add for each element and step of k, k ascending, so an element
// has the same bits in whatever block it falls, and the same as on the CPU.
//
// Tiles of both operands lie in shared memory as [k][m] and [k][n]; `stages` of them in turn. A
// step of the loop waits for one tile, starts the copy of the one that comes stages - 1 later into
// the slot that was read a step ago, and multiplies: the double-buffered outer products of V.
// Volkov and J. Demmel, "Benchmarking GPUs to tune dense linear algebra" (SC 2008), with
// asynchronous copies.
class BlockProduct {
 public:
  // `shared`: tiling.sharedBytes() of shared memory.
  BlockProduct(KernelFunction &function, const BlockTiling &tiling, mlir::Value shared);

  // Sums over the k's [k_begin, k_begin + k) in the block whose first row and column are given, of
  // matrix number `matrix`. Element i * groups() + g holds the columns columnOf(g) and on of row
  // rowOf(i). All threads have read shared memory to the end when they pass the next barrier.
  llvm::SmallVector<mlir::Value> multiply(const Index &row, const Index &column,
                                          const Index &matrix, const Index &k_begin, int64_t k);

  // Groups of neighbouring columns that a thread has.
  int64_t groups() const { return t_.thread_n / t_.lanes(); }
  // Rows and columns of this thread, from the block's first on.
  Index rowOf(int64_t i);
  Index columnOf(int64_t group);

 private:
  // The steps of a tile, `together` of them unrolled; and one step.
  Emitter::Carry steps(const Index &slot, int64_t count, int64_t together, mlir::ValueRange sums);
  Emitter::Carry step(const Index &slot, const Index &k, mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> read(OperandStage &stage, const Index &slot, const Index &k,
                                      int64_t count, llvm::function_ref<Index(int64_t)> first,
                                      int64_t width);

  KernelFunction &f_;
  Emitter &e_;
  const BlockTiling &t_;
  mlir::Value shared_;
  mlir::Type element_;
  OperandStage left_, right_;
  Index thread_m_, thread_n_;  // number of the thread's place in the block
};

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_PRODUCT_H_
