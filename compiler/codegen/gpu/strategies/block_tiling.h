// How a matrix product is cut up for a GPU: the block of a workgroup, the piece of a thread, how
// the operands' tiles come into shared memory.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_TILING_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_TILING_H_

#include <string>
#include <utility>

#include "compiler/codegen/loops/gemm_shape.h"
#include "compiler/strategy/target.h"

namespace graven::codegen::gpu {

// A tile of one operand on its way to shared memory. For products by fused multiply-add it lies
// there as [k][x] with x = m or n; for tensor cores as in global memory, [k][x] or [x][k].
struct TileLayout {
  // Neighbours in global memory follow k.
  bool along_k = false;
  // Shared memory has rows of k's at one x.
  bool rows_of_k = false;
  // Neighbours in global memory are spread over rows of shared memory.
  bool turned = false;
  // Pieces of 16 bytes of a row lie in an order of their own, so that the same pieces of 8 rows in
  // turn come from different banks; 0: not, else the number of pieces.
  int64_t pieces = 0;
  int64_t width = 1;   // elements of one access to global memory
  bool async = false;  // copied by cp.async; else through registers
  int64_t pitch = 1;   // elements between rows in shared memory
};

// Lengths count elements, but for `bytes`.
struct BlockTiling {
  GemmShape gemm;
  int64_t bytes = 4;      // of an element of the operands
  int64_t sum_bytes = 4;  // of one of the result
  // 1: fused multiply-adds; else tensor cores, which sum that many k's: 16 of 16-bit elements, 8 of
  // f32 elements, rounded to tf32.
  int64_t step_k = 1;
  bool lhs_computed = false;  // the operand is computed while it is copied
  bool rhs_computed = false;
  int64_t block_m = 1, block_n = 1;    // of a workgroup; powers of two, as all below
  int64_t block_k = 16;                // of a tile in shared memory
  int64_t thread_m = 1, thread_n = 1;  // of a thread
  int64_t stages = 2;                  // tiles in shared memory at a time
  int64_t part_k = 0;                  // of one part of k, a multiple of block_k; 0: all of k

  // Elements of 16 bytes.
  int64_t vector() const { return 16 / bytes; }
  bool onTensorCores() const { return step_k > 1; }
  // A thread has groups of `quad` rows, `rowStep` apart, and of `lanes` neighbouring columns.
  int64_t quad() const { return std::min<int64_t>(thread_m, onTensorCores() ? 2 : 4); }
  int64_t rowStep() const { return onTensorCores() ? 8 : 1; }
  int64_t lanes() const { return onTensorCores() ? 2 : std::min(thread_n, vector()); }
  // Groups of columns that a thread has.
  int64_t groups() const { return thread_n / lanes(); }
  int64_t threadsM() const { return block_m / thread_m; }
  int64_t threadsN() const { return block_n / thread_n; }
  int64_t threads() const { return threadsM() * threadsN(); }
  int64_t rowBlocks() const;
  int64_t columnBlocks() const;
  // Parts of k whose sums are added at the end, by a stage of its own where there are several.
  int64_t parts() const;
  // Workgroups: row blocks number fastest, then column blocks, then matrices, then parts of k.
  int64_t grid() const { return rowBlocks() * columnBlocks() * gemm.outerCount() * parts(); }

  TileLayout layout(bool left) const;
  // Elements of the left operand's part of a tile, and of a tile.
  int64_t leftElements() const { return operandElements(true); }
  int64_t tileElements() const { return leftElements() + operandElements(false); }
  int64_t operandElements(bool left) const;
  // Rows of the result that are written down together when it goes through shared memory, and the
  // elements between two of them.
  int64_t resultRows() const { return block_m / (thread_m / quad()); }
  int64_t resultPitch() const { return block_n + (onTensorCores() ? 8 : vector()); }
  int64_t sharedBytes() const;
  // Elements of the result, and bytes of the parts' sums.
  int64_t resultElements() const { return gemm.outerCount() * gemm.m * gemm.n; }
  int64_t scratchBytes() const;
  // "b128x128x16": for the kernel's name.
  std::string name() const;

  using Params = llvm::SmallVector<std::pair<std::string, int64_t>>;
  // What a plan must say to get this tiling back.
  Params params() const;
  // The tiling that params() described.
  static BlockTiling fromParams(graph::DotGeneralOp dot, mlir::DictionaryAttr params);
};

// The cost model. Where `target.forced` names a parameter, that value is taken.
BlockTiling chooseBlockTiling(graph::DotGeneralOp dot, const strategy::Target &target);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_TILING_H_
