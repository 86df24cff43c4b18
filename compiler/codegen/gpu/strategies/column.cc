// Reductions over axes in front of the last: bias gradients, column sums, sums over a middle axis.
//
// The axes in front of the reduced ones number matrices. A workgroup stands on some columns of one
// matrix, its threads on different rows; they add up what they own and are joined through shuffles
// and shared memory. Many rows are cut into blocks of fixed length: a first stage reduces each
// block into scratch memory, the main stage joins the blocks. What follows from the reductions,
// such as a parameter's update, is computed on the sums.
#include "compiler/codegen/gpu/strategies/column_threads.h"
#include "compiler/codegen/gpu/strategies/row_plan.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kBlockRows = 512;  // that are reduced together where rows are many

struct ColumnPlan : ColumnSpace {
  int64_t lanes = 1;
  int64_t blocks = 1;  // of rows

  // Of the stage that reads the matrices, and of the one that joins blocks.
  ColumnLayout layout() const {
    return ColumnLayout(columns, lanes, blocks > 1 ? kBlockRows : rows);
  }
  ColumnLayout joinLayout() const { return ColumnLayout(columns, lanes, blocks); }
  int64_t partialOffset(int64_t number) const {
    int64_t offset = 0;
    for (Operation *op : ArrayRef<Operation *>(reductions).take_front(number))
      offset += llvm::alignTo(blocks * results() * bytesOf(elementOf(op->getResult(0))), 64);
    return offset;
  }
};

std::optional<ColumnPlan> planOf(Block &body, const strategy::Target &target) {
  std::optional<ColumnSpace> space = columnSpaceOf(body);
  if (!space || space->rows * space->results() == 0) return std::nullopt;
  ColumnPlan plan;
  static_cast<ColumnSpace &>(plan) = *std::move(space);
  plan.lanes = wholeLanes(body, target, plan.columns);
  if (plan.rows >= 2 * kBlockRows) plan.blocks = llvm::divideCeil(plan.rows, kBlockRows);
  return plan;
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return planOf(fused.getBody().front(), target).has_value();
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  ColumnPlan column = *planOf(fused.getBody().front(), target);
  ColumnLayout layout = column.layout();
  strategy::Plan plan;
  plan.params = {{"lanes", column.lanes}, {"across", layout.across}, {"blocks", column.blocks}};
  if (column.blocks > 1) {
    plan.stages.push_back(
        {"part", column.matrices * column.blocks * layout.blocks(), layout.threads()});
    plan.scratch_bytes = column.partialOffset(column.reductions.size());
    layout = column.joinLayout();
  }
  plan.stages.push_back({"", column.matrices * layout.blocks(), layout.threads()});
  // What a reduction reads is read elsewhere too; sameIndexPairs leaves it out.
  plan.same_index = strategy::sameIndexPairs(fused.getBody().front());
  plan.shape = column.before ? strategy::shapeName({column.matrices, column.rows, column.columns})
                             : strategy::shapeName({column.rows, column.columns});
  plan.config = "c" + std::to_string(layout.width()) + "v" + std::to_string(column.lanes);
  return plan;
}

Value partials(KernelFunction &function, const ColumnPlan &plan, size_t number) {
  return function.scratchPointer(plan.partialOffset(number));
}

// Where the partial results of block `block` begin, in elements.
Index partialPlace(Emitter &e, const ColumnPlan &plan, const Index &matrix, const Index &block) {
  return e.scale(e.add(e.scale(matrix, plan.blocks), block), plan.columns);
}

// The element of reduction `number` at a place of the space.
ColumnThreads::Element elementAt(Emitter &e, const ColumnPlan &plan, const Index &matrix) {
  return [&e, &plan, matrix](size_t number, const Index &row, const Index &column) {
    Point point;
    point.shape.assign(plan.space.begin(), plan.space.end());
    int64_t kept = plan.space.size() - plan.before - plan.reduced;
    if (plan.before) point.groups.push_back({plan.before, matrix});
    point.groups.push_back({plan.reduced, row});
    if (kept) point.groups.push_back({kept, column});
    return e.at(plan.reductions[number]->getOperand(0), point);
  };
}

void emitPart(KernelFunction &function, const ColumnPlan &plan, bool strict) {
  Emitter &e = function.emitter();
  ColumnLayout layout = plan.layout();
  Index rest = e.divide(function.workgroup(), layout.blocks());
  Index block = e.modulo(rest, plan.blocks), matrix = e.divide(rest, plan.blocks);
  ColumnThreads threads(function, layout, e.modulo(function.workgroup(), layout.blocks()), strict);
  Index from = e.scale(block, kBlockRows);
  Index to = e.add(from, kBlockRows);
  if (plan.rows % kBlockRows) to = e.minimum(to, Index::constant(plan.rows));
  SmallVector<Value> sums = threads.reduce(plan.reductions, from, to, elementAt(e, plan, matrix));
  threads.whenOwner([&] {
    Index place = e.add(partialPlace(e, plan, matrix, block), threads.column());
    for (auto [number, op] : llvm::enumerate(plan.reductions))
      e.store(partials(function, plan, number), elementOf(op->getResult(0)), place, sums[number]);
  });
}

void emitMain(KernelFunction &function, const ColumnPlan &plan, bool strict) {
  Emitter &e = function.emitter();
  ColumnLayout layout = plan.blocks > 1 ? plan.joinLayout() : plan.layout();
  Index matrix = e.divide(function.workgroup(), layout.blocks());
  ColumnThreads threads(function, layout, e.modulo(function.workgroup(), layout.blocks()), strict);
  ColumnThreads::Element element = elementAt(e, plan, matrix);
  if (plan.blocks > 1)
    element = [&](size_t number, const Index &block, const Index &column) {
      return e.load(partials(function, plan, number),
                    elementOf(plan.reductions[number]->getResult(0)),
                    e.add(partialPlace(e, plan, matrix, block), column));
    };
  int64_t rows = plan.blocks > 1 ? plan.blocks : plan.rows;
  SmallVector<Value> sums =
      threads.reduce(plan.reductions, Index::constant(0), Index::constant(rows), element);
  threads.finish(plan.reductions, sums, e.scale(matrix, plan.columns));
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  ColumnPlan plan = *planOf(kernel.getBody().front(), target);
  if (plan.blocks > 1) {
    KernelFunction function(kernel, "part", out);
    emitPart(function, plan, target.strict());
  }
  KernelFunction function(kernel, "", out);
  emitMain(function, plan, target.strict());
  return success();
}

}  // namespace

const strategy::Strategy kColumnStrategy = {"column", matches, plan, emit};

}  // namespace graven::codegen::gpu
