// Reductions over axes in front of the last: bias gradients, column sums, sums over a middle axis.
//
// The axes in front of the reduced ones number matrices. A workgroup takes some columns of one
// matrix and adds rows to them in order: a few vectors of columns in registers where the matrix
// lies in the caches; many columns in a buffer, and several rows at a time, where it comes from
// memory, which wants long runs. Many rows are cut into blocks of fixed length: a first stage
// reduces each block into scratch memory, the main stage joins the blocks in order. What follows
// from the reductions is computed on the sums. Every element is added in the same order whichever
// way is taken.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kVectors = 4;      // of columns that a workgroup takes
constexpr int64_t kBlockRows = 512;  // that are reduced together where rows are many
constexpr int64_t kWide = 2048;      // columns of a buffer
constexpr int64_t kRowsAtOnce = 8;   // added to a buffer in one go

struct ColumnPlan : ColumnSpace {
  int64_t lanes = 1, vectors = 1;
  int64_t blocks = 1;  // of rows
  bool wide = false;   // sums lie in a buffer

  int64_t width() const { return lanes * vectors; }
  int64_t columnBlocks() const { return std::max<int64_t>(llvm::divideCeil(columns, width()), 1); }
  int64_t wideBlocks() const { return llvm::divideCeil(columns, kWide); }
  bool inTwoStages() const { return blocks > 1 || wide; }
  int64_t partialOffset(int64_t number) const {
    int64_t offset = 0;
    for (Operation *op : ArrayRef<Operation *>(reductions).take_front(number))
      offset += llvm::alignTo(blocks * results() * bytesOf(elementOf(op->getResult(0))), 64);
    return offset;
  }
};

std::optional<ColumnPlan> planOf(Block &body, const strategy::Target &target) {
  std::optional<ColumnSpace> space = columnSpaceOf(body);
  if (!space) return std::nullopt;
  ColumnPlan plan;
  static_cast<ColumnSpace &>(plan) = *std::move(space);
  // One column of many matrices would leave a lane for each.
  if (plan.matrices > 1 && plan.columns == 1) return std::nullopt;
  plan.lanes = lanesFor(body, target, plan.columns);
  plan.vectors = std::clamp<int64_t>(llvm::divideCeil(plan.columns, plan.lanes), 1, kVectors);
  int64_t bytes = 0;
  for (Value argument : body.getArguments())
    bytes += productOf(shapeOf(argument)) * bytesOf(elementOf(argument));
  plan.wide = bytes > target.l2_bytes && plan.columns > plan.width() && plan.rows > kRowsAtOnce;
  if (plan.rows >= 4 * kBlockRows) plan.blocks = llvm::divideCeil(plan.rows, kBlockRows);
  return plan;
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return planOf(fused.getBody().front(), target).has_value();
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  ColumnPlan column = *planOf(fused.getBody().front(), target);
  strategy::Plan plan;
  plan.params = {{"lanes", column.lanes}, {"vectors", column.vectors}, {"blocks", column.blocks}};
  int64_t matrices = column.columns ? column.matrices : 0;
  if (column.inTwoStages()) {
    int64_t blocks = column.wide ? column.wideBlocks() : column.columnBlocks();
    plan.stages.push_back({"part", matrices * column.blocks * blocks});
    plan.scratch_bytes = column.partialOffset(column.reductions.size());
  }
  plan.stages.push_back({"", matrices * column.columnBlocks()});
  // What a reduction reads is read elsewhere too; sameIndexPairs leaves it out.
  plan.same_index = strategy::sameIndexPairs(fused.getBody().front());
  plan.shape = column.before ? strategy::shapeName({column.matrices, column.rows, column.columns})
                             : strategy::shapeName({column.rows, column.columns});
  plan.config = "c" + std::to_string(column.wide ? kWide : column.width());
  return plan;
}

class ColumnEmitter {
 public:
  ColumnEmitter(KernelFunction &function, const ColumnPlan &plan)
      : f_(function), e_(function.emitter()), p_(plan) {
    e_.setLanes(p_.lanes);
  }

