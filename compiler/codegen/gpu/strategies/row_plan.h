// What the row strategy decides about a kernel: which threads share a row, and what stays in their
// registers.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_ROW_PLAN_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_ROW_PLAN_H_

#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/strategy/target.h"

namespace graven::codegen::gpu {

// All that decides the order in which a row is reduced follows from the region and the length of a
// row, never from how many rows there are.
struct RowPlan : RowSpace {
  int64_t lanes = 1;  // elements that a thread takes at a time: a vector
  // Threads that share a row, a power of two: some of a warp, or whole warps. Vector v of a row
  // belongs to thread v mod `group`.
  int64_t group = 1;
  int64_t threads = 128;  // of a workgroup
  // Vectors of a thread, spelled out and kept in registers between passes; 0: a loop goes over
  // them, and each pass reads its inputs again.
  int64_t vectors = 0;
  int64_t blocks = 1;  // parts of a row that a first stage reduces; 1: no such stage

  bool inTwoStages() const { return blocks > 1 || leading > 0; }
  int64_t blockColumns() const;
  int64_t vectorsOfRow() const { return columns / lanes; }
  int64_t rowsOfWorkgroup() const { return threads / group; }
  // Of the stage that reduces rows (of the first, if there are two).
  int64_t grid() const;
  // Where the partial results of reduction `number` of the first level begin in scratch memory.
  int64_t partialOffset(int64_t number) const;
  int64_t partialBytes() const { return partialOffset(levels[0].size()); }
};

// Nothing where the region is not a row kernel.
std::optional<RowPlan> rowPlanOf(mlir::Block &body, const strategy::Target &target);

// Lanes for a computation along an axis of `length`, all of whose vectors are whole.
int64_t wholeLanes(mlir::Block &body, const strategy::Target &target, int64_t length);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_ROW_PLAN_H_
