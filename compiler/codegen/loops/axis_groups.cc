#include "compiler/codegen/loops/axis_groups.h"

#include "compiler/codegen/loops/rules.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen {
namespace {

// Finds between which axes of a shape an index must be cut, so that no op on the way asks for one
// axis out of a group.
class Boundaries {
 public:
  Boundaries(ArrayRef<int64_t> shape, function_ref<bool(Value)> stored)
      : shape_(shape), stored_(stored), cut_(shape.size(), false) {}

  void visit(Value value) {
    if (!seen_.insert(value).second) return;
    Operation *op = value.getDefiningOp();
    if (!op || (stored_ && stored_(value))) return;
    if (isa<graph::ElementwiseOpInterface>(op)) {
      for (Value operand : op->getOperands()) visit(operand);
    } else if (auto broadcast = dyn_cast<graph::BroadcastOp>(op)) {
      cutBroadcast(broadcast);
    } else if (!wantsNumberOnly(value)) {
      cutAll();
    }
  }
  bool cutBefore(int64_t axis) const { return cut_[axis]; }

 private:
  // Whether the value can be had from the row-major number of the element alone.
  bool wantsNumberOnly(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || (stored_ && stored_(value))) return true;
    if (isa<graph::ConstantOp, graph::RandomBitsOp, graph::RandomUniformOp>(op)) return true;
    if (isa<graph::ElementwiseOpInterface, graph::ReshapeOp>(op))
      return llvm::all_of(op->getOperands(), [&](Value each) { return wantsNumberOnly(each); });
    if (isa<graph::BroadcastOp>(op)) return productOf(shapeOf(op->getOperand(0))) == 1;
    return false;
  }
  void cutBroadcast(graph::BroadcastOp broadcast) {
    ArrayRef<int64_t> from = shapeOf(broadcast.getX());
    if (productOf(from) == 1) return;
    if (!wantsNumberOnly(broadcast.getX())) return cutAll();
    SmallVector<bool> varies(shape_.size(), false);
    int64_t added = static_cast<int64_t>(shape_.size() - from.size());
    for (auto [number, length] : llvm::enumerate(from)) {
      int64_t axis = broadcast.getAxes() ? (*broadcast.getAxes())[number] : added + number;
      varies[axis] = length != 1;
    }
    for (size_t axis = 1; axis < shape_.size(); ++axis)
      if (varies[axis] != varies[axis - 1]) cut_[axis] = true;
    // Axes between which operand's axes of length 1 stand are still neighbours in memory, but not
    // in its index: they stay apart.
    for (size_t axis = 1; axis < from.size(); ++axis)
      if (from[axis] == 1 || from[axis - 1] == 1) return cutAll();
  }
  void cutAll() { cut_.assign(cut_.size(), true); }

  ArrayRef<int64_t> shape_;
  function_ref<bool(Value)> stored_;
  SmallVector<bool> cut_;
  llvm::DenseSet<Value> seen_;
};

}  // namespace

AxisGroups groupAxes(ValueRange values, function_ref<bool(Value)> stored) {
  ArrayRef<int64_t> shape = shapeOf(values[0]);
  Boundaries boundaries(shape, stored);
  for (Value value : values) boundaries.visit(value);
  AxisGroups result;
  for (auto [axis, length] : llvm::enumerate(shape)) {
    if (axis == 0 || boundaries.cutBefore(axis)) {
      result.groups.push_back(0);
      result.lengths.push_back(1);
    }
    ++result.groups.back();
    result.lengths.back() *= length;
  }
  // Trailing axes of length 1 would leave a single lane.
  while (result.lengths.size() > 1 && result.lengths.back() == 1) {
    int64_t axes = result.groups.pop_back_val();
    result.groups.back() += axes;
    result.lengths.pop_back();
  }
  return result;
}

Point groupedPoint(Emitter &e, ArrayRef<int64_t> shape, ArrayRef<int64_t> groups, const Index &row,
                   const Index &column) {
  Point result;
  result.shape.assign(shape.begin(), shape.end());
  if (groups.empty()) return result;
  // Coordinates of the outer groups, from the row's number.
  SmallVector<int64_t> lengths;
  int64_t axis = 0;
  for (int64_t axes : groups.drop_back()) {
    lengths.push_back(productOf(shape.slice(axis, axes)));
    axis += axes;
  }
  for (size_t group = 0; group < lengths.size(); ++group) {
    int64_t stride = productOf(ArrayRef<int64_t>(lengths).drop_front(group + 1));
    Index index = e.divide(row, stride);
    if (group) index = e.modulo(index, lengths[group]);
    result.groups.push_back({groups[group], index});
  }
  result.groups.push_back({groups.back(), column});
  return result;
}

int64_t lanesFor(Block &body, const strategy::Target &target, int64_t length) {
  int64_t widest = 1;
  auto widen = [&](Value value) {
    if (productOf(shapeOf(value)) > 1) widest = std::max(widest, bytesOf(elementOf(value)));
  };
  for (Value argument : body.getArguments()) widen(argument);
  for (Operation &op : body.without_terminator()) widen(op.getResult(0));
  int64_t lanes = target.lanes(std::max<int64_t>(widest, 4));
  int64_t enough = llvm::PowerOf2Ceil(std::max<int64_t>(length, 1));
  return std::min(lanes, enough);
}

}  // namespace graven::codegen
