#include "compiler/strategy/same_index.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace graven::strategy {
namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

int64_t product(ArrayRef<int64_t> lengths) {
  int64_t result = 1;
  for (int64_t length : lengths) result *= length;
  return result;
}

class Walk {
 public:
  Walk(ArrayRef<int64_t> space, int64_t reduced) : space_(space), reduced_(reduced) {}

  // Visits what `value` is computed from; `same`: it is needed at the output's own place.
  void visit(Value value, bool same) {
    if (!seen_[same].insert(value).second) return;
    Operation *op = value.getDefiningOp();
    if (!op) {
      if (!same) elsewhere_.insert(value);
      return;
    }
    for (Value operand : op->getOperands()) visit(operand, same && keepsPlace(op, operand));
  }
  bool readElsewhere(Value input) const { return elsewhere_.contains(input); }

 private:
  bool keepsPlace(Operation *op, Value operand) const {
    if (isa<graph::ElementwiseOpInterface, graph::ReshapeOp>(op)) return true;
    return reduced_ && staysInRow(op, operand, space_, reduced_);
  }

  ArrayRef<int64_t> space_;
  int64_t reduced_;
  llvm::DenseSet<Value> seen_[2];  // by `same`
  llvm::DenseSet<Value> elsewhere_;
};

}  // namespace

bool isOnePerRow(ArrayRef<int64_t> shape, ArrayRef<int64_t> space, int64_t reduced) {
  ArrayRef<int64_t> rows = space.drop_back(reduced);
  if (shape.size() < rows.size()) return false;
  return shape.take_front(rows.size()) == rows && product(shape.drop_front(rows.size())) == 1;
}

bool staysInRow(Operation *op, Value operand, ArrayRef<int64_t> space, int64_t reduced) {
  ArrayRef<int64_t> from = typeOf(operand).getShape(), to = typeOf(op->getResult(0)).getShape();
  if (isa<graph::ElementwiseOpInterface>(op)) return true;
  if (isa<graph::ReshapeOp>(op))
    return isOnePerRow(from, space, reduced) && isOnePerRow(to, space, reduced);
  if (isa<graph::ReductionOpInterface, graph::ArgmaxOp>(op))
    return from == space && isOnePerRow(to, space, reduced);
  auto broadcast = dyn_cast<graph::BroadcastOp>(op);
  if (!broadcast || !isOnePerRow(from, space, reduced)) return false;
  if (to != space && !isOnePerRow(to, space, reduced)) return false;
  // Axes of rows stay where they are.
  auto added = static_cast<int64_t>(to.size() - from.size());
  for (int64_t axis = 0; axis < static_cast<int64_t>(space.size()) - reduced; ++axis)
    if ((broadcast.getAxes() ? (*broadcast.getAxes())[axis] : added + axis) != axis) return false;
  return true;
}

SmallVector<std::pair<int64_t, int64_t>> sameIndexPairs(Block &body, ArrayRef<int64_t> space,
                                                        int64_t reduced) {
  Walk walk(space, reduced);
  OperandRange outputs = body.getTerminator()->getOperands();
  for (Value output : outputs) walk.visit(output, true);
  SmallVector<std::pair<int64_t, int64_t>> pairs;
  for (auto [i, input] : llvm::enumerate(body.getArguments())) {
    if (walk.readElsewhere(input)) continue;
    for (auto [o, output] : llvm::enumerate(outputs)) {
      RankedTensorType from = typeOf(input), to = typeOf(output);
      if (from.getNumElements() == to.getNumElements() &&
          (from.getElementTypeBitWidth() + 7) / 8 == (to.getElementTypeBitWidth() + 7) / 8)
        pairs.push_back({static_cast<int64_t>(i), static_cast<int64_t>(o)});
    }
  }
  return pairs;
}

}  // namespace graven::strategy
