#include "compiler/fuse/grouping.h"

#include "llvm/ADT/StringSet.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace graven::fuse {
namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}
bool isScalar(Value value) { return shapeOf(value).empty(); }
bool isElementwise(Operation *op) { return isa<graph::ElementwiseOpInterface>(op); }

// A constant that a kernel spells out as one number.
bool isNumber(Operation *op) {
  auto constant = dyn_cast<graph::ConstantOp>(op);
  if (!constant) return false;
  Attribute value = constant.getValue();
  if (auto dense = dyn_cast<DenseElementsAttr>(value)) return dense.isSplat();
  return isa<FloatAttr, IntegerAttr>(value);
}

Value throughReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<graph::ReshapeOp>()) value = reshape.getX();
  return value;
}

// Whether a random number is drawn for each element of `op`'s result.
bool isDrawn(Operation *op) {
  if (isa<graph::RandomUniformOp, graph::RandomBitsOp>(op)) return true;
  return isElementwise(op) && llvm::any_of(op->getOperands(), [](Value operand) {
           return operand.getDefiningOp() && isDrawn(operand.getDefiningOp());
         });
}

// Computed from numbers and scalars alone: stored nowhere, computed again where it is wanted. A
// decision drawn at random is not: its one byte is cheaper to store than to draw again.
bool isGenerated(Operation *op) {
  if (isElementwise(op) && getElementTypeOrSelf(op->getResult(0)).isInteger(1) && isDrawn(op))
    return false;
  if (isNumber(op) || isa<graph::IotaOp, graph::RandomUniformOp, graph::RandomBitsOp>(op))
    return true;
  if (!isElementwise(op) && !isa<graph::BroadcastOp, graph::ReshapeOp>(op)) return false;
  if (isScalar(op->getResult(0))) return false;
  return llvm::all_of(op->getOperands(), [](Value operand) {
    if (isScalar(operand)) return true;
    Operation *def = operand.getDefiningOp();
    return def && isGenerated(def);
  });
}

// Computed from one tensor and wanted by reductions alone, as the squares in a norm are: beside the
// hero that makes the tensor it would cost a store, while the reduction's kernel has it for
// nothing.
bool isTerm(Operation *op) {
  return llvm::all_equal(op->getOperands()) && llvm::all_of(op->getUsers(), [](Operation *user) {
           return isa<graph::ReductionOpInterface>(user);
         });
}

// The shape of one value per row of a row kernel, with the reduced axes gone or of length 1.
bool isRowShape(const Group &group, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> rows = ArrayRef(group.space).drop_back(group.reduced);
  if (shape == rows) return true;
  SmallVector<int64_t> kept(rows);
  kept.append(group.reduced, 1);
  return shape == ArrayRef<int64_t>(kept);
}

int64_t rowsOf(const Group &group) {
  return ShapedType::getNumElements(ArrayRef(group.space).drop_back(group.reduced));
}

constexpr StringRef kCircle = "each kernel would have to wait for the other";
constexpr StringRef kTooLarge = "one kernel would have too many inputs and outputs";

// Tells that `op` reads what `group` makes from memory.
void remarkApart(Operation *op, const Group &group, StringRef why) {
  auto remark = remark::missed(op->getLoc(), remark::RemarkOpts::name("apart").category("fuse"));
  if (!remark) return;
  remark << remark::detail::Remark::Arg("Reason", why)
         << remark::detail::Remark::Arg("from",
                                        Attribute(LocationAttr(group.ops.front()->getLoc())));
}

// `axes` are the last (or first) of `rank`.
bool areLast(ArrayRef<int64_t> axes, int64_t rank) {
  return llvm::all_of(llvm::enumerate(axes), [&](auto axis) {
    return axis.value() == rank - static_cast<int64_t>(axes.size() - axis.index());
  });
}
bool areFirst(ArrayRef<int64_t> axes) {
  return llvm::all_of(llvm::enumerate(axes),
                      [](auto axis) { return axis.value() == static_cast<int64_t>(axis.index()); });
}

}  // namespace

