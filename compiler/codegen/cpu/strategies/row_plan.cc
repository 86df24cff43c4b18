#include "compiler/codegen/cpu/strategies/row_plan.h"

#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/cpu/strategies/row_reduction.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/cost.h"
#include "compiler/strategy/same_index.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kBlock = 4096;          // elements a workgroup
constexpr int64_t kBlockColumns = 16384;  // of a row that is reduced in parts
constexpr int64_t kVectorsInRegisters = 8;
constexpr int64_t kBufferBytes = 64 << 10;  // on the stack, for all kept values together
constexpr int64_t kDear = 10;               // operations an element that make keeping worthwhile

// Levels of reductions, and whether a value depends on any.
class Levels {
 public:
  explicit Levels(Block &body) {
    for (Operation &op : body.without_terminator()) {
      int64_t level = 0;
      for (Value operand : op.getOperands()) level = std::max(level, of(operand));
      if (isReduction(&op)) ++level;
      levels_[op.getResult(0)] = level;
    }
  }
  // The number of reductions, one upon another, that lead to `value`.
  int64_t of(Value value) const { return levels_.lookup(value); }

 private:
  llvm::DenseMap<Value, int64_t> levels_;
};

// Adds the passes in which values are wanted: those of the reductions that need them, and the last.
void findKept(Block &body, RowPlan &plan) {
  llvm::DenseMap<Value, llvm::SmallDenseSet<int64_t, 4>> wanted;
  auto want = [&](Value value, int64_t pass, auto &&self) -> void {
    Operation *op = value.getDefiningOp();
    if (!op || isReduction(op)) return;
    if (!wanted[value].insert(pass).second) return;
    for (Value operand : op->getOperands()) self(operand, pass, self);
  };
  for (auto [level, reductions] : llvm::enumerate(plan.levels))
    for (Operation *op : reductions) want(op->getOperand(0), level, want);
  for (Value output : body.getTerminator()->getOperands())
    if (plan.isFull(output)) want(output, plan.levels.size(), want);
  int64_t bytes = 0;
  for (Operation &op : body.without_terminator()) {
    Value value = op.getResult(0);
    auto passes = wanted.find(value);
    if (passes == wanted.end() || passes->second.size() < 2 || !plan.isFull(value)) continue;
    if (isReduction(&op) || strategy::operationsPerElement(&op) < kDear) continue;
    bytes += llvm::alignTo(plan.columns * bytesOf(elementOf(value)), 64);
    if (bytes > kBufferBytes) break;
    plan.kept.push_back(value);
    plan.first_pass[value] = *std::min_element(passes->second.begin(), passes->second.end());
  }
}

SmallVector<int64_t> reducedAxes(Operation *op) {
  if (auto reduction = dyn_cast<graph::ReductionOpInterface>(op)) return reduction.getReducedAxes();
  auto argmax = cast<graph::ArgmaxOp>(op);
  int64_t axis = argmax.getAxis(), rank = shapeOf(argmax.getX()).size();
  return {axis < 0 ? axis + rank : axis};
}

// Whether nothing is reduced twice, and what follows from a result goes to the same place.
bool keepsResultsApart(Block &body, const RowPlan &plan, const Levels &levels) {
  if (plan.levels.size() > 1) return false;
  for (Operation &op : body.without_terminator())
    for (Value operand : op.getOperands())
      if (levels.of(operand) > 0 && !isa<graph::ElementwiseOpInterface, graph::ReshapeOp>(op))
        return false;
  return llvm::all_of(body.getTerminator()->getOperands(),
                      [&](Value output) { return productOf(shapeOf(output)) == plan.results; });
}

}  // namespace

int64_t RowPlan::blockColumns() const { return kBlockColumns; }

int64_t RowPlan::partialOffset(int64_t number) const {
  int64_t offset = 0;
  for (Operation *op : ArrayRef<Operation *>(levels[0]).take_front(number))
    offset += llvm::alignTo(rows * blocks * bytesOf(elementOf(op->getResult(0))), 64);
  return offset;
}

