// Rows that are reduced, and what leads to and follows from their reductions: softmax, norms,
// losses.
//
// A row belongs to some threads of a warp, to a warp, or to a workgroup. Each thread reduces its
// own vectors of columns, level by level of reductions (a reduction of what another one is needed
// for comes a level later); threads join their results through shuffles, warps through shared
// memory. A row that fits stays in registers from the first level to the results, so that each
// element is read once; a longer one is gone through once for each level. Very long rows that are
// only reduced are cut into parts of fixed length, which a first stage reduces. Where first axes
// are reduced too (a channel's sum over images and pixels), a first stage reduces the rows, the
// main stage joins those of one result.
#include "compiler/codegen/gpu/block_reduce.h"
#include "compiler/codegen/gpu/strategies/column_threads.h"
#include "compiler/codegen/gpu/strategies/row_plan.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kUnroll = 4;         // vectors that a thread asks for at once in a long row
constexpr int64_t kJoinThreads = 128;  // that join the parts of one row

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return rowPlanOf(fused.getBody().front(), target).has_value();
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  RowPlan row = *rowPlanOf(body, target);
  strategy::Plan plan;
  plan.params = {{"lanes", row.lanes}, {"group", row.group}, {"vectors", row.vectors}};
  if (row.inTwoStages()) {
    plan.params.push_back({"blocks", row.blocks});
    plan.stages.push_back({"part", row.grid(), row.threads});
    plan.scratch_bytes = row.partialBytes();
    if (row.leading) {
      ColumnLayout join(row.results, 1, row.outer);
      plan.stages.push_back({"", join.blocks(), join.threads()});
    } else {
      plan.stages.push_back({"", row.rows, kJoinThreads});
    }
  } else {
    plan.stages.push_back({"", row.grid(), row.threads});
    // A value that all threads of a row read must not be replaced by the first that is done.
    for (auto [input, output] : strategy::sameIndexPairs(body, row.space, row.reduced)) {
      int64_t elements = productOf(shapeOf(body.getArgument(input)));
      if (elements == row.rows * row.columns) plan.same_index.push_back({input, output});
    }
  }
  plan.shape = row.leading ? strategy::shapeName({row.outer, row.results, row.columns})
                           : strategy::shapeName({row.rows, row.columns});
  plan.config = "g" + std::to_string(row.group) + "v" + std::to_string(row.lanes);
  return plan;
}

class RowEmitter {
 public:
  RowEmitter(KernelFunction &function, const RowPlan &plan, const strategy::Target &target)
      : f_(function), e_(function.emitter()), p_(plan), strict_(target.strict()) {
    e_.setLanes(p_.lanes);
    e_.allowReciprocals(!strict_);
  }

  // Reduces and writes the rows of this workgroup.
  void emitRows() {
    Index row;
    forRows(row, [&] {
      reduceRow(row);
      writeRow(row);
    });
  }

  // Reduces the rows of this workgroup into scratch memory.
  void emitRowParts() {
    Index row;
    forRows(row, [&] {
      SmallVector<Value> results = reduce(0, row, whole());
      storePartials(results, row);
    });
  }

  // Reduces a part of a row into scratch memory.
  void emitPart() {
    Index row = e_.divide(f_.workgroup(), p_.blocks), part = e_.modulo(f_.workgroup(), p_.blocks);
    thread_ = f_.thread();
    Span span{e_.scale(part, p_.blockColumns()), p_.blockColumns(),
              p_.columns % p_.blockColumns() != 0};
    storePartials(reduce(0, row, span), f_.workgroup());
  }

