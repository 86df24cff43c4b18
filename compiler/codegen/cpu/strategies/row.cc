// Rows that are reduced, and what leads to and follows from their reductions: softmax, norms,
// losses.
//
// A row is gone through once for each level of reductions (a reduction of what another one is
// needed for comes a level later) and once more for its results. Short rows stay in registers
// between passes; in long ones, values that are dear to compute are kept in a buffer. Each
// reduction has a fixed number of accumulators, joined in a fixed order; in strict code that order
// is the same on every target: 16 lanes, blocks of 4,096 columns, a binary tree. Long rows that are
// few are cut into blocks of fixed length, reduced by a first stage. Where first axes are reduced
// too (a channel's sum over images and pixels), a first stage reduces the rows, the main stage
// joins those of one result in order.
#include <numeric>

#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/row_plan.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/row_reduction.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kPage = 4096, kLine = 64;
constexpr int64_t kJoined = 64;  // results that a workgroup joins of rows

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return rowPlanOf(fused.getBody().front(), target).has_value();
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  RowPlan row = *rowPlanOf(body, target);
  strategy::Plan plan;
  plan.params = {{"lanes", row.lanes}, {"rows", row.block_rows}, {"blocks", row.blocks}};
  int64_t row_blocks = llvm::divideCeil(row.rows, row.block_rows);
  if (row.inTwoStages()) {
    plan.stages.push_back({"part", row_blocks * row.blocks});
    plan.scratch_bytes = row.partialBytes();
  }
  int64_t joined = llvm::divideCeil(row.results, kJoined);
  plan.stages.push_back({"", row.leading ? joined : row_blocks});
  // In two stages an input could be overwritten while another workgroup still reads its row.
  if (!row.inTwoStages()) plan.same_index = strategy::sameIndexPairs(body, row.space, row.reduced);
  plan.shape = row.leading ? strategy::shapeName({row.outer, row.results, row.columns})
                           : strategy::shapeName({row.rows, row.columns});
  plan.config = "r" + std::to_string(row.block_rows) + "v" + std::to_string(row.lanes);
  return plan;
}

class RowEmitter {
 public:
  RowEmitter(KernelFunction &function, const RowPlan &plan, const strategy::Target &target)
      : f_(function), e_(function.emitter()), p_(plan), strict_(target.strict()) {
    e_.setLanes(p_.lanes);
    e_.allowReciprocals(!strict_);
    for (Value kept : p_.kept)
      memory_[kept] =
          f_.stackPointer(llvm::alignTo(p_.columns, p_.lanes) * bytesOf(elementOf(kept)) + kPage);
    if (blockwise())
      for (const auto &level : p_.levels)
        for (Operation *op : level)
          block_results_[op] =
              f_.stackPointer(p_.rowBlocks() * bytesOf(elementOf(op->getResult(0))));
  }

  // Reduces block `workgroup` of some row into scratch memory.
  void emitPart(const Index &workgroup) {
    Index row = e_.divide(workgroup, p_.blocks), block = e_.modulo(workgroup, p_.blocks);
    Index from = e_.scale(block, p_.blockColumns());
    Index to = e_.add(from, p_.blockColumns());
    Results sums = reduce(p_.levels[0], row, from, to);
    for (auto [number, sum] : llvm::enumerate(sums))
      e_.store(partials(number), elementOf(p_.levels[0][number]->getResult(0)), workgroup, sum);
  }

  // Reduces rows, one by one, into scratch memory.
  void emitRowParts(const Index &workgroup) {
    Index from = e_.scale(workgroup, p_.block_rows);
    Index to = e_.minimum(e_.add(from, p_.block_rows), Index::constant(p_.rows));
    e_.loop(from, to, 1, [&](Index row) {
      Results sums = reduce(p_.levels[0], row, Index::constant(0), Index::constant(p_.columns));
      for (auto [number, sum] : llvm::enumerate(sums))
        e_.store(partials(number), elementOf(p_.levels[0][number]->getResult(0)), row, sum);
    });
  }
  // Joins the rows that make one result each, and computes what follows from it.
  void emitJoined(const Index &workgroup) {
    int64_t lanes = p_.joined_lanes, left = p_.results % lanes;
    e_.setLanes(lanes);
    Index from = e_.scale(workgroup, kJoined);
    Index to = e_.minimum(e_.add(from, kJoined), Index::constant(p_.results));
    Index whole = e_.minimum(to, Index::constant(p_.results - left));
    e_.loop(from, whole, lanes, [&](Index first) { joinRows(first); }, lanes);
    if (!left) return;
    e_.when(e_.inside(to, p_.results, p_.results + 1), [&] {
      e_.masked(e_.firstLanes(Index::constant(left)), e_.depth(),
                [&] { joinRows(Index::constant(p_.results - left)); });
    });
  }

