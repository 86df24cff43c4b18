// Rows that are reduced, and what leads to and follows from their reductions: softmax, norms,
// losses.
//
// A row is gone through once for each level of reductions (a reduction of what another one is
// needed for comes a level later) and once more for its results. Short rows stay in registers
// between passes; in long ones, values that are dear to compute are kept in a buffer. Where some
// rows have room in the first caches, all passes are computed side by side, each for the row
// before the one of the pass before it: memory and all units of the processor are then busy all the
// time, while one pass after another would wait now for memory, now for arithmetic. Each
// reduction has a fixed number of accumulators, joined in a fixed order; in strict code that order
// is the same on every target: 16 lanes, blocks of 4,096 columns, a binary tree. Long rows that are
// few are cut into blocks of fixed length, reduced by a first stage. Where first axes are reduced
// too (a channel's sum over images and pixels), a first stage reduces the rows, the main stage
// joins those of one result in order.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/row_columns.h"
#include "compiler/codegen/cpu/strategies/row_plan.h"
#include "compiler/codegen/cpu/strategies/rows_beside.h"
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

class RowEmitter : RowColumns {
 public:
  RowEmitter(KernelFunction &function, const RowPlan &plan, const strategy::Target &target)
      : RowColumns(function, plan, target.strict()) {}

  // Reduces block `workgroup` of some row into scratch memory.
  void emitPart(const Index &workgroup) {
    Index row = e_.divide(workgroup, p_.blocks), block = e_.modulo(workgroup, p_.blocks);
    Index from = e_.scale(block, p_.blockColumns());
    Index to = e_.add(from, p_.blockColumns());
    Results sums = reduce(0, row, from, to);
    for (auto [number, sum] : llvm::enumerate(sums))
      e_.store(partials(number), elementOf(p_.levels[0][number]->getResult(0)), workgroup, sum);
  }

