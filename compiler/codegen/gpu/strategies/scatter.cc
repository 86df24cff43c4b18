// Addition into rows by index: the gradient of a table of embeddings.
//
// A warp owns a row of the result, or some columns of it, in registers. It compares 32 indices at a
// time with the row's number, one a thread, and adds the updates whose index is the row's one after
// the other: the order is that of the indices.
#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/kernel_function.h"
#include "compiler/codegen/gpu/strategies/row_plan.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kThreads = 128;    // of a workgroup
constexpr int64_t kMostVectors = 4;  // of a thread

struct ScatterPlan : ScatterSpace {
  int64_t lanes = 1;
  int64_t vectors = 1;  // of a thread

  int64_t width() const { return kWarp * lanes * vectors; }
  int64_t columnBlocks() const { return llvm::divideCeil(columns, width()); }
  int64_t warps() const { return matrices * rows * columnBlocks(); }
};

std::optional<ScatterPlan> planOf(Block &body, const strategy::Target &target) {
  std::optional<ScatterSpace> space = scatterSpaceOf(body);
  if (!space || space->matrices * space->rows * space->columns * space->updates == 0)
    return std::nullopt;
  ScatterPlan plan;
  static_cast<ScatterSpace &>(plan) = *space;
  plan.lanes = wholeLanes(body, target, plan.columns);
  plan.vectors =
      std::min<int64_t>(llvm::divideCeil(plan.columns, plan.lanes * kWarp), kMostVectors);
  return plan;
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return planOf(fused.getBody().front(), target).has_value();
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  ScatterPlan scatter = *planOf(fused.getBody().front(), target);
  strategy::Plan plan;
  plan.params = {{"lanes", scatter.lanes}, {"vectors", scatter.vectors}};
  int64_t grid = llvm::divideCeil(scatter.warps(), kThreads / kWarp);
  plan.stages = {{"", grid, kThreads}};
  // An element of the operand is read by the thread that writes the result's, and before.
  auto operand = dyn_cast<BlockArgument>(scatter.op.getX());
  if (operand && operand.hasOneUse())
    plan.same_index.push_back({static_cast<int64_t>(operand.getArgNumber()), 0});
  plan.shape = strategy::shapeName({scatter.matrices, scatter.rows, scatter.columns});
  plan.config = "n" + std::to_string(scatter.updates) + "v" + std::to_string(scatter.lanes);
  return plan;
}

class ScatterEmitter {
 public:
  ScatterEmitter(KernelFunction &function, const ScatterPlan &plan)
      : f_(function), e_(function.emitter()), p_(plan) {
    e_.setLanes(p_.lanes);
  }

  void emit() {
    lane_ = e_.modulo(f_.thread(), kWarp);
    Index warp = e_.divide(f_.globalThread(), kWarp);
    if (p_.warps() % (kThreads / kWarp) == 0) return emitWarp(warp);
    e_.when(e_.inside(warp, 0, p_.warps()), [&] { emitWarp(warp); });
  }

 private:
  void emitWarp(const Index &warp) {
    Index row = e_.divide(warp, p_.columnBlocks());
    Index first = e_.scale(e_.modulo(warp, p_.columnBlocks()), p_.width());
    matrix_ = e_.divide(row, p_.rows);
    row = e_.modulo(row, p_.rows);
    for (int64_t number = 0; number < p_.vectors; ++number) {
      Index column = e_.add(e_.add(first, number * kWarp * p_.lanes), e_.scale(lane_, p_.lanes));
      Value exists;
      if (p_.columns % p_.width()) {
        exists = e_.inside(column, 0, p_.columns);
        column = e_.minimum(column, Index::constant(p_.columns - p_.lanes));
        column.multiple = p_.lanes;
      }
      columns_.push_back(e_.lanesFrom(column));
      exists_.push_back(exists);
    }
    Value result = p_.op->getResult(0);
    Emitter::Carry sums;
    for (const Index &column : columns_)
      sums.push_back(e_.splat(e_.at(p_.op.getX(), pointOf(result, 1, row, column))));
    sums = e_.loop(Index::constant(0), Index::constant(p_.updates), kWarp, sums,
                   [&](Index base, ValueRange before) { return addOf(base, row, before); });
    // Threads without columns have read those of others, which may be replaced now.
    if (p_.columns % p_.width()) warpBarrier(e_.builder(), e_.loc());
    for (auto [number, sum] : llvm::enumerate(sums)) {
      auto store = [&, number = number, sum = sum] {
        Point point = pointOf(result, 1, row, columns_[number]);
        e_.store(f_.outputPointer(0), elementOf(result), e_.linear(point), sum);
      };
      exists_[number] ? e_.when(exists_[number], store) : store();
    }
  }