  void emitRows(const Index &workgroup) {
    Index from = e_.scale(workgroup, p_.block_rows);
    Index to = e_.minimum(e_.add(from, p_.block_rows), Index::constant(p_.rows));
    if (p_.block_rows == 1)
      emitRow(from);
    else
      e_.loop(from, to, 1, [&](Index row) { emitRow(row); });
  }

  // All rows of a call: each but the first is reduced while the one before is written.
  void emitPipelined() {
    auto [lo, hi] = f_.range();
    Index from = e_.scale(lo, p_.block_rows);
    Index to = e_.minimum(e_.scale(hi, p_.block_rows), Index::constant(p_.rows));
    Value some = arith::CmpIOp::create(e_.builder(), e_.loc(), arith::CmpIPredicate::slt,
                                       e_.materialize(from), e_.materialize(to));
    e_.when(some, [&] {
      placeBuffers(from);
      Results last =
          e_.loop(e_.add(from, 1), to, 1, reduceRow(from), [&](Index row, ValueRange before) {
            Results results(before.begin(), before.end());
            return reduceRow(row, &results);
          });
      writeRow(e_.add(to, -1), last);
    });
  }

 private:
  // Results of a row's reductions, level by level.
  using Results = Emitter::Carry;

  void emitRow(const Index &row) {
    placeBuffers(row);
    writeRow(row, reduceRow(row));
  }

  // Reduces `row`; with `before`, the results of the row before are written on the way.
  Results reduceRow(const Index &row, const Results *before = nullptr) {
    Results all;
    SmallVector<Value> given;
    Index row_before = e_.add(row, -1);
    OfRow of_row;
    int depth = e_.depth();
    for (auto [level, reductions] : llvm::enumerate(p_.levels)) {
      Results results;
      level_ = level;
      if (p_.blocks > 1) {
        for (size_t number = 0; number < reductions.size(); ++number)
          results.push_back(joinPartials(reductions[number], number, row));
      } else {
        std::function<void(const Index &)> beside;
        if (before && level + 1 == p_.levels.size()) {
          of_row = valuesOfRow(row_before, *before);
          beside = [&](const Index &first) {
            SmallVector<Value> theirs = giveRow(*before, depth);
            writeColumns(row_before, first);
            takeBack(theirs);
          };
        }
        results = reduce(reductions, row, Index::constant(0), Index::constant(p_.columns), beside);
      }
      for (auto [reduction, result] : llvm::zip(reductions, results)) {
        give(reduction->getResult(0), result, depth);
        given.push_back(reduction->getResult(0));
      }
      all.append(results);
      // From now on what this pass kept is read back.
      for (Value kept : p_.kept)
        if (p_.first_pass.lookup(kept) == static_cast<int64_t>(level)) {
          giveKept(kept, depth);
          given.push_back(kept);
        }
    }
    takeBack(given);
    store(row_before, of_row);
    return all;
  }