  // Joins the parts of the workgroup's row, and computes what follows.
  void emitJoinedParts() {
    Index row = f_.workgroup();
    thread_ = f_.thread();
    e_.setLanes(1);
    std::vector<RowReduction> reductions = reductionsOf(0);
    Emitter::Carry partial;
    for (RowReduction &reduction : reductions) partial.append(reduction.begin(thread_));
    // Adds part `part`, where `valid` holds.
    auto add = [&](const Index &part, Value valid, ValueRange before) {
      Emitter::Carry next;
      Index place = e_.add(e_.scale(row, p_.blocks), part);
      for (auto [number, value] : llvm::enumerate(before)) {
        Type element = elementOf(p_.levels[0][number]->getResult(0));
        Values joined = reductions[number].join(value, e_.load(partials(number), element, place));
        next.append(chosen(valid, joined, value));
      }
      return next;
    };
    int64_t all = p_.blocks / kJoinThreads * kJoinThreads;
    if (all)
      partial = e_.loop(Index::constant(0), Index::constant(all), kJoinThreads, partial,
                        [&](Index first, ValueRange before) {
                          return add(e_.add(first, thread_), Value(), before);
                        });
    if (all < p_.blocks) {
      Index part = e_.add(thread_, all);
      partial = add(e_.minimum(part, Index::constant(p_.blocks - 1)), e_.inside(part, 0, p_.blocks),
                    partial);
    }
    std::vector<Values> each;
    for (Value value : partial) each.push_back({value});
    giveResults(0, resultsOf(reduceGroups(f_, kJoinThreads, reductions, std::move(each))));
    writeRow(row);
  }

 private:
  // Columns [from, from + length) of a row, without those behind its end.
  struct Span {
    Index from;
    int64_t length;
    bool may_end;  // whether the row may end within
  };
  Span whole() const { return {Index::constant(0), p_.columns, false}; }

  // Runs `body` for the row that this thread has a share in. Its place among those that share the
  // row is thread_; owns_row_ tells (null: always) whether the row is there at all: where some
  // threads of a warp have one and others have none, the latter go along on the last row, and write
  // nothing.
  void forRows(Index &row, function_ref<void()> body) {
    if (p_.group == p_.threads) {
      row = f_.workgroup();
      thread_ = f_.thread();
      return body();
    }
    int64_t of_warp = kWarp / p_.group;
    thread_ = e_.modulo(f_.thread(), p_.group);
    Index first = e_.scale(f_.workgroup(), p_.rowsOfWorkgroup());
    row = e_.add(first, e_.divide(f_.thread(), p_.group));
    if (p_.rows % of_warp) {
      owns_row_ = e_.inside(row, 0, p_.rows);
      row = e_.minimum(row, Index::constant(p_.rows - 1));
    }
    if (p_.rows % p_.rowsOfWorkgroup() == 0 || p_.threads == kWarp) return body();
    Index of_this_warp = e_.add(first, e_.scale(e_.divide(f_.thread(), kWarp), of_warp));
    e_.when(e_.inside(of_this_warp, 0, p_.rows), body);
  }

  std::vector<RowReduction> reductionsOf(size_t level) {
    std::vector<RowReduction> reductions;
    for (Operation *op : p_.levels[level]) reductions.emplace_back(op, e_, strict_);
    return reductions;
  }
  static SmallVector<Value> resultsOf(ArrayRef<Values> partials) {
    SmallVector<Value> results;
    for (const Values &values : partials) results.push_back(RowReduction::resultOf(values));
    return results;
  }
  Values chosen(Value condition, ValueRange yes, ValueRange no) {
    if (!condition) return Values(yes.begin(), yes.end());
    Values result;
    for (auto [a, b] : llvm::zip(yes, no))
      result.push_back(arith::SelectOp::create(e_.builder(), e_.loc(), condition, a, b));
    return result;
  }

  // Reduces `row` level by level, and gives the results to the emitter.
  void reduceRow(const Index &row) {
    for (size_t level = 0; level < p_.levels.size(); ++level)
      giveResults(level, reduce(level, row, whole()));
  }
  void give(Value value, Value scalar) {
    e_.give(value, e_.depth(), [scalar](const Point &) { return scalar; });
  }
  void giveResults(size_t level, ArrayRef<Value> results) {
    for (auto [op, result] : llvm::zip(p_.levels[level], results)) give(op->getResult(0), result);
  }

  // A vector of this thread: its first column, and whether it is there (null: always). Where it is
  // not, the column is that of the row's last vector.
  struct Place {
    Index column;
    Value valid;
  };
  // Vector `number` of this thread, counted from `span`'s beginning; `within`: all threads' vectors
  // of this number lie in the span.
  Place placeOf(const Span &span, const Index &number, bool within) {
    Index column = e_.add(e_.add(span.from, e_.scale(number, p_.group * p_.lanes)),
                          e_.scale(thread_, p_.lanes));
    if (within && !span.may_end) return {column, Value()};
    Place place;
    place.valid = e_.inside(column, 0, p_.columns);
    place.column = e_.minimum(column, Index::constant(p_.columns - p_.lanes));
    place.column.multiple = p_.lanes;
    return place;
  }

