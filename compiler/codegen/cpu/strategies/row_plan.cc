#include "compiler/codegen/cpu/strategies/row_plan.h"

#include <numeric>

#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/loops/row_reduction.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/cost.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kBlock = 4096;          // elements a workgroup
constexpr int64_t kBlockColumns = 16384;  // of a row that is reduced in parts
constexpr int64_t kStrictLanes = 16, kStrictBlockColumns = 4096;
constexpr int64_t kVectorsInRegisters = 8;
constexpr int64_t kBufferBytes = 64 << 10;  // on the stack, for all kept values together
constexpr int64_t kShortRow = 32;           // vectors
constexpr int64_t kDear = 10;               // operations an element that make keeping worthwhile

using Wanted = llvm::DenseMap<Value, SmallVector<int64_t, 4>>;  // see passesOf

// Finds the values that are worth keeping for the passes behind the one that computes them.
void findKept(Block &body, const Wanted &wanted, RowPlan &plan) {
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

// Shares the vectors of a step among the passes by what they compute.
void findFetches(const Wanted &wanted, RowPlan &plan) {
  SmallVector<int64_t> costs;
  for (const auto &reductions : plan.levels) costs.push_back(reductions.size());
  costs.push_back(0);
  for (const auto &[value, passes] : wanted) {
    Operation *op = value.getDefiningOp();
    if (!op || isReduction(op) || !plan.isFull(value)) continue;
    int64_t cost = strategy::operationsPerElement(op);
    auto first = plan.first_pass.find(value);
    for (int64_t pass : passes)
      if (first == plan.first_pass.end() || first->second == pass) costs[pass] += cost;
  }
  int64_t all = std::accumulate(costs.begin(), costs.end(), int64_t{0}), before = 0, given = 0;
  for (int64_t cost : costs) {
    before += cost;
    int64_t until = (before * RowPlan::kStep + all / 2) / all;
    plan.fetches.push_back(until - given);
    given = until;
  }
  // One pass alone asks line by line, which serves memory best.
  auto dearest = std::max_element(costs.begin(), costs.end());
  if (*dearest * 2 <= all) return;
  plan.fetches.assign(costs.size(), 0);
  plan.fetches[dearest - costs.begin()] = RowPlan::kStep;
}

}  // namespace

int64_t RowPlan::blockColumns() const { return strict ? kStrictBlockColumns : kBlockColumns; }

int64_t RowPlan::partialOffset(int64_t number) const {
  int64_t offset = 0;
  for (Operation *op : ArrayRef<Operation *>(levels[0]).take_front(number))
    offset += llvm::alignTo(rows * blocks * bytesOf(elementOf(op->getResult(0))), 64);
  return offset;
}

std::optional<RowPlan> rowPlanOf(Block &body, const strategy::Target &target) {
  std::optional<RowSpace> space = rowSpaceOf(body);
  if (!space) return std::nullopt;
  RowPlan plan;
  static_cast<RowSpace &>(plan) = *std::move(space);
  plan.strict = target.strict();
  // Strict lanes may take several registers, or a part of one.
  plan.lanes =
      plan.strict
          ? std::min<int64_t>(kStrictLanes, llvm::PowerOf2Ceil(std::max<int64_t>(plan.columns, 1)))
          : lanesFor(body, target, plan.columns);
  plan.in_registers = plan.columns <= kVectorsInRegisters * plan.lanes;
  plan.block_rows = std::max<int64_t>(kBlock / std::max<int64_t>(plan.columns, 1), 1);
  if (plan.leading) {
    plan.joined_lanes = lanesFor(body, target, plan.results);
    return plan;
  }
  Wanted wanted = passesOf(body, plan);
  if (!plan.in_registers) findKept(body, wanted, plan);
  // A block's part of argmax would be two numbers.
  bool divisible = llvm::none_of(plan.levels[0], llvm::IsaPred<graph::ArgmaxOp>);
  if (plan.rows < 16 && plan.columns >= 2 * kBlockColumns && plan.levels.size() == 1 && divisible &&
      !plan.has_full_output) {
    plan.blocks = plan.rowBlocks();
    plan.kept.clear();
    plan.block_rows = 1;
  }
  if (plan.in_registers || !plan.has_full_output || plan.blocks > 1) return plan;
  int64_t last = plan.levels.size() - 1, bytes = 0;
  for (Value argument : body.getArguments())
    bytes += productOf(shapeOf(argument)) * bytesOf(elementOf(argument));
  for (Value output : body.getTerminator()->getOperands())
    bytes += productOf(shapeOf(output)) * bytesOf(elementOf(output));
  if (plan.columns <= kShortRow * plan.lanes)
    plan.pipelined =
        llvm::all_of(plan.kept, [&](Value kept) { return plan.first_pass.lookup(kept) == last; });
  else if (bytes > target.l2_bytes)
    findFetches(wanted, plan);
  return plan;
}

}  // namespace graven::codegen::cpu
