// What the row strategy decides about a kernel: what is kept between passes, how rows are cut.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_

#include <algorithm>

#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/codegen/loops/point.h"
#include "compiler/strategy/target.h"
#include "llvm/Support/MathExtras.h"

namespace graven::codegen::cpu {

// In which order the passes of rows run. Rows come in one after another; in each turn some sweeps
// over the columns are made, one after another, in each of which one pass or several are computed,
// those of one sweep for rows of different age.
struct PassOrder {
  struct Place {
    int64_t sweep = 0;
    int64_t behind = 0;  // rows before the newest
  };
  llvm::SmallVector<Place> places;  // of each pass
  // Beyond the caches: how many elements before they are needed by the newest row each sweep asks
  // memory for them on its way. Empty where nothing is asked for.
  llvm::SmallVector<int64_t> fetches;
  bool fetch_near = false;  // into the first-level cache
  // Inputs that all rows read, which the last sweep lets pass through the first-level cache beside
  // the rows that lie there, and how many elements ahead.
  llvm::SmallVector<mlir::Value> passing;
  int64_t passing_ahead = 0;

  // Each pass in a sweep of its own, all on one row.
  static PassOrder oneByOne(int64_t passes);
  int64_t sweeps() const;
  // Rows that are begun before the first one is finished.
  int64_t depth() const { return places.empty() ? 0 : places.back().behind; }
};

struct RowPlan : RowSpace {
  static constexpr int64_t kStep = 4;  // vectors that a pass over a long row takes at a time

  // Values of the space's shape that later passes read from a buffer, and the pass (level) that
  // fills it.
  llvm::SmallVector<mlir::Value> kept;
  llvm::DenseMap<mlir::Value, int64_t> first_pass;

  int64_t lanes = 1;
  int64_t joined_lanes = 1;   // results that are joined at a time
  bool in_registers = false;  // all columns of a row are spelled out
  bool beside = false;        // lanes are neighbouring rows, one column after another
  int64_t block_rows = 1;     // rows a workgroup takes
  PassOrder order;
  // By pass: partial results of each reduction, which vectors of columns join in turn. They tell
  // the order of a sum, and do not depend on the order of the passes.
  llvm::SmallVector<int64_t> accumulators;
  int64_t blocks = 1;  // parts of a row that a first stage reduces; 1: no such stage
  // Strict numerics: the order in which a row is reduced follows from its length alone. Lanes are
  // those of every target; blocks of blockColumns() are joined as a binary tree.
  bool strict = false;

  // Passes over a row: one for each level of reductions, one that writes the results.
  int64_t passes() const { return levels.size() + 1; }
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

  // Where a column of a row stands in the space, and where `value`, which has the rows' shape,
  // perhaps with axes of length 1 behind, has its element of a row.
  Point fullPoint(const Index &row, const Index &column) const;
  Point rowPoint(mlir::Value value, const Index &row) const;
};

// Nothing where the region is not a row kernel.
std::optional<RowPlan> rowPlanOf(mlir::Block &body, const strategy::Target &target);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_PLAN_H_
