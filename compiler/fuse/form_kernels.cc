// Grouping (grouping.h) decides; this pass builds the kernels.
#include "compiler/fuse/grouping.h"
#include "compiler/fuse/passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace graven::fuse {

#define GEN_PASS_DEF_FORMKERNELS
#include "compiler/fuse/passes.h.inc"

namespace {

class KernelBuilder {
 public:
  KernelBuilder(graph::EntryOp entry, Grouping &grouping)
      : entry_(entry), grouping_(grouping), builder_(entry.getEntryBlock().getTerminator()) {}

  void build(Group &group);
  // What stands for `value` outside of kernels.
  Value stored(Value value);

 private:
  SmallVector<Value> outputsOf(Group &group);
  // The value inside the kernel under construction: an op of the group, a repeated op or a reshape
  // between ops of the group copied in, or else an input.
  Value inside(Value value, Group &group);
  bool comesFrom(Value value, Group &group);
  // A contraction of `group` reads `value`.
  bool isContracted(Value value, Group &group);

  graph::EntryOp entry_;
  Grouping &grouping_;
  OpBuilder builder_;
  IRMapping stored_;
  // Of the kernel under construction.
  IRMapping inner_;
  SmallVector<Value> inputs_;
  Block *body_ = nullptr;
};

// Through reshapes and repeated ops, `value` is computed by `group`.
bool KernelBuilder::comesFrom(Value value, Group &group) {
  Operation *def = value.getDefiningOp();
  if (!def) return false;
  if (grouping_.groupOf(def)) return grouping_.groupOf(def) == &group;
  if (!isa<graph::ReshapeOp>(def) && !isRepeated(def)) return false;
  return llvm::any_of(def->getOperands(), [&](Value operand) { return comesFrom(operand, group); });
}

bool KernelBuilder::isContracted(Value value, Group &group) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return isa<graph::DotGeneralOp>(user) && grouping_.groupOf(user) == &group;
  });
}

Value KernelBuilder::inside(Value value, Group &group) {
  if (Value known = inner_.lookupOrNull(value)) return known;
  Operation *def = value.getDefiningOp();
  Group *home = def ? grouping_.groupOf(def) : nullptr;
  bool repeated = def && isRepeated(def) && !(home && isContracted(value, group));
  bool copied = def && (home == &group || repeated ||
                        (isa<graph::ReshapeOp>(def) && comesFrom(value, group)));
  if (!copied) {
    inputs_.push_back(value);
    Value argument = body_->addArgument(value.getType(), value.getLoc());
    inner_.map(value, argument);
    return argument;
  }
  for (Value operand : def->getOperands()) inside(operand, group);
  OpBuilder inBody(entry_.getContext());
  inBody.setInsertionPointToEnd(body_);
  Operation *copy = inBody.clone(*def, inner_);
  return copy->getResult(0);
}

SmallVector<Value> KernelBuilder::outputsOf(Group &group) {
  SmallVector<Value> outputs;
  for (Operation *op : group.ops) {
    // Wanted outside: by another group, by the end of the entry, or by a reshape or repeated op
    // that such a one reads.
    SmallVector<Operation *> pending(op->getUsers());
    llvm::SmallPtrSet<Operation *, 16> seen;
    bool wanted = false;
    while (!pending.empty() && !wanted) {
      Operation *user = pending.pop_back_val();
      if (!seen.insert(user).second) continue;
      Group *home = grouping_.groupOf(user);
      if (home == &group) continue;
      if (home || user->hasTrait<OpTrait::IsTerminator>())
        wanted = true;
      else
        llvm::append_range(pending, user->getUsers());
    }
    if (wanted) outputs.push_back(op->getResult(0));
  }
  return outputs;
}

void KernelBuilder::build(Group &group) {
  SmallVector<Value> outputs = outputsOf(group);
  if (outputs.empty()) return;
  inner_.clear();
  inputs_.clear();
  Region region;
  body_ = new Block;
  region.push_back(body_);
  SmallVector<Value> yielded;
  SmallVector<Location> locs;
  for (Value output : outputs) {
    yielded.push_back(inside(output, group));
    locs.push_back(output.getLoc());
  }
  OpBuilder atEnd(entry_.getContext());
  atEnd.setInsertionPointToEnd(body_);
  kernel::YieldOp::create(atEnd, entry_.getLoc(), yielded);
  SmallVector<Value> operands;
  for (Value input : inputs_) operands.push_back(stored(input));
  auto fused = kernel::FusedOp::create(
      builder_, builder_.getFusedLoc(locs), ValueRange(yielded).getTypes(), operands,
      builder_.getStringAttr(kindName(group.kind)), IntegerAttr(), IntegerAttr());
  fused.getBody().takeBody(region);
  for (auto [output, result] : llvm::zip(outputs, fused.getOutputs())) stored_.map(output, result);
}

Value KernelBuilder::stored(Value value) {
  if (Value known = stored_.lookupOrNull(value)) return known;
  Operation *def = value.getDefiningOp();
  if (!def || !isa<graph::ReshapeOp>(def)) return value;
  Value operand = stored(def->getOperand(0));
  Operation *copy = builder_.clone(*def);
  copy->setOperand(0, operand);
  stored_.map(value, copy->getResult(0));
  return copy->getResult(0);
}

class FormKernelsPass : public impl::FormKernelsBase<FormKernelsPass> {
  void runOnOperation() override {
    graph::EntryOp entry = getOperation();
    Block &block = entry.getEntryBlock();
    Operation *end = block.getTerminator();
    SmallVector<Operation *> old;
    for (Operation &op : block.without_terminator()) old.push_back(&op);

    Grouping grouping(entry);
    KernelBuilder kernels(entry, grouping);
    for (Group *group : grouping.inOrder()) kernels.build(*group);
    for (OpOperand &operand : end->getOpOperands()) operand.set(kernels.stored(operand.get()));
    for (Operation *op : llvm::reverse(old))
      if (op->use_empty()) op->erase();
  }
};

}  // namespace

void addFusePasses(OpPassManager &passes) {
  OpPassManager &entry = passes.nest<graph::EntryOp>();
  entry.addPass(createFormKernels());
  // Sees whole kernels, and must come before their strategies are chosen.
  entry.addPass(createMergeUpdates());
}

}  // namespace graven::fuse
