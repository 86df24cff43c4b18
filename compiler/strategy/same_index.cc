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
    if (!reduced_) return false;
    // Within one row: from the space to one value a row, or back.
    if (isa<graph::ReductionOpInterface>(op))
      return typeOf(operand).getShape() == space_ && isRow(typeOf(op->getResult(0)).getShape());
    if (auto broadcast = dyn_cast<graph::BroadcastOp>(op)) {
      if (typeOf(op->getResult(0)).getShape() != space_) return false;
      ArrayRef<int64_t> shape = typeOf(operand).getShape();
      if (!isRow(shape)) return false;
      // Rows stay rows: kept axis i comes from axis i.
      int64_t rows = space_.size() - reduced_;
      int64_t added = static_cast<int64_t>(space_.size() - shape.size());
      for (int64_t axis = 0; axis < rows; ++axis) {
        if (axis >= static_cast<int64_t>(shape.size())) return false;
        int64_t to = broadcast.getAxes() ? (*broadcast.getAxes())[axis] : added + axis;
        if (to != axis) return false;
      }
      return true;
    }
    return false;
  }
  // One value a row, with the reduced axes gone or of length 1.
  bool isRow(ArrayRef<int64_t> shape) const {
    ArrayRef<int64_t> rows = space_.drop_back(reduced_);
    return shape.take_front(rows.size()) == rows &&
           product(shape.drop_front(std::min(rows.size(), shape.size()))) == 1;
  }

  ArrayRef<int64_t> space_;
  int64_t reduced_;
  llvm::DenseSet<Value> seen_[2];  // by `same`
  llvm::DenseSet<Value> elsewhere_;
};

}  // namespace

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
