// Order decides two things: whether a state's new value can be written over the old one, and how
// many bytes are alive at once.
#include "compiler/schedule/arena.h"
#include "compiler/schedule/memory.h"
#include "compiler/schedule/passes.h"

using namespace mlir;

namespace graven::schedule {
#define GEN_PASS_DEF_ORDERKERNELSPASS
#include "compiler/schedule/passes.h.inc"

namespace {

// The calls of one entry as a graph of what must come before what.
class CallOrder {
 public:
  explicit CallOrder(graph::EntryOp entry) {
    for (auto call : entry.getOps<kernel::CallOp>()) {
      number_[call] = calls_.size();
      calls_.push_back(call);
    }
    after_.resize(calls_.size());
    for (auto [index, call] : llvm::enumerate(calls_))
      for (Value input : call.getInputs())
        if (auto producer = storageOf(input).getDefiningOp<kernel::CallOp>())
          after_[number_[producer]].insert(index);
    addReadersBeforeWriters(entry);
  }

  bool empty() const { return calls_.empty(); }

  // The given order, changed only where a dependency asks for it.
  SmallVector<kernel::CallOp> stable() const {
    return arrange([](ArrayRef<size_t> ready) { return 0; });
  }

  // At each step the call that leaves the fewest bytes alive, the earliest of equals.
  SmallVector<kernel::CallOp> frugal() const {
    llvm::DenseMap<Value, unsigned> uses;
    for (kernel::CallOp call : calls_)
      for (Value value : distinctInputs(call)) ++uses[value];
    return arrange([&, uses](ArrayRef<size_t> ready) mutable {
      size_t best = 0;
      int64_t least = INT64_MAX;
      for (auto [place, index] : llvm::enumerate(ready)) {
        int64_t growth = 0;
        for (Value output : calls_[index]->getResults()) growth += plan::bytesOf(output.getType());
        for (Value input : distinctInputs(calls_[index]))
          if (uses[input] == 1 && !escapes(input)) growth -= plan::bytesOf(input.getType());
        if (growth < least) {
          least = growth;
          best = place;
        }
      }
      for (Value input : distinctInputs(calls_[ready[best]])) --uses[input];
      return best;
    });
  }

  // Bytes alive at the worst time if the calls run in this order.
  static int64_t bytesAlive(ArrayRef<kernel::CallOp> calls) {
    llvm::MapVector<Value, Buffer> buffers;
    for (auto [time, call] : llvm::enumerate(calls)) {
      for (Value input : distinctInputs(call)) buffers[input].last = time;
      for (Value output : call->getResults())
        buffers[output] = {
            plan::bytesOf(output.getType()), static_cast<int64_t>(time),
            escapes(output) ? static_cast<int64_t>(calls.size()) : static_cast<int64_t>(time)};
    }
    SmallVector<Buffer> list;
    for (auto &[value, buffer] : buffers) list.push_back(buffer);
    return livenessBound(list);
  }

 private:
  // Values made by kernels that `call` reads, each once.
  static SmallVector<Value> distinctInputs(kernel::CallOp call) {
    llvm::SetVector<Value> inputs;
    for (Value input : call.getInputs())
      if (storageOf(input).getDefiningOp<kernel::CallOp>()) inputs.insert(storageOf(input));
    return inputs.takeVector();
  }
  static bool escapes(Value value) {
    return llvm::any_of(value.getUsers(), [](Operation *user) {
      if (auto reshape = dyn_cast<graph::ReshapeOp>(user)) return escapes(reshape.getResult());
      return isa<graph::ReturnOp>(user);
    });
  }

  bool reaches(size_t from, size_t to) const {
    if (from == to) return true;
    SmallVector<size_t> open = {from};
    llvm::DenseSet<size_t> seen;
    while (!open.empty()) {
      for (size_t next : after_[open.pop_back_val()]) {
        if (next == to) return true;
        if (seen.insert(next).second) open.push_back(next);
      }
    }
    return false;
  }

  void addReadersBeforeWriters(graph::EntryOp entry) {
    llvm::StringMap<SmallVector<size_t>> readers;
    for (auto [index, call] : llvm::enumerate(calls_))
      for (Value input : call.getInputs())
        if (auto read = storageOf(input).getDefiningOp<graph::ReadOp>())
          readers[read.getState()].push_back(index);
    auto end = cast<graph::ReturnOp>(entry.getEntryBlock().getTerminator());
    if (!end.getWrites()) return;
    ValueRange written = end.getValues().take_back(end.getWrites()->size());
    for (auto [state, value] : llvm::zip(end.getWritesAttr(), written)) {
      auto writer = storageOf(value).getDefiningOp<kernel::CallOp>();
      if (!writer) continue;
      size_t last = number_[writer];
      for (size_t reader : readers.lookup(cast<FlatSymbolRefAttr>(state).getValue()))
        // A reader that needs the writer's results has to come later: then the state is copied.
        if (!reaches(last, reader)) after_[reader].insert(last);
    }
  }

  SmallVector<kernel::CallOp> arrange(
      llvm::function_ref<size_t(ArrayRef<size_t> ready)> choose) const {
    std::vector<size_t> missing(calls_.size());
    for (const auto &next : after_)
      for (size_t index : next) ++missing[index];
    SmallVector<size_t> ready;
    for (size_t index = 0; index < calls_.size(); ++index)
      if (!missing[index]) ready.push_back(index);
    SmallVector<kernel::CallOp> order;
    while (!ready.empty()) {
      size_t place = choose(ready), index = ready[place];
      ready.erase(ready.begin() + place);
      order.push_back(calls_[index]);
      for (size_t next : after_[index])
        if (--missing[next] == 0) ready.insert(llvm::lower_bound(ready, next), next);
    }
    return order;
  }

  std::vector<kernel::CallOp> calls_;
  llvm::DenseMap<Operation *, size_t> number_;
  // For each call those that must come later: they read its results, or overwrite what it reads.
  std::vector<llvm::SetVector<size_t>> after_;
};

struct OrderKernelsPass : impl::OrderKernelsPassBase<OrderKernelsPass> {
  void runOnOperation() override {
    for (auto entry : getOperation().getOps<graph::EntryOp>()) {
      CallOrder order(entry);
      if (order.empty()) continue;
      SmallVector<kernel::CallOp> best = order.stable(), frugal = order.frugal();
      if (CallOrder::bytesAlive(frugal) < CallOrder::bytesAlive(best)) best = frugal;
      // What is no call stays in front of them, but for reshapes.
      for (kernel::CallOp call : best) call->moveBefore(entry.getEntryBlock().getTerminator());
      sortReshapes(entry);
    }
  }

  // Puts every reshape right behind what it reshapes.
  static void sortReshapes(graph::EntryOp entry) {
    SmallVector<graph::ReshapeOp> reshapes(entry.getOps<graph::ReshapeOp>());
    for (graph::ReshapeOp reshape : reshapes) {
      Operation *source = reshape->getOperand(0).getDefiningOp();
      if (source)
        reshape->moveAfter(source);
      else
        reshape->moveBefore(&entry.getEntryBlock().front());
    }
  }
};

}  // namespace
}  // namespace graven::schedule