std::optional<RowPlan> rowPlanOf(Block &body, const strategy::Target &target) {
  RowPlan plan;
  Levels levels(body);
  for (Operation &op : body.without_terminator()) {
    if (!rules().find(&op) || isa<graph::DotGeneralOp, graph::ScatterAddOp>(op))
      return std::nullopt;
    if (!isReduction(&op)) continue;
    ArrayRef<int64_t> shape = shapeOf(op.getOperand(0));
    SmallVector<int64_t> axes = reducedAxes(&op);
    int64_t rank = shape.size(), count = axes.size(), leading = 0;
    while (count < rank && leading < count && axes[leading] == leading) ++leading;
    for (int64_t number = leading; number < count; ++number)
      if (axes[number] != rank - count + number) return std::nullopt;
    if (plan.levels.empty()) {
      plan.space.assign(shape.begin(), shape.end());
      plan.leading = leading;
      plan.reduced = count - leading;
    }
    if (!plan.isFull(op.getOperand(0)) || plan.leading != leading ||
        plan.reduced != count - leading)
      return std::nullopt;
    int64_t level = levels.of(op.getResult(0)) - 1;
    if (level >= static_cast<int64_t>(plan.levels.size())) plan.levels.resize(level + 1);
    plan.levels[level].push_back(&op);
  }
  if (plan.levels.empty() || plan.reduced == 0) return std::nullopt;
  ArrayRef<int64_t> space(plan.space);
  plan.rows = productOf(space.drop_back(plan.reduced));
  plan.columns = productOf(space.take_back(plan.reduced));
  plan.lanes = lanesFor(body, target, plan.columns);
  plan.in_registers = plan.columns <= kVectorsInRegisters * plan.lanes;
  plan.block_rows = std::max<int64_t>(kBlock / std::max<int64_t>(plan.columns, 1), 1);
  if (plan.leading) {
    plan.outer = productOf(space.take_front(plan.leading));
    plan.results = productOf(space.drop_front(plan.leading).drop_back(plan.reduced));
    plan.joined_lanes = lanesFor(body, target, plan.results);
    if (!keepsResultsApart(body, plan, levels)) return std::nullopt;
    return plan;
  }
  // What comes from a reduction is used in its own row alone.
  for (Operation &op : body.without_terminator())
    for (Value operand : op.getOperands())
      if (levels.of(operand) > 0 && !strategy::staysInRow(&op, operand, plan.space, plan.reduced))
        return std::nullopt;
  for (Value output : body.getTerminator()->getOperands()) {
    if (plan.isFull(output))
      plan.has_full_output = true;
    else if (!strategy::isOnePerRow(shapeOf(output), plan.space, plan.reduced))
      return std::nullopt;
  }
  if (!plan.in_registers) findKept(body, plan);
  // A block's part of argmax would be two numbers.
  bool divisible = llvm::none_of(plan.levels[0], llvm::IsaPred<graph::ArgmaxOp>);
  if (plan.rows < 16 && plan.columns >= 2 * kBlockColumns && plan.levels.size() == 1 && divisible &&
      !plan.has_full_output) {
    plan.blocks = llvm::divideCeil(plan.columns, kBlockColumns);
    plan.kept.clear();
    plan.block_rows = 1;
  }
  int64_t last = plan.levels.size() - 1, bytes = 0;
  for (Value argument : body.getArguments())
    bytes += productOf(shapeOf(argument)) * bytesOf(elementOf(argument));
  for (Value output : body.getTerminator()->getOperands())
    bytes += productOf(shapeOf(output)) * bytesOf(elementOf(output));
  plan.pipelined =
      !plan.in_registers && plan.has_full_output && plan.blocks == 1 && bytes > target.l2_bytes &&
      llvm::all_of(plan.kept, [&](Value kept) { return plan.first_pass.lookup(kept) == last; });
  return plan;
}

}  // namespace graven::codegen::cpu
