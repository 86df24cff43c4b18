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
  // Results of a row's reductions, level by level.
  using Results = Emitter::Carry;
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
      groups.push_back(pass == last ? Group() : beginGroup(p_.levels[pass], begin, accumulators()));
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
                    vector % accumulators(), rowOf(pass), first, stores);
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

  // Buffers lie as far from a page's begin as the row itself. Processors tell a load from the
  // stores before it by these bits first: where a buffer lay a little further, each load of the row
  // would wait for a store that is none of its business.
  void placeBuffers(const Index &row) {
    if (p_.kept.empty()) return;
    OpBuilder &b = e_.builder();
    Value offset;
    for (Value input : f_.body().getArguments()) {
      if (offset || !p_.isFull(input) || input.use_empty()) continue;
      Value begin =
          e_.pointerTo(f_.inputPointer(cast<BlockArgument>(input).getArgNumber()), elementOf(input),
                       e_.linear(p_.fullPoint(row, Index::constant(0))));
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
  // What the passes before `pass` have found in a row.
  SmallVector<Value> giveRow(int64_t pass, const Results &results, int depth) {
    SmallVector<Value> given;
    const Value *result = results.begin();
    for (const auto &reductions : ArrayRef(p_.levels).take_front(pass))
      for (Operation *op : reductions) {
        if (result == results.end()) break;
        give(op->getResult(0), *result++, depth);
        given.push_back(op->getResult(0));
      }
    for (Value kept : p_.kept)
      if (p_.first_pass.lookup(kept) < pass) {
        giveKept(kept, depth);
        given.push_back(kept);
      }
    return given;
  }
  void takeBack(ArrayRef<Value> given) {
    for (Value value : llvm::reverse(given)) e_.forget(value);
  }

  // Asks memory for what the rows to come will read; `row` is the newest, `vector` the number of
  // the vector in its step.
  void fetch(const PassOrder &order, int64_t sweep, const Index &row, const Index &first,
             int64_t vector) {
    if (order.fetches.empty() || e_.mask()) return;
    Index place = e_.add(e_.linear(p_.fullPoint(row, first)), order.fetches[sweep]);
    for (Value input : f_.body().getArguments()) {
      Type element = elementOf(input);
      // Several short vectors lie in one line.
      if (!p_.isFull(input) || input.use_empty() || vector * p_.lanes * bytesOf(element) % kLine)
        continue;
      e_.prefetch(f_.inputPointer(cast<BlockArgument>(input).getArgNumber()), element, place,
                  order.fetch_near ? Emitter::Level::kFirst : Emitter::Level::kSecond);
    }
  }

  // What a vector of columns is to store, behind all that is read for it: rows and buffers often
  // lie equally far from a page's begin, and a load whose address ends as a recent store's waits
  // for it.
  struct Store {
    Value pointer;
    Type element;
    Index place;
    Value value;
  };
  using Stores = SmallVector<Store>;

  void writeColumns(const Index &row, const Index &first, Stores &stores) {
    column_ = e_.lanesFrom(first);
    Point point = p_.fullPoint(row, column_);
    SmallVector<Value> values;
    for (Value output : f_.outputs())
      values.push_back(p_.isFull(output) ? e_.at(output, point) : Value());
    Index place = e_.linear(point);
    for (auto [number, value] : llvm::enumerate(values))
      if (value)
        stores.push_back({f_.outputPointer(number), elementOf(f_.outputs()[number]), place, value});
  }

  // Goes through columns [from, to) with values carried along: `unroll` vectors at a time, then
  // single ones, then the lanes that are left, masked. `body` gets the first column, the number of
  // the vector in its step and the values.
  Emitter::Carry carry(const Index &from, const Index &to, int64_t unroll, Emitter::Carry carried,
                       function_ref<Emitter::Carry(const Index &, int64_t, ValueRange)> body) {
    int64_t lanes = p_.lanes, step = lanes * unroll, left = p_.columns % lanes;
    auto tail = [&](const Index &count) {
      e_.masked(e_.firstLanes(count), e_.depth(),
                [&] { carried = body(Index::constant(p_.columns - left), 0, carried); });
    };
    if (p_.in_registers) {
      for (int64_t column = 0; column + lanes <= p_.columns; column += lanes)
        carried = body(Index::constant(column), 0, carried);
      if (left) tail(Index::constant(left));
      return carried;
    }
    Index whole_steps = e_.minimum(to, Index::constant(p_.columns / step * step));
    Index whole = e_.minimum(to, Index::constant(p_.columns / lanes * lanes));
    carried = e_.loop(
        from, whole_steps, step, carried,
        [&](Index first, ValueRange values) {
          Emitter::Carry next(values.begin(), values.end());
          for (int64_t vector = 0; vector < unroll; ++vector)
            next = body(e_.add(first, vector * lanes), vector, next);
          return next;
        },
        step);
    Index begin =
        from.isConstant() ? Index::constant(p_.columns / step * step) : maximum(from, whole_steps);
    carried = e_.loop(
        begin, whole, lanes, carried,
        [&](Index first, ValueRange values) { return body(first, 0, values); }, lanes);
    // Blocks that end before the last column have no lane there.
    if (left)
      tail(to.isConstant()
               ? Index::constant(left)
               : e_.add(e_.minimum(to, Index::constant(p_.columns)), left - p_.columns));
    return carried;
  }

  Value compare(arith::CmpIPredicate how, const Index &a, int64_t b) {
    return arith::CmpIOp::create(e_.builder(), e_.loc(), how, e_.materialize(a), e_.integer(b));
  }
  Index maximum(const Index &a, const Index &b) {
    Value x = e_.materialize(a), y = e_.materialize(b);
    return e_.wrap(arith::MaxSIOp::create(e_.builder(), e_.loc(), x, y), e_.depth(), p_.lanes);
  }

  // Whether rows are reduced block by block, in one stage.
  bool blockwise() const { return p_.strict && p_.blocks == 1 && p_.rowBlocks() > 1; }

  int64_t accumulators() const { return p_.in_registers || strict_ ? 1 : RowPlan::kStep; }

  // Reductions of one level, each with some values among those carried along.
  struct Group {
    std::vector<RowReduction> each;
    SmallVector<int64_t> begins;
    Emitter::Carry values;

    ValueRange of(ValueRange carried, int64_t number, int64_t accumulator) {
      int64_t parts = each[number].parts();
      return carried.slice(begins[number] + accumulator * parts, parts);
    }
    void set(MutableArrayRef<Value> carried, int64_t number, int64_t accumulator, ValueRange to) {
      llvm::copy(to, carried.begin() + begins[number] + accumulator * each[number].parts());
    }
  };
  Group beginGroup(ArrayRef<Operation *> reductions, const Index &from, int64_t accumulators) {
    Group group;
    for (Operation *op : reductions) {
      group.each.emplace_back(op, e_, strict_);
      group.begins.push_back(group.values.size());
      for (int64_t i = 0; i < accumulators; ++i)
        group.values.append(group.each.back().begin(e_.add(from, i * p_.lanes)));
    }
    return group;
  }

  // Adds the vector of columns from `first` on to `values`, which are the group's, and keeps what
  // later passes want to read.
  void addColumn(int64_t pass, Group &group, MutableArrayRef<Value> values, int64_t accumulator,
                 const Index &row, const Index &first, Stores &stores) {
    column_ = e_.lanesFrom(first);
    Point point = p_.fullPoint(row, column_);
    for (auto [number, op] : llvm::enumerate(p_.levels[pass]))
      group.set(values, number, accumulator,
                group.each[number].add(group.of(ValueRange(values), number, accumulator),
                                       e_.at(op->getOperand(0), point), column_));
    for (Value kept : p_.kept)
      if (p_.first_pass.lookup(kept) == pass)
        stores.push_back({buffers_[kept], elementOf(kept), column_, e_.at(kept, point)});
  }
  void emitStores(const Stores &stores) {
    for (const Store &each : stores) e_.store(each.pointer, each.element, each.place, each.value);
  }

  // A group's results, as scalars.
  Results join(Group &group) {
    Results results;
    for (size_t number = 0; number < group.each.size(); ++number) {
      RowReduction &reduction = group.each[number];
      for (int64_t distance = 1; distance < accumulators(); distance *= 2)
        for (int64_t i = 0; i + distance < accumulators(); i += 2 * distance)
          group.set(group.values, number, i,
                    reduction.join(group.of(group.values, number, i),
                                   group.of(group.values, number, i + distance)));
      ValueRange all = group.of(group.values, number, 0);
      results.push_back(RowReduction::resultOf(reduction.joinLanes({all.begin(), all.end()})));
    }
    return results;
  }

  // Results of `pass` over columns [from, to) of `row`.
  Results reduce(int64_t pass, const Index &row, const Index &from, const Index &to) {
    Group group = beginGroup(p_.levels[pass], from, accumulators());
    group.values =
        carry(from, to, RowPlan::kStep, group.values,
              [&](const Index &first, int64_t vector, ValueRange carried) {
                Emitter::Carry next(carried.begin(), carried.end());
                Stores stores;
                addColumn(pass, group, next, vector % accumulators(), row, first, stores);
                emitStores(stores);
                return next;
              });
    return join(group);
  }

  // Results of `pass` over a whole row that is cut into blocks.
  Results reduceInBlocks(int64_t pass, const Index &row) {
    if (p_.blocks == 1) return reduceBlocks(pass, row);
    Results results;
    for (auto [number, op] : llvm::enumerate(p_.levels[pass]))
      results.push_back(joinPartials(op, number, row));
    return results;
  }

  // In blocks whose results are joined as a tree. The place of a largest
  // element does not depend on the order and goes on from block to block.
  Results reduceBlocks(int64_t pass, const Index &row) {
    ArrayRef<Operation *> reductions = p_.levels[pass];
    auto isJoined = [&](Operation *op) { return !isa<graph::ArgmaxOp>(op); };
    Group all = beginGroup(reductions, Index::constant(0), 1);
    all.values = e_.loop(
        Index::constant(0), Index::constant(p_.rowBlocks()), 1, all.values,
        [&](Index block, ValueRange carried) {
          Index from = e_.scale(block, p_.blockColumns());
          Index to = e_.minimum(e_.add(from, p_.blockColumns()), Index::constant(p_.columns));
          Group group = beginGroup(reductions, from, 1);
          for (auto [number, op] : llvm::enumerate(reductions))
            if (!isJoined(op)) group.set(group.values, number, 0, all.of(carried, number, 0));
          group.values = carry(from, to, RowPlan::kStep, group.values,
                               [&](const Index &first, int64_t vector, ValueRange values) {
                                 fetch(p_.order, pass, row, first, vector);
                                 Emitter::Carry next(values.begin(), values.end());
                                 Stores stores;
                                 addColumn(pass, group, next, 0, row, first, stores);
                                 emitStores(stores);
                                 return next;
                               });
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
  if (plan.beside) {
    emitRowsBeside(function, plan);
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
