// One operand of a matrix product on its way from global to shared memory.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_OPERAND_STAGE_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_OPERAND_STAGE_H_

#include "compiler/codegen/gpu/kernel_function.h"
#include "compiler/codegen/gpu/strategies/block_tiling.h"

namespace graven::codegen::gpu {

// Copies tiles of one operand, all threads of the workgroup together.
//
// Indices that lie outside of the operand are brought to its edge: rows and columns behind the
// result's last are copied from there and computed with, but not stored; steps of k behind the last
// are copied, but not computed with. So the copies need no conditions. For tensor cores, which
// compute with several steps of k at a time, those behind the last are zero.
class OperandStage {
 public:
  // `shared`: the address of the first tile.
  OperandStage(KernelFunction &function, const BlockTiling &tiling, bool left, mlir::Value shared);

  // Says which block is copied: its first row (column), the number of the matrix, and the k's
  // [k_begin, k_begin + k).
  void begin(const Index &first, const Index &matrix, const Index &k_begin, int64_t k);
  // Starts to bring tile number `tile` into slot `slot` of shared memory. What cp.async cannot copy
  // is read into registers, and written by finish().
  void start(const Index &tile, const Index &slot);
  void finish(const Index &slot);

  // Elements from the start of shared memory to element (k, x) of the operand's tile in `slot`.
  Index place(const Index &slot, const Index &k, const Index &x);

 private:
  // The place of this thread's access number `pass` in a tile.
  struct Place {
    Index x, k;
  };
  Place placeOf(int64_t pass);
  Index globalX(const Index &x);
  Index globalK(const Index &tile, const Index &k);
  // Whether step `k` of a tile counts (i1); null where all do.
  mlir::Value counts(const Index &tile, const Index &k);
  Index globalPlace(const Index &x, const Index &k);
  mlir::Value fetch(const Index &x, const Index &k);
  void put(mlir::Value value, const Index &slot, const Place &place);
  // Emits `body` for the threads that have an access.
  void whenHere(llvm::function_ref<void()> body);

  KernelFunction &f_;
  Emitter &e_;
  const BlockTiling &t_;
  bool left_;
  TileLayout layout_;
  mlir::Value operand_, shared_, pointer_, global_;
  mlir::Type element_;
  int64_t block_, length_, stride_x_, stride_k_;
  int64_t inner_, outer_;  // accesses to a tile: along the contiguous axis, and across it
  int64_t near_;    // accesses along the contiguous axis that threads next to each other make
  int64_t passes_;  // of one thread
  Index first_, offset_, k_begin_;
  int64_t k_ = 0;
  llvm::SmallVector<mlir::Value> fetched_;
};

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_OPERAND_STAGE_H_