  // Runs `body` at each vector of this thread in `span`, with values carried along. `body` gets the
  // number of the set of accumulators that it may use.
  using Step = function_ref<Emitter::Carry(const Place &, int64_t, ValueRange)>;
  Emitter::Carry forVectors(const Span &span, Emitter::Carry carried, Step body) {
    int64_t step = p_.group * p_.lanes;
    int64_t whole = span.length / step, count = llvm::divideCeil(span.length, step);
    if (p_.vectors) {
      for (int64_t number = 0; number < count; ++number)
        carried =
            body(placeOf(span, Index::constant(number), number < whole), number % kUnroll, carried);
      return carried;
    }
    int64_t unrolled = whole / kUnroll * kUnroll;
    if (unrolled)
      carried = e_.loop(Index::constant(0), Index::constant(unrolled), kUnroll, carried,
                        [&](Index first, ValueRange values) {
                          Emitter::Carry next(values.begin(), values.end());
                          for (int64_t number = 0; number < kUnroll; ++number)
                            next = body(placeOf(span, e_.add(first, number), true), number, next);
                          return next;
                        });
    if (unrolled < count)
      carried = e_.loop(Index::constant(unrolled), Index::constant(count), 1, carried,
                        [&](Index number, ValueRange values) {
                          return body(placeOf(span, number, whole == count), 0, values);
                        });
    return carried;
  }

  // Results of the reductions of `level` over the columns of `span` in `row`, in every thread that
  // shares the row.
  SmallVector<Value> reduce(size_t level, const Index &row, const Span &span) {
    ArrayRef<Operation *> ops = p_.levels[level];
    std::vector<RowReduction> reductions = reductionsOf(level);
    int64_t count = llvm::divideCeil(span.length, p_.group * p_.lanes);
    int64_t accumulators = std::min(count, kUnroll);
    Emitter::Carry partial;
    SmallVector<int64_t> begins;
    for (RowReduction &reduction : reductions) {
      begins.push_back(partial.size());
      for (int64_t number = 0; number < accumulators; ++number)
        partial.append(reduction.begin(placeOf(span, Index::constant(number), false).column));
    }
    partial =
        forVectors(span, partial, [&](const Place &place, int64_t accumulator, ValueRange carried) {
          Emitter::Carry next(carried.begin(), carried.end());
          Index column = e_.lanesFrom(place.column);
          Point point = fullPoint(row, column);
          for (auto [number, op] : llvm::enumerate(ops)) {
            int64_t parts = reductions[number].parts();
            int64_t at = begins[number] + accumulator * parts;
            ValueRange before = carried.slice(at, parts);
            Value element = e_.at(op->getOperand(0), point);
            Values after = reductions[number].add(before, element, column);
            llvm::copy(chosen(place.valid, after, before), next.begin() + at);
          }
          return next;
        });
    std::vector<Values> joined;
    for (auto [number, reduction] : llvm::enumerate(reductions)) {
      int64_t parts = reduction.parts();
      auto of = [&](int64_t accumulator) {
        return MutableArrayRef<Value>(partial).slice(begins[number] + accumulator * parts, parts);
      };
      for (int64_t distance = 1; distance < accumulators; distance *= 2)
        for (int64_t i = 0; i + distance < accumulators; i += 2 * distance)
          llvm::copy(reduction.join(of(i), of(i + distance)), of(i).begin());
      joined.push_back(reduction.joinLanes({of(0).begin(), of(0).end()}));
    }
    return resultsOf(reduceGroups(f_, p_.group, reductions, std::move(joined)));
  }

  Value partials(int64_t number) { return f_.scratchPointer(p_.partialOffset(number)); }
  void storePartials(ArrayRef<Value> results, const Index &place) {
    whenFirst([&] {
      for (auto [number, result] : llvm::enumerate(results))
        e_.store(partials(number), elementOf(p_.levels[0][number]->getResult(0)), place, result);
    });
  }
  // Runs `body` in the first thread of the row.
  void whenFirst(function_ref<void()> body) {
    Value first = e_.inside(thread_, 0, 1);
    if (owns_row_) first = arith::AndIOp::create(e_.builder(), e_.loc(), first, owns_row_);
    e_.when(first, body);
  }

