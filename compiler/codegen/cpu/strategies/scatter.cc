// Addition into rows by index: the gradient of a table of embeddings.
//
// A workgroup owns some columns of all rows. It copies the operand's columns into the result and
// then adds the updates' columns to the rows that the indices name, one update after the other: the
// order is that of the indices, whatever the number of threads.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kColumns = 64;  // that a workgroup owns

struct ScatterPlan : ScatterSpace {
  int64_t lanes = 1;

  int64_t columnBlocks() const { return std::max<int64_t>(llvm::divideCeil(columns, kColumns), 1); }
  int64_t grid() const { return rows && columns ? matrices * columnBlocks() : 0; }
};

std::optional<ScatterPlan> planOf(Block &body, const strategy::Target &target) {
  std::optional<ScatterSpace> space = scatterSpaceOf(body);
  if (!space) return std::nullopt;
  ScatterPlan plan;
  static_cast<ScatterSpace &>(plan) = *std::move(space);
  plan.lanes = lanesFor(body, target, plan.columns);
  return plan;
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return planOf(fused.getBody().front(), target).has_value();
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  ScatterPlan scatter = *planOf(fused.getBody().front(), target);
  strategy::Plan plan;
  plan.params = {{"lanes", scatter.lanes}, {"columns", kColumns}};
  plan.stages = {{"", scatter.grid()}};
  // The operand is read where the result is written, before anything is added there.
  auto operand = dyn_cast<BlockArgument>(scatter.op.getX());
  if (operand && operand.hasOneUse())
    plan.same_index.push_back({static_cast<int64_t>(operand.getArgNumber()), 0});
  plan.shape = strategy::shapeName({scatter.matrices, scatter.rows, scatter.columns});
  plan.config = "n" + std::to_string(scatter.updates) + "v" + std::to_string(scatter.lanes);
  return plan;
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  Emitter &e = function.emitter();
  ScatterPlan p = *planOf(function.body(), target);
  e.setLanes(p.lanes);
  Value result = p.op->getResult(0), pointer = function.outputPointer(0);
  Type element = elementOf(result);
  int64_t before = p.axis, behind = shapeOf(result).size() - p.axis - 1;
  auto lanesFrom = [&](const Index &first) { return p.columns > 1 ? e.lanesFrom(first) : first; };

  function.forEachWorkgroup([&](Index workgroup) {
    Index matrix = e.divide(workgroup, p.columnBlocks());
    Index first = e.scale(e.modulo(workgroup, p.columnBlocks()), kColumns);
    Index end = e.minimum(e.add(first, kColumns), Index::constant(p.columns));
    // Runs `body` at each vector of this workgroup's columns.
    auto forColumns = [&](function_ref<void(const Index &)> body) {
      int64_t left = p.columns % p.lanes;
      Index whole = e.minimum(end, Index::constant(p.columns - left));
      e.loop(first, whole, p.lanes, [&](Index at) { body(lanesFrom(at)); }, p.lanes);
      if (!left) return;
      e.when(e.inside(end, p.columns, p.columns + 1), [&] {
        e.masked(e.firstLanes(Index::constant(left)), e.depth(),
                 [&] { body(lanesFrom(Index::constant(p.columns - left))); });
      });
    };
    // The point of a tensor whose axes in the place of `axis` are `middle` ones, at `row`.
    auto pointOf = [&](Value value, int64_t middle, const Index &row, const Index &column) {
      Point point;
      point.shape.assign(shapeOf(value).begin(), shapeOf(value).end());
      if (before) point.groups.push_back({before, matrix});
      if (middle) point.groups.push_back({middle, row});
      if (behind) point.groups.push_back({behind, column});
      return point;
    };
    e.loop(Index::constant(0), Index::constant(p.rows), 1, [&](Index row) {
      forColumns([&](const Index &column) {
        Point point = pointOf(result, 1, row, column);
        e.store(pointer, element, e.linear(point), e.at(p.op.getX(), point));
      });
    });
    e.loop(Index::constant(0), Index::constant(p.updates), 1, [&](Index number) {
      Value indices = p.op.getIndices(), updates = p.op.getUpdates();
      Value row = clampedIndex(e, indices, Point::flat(shapeOf(indices), number), p.rows);
      Index there = e.wrap(row, e.depth());
      forColumns([&](const Index &column) {
        Value update = e.at(updates, pointOf(updates, shapeOf(indices).size(), number, column));
        Index place = e.linear(pointOf(result, 1, there, column));
        Value sum = e.load(pointer, element, place);
        if (isa<VectorType>(sum.getType())) update = e.splat(update);
        if (isa<FloatType>(element))
          sum = arith::AddFOp::create(e.builder(), e.loc(), sum, update);
        else
          sum = arith::AddIOp::create(e.builder(), e.loc(), sum, update);
        e.store(pointer, element, place, sum);
      });
    });
  });
  return success();
}

}  // namespace

const strategy::Strategy kScatterStrategy = {"scatter", matches, plan, emit};

}  // namespace graven::codegen::cpu
