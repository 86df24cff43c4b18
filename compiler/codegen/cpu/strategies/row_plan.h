// What the row strategy decides about a kernel: what is kept between passes, how rows are cut.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_

#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/strategy/target.h"

namespace graven::codegen::cpu {

struct RowPlan : RowSpace {
  // Values of the space's shape that later passes read from a buffer, and the pass (level) that
  // fills it.
  llvm::SmallVector<mlir::Value> kept;
  llvm::DenseMap<mlir::Value, int64_t> first_pass;

  int64_t lanes = 1;
  int64_t joined_lanes = 1;   // results that are joined at a time
  bool in_registers = false;  // all columns of a row are spelled out
  int64_t block_rows = 1;     // rows a workgroup takes
  // Rows beyond the caches: the results of a row are written while the next one is reduced, and the
  // one after that is fetched, so that memory is busy all the time.
  bool pipelined = false;
  int64_t blocks = 1;  // parts of a row that a first stage reduces; 1: no such stage

  // A first stage reduces rows, or parts of them, into scratch memory.
  bool inTwoStages() const { return blocks > 1 || leading > 0; }
  int64_t blockColumns() const;
  // Where the partial results of reduction `number` of the first level begin in scratch memory.
  int64_t partialOffset(int64_t number) const;
  int64_t partialBytes() const { return partialOffset(levels[0].size()); }
};

// Nothing where the region is not a row kernel.
std::optional<RowPlan> rowPlanOf(mlir::Block &body, const strategy::Target &target);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_