  // Adds those of the 32 updates from `base` on that go to `row`.
  Emitter::Carry addOf(const Index &base, const Index &row, ValueRange before) {
    OpBuilder &b = e_.builder();
    Location loc = e_.loc();
    Value indices = p_.op.getIndices(), updates = p_.op.getUpdates();
    ArrayRef<int64_t> places = shapeOf(indices);
    Index mine = e_.minimum(e_.add(base, lane_), Index::constant(p_.updates - 1));
    Value there = clampedIndex(e_, indices, Point::flat(places, mine), p_.rows);
    Value hit = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, there, e_.materialize(row));
    if (p_.updates % kWarp)
      hit = arith::AndIOp::create(b, loc, hit, e_.inside(e_.add(base, lane_), 0, p_.updates));
    Value hits = ballot(b, loc, hit);
    Value count = math::CtPopOp::create(b, loc, hits);
    count = arith::ExtUIOp::create(b, loc, b.getI64Type(), count);
    Emitter::Carry carried = {hits};
    carried.append(before.begin(), before.end());
    carried = e_.loop(
        Index::constant(0), e_.wrap(count, e_.depth()), 1, carried, [&](Index, ValueRange values) {
          // The lowest bit names the next update, and is taken away.
          Value bit = math::CountTrailingZerosOp::create(b, loc, values[0]);
          bit = arith::ExtUIOp::create(b, loc, b.getI64Type(), bit);
          Index number = e_.add(base, e_.wrap(bit, e_.depth()));
          Value less = arith::SubIOp::create(b, loc, values[0], e_.integer(1, 32));
          Emitter::Carry next = {arith::AndIOp::create(b, loc, values[0], less)};
          for (auto [column, sum] : llvm::zip(columns_, values.drop_front())) {
            Value update =
                e_.splat(e_.at(updates, pointOf(updates, places.size(), number, column)));
            if (isa<FloatType>(elementOf(updates)))
              next.push_back(arith::AddFOp::create(b, loc, sum, update));
            else
              next.push_back(arith::AddIOp::create(b, loc, sum, update));
          }
          return next;
        });
    return Emitter::Carry(llvm::drop_begin(carried));
  }

  // The point of a tensor whose axes in the place of `axis` are `middle` ones, at `row`.
  Point pointOf(Value value, int64_t middle, const Index &row, const Index &column) {
    int64_t before = p_.axis, behind = shapeOf(p_.op->getResult(0)).size() - p_.axis - 1;
    Point point;
    point.shape.assign(shapeOf(value).begin(), shapeOf(value).end());
    if (before) point.groups.push_back({before, matrix_});
    if (middle) point.groups.push_back({middle, row});
    if (behind) point.groups.push_back({behind, column});
    return point;
  }

  KernelFunction &f_;
  Emitter &e_;
  ScatterPlan p_;
  Index lane_, matrix_;
  SmallVector<Index> columns_;
  SmallVector<Value> exists_;
};

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  ScatterPlan plan = *planOf(function.body(), target);
  ScatterEmitter(function, plan).emit();
  return success();
}

}  // namespace

const strategy::Strategy kScatterStrategy = {"scatter", matches, plan, emit};

}  // namespace graven::codegen::gpu
