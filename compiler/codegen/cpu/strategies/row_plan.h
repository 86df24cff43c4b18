// What the row strategy decides about a kernel: what is kept between passes, how rows are cut.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_

#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/strategy/target.h"
#include "llvm/Support/MathExtras.h"

namespace graven::codegen::cpu {

struct RowPlan : RowSpace {
  static constexpr int64_t kStep = 4;  // vectors that a pass over a long row takes at a time

  // Values of the space's shape that later passes read from a buffer, and the pass (level) that
  // fills it.
  llvm::SmallVector<mlir::Value> kept;
  llvm::DenseMap<mlir::Value, int64_t> first_pass;

  int64_t lanes = 1;
  int64_t joined_lanes = 1;   // results that are joined at a time
  bool in_registers = false;  // all columns of a row are spelled out
  int64_t block_rows = 1;     // rows a workgroup takes
  // Rows too short to hide the ends of their passes: each is reduced while the one before is
  // written.
  bool pipelined = false;
  // Longer rows beyond the caches: of every kStep vectors in a row, how many of the next row's each
  // pass asks memory for on its way (the last pass writes the results). Passes that compute much
  // ask for much, so that memory is busy all the time. Empty where nothing is asked for.
  llvm::SmallVector<int64_t> fetches;
  int64_t blocks = 1;  // parts of a row that a first stage reduces; 1: no such stage
  // Strict numerics: the order in which a row is reduced follows from its length alone. Lanes are
  // those of every target; blocks of blockColumns() are joined as a binary tree.
  bool strict = false;

  // A first stage reduces rows, or parts of them, into scratch memory.
  bool inTwoStages() const { return blocks > 1 || leading > 0; }
  int64_t blockColumns() const;
  // Blocks of one row, whether or not a stage of their own reduces them.
  int64_t rowBlocks() const {
    return std::max<int64_t>(llvm::divideCeil(columns, blockColumns()), 1);
  }
  // Where the partial results of reduction `number` of the first level begin in scratch memory.
  int64_t partialOffset(int64_t number) const;
  int64_t partialBytes() const { return partialOffset(levels[0].size()); }
};

// Nothing where the region is not a row kernel.
std::optional<RowPlan> rowPlanOf(mlir::Block &body, const strategy::Target &target);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_