  // Reduces a block of rows into scratch memory.
  void emitPart(const Index &workgroup) {
    int64_t width = p_.wide ? p_.wideBlocks() : p_.columnBlocks();
    Index number = e_.divide(workgroup, width), columns = e_.modulo(workgroup, width);
    Index block = e_.modulo(number, p_.blocks);
    matrix_ = e_.divide(number, p_.blocks);
    Index from = e_.scale(block, kBlockRows);
    Index to = e_.minimum(e_.add(from, kBlockRows), Index::constant(p_.rows));
    if (p_.blocks == 1) to = Index::constant(p_.rows);
    if (p_.wide) return emitWidePart(block, from, to, columns);
    forColumns(columns, [&](const Index &first, int64_t width) {
      Emitter::Carry sums = reduceRows(from, to, first, width);
      for (int64_t number = 0; number < count(); ++number)
        eachVector(width, [&](int64_t vector) {
          e_.store(partials(number), elementOfReduction(number),
                   partialPlace(block, column(first, vector)),
                   sums[number * vectorsOf(width) + vector]);
        });
    });
  }

  void emitMain(const Index &workgroup) {
    matrix_ = e_.divide(workgroup, p_.columnBlocks());
    forColumns(e_.modulo(workgroup, p_.columnBlocks()), [&](const Index &first, int64_t width) {
      Emitter::Carry sums =
          p_.inTwoStages() ? joinBlocks(first, width)
                           : reduceRows(Index::constant(0), Index::constant(p_.rows), first, width);
      eachVector(width,
                 [&](int64_t vector) { finish(column(first, vector), sums, vector, width); });
    });
  }

 private:
  int64_t count() const { return p_.reductions.size(); }
  int64_t vectorsOf(int64_t width) const { return llvm::divideCeil(width, p_.lanes); }
  Type elementOfReduction(int64_t number) { return elementOf(p_.reductions[number]->getResult(0)); }
  Value partials(int64_t number) { return f_.scratchPointer(p_.partialOffset(number)); }
  // Where the partial sum of a column lies, in elements.
  Index partialPlace(const Index &block, const Index &column) {
    return e_.add(e_.scale(e_.add(e_.scale(matrix_, p_.blocks), block), p_.columns), column);
  }
  Point pointAt(const Index &row, const Index &column) {
    Point point;
    point.shape.assign(p_.space.begin(), p_.space.end());
    int64_t kept = p_.space.size() - p_.before - p_.reduced;
    if (p_.before) point.groups.push_back({p_.before, matrix_});
    point.groups.push_back({p_.reduced, row});
    if (kept) point.groups.push_back({kept, column});
    return point;
  }

  // Adds rows [from, to) to zeros in scratch memory, several rows at a time.
  void emitWidePart(const Index &block, const Index &from, const Index &to, const Index &columns) {
    Index first = e_.scale(columns, kWide);
    Index end = e_.minimum(e_.add(first, kWide), Index::constant(p_.columns));
    auto add = [&](const Index &row, int64_t rows, bool fresh) {
      forEachVector(first, end, [&](const Index &at) {
        Index column = e_.lanesFrom(at);
        Index place = partialPlace(block, column);
        for (int64_t number = 0; number < count(); ++number) {
          Type element = elementOfReduction(number);
          Value sum = fresh ? neutral(number) : e_.load(partials(number), element, place);
          for (int64_t i = 0; i < rows; ++i)
            sum = combine(
                number, sum,
                e_.at(p_.reductions[number]->getOperand(0), pointAt(e_.add(row, i), column)));
          e_.store(partials(number), element, place, sum);
        }
      });
    };
    add(from, 0, true);
    Index whole =
        e_.add(from, e_.scale(e_.divide(e_.subtract(to, from), kRowsAtOnce), kRowsAtOnce));
    e_.loop(from, whole, kRowsAtOnce, [&](Index row) { add(row, kRowsAtOnce, false); });
    e_.loop(whole, to, 1, [&](Index row) { add(row, 1, false); });
  }
  // Runs `body` at the first column of each vector in [first, end); lanes behind the last are off.
  void forEachVector(const Index &first, const Index &end, function_ref<void(const Index &)> body) {
    int64_t lanes = p_.lanes, left = p_.columns % lanes;
    Index whole = e_.minimum(end, Index::constant(p_.columns - left));
    e_.loop(first, whole, lanes, body, lanes);
    if (!left) return;
    e_.when(e_.inside(end, p_.columns, p_.columns + 1), [&] {
      e_.masked(e_.firstLanes(Index::constant(left)), e_.depth(),
                [&] { body(Index::constant(p_.columns - left)); });
    });
  }

  Index column(const Index &first, int64_t vector) {
    Index index = e_.add(first, vector * p_.lanes);
    return p_.columns > 1 ? e_.lanesFrom(index) : index;
  }
  Value neutral(int64_t number) {
    return cast<graph::ReductionOpInterface>(p_.reductions[number])
        .emitNeutral(e_.builder(), e_.loc(), e_.vectorType(elementOfReduction(number), p_.lanes));
  }
  Value combine(int64_t number, Value a, Value b) {
    return cast<graph::ReductionOpInterface>(p_.reductions[number])
        .emitCombine(e_.builder(), e_.loc(), a, e_.splat(b));
  }