StringRef kindName(Kind kind) {
  switch (kind) {
    case Kind::kMap:
      return "map";
    case Kind::kRow:
      return "row";
    case Kind::kColumn:
      return "column";
    case Kind::kContraction:
      return "contraction";
    case Kind::kReference:
      return "reference";
  }
  llvm_unreachable("unknown kind");
}

bool isRepeated(Operation *op) { return isGenerated(op) || isa<graph::BroadcastOp>(op); }

bool isStored(Operation *op) {
  if (isa<graph::ReadOp>(op)) return true;
  if (isa<graph::ConstantOp>(op)) return !isNumber(op);
  return isa<graph::ReshapeOp>(op) && !isGenerated(op);
}

Grouping::Grouping(graph::EntryOp entry) {
  Block &block = entry.getEntryBlock();
  findUpdates(block);
  for (Operation &op : block.without_terminator())
    if (!isRepeated(&op) && !isStored(&op)) place(&op);
  // A value that somebody outside any kernel wants must be stored after all: an operand of the end
  // of the entry, of a reshape that stays outside, or of a contraction, which reads whole buffers.
  for (Operation &op : block) {
    bool wantsStored = op.hasTrait<OpTrait::IsTerminator>() || isa<graph::DotGeneralOp>(op) ||
                       (isa<graph::ReshapeOp>(op) && !isRepeated(&op));
    if (!wantsStored) continue;
    for (Value operand : op.getOperands()) {
      Operation *def = operand.getDefiningOp();
      if (def && isRepeated(def) && !groupOf(def)) open(def, Kind::kMap, shapeOf(operand));
    }
  }
}

void Grouping::findUpdates(Block &block) {
  auto end = cast<graph::ReturnOp>(block.getTerminator());
  unsigned firstWrite = end->getNumOperands() - (end.getWrites() ? end.getWrites()->size() : 0);
  for (Operation &op : llvm::reverse(block.without_terminator())) {
    if (!isElementwise(&op) || isScalar(op.getResult(0))) continue;
    bool only = llvm::all_of(op.getUses(), [&](OpOperand &use) {
      if (use.getOwner() == end) return use.getOperandNumber() >= firstWrite;
      return updates_.contains(use.getOwner());
    });
    if (only) updates_.insert(&op);
  }
  llvm::StringSet<> written;
  if (ArrayAttr writes = end.getWritesAttr())
    for (auto state : writes.getAsRange<FlatSymbolRefAttr>()) written.insert(state.getValue());
  for (Operation &op : block.without_terminator()) {
    auto reduction = dyn_cast<graph::ReductionOpInterface>(op);
    if (!isa<graph::DotGeneralOp>(op) && !(reduction && areFirst(reduction.getReducedAxes())))
      continue;
    // A product of weights that read the old value of a state somewhere else than at the element's
    // own place would keep that state from being updated in place.
    bool readsWritten = llvm::any_of(op.getOperands(), [&](Value operand) {
      auto read = throughReshapes(operand).getDefiningOp<graph::ReadOp>();
      return read && written.contains(read.getState());
    });
    bool only = !op.use_empty() && llvm::all_of(op.getUsers(), [&](Operation *user) {
      return updates_.contains(user);
    });
    if (only && !readsWritten) gradients_.insert(&op);
  }
}

Group *Grouping::open(Operation *op, Kind kind, ArrayRef<int64_t> space, int64_t reduced) {
  auto group = std::make_unique<Group>();
  group->kind = kind;
  group->space.assign(space.begin(), space.end());
  group->reduced = reduced;
  group->ops.insert(op);
  groups_[op] = group.get();
  all_.push_back(std::move(group));
  return all_.back().get();
}

