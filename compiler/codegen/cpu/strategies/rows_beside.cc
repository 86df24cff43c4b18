// Rows of a few columns, each lane with a row of its own, one column after another.
//
// Reductions go on in ascending order of columns and join no lanes. Inputs are read row by row and
// transposed in registers, results transposed back. A row is computed alike wherever it stands.
#include "compiler/codegen/cpu/strategies/rows_beside.h"

#include "compiler/codegen/cpu/strategies/transpose_square.h"
#include "compiler/codegen/loops/row_reduction.h"
#include "compiler/codegen/loops/rules.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

using Vectors = SmallVector<Value, 16>;

class BesideEmitter {
 public:
  BesideEmitter(KernelFunction &function, const RowPlan &plan)
      : f_(function), e_(function.emitter()), p_(plan) {
    e_.setLanes(p_.lanes);
    e_.allowReciprocals(true);
  }

  void emit() {
    auto [lo, hi] = f_.range();
    int64_t left = p_.rows % p_.lanes;
    Index from = e_.scale(lo, p_.block_rows);
    Index to = e_.minimum(e_.scale(hi, p_.block_rows), Index::constant(p_.rows));
    Index whole = e_.minimum(to, Index::constant(p_.rows - left));
    e_.loop(from, whole, p_.lanes, [&](Index row) { emitRows(row, p_.lanes); }, p_.lanes);
    if (!left) return;
    e_.when(e_.inside(to, p_.rows, p_.rows + 1), [&] {
      e_.masked(e_.firstLanes(Index::constant(left)), e_.depth(),
                [&] { emitRows(Index::constant(p_.rows - left), left); });
    });
  }

 private:
  // `count` rows from `row` on, which has a lane for each.
  void emitRows(const Index &row, int64_t count) {
    rows_ = e_.lanesFrom(row);
    SmallVector<Value> given;
    for (Value input : f_.body().getArguments()) {
      if (!p_.isFull(input) || input.use_empty()) continue;
      giveColumns(cast<BlockArgument>(input), loadColumns(input, row, count));
      given.push_back(input);
    }
    for (const auto &level : p_.levels)
      for (Operation *op : level) {
        Value result = reduce(op);
        e_.give(op->getResult(0), e_.depth(), [result](const Point &) { return result; });
        given.push_back(op->getResult(0));
      }
    // Results may lie where inputs do: all are computed before the first is stored.
    SmallVector<Vectors> results;
    for (Value output : f_.outputs()) {
      Vectors &result = results.emplace_back();
      if (!p_.isFull(output)) result.push_back(e_.at(output, p_.rowPoint(output, rows_)));
      for (int64_t column = 0; p_.isFull(output) && column < p_.columns; ++column)
        result.push_back(e_.vectorAt(output, p_.fullPoint(rows_, Index::constant(column))));
    }
    for (Value value : llvm::reverse(given)) e_.forget(value);
    for (auto [number, output] : llvm::enumerate(f_.outputs())) {
      if (p_.isFull(output))
        storeColumns(number, results[number], row, count);
      else
        e_.store(f_.outputPointer(number), elementOf(output), rows_, results[number][0]);
    }
  }

  Value reduce(Operation *op) {
    RowReduction reduction(op, e_, /*strict=*/false);
    RowReduction::Values partial = reduction.beginAt(Index::constant(0));
    for (int64_t number = 0; number < p_.columns; ++number) {
      Index column = Index::constant(number);
      Value element = e_.at(op->getOperand(0), p_.fullPoint(rows_, column));
      partial = reduction.add(partial, element, column);
    }
    return RowReduction::resultOf(partial);
  }

  // Says what `input` holds in each column of the rows; elsewhere it is read from memory.
  void giveColumns(BlockArgument input, Vectors columns) {
    e_.give(input, e_.depth(), [this, input, columns](const Point &point) -> Value {
      Point here = p_.fullPoint(rows_, Index::constant(0));
      const Index &column = point.groups.back().index;
      const Index &row = point.groups.front().index, &wanted = here.groups.front().index;
      if (point.groups.size() == 2 && point.groups.front().axes == here.groups.front().axes &&
          row.base == wanted.base && row.offset == wanted.offset && row.step == wanted.step &&
          !row.scattered && column.isConstant() && column.offset >= 0 && column.offset < p_.columns)
        return columns[column.offset];
      return e_.load(f_.inputPointer(input.getArgNumber()), elementOf(input), e_.linear(point));
    });
  }

  // Calls body(first column, width) for every square of columns; lanes are columns then, and those
  // beyond the last one are switched off.
  template <typename Body>
  void forSquares(Body body) {
    for (int64_t first = 0; first < p_.columns; first += p_.lanes) {
      int64_t width = std::min(p_.lanes, p_.columns - first);
      Value mask = width < p_.lanes ? e_.firstLanes(Index::constant(width)) : Value();
      e_.masked(mask, 0, [&] { body(first, width); });
    }
  }
  // Where `row` + `number` has its columns from `first` on.
  Index placeOf(const Index &row, int64_t number, int64_t first) {
    return e_.linear(p_.fullPoint(e_.add(row, number), e_.lanesFrom(Index::constant(first))));
  }

  Vectors loadColumns(Value input, const Index &row, int64_t count) {
    Value pointer = f_.inputPointer(cast<BlockArgument>(input).getArgNumber());
    Vectors columns;
    forSquares([&](int64_t first, int64_t width) {
      Vectors square;
      for (int64_t number = 0; number < count; ++number)
        square.push_back(e_.load(pointer, elementOf(input), placeOf(row, number, first)));
      square.resize(p_.lanes, square[0]);
      transposeSquare(e_, square);
      columns.append(square.begin(), square.begin() + width);
    });
    return columns;
  }

  void storeColumns(int64_t output, ArrayRef<Value> columns, const Index &row, int64_t count) {
    forSquares([&](int64_t first, int64_t width) {
      Vectors square(columns.slice(first, width));
      square.resize(p_.lanes, square[0]);
      transposeSquare(e_, square);
      for (int64_t number = 0; number < count; ++number)
        e_.store(f_.outputPointer(output), elementOf(f_.outputs()[output]),
                 placeOf(row, number, first), square[number]);
    });
  }

  KernelFunction &f_;
  Emitter &e_;
  const RowPlan &p_;
  Index rows_;
};

}  // namespace

void emitRowsBeside(KernelFunction &function, const RowPlan &plan) {
  BesideEmitter(function, plan).emit();
}

}  // namespace graven::codegen::cpu