  // Computes and stores the outputs of `row`.
  void writeRow(const Index &row) {
    SmallVector<int64_t> full, single;
    for (auto [number, output] : llvm::enumerate(f_.outputs()))
      (p_.isFull(output) ? full : single).push_back(number);
    // Threads that went along on what is not theirs have read what others may replace now.
    bool apart = p_.columns % (p_.group * p_.lanes) == 0 && !owns_row_;
    if (!full.empty() && !apart && p_.group <= kWarp) warpBarrier(e_.builder(), e_.loc());
    if (!full.empty())
      forVectors(whole(), {}, [&](const Place &place, int64_t, ValueRange) {
        Point point = fullPoint(row, e_.lanesFrom(place.column));
        Value condition = place.valid;
        if (owns_row_)
          condition = condition
                          ? arith::AndIOp::create(e_.builder(), e_.loc(), condition, owns_row_)
                          : owns_row_;
        auto write = [&] { store(full, point); };
        condition ? e_.when(condition, write) : write();
        return Emitter::Carry();
      });
    if (single.empty()) return;
    whenFirst([&] {
      e_.setLanes(1);
      for (int64_t number : single) store(number, rowPoint(f_.outputs()[number], row));
      e_.setLanes(p_.lanes);
    });
  }
  void store(ArrayRef<int64_t> outputs, const Point &point) {
    SmallVector<Value> values;
    for (int64_t number : outputs) values.push_back(e_.at(f_.outputs()[number], point));
    Index place = e_.linear(point);
    for (auto [number, value] : llvm::zip(outputs, values))
      e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), place, value);
  }

  Point fullPoint(const Index &row, const Index &column) {
    Point point;
    point.shape.assign(p_.space.begin(), p_.space.end());
    int64_t kept = p_.space.size() - p_.reduced;
    if (kept) point.groups.push_back({kept, row});
    point.groups.push_back({p_.reduced, column});
    return point;
  }
  // `value` has the rows' shape, perhaps with axes of length 1 behind.
  Point rowPoint(Value value, const Index &row) {
    Point point;
    point.shape.assign(shapeOf(value).begin(), shapeOf(value).end());
    int64_t kept = p_.space.size() - p_.reduced;
    if (kept) point.groups.push_back({kept, row});
    for (size_t axis = kept; axis < point.shape.size(); ++axis)
      point.groups.push_back({1, Index::constant(0)});
    return point;
  }

  KernelFunction &f_;
  Emitter &e_;
  const RowPlan &p_;
  const bool strict_;
  Index thread_;
  Value owns_row_;
};

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  RowPlan plan = *rowPlanOf(kernel.getBody().front(), target);
  if (!plan.inTwoStages()) {
    KernelFunction function(kernel, "", out);
    RowEmitter(function, plan, target).emitRows();
    return success();
  }
  {
    KernelFunction function(kernel, "part", out);
    RowEmitter rows(function, plan, target);
    plan.leading ? rows.emitRowParts() : rows.emitPart();
  }
  KernelFunction function(kernel, "", out);
  if (!plan.leading) {
    RowEmitter(function, plan, target).emitJoinedParts();
    return success();
  }
  SmallVector<Value> partials;
  for (size_t number = 0; number < plan.levels[0].size(); ++number)
    partials.push_back(function.scratchPointer(plan.partialOffset(number)));
  Emitter &e = function.emitter();
  ColumnThreads threads(function, ColumnLayout(plan.results, 1, plan.outer), function.workgroup(),
                        target.strict());
  SmallVector<Value> sums = threads.reduce(
      plan.levels[0], Index::constant(0), Index::constant(plan.outer),
      [&](size_t number, const Index &row, const Index &column) {
        return e.load(partials[number], elementOf(plan.levels[0][number]->getResult(0)),
                      e.add(e.scale(row, plan.results), column));
      });
  threads.finish(plan.levels[0], sums, Index::constant(0));
  return success();
}

}  // namespace

const strategy::Strategy kRowStrategy = {"row", matches, plan, emit};

}  // namespace graven::codegen::gpu
