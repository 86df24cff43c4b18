#include "compiler/codegen/cpu/strategies/row_plan.h"

#include <algorithm>

#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/loops/row_reduction.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/cost.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kBlock = 4096;          // elements a workgroup
constexpr int64_t kBlockColumns = 16384;  // of a row that is reduced in parts
constexpr int64_t kStrictLanes = 16, kStrictBlockColumns = 4096;
constexpr int64_t kVectorsInRegisters = 8;
constexpr int64_t kColumnsBeside = 16;
constexpr int64_t kBufferBytes = 64 << 10;  // on the stack, for all kept values together
constexpr int64_t kFetchBytes = 8 << 10;    // asked for before they are needed
constexpr int64_t kPassingBytes = 1 << 10;  // of what lies in the second-level cache
// Read at the same time: with three, softmax of 4,096 and 16,384 columns takes 0.6 to 0.7 of the
// time of sweeps of their own, with four, cross-entropy with its gradient the same; with five,
// layer norm takes up to twice as long (Zen 5).
constexpr int64_t kRowsFromSecondCache = 4;
constexpr int64_t kDear = 10;  // operations an element that make keeping worthwhile

using Wanted = llvm::DenseMap<Value, SmallVector<int64_t, 4>>;  // see passesOf

// Finds the values that are worth keeping for the passes behind the one that computes them. A pass
// that computes such values, kept or not, has enough to do while a sum waits for the one before it,
// and too few registers: with one partial result instead of several, softmax and cross-entropy with
// its gradient take 0.94 to 0.97 of the time (512 x 512 and 8192 x 4096, Zen 5).
void findKept(Block &body, const Wanted &wanted, RowPlan &plan) {
  int64_t bytes = 0;
  for (Operation &op : body.without_terminator()) {
    Value value = op.getResult(0);
    auto passes = wanted.find(value);
    if (passes == wanted.end() || !plan.isFull(value)) continue;
    if (isReduction(&op) || strategy::operationsPerElement(&op) < kDear) continue;
    int64_t first = *std::min_element(passes->second.begin(), passes->second.end());
    plan.accumulators[first] = 1;
    if (passes->second.size() < 2) continue;
    bytes += llvm::alignTo(plan.columns * bytesOf(elementOf(value)), 64);
    if (bytes > kBufferBytes) {
      for (int64_t pass : passes->second) plan.accumulators[pass] = 1;
      continue;
    }
    plan.kept.push_back(value);
    plan.first_pass[value] = first;
  }
}

// Whether a kept value's one buffer serves rows of different age: a pass that reads it for the row
// before must come before that value of the newer row is written.
bool fits(const PassOrder &order, const Wanted &wanted, const RowPlan &plan) {
  return llvm::all_of(plan.kept, [&](Value kept) {
    PassOrder::Place filled = order.places[plan.first_pass.lookup(kept)];
    return llvm::all_of(wanted.lookup(kept), [&](int64_t pass) {
      PassOrder::Place read = order.places[pass];
      if (read.behind == filled.behind) return true;
      return read.behind == filled.behind + 1 && read.sweep <= filled.sweep;
    });
  });
}

// Whether one of the values that `value` is computed from, short of reductions' operands, is
// `found`.
template <typename Predicate>
bool takes(Value value, Predicate found) {
  if (found(value)) return true;
  Operation *op = value.getDefiningOp();
  return op && !isReduction(op) &&
         llvm::any_of(op->getOperands(), [&](Value operand) { return takes(operand, found); });
}

// All passes in one sweep, each on the row before the one of the pass before it. Where only single
// values of a row wait for the last reductions, as its loss does, the results are written beside
// them.
PassOrder allAtOnce(Block &body, const RowPlan &plan) {
  PassOrder order;
  for (int64_t pass = 0; pass < plan.passes(); ++pass) order.places.push_back({0, pass});
  bool beside = plan.has_full_output && plan.levels.size() > 1;
  auto isLast = [&](Value value) {
    return llvm::is_contained(plan.levels.back(), value.getDefiningOp());
  };
  // What such a value reads of a row must not be overwritten before.
  auto isOfColumns = [&](Value value) { return plan.isFull(value); };
  for (Value output : body.getTerminator()->getOperands())
    beside &= plan.isFull(output) ? !takes(output, isLast) : !takes(output, isOfColumns);
  if (beside) --order.places.back().behind;
  return order;
}