  // One value a row: computed before the row's own results are written, since those may lie where
  // this row's inputs are.
  using OfRow = SmallVector<std::pair<int64_t, Value>>;
  OfRow valuesOfRow(const Index &row, const Results &results) {
    SmallVector<Value> given = giveRow(results, e_.depth());
    OfRow values;
    for (auto [number, output] : llvm::enumerate(f_.outputs()))
      if (!p_.isFull(output)) values.push_back({number, e_.at(output, rowPoint(output, row))});
    takeBack(given);
    return values;
  }
  void store(const Index &row, const OfRow &values) {
    for (auto [number, value] : values)
      e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), row, value);
  }

  void writeRow(const Index &row, const Results &results) {
    level_ = p_.levels.size();
    OfRow of_row = valuesOfRow(row, results);
    SmallVector<Value> given = giveRow(results, e_.depth());
    if (p_.has_full_output)
      columns(Index::constant(0), Index::constant(p_.columns),
              p_.fetches.empty() ? 1 : RowPlan::kStep, [&](const Index &first, int64_t vector) {
                fetchNext(row, first, vector);
                writeColumns(row, first);
              });
    takeBack(given);
    store(row, of_row);
  }

  // Buffers lie as far from a page's begin as the row itself. Processors tell a load from the
  // stores before it by these bits first: where a buffer lay a little further, each load of the row
  // would wait for a store that is none of its business.
  void placeBuffers(const Index &row) {
    if (p_.kept.empty()) return;
    OpBuilder &b = e_.builder();
    Value offset;
    for (Value input : f_.body().getArguments()) {
      if (offset || !p_.isFull(input) || input.use_empty()) continue;
      Value begin = e_.pointerTo(f_.inputPointer(cast<BlockArgument>(input).getArgNumber()),
                                 elementOf(input), e_.linear(fullPoint(row, Index::constant(0))));
      offset = arith::AndIOp::create(b, e_.loc(),
                                     LLVM::PtrToIntOp::create(b, e_.loc(), b.getI64Type(), begin),
                                     e_.integer(kPage - kLine));
    }
    for (Value kept : p_.kept) {
      buffers_[kept] = memory_[kept];
      if (offset)
        buffers_[kept] = LLVM::GEPOp::create(b, e_.loc(), memory_[kept].getType(), b.getI8Type(),
                                             memory_[kept], ArrayRef<LLVM::GEPArg>{offset});
    }
  }

  void give(Value value, Value scalar, int depth) {
    e_.give(value, depth, [scalar](const Point &) { return scalar; });
  }
  void giveKept(Value kept, int depth) {
    e_.give(kept, depth, [this, kept](const Point &) {
      return e_.load(buffers_[kept], elementOf(kept), column_);
    });
  }
  // Everything that a row's passes have found.
  SmallVector<Value> giveRow(const Results &results, int depth) {
    SmallVector<Value> given;
    size_t number = 0;
    for (const auto &reductions : p_.levels)
      for (Operation *op : reductions) {
        give(op->getResult(0), results[number++], depth);
        given.push_back(op->getResult(0));
      }
    for (Value kept : p_.kept) {
      giveKept(kept, depth);
      given.push_back(kept);
    }
    return given;
  }
  void takeBack(ArrayRef<Value> given) {
    for (Value value : llvm::reverse(given)) e_.forget(value);
  }

  // Asks for what the row behind `row` will read at the columns from `first` on, if it is this
  // pass's turn at `vector` of a step.
  void fetchNext(const Index &row, const Index &first, int64_t vector) {
    if (p_.fetches.empty() || e_.mask()) return;
    ArrayRef<int64_t> before = ArrayRef(p_.fetches).take_front(level_);
    int64_t from = std::accumulate(before.begin(), before.end(), int64_t{0});
    if (vector < from || vector >= from + p_.fetches[level_]) return;
    Index place = e_.linear(fullPoint(e_.add(row, 1), first));
    for (Value input : f_.body().getArguments())
      if (p_.isFull(input) && !input.use_empty())
        e_.prefetch(f_.inputPointer(cast<BlockArgument>(input).getArgNumber()), elementOf(input),
                    place);
  }

  void writeColumns(const Index &row, const Index &first) {
    column_ = e_.lanesFrom(first);
    Point point = fullPoint(row, column_);
    SmallVector<Value> values;
    for (Value output : f_.outputs())
      values.push_back(p_.isFull(output) ? e_.at(output, point) : Value());
    Index place = e_.linear(point);
    for (auto [number, value] : llvm::enumerate(values))
      if (value) e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), place, value);
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

  // Goes through columns [from, to): `unroll` vectors at a time, then single ones, then the lanes
  // that are left, masked. `body` gets the first column and the number of the vector.
  void columns(const Index &from, const Index &to, int64_t unroll,
               function_ref<void(const Index &, int64_t)> body) {
    if (p_.in_registers) {
      int64_t column = 0;
      for (; column + p_.lanes <= p_.columns; column += p_.lanes) body(Index::constant(column), 0);
      if (column < p_.columns)
        e_.masked(e_.firstLanes(Index::constant(p_.columns - column)), e_.depth(),
                  [&] { body(Index::constant(column), 0); });
      return;
    }
    carry(from, to, unroll, {}, [&](const Index &first, int64_t vector, ValueRange) {
      body(first, vector);
      return Emitter::Carry();
    });
  }

  // The same with values carried along. Vectors beyond the first of an unrolled step are told apart
  // by `vector`.
  Emitter::Carry carry(const Index &from, const Index &to, int64_t unroll, Emitter::Carry carried,
                       function_ref<Emitter::Carry(const Index &, int64_t, ValueRange)> body) {
    int64_t lanes = p_.lanes, step = lanes * unroll;
    Index whole_steps = e_.minimum(to, Index::constant(p_.columns / step * step));
    Index whole = e_.minimum(to, Index::constant(p_.columns / lanes * lanes));
    Index begin = from;
    if (unroll > 1) {
      carried = e_.loop(
          from, whole_steps, step, carried,
          [&](Index first, ValueRange values) {
            Emitter::Carry next(values.begin(), values.end());
            for (int64_t vector = 0; vector < unroll; ++vector)
              next = body(e_.add(first, vector * lanes), vector, next);
            return next;
          },
          step);
      begin = from.isConstant() ? Index::constant(p_.columns / step * step)
                                : maximum(from, whole_steps);
    }
    carried = e_.loop(
        begin, whole, lanes, carried,
        [&](Index first, ValueRange values) { return body(first, 0, values); }, lanes);
    int64_t left = p_.columns % lanes;
    if (left) {
      // Blocks that end before have no lane here.
      Index count = to.isConstant()
                        ? Index::constant(left)
                        : e_.add(e_.minimum(to, Index::constant(p_.columns)), left - p_.columns);
      e_.masked(e_.firstLanes(count), e_.depth(),
                [&] { carried = body(Index::constant(p_.columns - left), 0, carried); });
    }
    return carried;
  }

  Index maximum(const Index &a, const Index &b) {
    Value x = e_.materialize(a), y = e_.materialize(b);
    return e_.wrap(arith::MaxSIOp::create(e_.builder(), e_.loc(), x, y), e_.depth(), p_.lanes);
  }

  // Whether rows are reduced block by block, in one stage.
  bool blockwise() const { return p_.strict && p_.blocks == 1 && p_.rowBlocks() > 1; }

  // Reductions of one level, each with some values among those carried along.
  struct Group {
    std::vector<RowReduction> each;
    SmallVector<int64_t> begins;
    Emitter::Carry values;

    ValueRange of(ValueRange carried, int64_t number, int64_t accumulator) {
      int64_t parts = each[number].parts();
      return carried.slice(begins[number] + accumulator * parts, parts);
    }
    void set(Emitter::Carry &carried, int64_t number, int64_t accumulator, ValueRange to) {
      llvm::copy(to, carried.begin() + begins[number] + accumulator * each[number].parts());
    }
  };
  Group begin(ArrayRef<Operation *> reductions, const Index &from, int64_t accumulators) {
    Group group;
    for (Operation *op : reductions) {
      group.each.emplace_back(op, e_, strict_);
      group.begins.push_back(group.values.size());
      for (int64_t i = 0; i < accumulators; ++i)
        group.values.append(group.each.back().begin(e_.add(from, i * p_.lanes)));
    }
    return group;
  }

  // Emitted in front of each vector of columns; gets the first column.
  using Beside = std::function<void(const Index &)>;

  // Adds columns [from, to) of `row` to the group's values.
  void addColumns(ArrayRef<Operation *> reductions, Group &group, int64_t accumulators,
                  const Index &row, const Index &from, const Index &to, const Beside &beside) {
    auto step = [&](const Index &first, int64_t vector, ValueRange carried) {
      Emitter::Carry next(carried.begin(), carried.end());
      fetchNext(row, first, vector);
      if (beside) beside(first);
      column_ = e_.lanesFrom(first);
      Point point = fullPoint(row, column_);
      int64_t accumulator = vector % accumulators;
      for (auto [number, op] : llvm::enumerate(reductions))
        group.set(next, number, accumulator,
                  group.each[number].add(group.of(carried, number, accumulator),
                                         e_.at(op->getOperand(0), point), column_));
      for (Value kept : p_.kept)
        if (p_.first_pass.lookup(kept) == static_cast<int64_t>(level_))
          e_.store(buffers_[kept], elementOf(kept), column_, e_.at(kept, point));
      return next;
    };
    if (p_.in_registers)
      columns(from, to, 1,
              [&](const Index &first, int64_t) { group.values = step(first, 0, group.values); });
    else
      group.values = carry(from, to, RowPlan::kStep, group.values, step);
  }

  // Results of `reductions` over columns [from, to) of `row`, as scalars.
  Results reduce(ArrayRef<Operation *> reductions, const Index &row, const Index &from,
                 const Index &to, const Beside &beside = nullptr) {
    if (blockwise()) return reduceBlocks(reductions, row, beside);
    int64_t accumulators = p_.in_registers || strict_ ? 1 : RowPlan::kStep;
    Group group = begin(reductions, from, accumulators);
    addColumns(reductions, group, accumulators, row, from, to, beside);
    Results results;
    for (size_t number = 0; number < reductions.size(); ++number) {
      RowReduction &reduction = group.each[number];
      for (int64_t distance = 1; distance < accumulators; distance *= 2)
        for (int64_t i = 0; i + distance < accumulators; i += 2 * distance)
          group.set(group.values, number, i,
                    reduction.join(group.of(group.values, number, i),
                                   group.of(group.values, number, i + distance)));
      ValueRange all = group.of(group.values, number, 0);
      results.push_back(RowReduction::resultOf(reduction.joinLanes({all.begin(), all.end()})));
    }
    return results;
  }

  // The same over a whole row, in blocks whose results are joined as a tree. The place of a largest
  // element does not depend on the order and goes on from block to block.
  Results reduceBlocks(ArrayRef<Operation *> reductions, const Index &row, const Beside &beside) {
    auto isJoined = [&](Operation *op) { return !isa<graph::ArgmaxOp>(op); };
    Group all = begin(reductions, Index::constant(0), 1);
    all.values = e_.loop(
        Index::constant(0), Index::constant(p_.rowBlocks()), 1, all.values,
        [&](Index block, ValueRange carried) {
          Index from = e_.scale(block, p_.blockColumns());
          Index to = e_.minimum(e_.add(from, p_.blockColumns()), Index::constant(p_.columns));
          Group group = begin(reductions, from, 1);
          for (auto [number, op] : llvm::enumerate(reductions))
            if (!isJoined(op)) group.set(group.values, number, 0, all.of(carried, number, 0));
          addColumns(reductions, group, 1, row, from, to, beside);
          for (auto [number, op] : llvm::enumerate(reductions)) {
            if (!isJoined(op)) continue;
            ValueRange lanes = group.of(group.values, number, 0);
            e_.store(
                block_results_[op], elementOf(op->getResult(0)), block,
                RowReduction::resultOf(group.each[number].joinLanes({lanes.begin(), lanes.end()})));
            group.set(group.values, number, 0, all.of(carried, number, 0));
          }
          return group.values;
        });
    Results results;
    for (auto [number, op] : llvm::enumerate(reductions)) {
      ValueRange lanes = all.of(all.values, number, 0);
      results.push_back(isJoined(op) ? joinTree(op, block_results_[op], Index::constant(0))
                                     : RowReduction::resultOf(all.each[number].joinLanes(
                                           {lanes.begin(), lanes.end()})));
    }
    return results;
  }

  // Joins the results of a row's blocks, which lie in memory from element `first` on and are
  // overwritten: neighbours first, then neighbouring pairs, and so on.
  Value joinTree(Operation *op, Value pointer, const Index &first) {
    Type element = elementOf(op->getResult(0));
    int64_t blocks = p_.rowBlocks();
    for (int64_t distance = 1; distance < blocks; distance *= 2)
      e_.loop(
          Index::constant(0), Index::constant(llvm::divideCeil(blocks - distance, 2 * distance)), 1,
          [&](Index pair) {
            Index place = e_.add(first, e_.scale(pair, 2 * distance));
            Value left = e_.load(pointer, element, place);
            Value right = e_.load(pointer, element, e_.add(place, distance));
            e_.store(pointer, element, place, RowReduction(op, e_, strict_).join(left, right)[0]);
          });
    return e_.load(pointer, element, first);
  }

  // Results from number `first` on, one in each lane: rows in ascending order.
  void joinRows(const Index &first) {
    Index at = e_.lanesFrom(first);
    SmallVector<Value> given;
    for (auto [number, op] : llvm::enumerate(p_.levels[0])) {
      RowReduction reduction(op, e_, strict_);
      Value partial = partials(number), result = op->getResult(0);
      Value sum =
          e_.loop(Index::constant(0), Index::constant(p_.outer), 1, reduction.begin(first),
                  [&](Index row, ValueRange carried) {
                    Index place = e_.add(e_.scale(row, p_.results), at);
                    return reduction.join(carried, e_.load(partial, elementOf(result), place));
                  })[0];
      give(result, sum, e_.depth());
      given.push_back(result);
    }
    SmallVector<Value> values;
    for (Value output : f_.outputs())
      values.push_back(e_.at(output, Point::flat(shapeOf(output), at)));
    takeBack(given);
    for (auto [number, value] : llvm::enumerate(values))
      e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), at, value);
  }

  Value partials(int64_t number) { return f_.scratchPointer(p_.partialOffset(number)); }

  // The blocks' results of one row, in order.
  Value joinPartials(Operation *op, int64_t number, const Index &row) {
    if (p_.strict) return joinTree(op, partials(number), e_.scale(row, p_.blocks));
    Type element = elementOf(op->getResult(0));
    Value initial = cast<graph::ReductionOpInterface>(op).emitNeutral(e_.builder(), e_.loc(),
                                                                      registerType(element));
    return e_.loop(Index::constant(0), Index::constant(p_.blocks), 1, initial,
                   [&](Index block, ValueRange carried) -> Emitter::Carry {
                     Index place = e_.add(e_.scale(row, p_.blocks), block);
                     return RowReduction(op, e_, strict_)
                         .join(carried, e_.load(partials(number), element, place));
                   })[0];
  }

  KernelFunction &f_;
  Emitter &e_;
  const RowPlan &p_;
  const bool strict_;
  llvm::DenseMap<Value, Value> memory_, buffers_;     // of kept values; a row's part of that memory
  llvm::DenseMap<Operation *, Value> block_results_;  // of a row's blocks, in order
  size_t level_ = 0;
  Index column_;
};

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  RowPlan plan = *rowPlanOf(kernel.getBody().front(), target);
  if (plan.inTwoStages()) {
    KernelFunction function(kernel, "part", out);
    RowEmitter rows(function, plan, target);
    // Without rows there is no workgroup, and places could not be told (lengths are divided by).
    if (plan.rows) {
      function.forEachWorkgroup([&](Index workgroup) {
        plan.leading ? rows.emitRowParts(workgroup) : rows.emitPart(workgroup);
      });
    }
  }
  KernelFunction function(kernel, "", out);
  RowEmitter rows(function, plan, target);
  if (plan.leading) {
    function.forEachWorkgroup([&](Index workgroup) { rows.emitJoined(workgroup); });
    return success();
  }
  function.streaming(streamedOutputs(function.body(), target), target, [&] {
    if (plan.pipelined)
      rows.emitPipelined();
    else
      function.forEachWorkgroup([&](Index workgroup) { rows.emitRows(workgroup); });
  });
  return success();
}

}  // namespace

const strategy::Strategy kRowStrategy = {"row", matches, plan, emit};

}  // namespace graven::codegen::cpu
