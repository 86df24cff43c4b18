#include "compiler/codegen/gpu/strategies/row_plan.h"

#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/loops/axis_groups.h"
#include "compiler/codegen/loops/row_reduction.h"
#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kThreads = 128;         // of a workgroup with several rows
constexpr int64_t kMostThreads = 512;     // of one row, so that each may have 128 registers
constexpr int64_t kFewVectors = 4;        // of a thread, before more threads are taken
constexpr int64_t kRowBytes = 64 * 4;     // of registers that a thread's part of a row may take
constexpr int64_t kBlockColumns = 16384;  // of a row that is reduced in parts
constexpr int64_t kLeastGroup = 8;        // threads of a row, so that accesses fill whole lines

// Bytes of registers for an element of a row that live on from one pass to the next.
int64_t livingBytes(Block &body, const RowSpace &space) {
  auto passes = passesOf(body, space);
  llvm::DenseMap<Operation *, int64_t> levels;
  for (auto [level, reductions] : llvm::enumerate(space.levels))
    for (Operation *op : reductions) levels[op] = level;
  auto first = [&](Value value) {
    auto found = passes.find(value);
    if (found == passes.end()) return int64_t{-1};
    return *std::min_element(found->second.begin(), found->second.end());
  };
  auto lastUse = [&](Value value) {
    int64_t last = -1;
    for (Operation *user : value.getUsers()) {
      if (user->hasTrait<OpTrait::IsTerminator>())
        last = std::max<int64_t>(last, space.levels.size());
      else if (levels.contains(user))
        last = std::max(last, levels.lookup(user));
      else
        last = std::max(last, first(user->getResult(0)));
    }
    return last;
  };
  int64_t most = 0;
  for (int64_t pass = 0; pass < static_cast<int64_t>(space.levels.size()); ++pass) {
    int64_t bytes = 0;
    for (const auto &[value, _] : passes)
      if (space.isFull(value) && first(value) <= pass && lastUse(value) > pass)
        bytes += std::max<int64_t>(bytesOf(elementOf(value)), 4);
    most = std::max(most, bytes);
  }
  return most;
}

}  // namespace

int64_t RowPlan::blockColumns() const { return kBlockColumns; }

int64_t RowPlan::grid() const {
  return blocks > 1 ? rows * blocks : llvm::divideCeil(rows, rowsOfWorkgroup());
}

int64_t RowPlan::partialOffset(int64_t number) const {
  int64_t offset = 0;
  for (Operation *op : ArrayRef<Operation *>(levels[0]).take_front(number))
    offset += llvm::alignTo(rows * blocks * bytesOf(elementOf(op->getResult(0))), 64);
  return offset;
}

int64_t wholeLanes(Block &body, const strategy::Target &target, int64_t length) {
  int64_t lanes = lanesFor(body, target, length);
  while (length % lanes) lanes /= 2;
  return lanes;
}

std::optional<RowPlan> rowPlanOf(Block &body, const strategy::Target &target) {
  std::optional<RowSpace> space = rowSpaceOf(body);
  if (!space || space->rows * space->columns == 0) return std::nullopt;
  RowPlan plan;
  static_cast<RowSpace &>(plan) = *std::move(space);
  plan.lanes = wholeLanes(body, target, plan.columns);
  // A part of argmax would be two numbers.
  bool divisible = llvm::none_of(plan.levels[0], llvm::IsaPred<graph::ArgmaxOp>);
  if (plan.leading && !divisible) return std::nullopt;
  if (!plan.leading && plan.columns >= 2 * kBlockColumns && plan.levels.size() == 1 && divisible &&
      !plan.has_full_output) {
    plan.blocks = llvm::divideCeil(plan.columns, kBlockColumns);
    plan.group = plan.threads = kMostThreads;
    return plan;
  }
  int64_t vectors = plan.vectorsOfRow();
  int64_t most = kRowBytes / (std::max<int64_t>(livingBytes(body, plan), 4) * plan.lanes);
  most = std::clamp<int64_t>(most, 1, 8);
  auto threadsFor = [&](int64_t each) {
    return static_cast<int64_t>(llvm::PowerOf2Ceil(llvm::divideCeil(vectors, each)));
  };
  int64_t least = std::min<int64_t>(kLeastGroup, threadsFor(1));
  plan.group = std::clamp(threadsFor(std::min(most, kFewVectors)), least, kMostThreads);
  plan.vectors = llvm::divideCeil(vectors, plan.group);
  if (plan.vectors > most) plan.vectors = 0;
  plan.threads = std::max(plan.group, kThreads);
  // Few rows: rather more workgroups than large ones.
  if (plan.rows * plan.group < 2 * target.processors * kThreads)
    plan.threads = std::max(plan.group, kWarp);
  return plan;
}

}  // namespace graven::codegen::gpu