// The values that `pass` reads from memory: inputs, and what earlier passes kept.
llvm::SmallPtrSet<Value, 8> readsOf(Block &body, const RowPlan &plan, int64_t pass) {
  llvm::SmallPtrSet<Value, 8> seen, reads;
  auto visit = [&](Value value, auto &&self) -> void {
    Operation *op = value.getDefiningOp();
    if ((op && isReduction(op)) || !seen.insert(value).second) return;
    auto kept = plan.first_pass.find(value);
    if (!op || (kept != plan.first_pass.end() && kept->second < pass)) {
      reads.insert(value);
      return;
    }
    for (Value operand : op->getOperands()) self(operand, self);
  };
  if (pass < static_cast<int64_t>(plan.levels.size()))
    for (Operation *op : plan.levels[pass]) visit(op->getOperand(0), visit);
  else
    for (Value output : body.getTerminator()->getOperands())
      if (plan.isFull(output)) visit(output, visit);
  return reads;
}

// Whether a sweep with all passes in it is quick: it reads from several rows of different age,
// which stay in the first-level cache, or else are few enough for what the second one gives.
bool isQuick(Block &body, const PassOrder &order, const RowPlan &plan,
             const strategy::Target &target) {
  llvm::SmallDenseSet<std::pair<Value, int64_t>> read;
  for (int64_t pass = 0; pass < plan.passes(); ++pass)
    for (Value value : readsOf(body, plan, pass))
      if (plan.isFull(value))
        read.insert({value, order.places[pass].behind});
      else if (productOf(shapeOf(value)) == plan.columns)
        read.insert({value, 0});
  int64_t bytes = 0;
  for (auto [value, behind] : read) bytes += plan.columns * bytesOf(elementOf(value));
  if (bytes <= target.l1_bytes) return true;
  return bytes <= target.l2_bytes / 2 && static_cast<int64_t>(read.size()) <= kRowsFromSecondCache;
}

// Whether rows are so short, and so many, that neighbouring ones are better computed in the lanes
// of a vector: there is nothing to join between lanes then, and no lane is left over. Strict code
// keeps one order for rows of all lengths. What has the rows' columns is transposed in registers,
// which takes elements of four bytes.
bool areBeside(Block &body, const strategy::Target &target, const RowPlan &plan) {
  if (plan.strict || plan.columns < 2 || plan.columns > kColumnsBeside) return false;
  int64_t lanes = lanesFor(body, target, plan.rows);
  auto fits = [&](Value value) { return !plan.isFull(value) || bytesOf(elementOf(value)) == 4; };
  return lanes >= 4 && plan.rows >= 2 * lanes && llvm::all_of(body.getArguments(), fits) &&
         llvm::all_of(body.getTerminator()->getOperands(), fits);
}

