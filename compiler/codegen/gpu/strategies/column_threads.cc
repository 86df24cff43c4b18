#include "compiler/codegen/gpu/strategies/column_threads.h"

#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/loops/row_reduction.h"
#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kLine = 32;      // columns of a workgroup: a line of memory of f32
constexpr int64_t kThreads = 256;  // the most of a workgroup
constexpr int64_t kRowsAtOnce = 4;

}  // namespace

ColumnLayout::ColumnLayout(int64_t columns, int64_t lanes, int64_t rows)
    : columns(columns), lanes(lanes) {
  int64_t vectors = std::max<int64_t>(columns / lanes, 1);
  across = std::min<int64_t>(kLine / lanes, llvm::PowerOf2Ceil(vectors));
  int64_t wanted = llvm::PowerOf2Ceil(std::max<int64_t>(llvm::divideCeil(rows, kRowsAtOnce), 1));
  down = std::clamp<int64_t>(wanted, kWarp / across, kThreads / across);
}

int64_t ColumnLayout::blocks() const { return llvm::divideCeil(columns, width()); }

ColumnThreads::ColumnThreads(KernelFunction &function, const ColumnLayout &layout,
                             const Index &block, bool strict)
    : f_(function), e_(function.emitter()), layout_(layout), strict_(strict) {
  e_.setLanes(layout.lanes);
  across_ = e_.modulo(f_.thread(), layout.across);
  down_ = e_.divide(f_.thread(), layout.across);
  column_ = e_.add(e_.scale(block, layout.width()), e_.scale(across_, layout.lanes));
  if (layout.columns % layout.width()) {
    exists_ = e_.inside(column_, 0, layout.columns);
    column_ = e_.minimum(column_, Index::constant(layout.columns - layout.lanes));
    column_.multiple = layout.lanes;
  }
  column_ = e_.lanesFrom(column_);
}

SmallVector<Value> ColumnThreads::reduce(ArrayRef<Operation *> reductions, const Index &from,
                                         const Index &to, const Element &element) {
  OpBuilder &b = e_.builder();
  Location loc = e_.loc();
  std::vector<RowReduction> each;
  Values partial;
  for (Operation *op : reductions) {
    each.emplace_back(op, e_, strict_);
    partial.append(each.back().begin(Index::constant(0)));
  }
  // Elements of several rows are asked for before the first is added.
  auto add = [&](const Index &first, int64_t rows, ValueRange carried) {
    Emitter::Carry next(carried.begin(), carried.end());
    for (size_t number = 0; number < each.size(); ++number) {
      SmallVector<Value> elements;
      for (int64_t row = 0; row < rows; ++row)
        elements.push_back(e_.splat(element(number, e_.add(first, row * layout_.down), column_)));
      for (Value value : elements) next[number] = each[number].add(next[number], value, column_)[0];
    }
    return next;
  };
  int64_t step = layout_.down * kRowsAtOnce;
  Index whole = e_.add(from, e_.scale(e_.divide(e_.subtract(to, from), step), step));
  partial = e_.loop(from, whole, step, partial, [&](Index row, ValueRange carried) {
    return add(e_.add(row, down_), kRowsAtOnce, carried);
  });
  partial = e_.loop(e_.add(whole, down_), to, layout_.down, partial,
                    [&](Index row, ValueRange carried) { return add(row, 1, carried); });

  // The rows of a warp, then the warps.
  for (auto [value, reduction] : llvm::zip(partial, each))
    value = stridedWarpReduce(
        b, loc, {value}, kWarp / layout_.across, layout_.across,
        [&, &reduction = reduction](auto x, auto y) { return reduction.join(x, y); })[0];
  int64_t warps = layout_.threads() / kWarp;
  if (warps == 1) return partial;
  SmallVector<Value> shared;
  for (Operation *op : reductions)
    shared.push_back(f_.shared(warps * layout_.width() * bytesOf(elementOf(op->getResult(0)))));
  Index column = e_.scale(across_, layout_.lanes);
  Index warp = e_.divide(f_.thread(), kWarp);
  e_.when(e_.inside(e_.modulo(f_.thread(), kWarp), 0, layout_.across), [&] {
    Index place = e_.lanesFrom(e_.add(e_.scale(warp, layout_.width()), column));
    for (auto [number, op] : llvm::enumerate(reductions))
      e_.store(shared[number], elementOf(op->getResult(0)), place, partial[number]);
  });
  barrier(b, loc);
  for (auto [number, op] : llvm::enumerate(reductions))
    for (int64_t other = 0; other < warps; ++other) {
      Index place = e_.lanesFrom(e_.add(column, other * layout_.width()));
      Value value = e_.load(shared[number], elementOf(op->getResult(0)), place);
      partial[number] = other ? each[number].join(partial[number], value)[0] : value;
    }
  return partial;
}

void ColumnThreads::whenOwner(function_ref<void()> body) {
  Value owner = e_.inside(down_, 0, 1);
  if (exists_) owner = arith::AndIOp::create(e_.builder(), e_.loc(), owner, exists_);
  e_.when(owner, body);
}

void ColumnThreads::finish(ArrayRef<Operation *> reductions, ArrayRef<Value> results,
                           const Index &first) {
  whenOwner([&] {
    for (auto [op, result] : llvm::zip(reductions, results))
      e_.give(op->getResult(0), e_.depth(), [result = result](const Point &) { return result; });
    Index place = e_.add(first, column_);
    SmallVector<Value> values;
    for (Value output : f_.outputs())
      values.push_back(e_.at(output, Point::flat(shapeOf(output), place)));
    for (auto [number, value] : llvm::enumerate(values))
      e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), place, value);
    for (Operation *op : reductions) e_.forget(op->getResult(0));
  });
}

}  // namespace graven::codegen::gpu
