#include "compiler/codegen/cpu/strategies/row_columns.h"

#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kPage = 4096, kLine = Emitter::kLine;

}  // namespace

RowColumns::RowColumns(KernelFunction &function, const RowPlan &plan, bool strict)
    : f_(function), e_(function.emitter()), p_(plan), strict_(strict) {
  e_.setLanes(p_.lanes);
  e_.allowReciprocals(!strict_);
  for (Value kept : p_.kept)
    memory_[kept] =
        f_.stackPointer(llvm::alignTo(p_.columns, p_.lanes) * bytesOf(elementOf(kept)) + kPage);
  if (blockwise())
    for (const auto &level : p_.levels)
      for (Operation *op : level)
        block_results_[op] = f_.stackPointer(p_.rowBlocks() * bytesOf(elementOf(op->getResult(0))));
}

void RowColumns::placeBuffers(const Index &row) {
  if (p_.kept.empty()) return;
  OpBuilder &b = e_.builder();
  Value offset;
  for (Value input : f_.body().getArguments()) {
    if (offset || !p_.isFull(input) || input.use_empty()) continue;
    Value begin = e_.pointerTo(f_.inputPointer(cast<BlockArgument>(input).getArgNumber()),
                               elementOf(input), e_.linear(p_.fullPoint(row, Index::constant(0))));
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

void RowColumns::give(Value value, Value scalar, int depth) {
  e_.give(value, depth, [scalar](const Point &) { return scalar; });
}

void RowColumns::giveKept(Value kept, int depth) {
  e_.give(kept, depth, [this, kept](const Point &) {
    return e_.load(buffers_[kept], elementOf(kept), column_);
  });
}

SmallVector<Value> RowColumns::giveRow(int64_t pass, const Results &results, int depth) {
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

void RowColumns::takeBack(ArrayRef<Value> given) {
  for (Value value : llvm::reverse(given)) e_.forget(value);
}

void RowColumns::fetch(const PassOrder &order, int64_t sweep, const Index &row, const Index &first,
                       int64_t vector) {
  if (order.fetches.empty() || e_.mask()) return;
  auto beginsLine = [&](Type element) {
    // Several short vectors lie in one line.
    return vector * p_.lanes * bytesOf(element) % kLine == 0;
  };
  if (sweep == order.sweeps() - 1)
    for (Value input : order.passing)
      if (beginsLine(elementOf(input)))
        e_.prefetch(f_.inputPointer(cast<BlockArgument>(input).getArgNumber()), elementOf(input),
                    e_.add(first, order.passing_ahead), Emitter::Level::kPassing);
  Index place = e_.add(e_.linear(p_.fullPoint(row, first)), order.fetches[sweep]);
  for (Value input : f_.body().getArguments()) {
    Type element = elementOf(input);
    if (!p_.isFull(input) || input.use_empty() || !beginsLine(element)) continue;
    e_.prefetch(f_.inputPointer(cast<BlockArgument>(input).getArgNumber()), element, place,
                order.fetch_near ? Emitter::Level::kFirst : Emitter::Level::kSecond);
  }
}

void RowColumns::writeColumns(const Index &row, const Index &first, Stores &stores) {
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

Emitter::Carry RowColumns::carry(
    const Index &from, const Index &to, int64_t unroll, Emitter::Carry carried,
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
    tail(to.isConstant() ? Index::constant(left)
                         : e_.add(e_.minimum(to, Index::constant(p_.columns)), left - p_.columns));
  return carried;
}

Value RowColumns::compare(arith::CmpIPredicate how, const Index &a, int64_t b) {
  return arith::CmpIOp::create(e_.builder(), e_.loc(), how, e_.materialize(a), e_.integer(b));
}

Index RowColumns::maximum(const Index &a, const Index &b) {
  Value x = e_.materialize(a), y = e_.materialize(b);
  return e_.wrap(arith::MaxSIOp::create(e_.builder(), e_.loc(), x, y), e_.depth(), p_.lanes);
}

RowColumns::Group RowColumns::beginGroup(ArrayRef<Operation *> reductions, const Index &from,
                                         int64_t accumulators) {
  Group group;
  group.accumulators = accumulators;
  for (Operation *op : reductions) {
    group.each.emplace_back(op, e_, strict_);
    group.begins.push_back(group.values.size());
    for (int64_t i = 0; i < accumulators; ++i)
      group.values.append(group.each.back().begin(e_.add(from, i * p_.lanes)));
  }
  return group;
}

void RowColumns::addColumn(int64_t pass, Group &group, MutableArrayRef<Value> values,
                           int64_t accumulator, const Index &row, const Index &first,
                           Stores &stores) {
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

void RowColumns::emitStores(const Stores &stores) {
  for (const Store &each : stores) e_.store(each.pointer, each.element, each.place, each.value);
}

RowColumns::Results RowColumns::join(Group &group) {
  Results results;
  for (size_t number = 0; number < group.each.size(); ++number) {
    RowReduction &reduction = group.each[number];
    for (int64_t distance = 1; distance < group.accumulators; distance *= 2)
      for (int64_t i = 0; i + distance < group.accumulators; i += 2 * distance)
        group.set(group.values, number, i,
                  reduction.join(group.of(group.values, number, i),
                                 group.of(group.values, number, i + distance)));
    ValueRange all = group.of(group.values, number, 0);
    results.push_back(RowReduction::resultOf(reduction.joinLanes({all.begin(), all.end()})));
  }
  return results;
}

RowColumns::Results RowColumns::reduce(int64_t pass, const Index &row, const Index &from,
                                       const Index &to) {
  Group group = beginGroup(p_.levels[pass], from, p_.accumulators[pass]);
  group.values =
      carry(from, to, RowPlan::kStep, group.values,
            [&](const Index &first, int64_t vector, ValueRange carried) {
              Emitter::Carry next(carried.begin(), carried.end());
              Stores stores;
              addColumn(pass, group, next, vector % group.accumulators, row, first, stores);
              emitStores(stores);
              return next;
            });
  return join(group);
}

RowColumns::Results RowColumns::reduceInBlocks(int64_t pass, const Index &row) {
  if (p_.blocks == 1) return reduceBlocks(pass, row);
  Results results;
  for (auto [number, op] : llvm::enumerate(p_.levels[pass]))
    results.push_back(joinPartials(op, number, row));
  return results;
}

RowColumns::Results RowColumns::reduceBlocks(int64_t pass, const Index &row) {
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
                                   : RowReduction::resultOf(
                                         all.each[number].joinLanes({lanes.begin(), lanes.end()})));
  }
  return results;
}

Value RowColumns::joinTree(Operation *op, Value pointer, const Index &first) {
  Type element = elementOf(op->getResult(0));
  int64_t blocks = p_.rowBlocks();
  for (int64_t distance = 1; distance < blocks; distance *= 2)
    e_.loop(Index::constant(0), Index::constant(llvm::divideCeil(blocks - distance, 2 * distance)),
            1, [&](Index pair) {
              Index place = e_.add(first, e_.scale(pair, 2 * distance));
              Value left = e_.load(pointer, element, place);
              Value right = e_.load(pointer, element, e_.add(place, distance));
              e_.store(pointer, element, place, RowReduction(op, e_, strict_).join(left, right)[0]);
            });
  return e_.load(pointer, element, first);
}

Value RowColumns::joinPartials(Operation *op, int64_t number, const Index &row) {
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

}  // namespace graven::codegen::cpu
