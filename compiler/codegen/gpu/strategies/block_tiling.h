// How a matrix product is cut up for a GPU: the block of a workgroup, the piece of a thread, how
// the operands' tiles come into shared memory.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_TILING_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_BLOCK_TILING_H_

#include <string>
#include <utility>

#include "compiler/codegen/loops/gemm_shape.h"
#include "compiler/strategy/target.h"

namespace graven::codegen::gpu {

// A tile of one operand on its way to shared memory, where it lies as [k][x] with x = m or n.
struct TileLayout {
  // Neighbours in global memory follow k: they are spread over rows of shared memory.
  bool along_k = false;
  int64_t width = 1;   // elements of one access to global memory
  bool async = false;  // copied by cp.async; else through registers
  int64_t pitch = 1;   // elements between the k's in shared memory
};

// Lengths count elements, but for `bytes`.
struct BlockTiling {
  GemmShape gemm;
  int64_t bytes = 4;          // of an element
  bool lhs_computed = false;  // the operand is computed while it is copied
  bool rhs_computed = false;
  int64_t block_m = 1, block_n = 1;    // of a workgroup; powers of two, as all below
  int64_t block_k = 16;                // of a tile in shared memory
  int64_t thread_m = 1, thread_n = 1;  // of a thread
  int64_t stages = 2;                  // tiles in shared memory at a time
  int64_t part_k = 0;                  // of one part of k, a multiple of block_k; 0: all of k

  // Elements of 16 bytes.
  int64_t vector() const { return 16 / bytes; }
  // A thread has groups of `quad` neighbouring rows, and of `lanes` neighbouring columns.
  int64_t quad() const { return std::min<int64_t>(thread_m, 4); }
  int64_t lanes() const { return std::min(thread_n, vector()); }
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
  int64_t leftElements() const { return block_k * layout(true).pitch; }
  int64_t tileElements() const { return leftElements() + block_k * layout(false).pitch; }
  // Rows of the result that are written down together when it goes through shared memory, and the
  // elements between two of them.
  int64_t resultRows() const { return block_m / (thread_m / quad()); }
  int64_t resultPitch() const { return block_n + vector(); }
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