void Grouping::place(Operation *op) {
  SetVector<Group *> operands = sources(op);
  // A hero is the better home; among equals the latest, which depends on the others at most.
  SmallVector<Group *> candidates(operands.begin(), operands.end());
  llvm::stable_sort(candidates, [](Group *a, Group *b) {
    return (a->kind != Kind::kMap) > (b->kind != Kind::kMap);
  });
  for (Group *home : candidates) {
    bool circle = llvm::any_of(
        operands, [&](Group *other) { return other != home && dependsOn(other, home); });
    StringRef why = circle ? kCircle : refusal(*home, op);
    if (why.empty() && mostBuffers(*home, op) > kernel::kMostBuffers) why = kTooLarge;
    if (!why.empty()) {
      remarkApart(op, *home, why);
      continue;
    }
    join(*home, op);
    // Maps of the same space or rows that feed the op are computed with it, where no circle arises.
    for (Group *other : operands) {
      if (other == home) continue;
      if (StringRef why = whyApart(op, *home, *other); why.empty())
        absorb(*home, *other);
      else
        remarkApart(op, *other, why);
    }
    return;
  }
  Value result = op->getResult(0);
  if (auto reduction = dyn_cast<graph::ReductionOpInterface>(op)) {
    ArrayRef<int64_t> space = shapeOf(op->getOperand(0));
    SmallVector<int64_t> axes = reduction.getReducedAxes();
    if (areLast(axes, space.size()))
      open(op, Kind::kRow, space, axes.size());
    else if (areFirst(axes))
      open(op, Kind::kColumn, space, axes.size());
    else
      open(op, Kind::kReference, shapeOf(result));
  } else if (isa<graph::DotGeneralOp>(op)) {
    open(op, Kind::kContraction, shapeOf(result));
  } else if (isa<graph::ArgmaxOp, graph::ScatterAddOp, graph::RandomFoldOp>(op)) {
    open(op, Kind::kReference, shapeOf(result));
  } else {
    open(op, Kind::kMap, shapeOf(result));
  }
}

StringRef Grouping::whyApart(Operation *op, const Group &home, Group &group) const {
  // Rows that are gone through anyway can be reduced to several values, and what is one value a row
  // is computed with them. A single number stays where it is: others may want it who would have to
  // wait.
  bool has_rows = home.kind == Kind::kRow && rowsOf(home) > 1;
  bool same_rows = has_rows && group.kind == Kind::kRow && group.space == home.space &&
                   group.reduced == home.reduced;
  if (group.kind != Kind::kMap && !same_rows) return "two kernels with a hero each are not joined";
  if (home.kind == Kind::kColumn || home.kind == Kind::kContraction) {
    // What leads to the hero is stored; what else is wanted beside its result is not.
    if (shapeOf(op->getResult(0)) != ArrayRef<int64_t>(group.space))
      return "the kernel that makes it has another shape";
    if (sources(home.ops.front()).contains(&group))
      return "what leads to a contraction or a sum over first axes is stored";
    if (!gradients_.contains(home.ops.front()) &&
        llvm::any_of(group.ops, [&](Operation *each) { return updates_.contains(each); }))
      return "updates of state stay together, so that they become one kernel";
  } else if (group.space != home.space && !(has_rows && isRowShape(home, group.space))) {
    return "the kernel that makes it has another shape";
  }
  bool circle = dependsOn(&home, &group) && llvm::any_of(sources(home), [&](Group *source) {
                  return source != &group && dependsOn(source, &group);
                });
  if (circle) return kCircle;
  return mostBuffers(home, group.ops.getArrayRef()) > kernel::kMostBuffers ? kTooLarge : "";
}

StringRef Grouping::refusal(const Group &group, Operation *op) const {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  if (auto reduction = dyn_cast<graph::ReductionOpInterface>(op)) {
    SmallVector<int64_t> axes = reduction.getReducedAxes();
    ArrayRef<int64_t> space = shapeOf(op->getOperand(0));
    if (ArrayRef<int64_t>(group.space) != space) return "it reduces a tensor of another shape";
    if (!areLast(axes, space.size())) return "it reduces over other axes than the last";
    if (group.kind == Kind::kMap) return axes.empty() ? "it reduces over no axis" : "";
    if (group.kind != Kind::kRow) return "only maps and row kernels take a reduction";
    return group.reduced == static_cast<int64_t>(axes.size()) ? "" : "it reduces over other axes";
  }
  if (isa<graph::DotGeneralOp>(op)) return "a contraction reads whole tensors from memory";
  if (!isElementwise(op)) return "it reads elements at other places than its own";
  if (updates_.contains(op) && group.kind != Kind::kMap && !gradients_.contains(group.ops.front()))
    return "updates of state stay together, so that they become one kernel";
  if ((group.kind == Kind::kContraction || group.kind == Kind::kColumn) && isTerm(op))
    return "only sums want it, and compute it from the result, which is stored in its place";
  switch (group.kind) {
    case Kind::kMap:
    case Kind::kContraction:
      return shape == ArrayRef<int64_t>(group.space) ? ""
                                                     : "its shape is another than the kernel's";
    case Kind::kRow:
      return shape == ArrayRef<int64_t>(group.space) || isRowShape(group, shape)
                 ? ""
                 : "it has neither the kernel's shape nor one value for each row";
    case Kind::kColumn:
      return shape == ArrayRef<int64_t>(group.space).drop_front(group.reduced)
                 ? ""
                 : "its shape is another than that of the kernel's results";
    case Kind::kReference:
      return "the kernel's first op is computed on its own";
  }
  llvm_unreachable("unknown kind");
}