  // Reduces rows, one by one, into scratch memory.
  void emitRowParts(const Index &workgroup) {
    Index from = e_.scale(workgroup, p_.block_rows);
    Index to = e_.minimum(e_.add(from, p_.block_rows), Index::constant(p_.rows));
    e_.loop(from, to, 1, [&](Index row) {
      Index begin = Index::constant(0), end = Index::constant(p_.columns);
      Results sums = blockwise() ? reduceBlocks(0, row) : reduce(0, row, begin, end);
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

  // All rows of a call.
  void emitRows() {
    auto [lo, hi] = f_.range();
    Index from = e_.scale(lo, p_.block_rows);
    Index to = e_.minimum(e_.scale(hi, p_.block_rows), Index::constant(p_.rows));
    int64_t depth = p_.order.depth();
    if (depth == 0) return emitOneByOne(p_.order, from, to);
    Value more = compare(arith::CmpIPredicate::sge, e_.subtract(to, from), depth);
    e_.when(more, [&] { emitOverlapped(from, to); });
    // Fewer rows than are worked on at a time.
    if (depth == 1) return;
    Value few = compare(arith::CmpIPredicate::slt, e_.subtract(to, from), depth);
    e_.when(few, [&] { emitOneByOne(PassOrder::oneByOne(p_.passes()), from, to); });
  }

 private:
  // What is known of the rows that are worked on: of the newest, of the one before it, and so on.
  using Known = SmallVector<Results>;

  void emitOneByOne(const PassOrder &order, const Index &from, const Index &to) {
    e_.loop(from, to, 1, [&](Index row) {
      placeBuffers(row);
      turn(order, row, Known(1), 0, 0);
    });
  }

  // Rows come in one by one; in the end those that are left are finished.
  void emitOverlapped(const Index &from, const Index &to) {
    const PassOrder &order = p_.order;
    int64_t depth = order.depth();
    placeBuffers(from);
    Known known(depth + 1);
    for (int64_t row = 0; row < depth; ++row) known = turn(order, e_.add(from, row), known, 0, row);
    Results all;
    for (const Results &each : known) all.append(each);
    auto split = [&](ValueRange values) {
      Known result;
      for (const Results &each : known) {
        result.emplace_back(values.take_front(each.size()));
        values = values.drop_front(each.size());
      }
      return result;
    };
    all = e_.loop(e_.add(from, depth), to, 1, all, [&](Index row, ValueRange carried) {
      Results next;
      for (const Results &each : turn(order, row, split(carried), 0, depth)) next.append(each);
      return next;
    });
    known = split(all);
    for (int64_t row = 0; row < depth; ++row)
      known = turn(order, e_.add(to, row), known, row + 1, depth);
  }

  // Runs the passes that work on the rows from `newest` to `oldest` before `row`. Gives back what
  // the next turn knows.
  Known turn(const PassOrder &order, const Index &row, Known known, int64_t newest,
             int64_t oldest) {
    for (int64_t number = 0; number < order.sweeps(); ++number) {
      SmallVector<int64_t> passes;
      for (auto [pass, place] : llvm::enumerate(order.places))
        if (place.sweep == number && place.behind >= newest && place.behind <= oldest)
          passes.push_back(pass);
      if (!passes.empty()) sweep(order, number, passes, row, known);
    }
    known.insert(known.begin(), Results());
    known.pop_back();
    return known;
  }

  // Goes through the columns once, for all of `passes`.
  void sweep(const PassOrder &order, int64_t number, ArrayRef<int64_t> passes, const Index &row,
             Known &known) {
    auto rowOf = [&](int64_t pass) { return e_.add(row, -order.places[pass].behind); };
    auto knownTo = [&](int64_t pass) -> Results & { return known[order.places[pass].behind]; };
    int64_t last = p_.levels.size(), depth = e_.depth();
    if (p_.blocks > 1 || blockwise()) {
      // Such rows are never overlapped.
      int64_t pass = passes[0];
      if (pass < last) {
        SmallVector<Value> given = giveRow(pass, knownTo(pass), depth);
        Results found = reduceInBlocks(pass, rowOf(pass));
        takeBack(given);
        knownTo(pass).append(found);
        return;
      }
    }
    bool writes = passes.back() == last;
    OfRow of_row;
    bool known_before = !writes || knownTo(last).size() == reductions();
    if (writes && known_before) of_row = valuesOfRow(rowOf(last), knownTo(last));
    if (writes && !p_.has_full_output) passes = passes.drop_back();
    // A pass reads what an earlier one kept of the row before, which that one overwrites; the
    // results of a row may overwrite what other passes read of it.
    SmallVector<int64_t> sorted(passes);
    llvm::stable_sort(sorted, [&](int64_t a, int64_t b) {
      return order.places[a].behind > order.places[b].behind;
    });
    SmallVector<Group> groups;
    SmallVector<size_t> begins;
    Emitter::Carry all;
    Index begin = Index::constant(0), end = Index::constant(p_.columns);
    for (int64_t pass : sorted) {
      groups.push_back(pass == last ? Group()
                                    : beginGroup(p_.levels[pass], begin, p_.accumulators[pass]));
      begins.push_back(all.size());
      all.append(groups.back().values);
    }
    auto step = [&](const Index &first, int64_t vector, ValueRange carried) {
      fetch(order, number, row, first, vector);
      Emitter::Carry next(carried.begin(), carried.end());
      Stores stores;
      for (auto [pass, group, begin] : llvm::zip(sorted, groups, begins)) {
        SmallVector<Value> given = giveRow(pass, knownTo(pass), depth);
        if (pass == last)
          writeColumns(rowOf(pass), first, stores);
        else
          addColumn(pass, group, MutableArrayRef<Value>(next).slice(begin, group.values.size()),
                    vector % group.accumulators, rowOf(pass), first, stores);
        takeBack(given);
      }
      emitStores(stores);
      return next;
    };
    if (!sorted.empty()) all = carry(begin, end, RowPlan::kStep, all, step);
    for (auto [pass, group, begin] : llvm::zip(sorted, groups, begins)) {
      if (pass == last) continue;
      group.values.assign(all.begin() + begin, all.begin() + begin + group.values.size());
      knownTo(pass).append(join(group));
    }
    if (!known_before) of_row = valuesOfRow(rowOf(last), knownTo(last));
    if (writes) store(rowOf(last), of_row);
  }

  // Of all levels.
  size_t reductions() const {
    size_t count = 0;
    for (const auto &level : p_.levels) count += level.size();
    return count;
  }

  // One value a row: computed before the row's own results are written, since those may lie where
  // this row's inputs are.
  using OfRow = SmallVector<std::pair<int64_t, Value>>;
  OfRow valuesOfRow(const Index &row, const Results &results) {
    SmallVector<Value> given = giveRow(p_.levels.size(), results, e_.depth());
    OfRow values;
    for (auto [number, output] : llvm::enumerate(f_.outputs()))
      if (!p_.isFull(output)) values.push_back({number, e_.at(output, p_.rowPoint(output, row))});
    takeBack(given);
    return values;
  }
  void store(const Index &row, const OfRow &values) {
    for (auto [number, value] : values)
      e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), row, value);
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
  if (plan.beside) {
    function.streaming(streamedOutputs(function.body(), target), target,
                       [&] { emitRowsBeside(function, plan); });
    return success();
  }
  RowEmitter rows(function, plan, target);
  if (plan.leading) {
    function.forEachWorkgroup([&](Index workgroup) { rows.emitJoined(workgroup); });
    return success();
  }
  function.streaming(streamedOutputs(function.body(), target), target, [&] { rows.emitRows(); });
  return success();
}

}  // namespace

const strategy::Strategy kRowStrategy = {"row", matches, plan, emit};

}  // namespace graven::codegen::cpu
