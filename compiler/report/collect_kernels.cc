// Kernels, as `fuse` formed them: which ops each computes, and which values the backward pass finds
// where.
#include "compiler/report/collector.h"
#include "compiler/report/tags.h"
#include "dialect/kernel/kernel.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace graven::report {
namespace {

class KernelReader {
 public:
  KernelReader(graph::EntryOp op, int64_t number, Entry &entry)
      : op_(op), number_(number), entry_(entry) {}

  void read() {
    for (auto fused : op_.getOps<kernel::FusedOp>()) {
      int64_t index = entry_.kernels.size();
      entry_.kernels.push_back(readKernel(fused, index));
      fused->setLoc(tagged(fused.getLoc(), kKernelTag, {number_, index}));
    }
    dropInnerRefusals();
    for (auto fused : op_.getOps<kernel::FusedOp>()) readKept(fused);
  }

 private:
  // The op whose result `value` is, outside of kernels; -1 where no phase before `fuse` knew it.
  int64_t opOf(Value value) {
    if (auto kernel = value.getDefiningOp<kernel::FusedOp>()) {
      Operation *yield = kernel.getBody().front().getTerminator();
      value = yield->getOperand(cast<OpResult>(value).getResultNumber());
    }
    std::optional<Tag> tag = tagOf(value.getLoc(), kOpTag);
    return tag ? tag->index : -1;
  }

  Kernel readKernel(kernel::FusedOp fused, int64_t index) {
    Kernel kernel;
    kernel.kind = fused.getKind().str();
    for (Operation &op : fused.getBody().front().without_terminator()) {
      std::optional<Tag> tag = tagOf(op.getLoc(), kOpTag);
      if (!tag) continue;
      std::vector<int64_t> &homes = entry_.ops[tag->index].kernels;
      if (llvm::is_contained(homes, index)) continue;
      homes.push_back(index);
      kernel.ops.push_back(tag->index);
    }
    for (Value input : fused.getInputs()) kernel.inputs.push_back(opOf(input));
    for (Value output : fused.getOutputs()) kernel.outputs.push_back(opOf(output));
    return kernel;
  }

  // What was refused at first may have come together in the end.
  void dropInnerRefusals() {
    for (Op &op : entry_.ops)
      std::erase_if(op.apart, [&](const Refusal &refusal) {
        return refusal.from >= 0 && llvm::any_of(op.kernels, [&](int64_t kernel) {
                 return llvm::is_contained(entry_.ops[refusal.from].kernels, kernel);
               });
      });
  }

  bool isBackward(Operation *op) {
    std::optional<Tag> tag = tagOf(op->getLoc(), kOpTag);
    return tag && entry_.ops[tag->index].role == Op::Role::kBackward;
  }

  // The first op of the backward pass that reads `value`, through ops that the kernel repeats.
  Operation *firstReader(Value value) {
    llvm::SetVector<Value> pending;
    pending.insert(value);
    for (size_t next = 0; next < pending.size(); ++next)
      for (Operation *user : pending[next].getUsers()) {
        if (isBackward(user)) return user;
        for (Value result : user->getResults()) pending.insert(result);
      }
    return nullptr;
  }

  void keep(int64_t value, Operation *reader, Kept::How how) {
    if (value < 0) return;
    Kept kept{value, tagOf(reader->getLoc(), kOpTag)->index, how};
    bool known = llvm::any_of(entry_.kept, [&](const Kept &each) {
      return each.op == kept.op && each.reader == kept.reader;
    });
    if (!known) entry_.kept.push_back(kept);
  }

  void readKept(kernel::FusedOp fused) {
    mlir::Block &body = fused.getBody().front();
    for (auto [argument, input] : llvm::zip(body.getArguments(), fused.getInputs())) {
      int64_t value = opOf(input);
      if (value < 0 || entry_.ops[value].role == Op::Role::kBackward) continue;
      Operation *reader = firstReader(argument);
      if (!reader) continue;
      bool stored = entry_.ops[value].role == Op::Role::kForward;
      keep(value, reader, stored ? Kept::How::kStored : Kept::How::kGiven);
    }
    for (Operation &op : body.without_terminator()) {
      std::optional<Tag> tag = tagOf(op.getLoc(), kOpTag);
      if (!tag || entry_.ops[tag->index].role != Op::Role::kForward) continue;
      // Movement and counters are no values that anybody would keep.
      if (isa<graph::BroadcastOp, graph::IotaOp, graph::ReshapeOp>(op)) continue;
      Operation *reader = nullptr;
      for (Operation *user : op.getUsers())
        if (isBackward(user)) reader = reader ? reader : user;
      if (!reader) continue;
      bool repeated = entry_.ops[tag->index].kernels.size() > 1;
      keep(tag->index, reader, repeated ? Kept::How::kRecomputed : Kept::How::kFused);
    }
  }

  graph::EntryOp op_;
  int64_t number_;
  Entry &entry_;
};

}  // namespace

void collectKernels(ModuleOp module, Report &report) {
  for (auto [number, op] : llvm::enumerate(module.getOps<graph::EntryOp>()))
    KernelReader(op, number, report.entries[number]).read();
}

void collectStrategies(ModuleOp module, Report &report) {
  SymbolTable symbols(module);
  for (auto entry : module.getOps<graph::EntryOp>())
    for (auto call : entry.getOps<kernel::CallOp>()) {
      std::optional<Tag> tag = tagOf(call.getLoc(), kKernelTag);
      auto function = symbols.lookup<kernel::FuncOp>(call.getCallee());
      if (!tag || !function) continue;
      Kernel &kernel = report.entries[tag->entry].kernels[tag->index];
      kernel.name = function.getSymName().str();
      kernel.strategy = function.getStrategy().getName().str();
      for (NamedAttribute each : function.getStrategy().getParams())
        if (auto value = dyn_cast<IntegerAttr>(each.getValue()))
          kernel.parameters.emplace_back(each.getName().str(), value.getInt());
      kernel.scratch_bytes = function.getScratchBytes();
      kernel.flops = function.getFlops();
      kernel.bytes = function.getBytes();
      const Ceilings &ceilings = report.ceilings;
      kernel.in_cache = kernel.bytes <= ceilings.cache_bytes;
      double moving = kernel.bytes / (kernel.in_cache ? ceilings.cache_bytes_per_second
                                                      : ceilings.memory_bytes_per_second);
      double computing = kernel.flops / ceilings.flops_per_second;
      kernel.compute_bound = computing > moving;
      kernel.seconds = std::max(computing, moving);
    }
}

}  // namespace graven::report