int64_t Grouping::mostBuffers(const Group &group, ArrayRef<Operation *> more) const {
  llvm::SmallPtrSet<Operation *, 16> within(group.ops.begin(), group.ops.end());
  within.insert(more.begin(), more.end());
  llvm::SmallPtrSet<Value, 16> inputs, seen;
  int64_t outputs = 0;
  for (Operation *op : within) {
    outputs +=
        llvm::any_of(op->getUsers(), [&](Operation *user) { return !within.contains(user); });
    SmallVector<Value> pending(op->getOperands());
    while (!pending.empty()) {
      Value value = pending.pop_back_val();
      Operation *def = value.getDefiningOp();
      if (!seen.insert(value).second || (def && within.contains(def))) continue;
      // A contraction reads what is repeated elsewhere.
      bool copied = def && isRepeated(def) && !isa<graph::DotGeneralOp>(op);
      if (copied)
        llvm::append_range(pending, def->getOperands());
      else
        inputs.insert(value);
    }
  }
  return inputs.size() + outputs;
}

void Grouping::join(Group &group, Operation *op) {
  if (auto reduction = dyn_cast<graph::ReductionOpInterface>(op);
      reduction && group.kind == Kind::kMap) {
    group.kind = Kind::kRow;
    group.reduced = reduction.getReducedAxes().size();
  }
  group.ops.insert(op);
  groups_[op] = &group;
}

void Grouping::absorb(Group &into, Group &from) {
  for (Operation *op : from.ops) {
    into.ops.insert(op);
    groups_[op] = &into;
  }
  llvm::erase_if(all_, [&](const auto &group) { return group.get() == &from; });
}

SetVector<Group *> Grouping::sources(Operation *op) const {
  SetVector<Group *> found;
  SmallVector<Value> pending(op->getOperands());
  llvm::SmallPtrSet<Operation *, 16> seen;
  bool readsStored = isa<graph::DotGeneralOp>(op);
  while (!pending.empty()) {
    Operation *def = pending.pop_back_val().getDefiningOp();
    if (!def || !seen.insert(def).second) continue;
    Group *group = groupOf(def);
    if (group && (readsStored || !isRepeated(def)))
      found.insert(group);
    else if (isRepeated(def) || isStored(def))
      llvm::append_range(pending, def->getOperands());
  }
  return found;
}

SetVector<Group *> Grouping::sources(const Group &group) const {
  SetVector<Group *> found;
  for (Operation *op : group.ops)
    for (Group *source : sources(op))
      if (source != &group) found.insert(source);
  return found;
}

bool Grouping::dependsOn(const Group *later, const Group *earlier) const {
  SmallVector<const Group *> pending{later};
  llvm::SmallPtrSet<const Group *, 16> seen;
  while (!pending.empty()) {
    const Group *group = pending.pop_back_val();
    for (Group *source : sources(*group)) {
      if (source == earlier) return true;
      if (seen.insert(source).second) pending.push_back(source);
    }
  }
  return false;
}

SmallVector<Group *> Grouping::inOrder() {
  SmallVector<Group *> order;
  llvm::SmallPtrSet<Group *, 16> done;
  std::function<void(Group *)> visit = [&](Group *group) {
    if (!done.insert(group).second) return;
    for (Group *source : sources(*group)) visit(source);
    order.push_back(group);
  };
  for (const auto &group : all_) visit(group.get());
  return order;
}

}  // namespace graven::fuse