  // Runs `body` for the columns of block `block`: the first, and how many.
  void forColumns(const Index &block, function_ref<void(const Index &, int64_t)> body) {
    int64_t width = p_.width(), whole = p_.columns / width * width, left = p_.columns - whole;
    if (!left) return body(e_.scale(block, width), width);
    if (!whole) return body(Index::constant(0), left);
    int64_t blocks = p_.columnBlocks();
    e_.when(e_.inside(block, 0, blocks - 1), [&] { body(e_.scale(block, width), width); });
    e_.when(e_.inside(block, blocks - 1, blocks), [&] { body(Index::constant(whole), left); });
  }
  // Runs `body` for each vector of `width` columns, masked where they end.
  void eachVector(int64_t width, function_ref<void(int64_t)> body) {
    for (int64_t vector = 0; vector < vectorsOf(width); ++vector) {
      int64_t here = width - vector * p_.lanes;
      if (here >= p_.lanes)
        body(vector);
      else
        e_.masked(e_.firstLanes(Index::constant(here)), e_.depth(), [&] { body(vector); });
    }
  }

  Emitter::Carry reduceRows(const Index &from, const Index &to, const Index &first, int64_t width) {
    int64_t vectors = vectorsOf(width);
    Emitter::Carry initial;
    for (int64_t number = 0; number < count(); ++number) initial.append(vectors, neutral(number));
    return e_.loop(from, to, 1, initial, [&](Index row, ValueRange carried) {
      Emitter::Carry next(carried.begin(), carried.end());
      eachVector(width, [&](int64_t vector) {
        Point point = pointAt(row, column(first, vector));
        for (int64_t number = 0; number < count(); ++number) {
          Value &sum = next[number * vectors + vector];
          sum = combine(number, sum, e_.at(p_.reductions[number]->getOperand(0), point));
        }
      });
      return next;
    });
  }

  Emitter::Carry joinBlocks(const Index &first, int64_t width) {
    int64_t vectors = vectorsOf(width);
    Emitter::Carry initial;
    for (int64_t number = 0; number < count(); ++number) initial.append(vectors, neutral(number));
    return e_.loop(Index::constant(0), Index::constant(p_.blocks), 1, initial,
                   [&](Index block, ValueRange carried) {
                     Emitter::Carry next(carried.begin(), carried.end());
                     eachVector(width, [&](int64_t vector) {
                       Index place = partialPlace(block, column(first, vector));
                       for (int64_t number = 0; number < count(); ++number) {
                         Value &sum = next[number * vectors + vector];
                         sum =
                             combine(number, sum,
                                     e_.load(partials(number), elementOfReduction(number), place));
                       }
                     });
                     return next;
                   });
  }

  // Computes and stores the outputs at a vector of columns.
  void finish(const Index &at, const Emitter::Carry &sums, int64_t vector, int64_t width) {
    for (int64_t number = 0; number < count(); ++number) {
      Value sum = sums[number * vectorsOf(width) + vector];
      e_.give(p_.reductions[number]->getResult(0), e_.depth(),
              [sum](const Point &) { return sum; });
    }
    Index place = e_.add(e_.scale(matrix_, p_.columns), at);
    SmallVector<Value> values;
    for (Value output : f_.outputs())
      values.push_back(e_.at(output, Point::flat(shapeOf(output), place)));
    for (Operation *op : p_.reductions) e_.forget(op->getResult(0));
    for (auto [number, value] : llvm::enumerate(values))
      e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), place, value);
  }

  KernelFunction &f_;
  Emitter &e_;
  const ColumnPlan &p_;
  Index matrix_;
};

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  ColumnPlan plan = *planOf(kernel.getBody().front(), target);
  if (plan.inTwoStages()) {
    KernelFunction function(kernel, "part", out);
    ColumnEmitter columns(function, plan);
    function.forEachWorkgroup([&](Index workgroup) { columns.emitPart(workgroup); });
  }
  KernelFunction function(kernel, "", out);
  ColumnEmitter columns(function, plan);
  function.forEachWorkgroup([&](Index workgroup) { columns.emitMain(workgroup); });
  return success();
}

}  // namespace

const strategy::Strategy kColumnStrategy = {"column", matches, plan, emit};

}  // namespace graven::codegen::cpu