// What each sweep asks memory for. Processors drop such requests when too many are under way, as in
// passes that compute little: where a row takes several sweeps, each asks for all of the next row,
// which costs little where it is there already, and the one that writes, which is the slowest, for
// the row after that. What all rows read, as a norm's gain and offset, would push rows out of the
// first-level cache, at each row anew.
void findFetches(Block &body, const strategy::Target &target, RowPlan &plan) {
  PassOrder &order = plan.order;
  int64_t sweeps = order.sweeps();
  int64_t element = bytesOf(elementOf(plan.levels[0][0]->getOperand(0)));
  if (sweeps == 1) {
    order.fetches = {kFetchBytes / element};
    order.fetch_near = true;
    return;
  }
  order.fetches.assign(sweeps, plan.columns);
  order.fetches.back() = 2 * plan.columns;
  int64_t bytes = 2 * plan.columns * element;
  order.fetch_near = bytes <= target.l1_bytes;
  llvm::SmallVector<Value> shared;
  for (Value input : readsOf(body, plan, plan.passes() - 1))
    if (isa<BlockArgument>(input) && !plan.isFull(input) &&
        productOf(shapeOf(input)) == plan.columns) {
      shared.push_back(input);
      bytes += plan.columns * bytesOf(elementOf(input));
    }
  if (!order.fetch_near || bytes <= target.l1_bytes) return;
  // In the order of the kernel's inputs.
  llvm::sort(shared, [](Value a, Value b) {
    return cast<BlockArgument>(a).getArgNumber() < cast<BlockArgument>(b).getArgNumber();
  });
  order.passing = shared;
  order.passing_ahead = kPassingBytes / element;
}

}  // namespace

PassOrder PassOrder::oneByOne(int64_t passes) {
  PassOrder order;
  for (int64_t pass = 0; pass < passes; ++pass) order.places.push_back({pass, 0});
  return order;
}

int64_t PassOrder::sweeps() const {
  int64_t count = 0;
  for (Place place : places) count = std::max(count, place.sweep + 1);
  return count;
}

int64_t RowPlan::blockColumns() const { return strict ? kStrictBlockColumns : kBlockColumns; }

int64_t RowPlan::partialOffset(int64_t number) const {
  int64_t offset = 0;
  for (Operation *op : ArrayRef<Operation *>(levels[0]).take_front(number))
    offset += llvm::alignTo(rows * blocks * bytesOf(elementOf(op->getResult(0))), 64);
  return offset;
}

Point RowPlan::fullPoint(const Index &row, const Index &column) const {
  Point point;
  point.shape.assign(space.begin(), space.end());
  int64_t kept_axes = space.size() - reduced;
  if (kept_axes) point.groups.push_back({kept_axes, row});
  point.groups.push_back({reduced, column});
  return point;
}

Point RowPlan::rowPoint(Value value, const Index &row) const {
  Point point;
  point.shape.assign(shapeOf(value).begin(), shapeOf(value).end());
  int64_t kept_axes = space.size() - reduced;
  if (kept_axes) point.groups.push_back({kept_axes, row});
  for (size_t axis = kept_axes; axis < point.shape.size(); ++axis)
    point.groups.push_back({1, Index::constant(0)});
  return point;
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
  plan.accumulators.assign(plan.passes(), plan.in_registers || plan.strict ? 1 : RowPlan::kStep);
  if (plan.leading) {
    plan.joined_lanes = lanesFor(body, target, plan.results);
    return plan;
  }
  plan.order = PassOrder::oneByOne(plan.passes());
  if (areBeside(body, target, plan)) {
    plan.beside = plan.in_registers = true;
    plan.lanes = lanesFor(body, target, plan.rows);
    plan.block_rows = plan.block_rows / plan.lanes * plan.lanes;
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
  bool several_passes = plan.has_full_output || plan.levels.size() > 1;
  if (plan.in_registers || !several_passes || plan.blocks > 1) return plan;
  PassOrder at_once = allAtOnce(body, plan);
  bool one_block = !plan.strict || plan.rowBlocks() == 1;
  if (one_block && fits(at_once, wanted, plan) && plan.rows >= 4 * at_once.depth() &&
      isQuick(body, at_once, plan, target))
    plan.order = at_once;
  int64_t bytes = 0;
  for (Value argument : body.getArguments())
    bytes += productOf(shapeOf(argument)) * bytesOf(elementOf(argument));
  for (Value output : body.getTerminator()->getOperands())
    bytes += productOf(shapeOf(output)) * bytesOf(elementOf(output));
  if (bytes > target.l2_bytes) findFetches(body, target, plan);
  return plan;
}

}  // namespace graven::codegen::cpu
