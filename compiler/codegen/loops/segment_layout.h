// How a kernel of several segments deals out its workgroups and buffers.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_SEGMENT_LAYOUT_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_SEGMENT_LAYOUT_H_

#include <utility>

#include "dialect/kernel/kernel.h"
#include "llvm/ADT/SmallVector.h"

namespace graven::codegen {

// Counts of what belongs to each segment; workgroups are numbered segment after segment.
struct SegmentLayout {
  int64_t segments, shared, inputs, outputs;
  llvm::SmallVector<int64_t> extents;       // elements of each segment
  llvm::SmallVector<int64_t> first_blocks;  // number of its first workgroup
  int64_t grid = 0;

  int64_t elements() const;
};

// The layout of `body` with `block` elements a workgroup.
SegmentLayout segmentLayout(mlir::Block &body, int64_t segments, int64_t shared, int64_t block);

// Whether elements need their row-major number alone, so that one piece of code serves all shapes.
bool isOneFormula(kernel::FusedOp fused);

// Pairs (input, output) of one segment that may share memory.
llvm::SmallVector<std::pair<int64_t, int64_t>> segmentPairs(mlir::Block &body,
                                                            const SegmentLayout &layout);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_SEGMENT_LAYOUT_H_
