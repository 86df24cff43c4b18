#include "compiler/codegen/loops/kernel_spaces.h"

#include "compiler/codegen/loops/row_reduction.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/same_index.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace graven::codegen {
namespace {

// Levels of reductions, and whether a value depends on any.
class Levels {
 public:
  explicit Levels(Block &body) {
    for (Operation &op : body.without_terminator()) {
      int64_t level = 0;
      for (Value operand : op.getOperands()) level = std::max(level, of(operand));
      if (isReduction(&op)) ++level;
      levels_[op.getResult(0)] = level;
    }
  }
  // The number of reductions, one upon another, that lead to `value`.
  int64_t of(Value value) const { return levels_.lookup(value); }

 private:
  llvm::DenseMap<Value, int64_t> levels_;
};

SmallVector<int64_t> reducedAxes(Operation *op) {
  if (auto reduction = dyn_cast<graph::ReductionOpInterface>(op)) return reduction.getReducedAxes();
  auto argmax = cast<graph::ArgmaxOp>(op);
  int64_t axis = argmax.getAxis(), rank = shapeOf(argmax.getX()).size();
  return {axis < 0 ? axis + rank : axis};
}

// Whether nothing is reduced twice, and what follows from a result goes to the same place.
bool keepsResultsApart(Block &body, const RowSpace &space, const Levels &levels) {
  if (space.levels.size() > 1) return false;
  for (Operation &op : body.without_terminator())
    for (Value operand : op.getOperands())
      if (levels.of(operand) > 0 && !isa<graph::ElementwiseOpInterface, graph::ReshapeOp>(op))
        return false;
  return llvm::all_of(body.getTerminator()->getOperands(),
                      [&](Value output) { return productOf(shapeOf(output)) == space.results; });
}

// Whether `op` computes elements from others without a loop of its own.
bool isPointwise(Operation *op) {
  return rules().find(op) && !isa<graph::ReductionOpInterface, graph::DotGeneralOp, graph::ArgmaxOp,
                                  graph::ScatterAddOp>(op);
}

// Whether `value` reaches the results by way of elementwise ops alone.
bool staysInPlace(Value value) {
  return llvm::all_of(value.getUsers(), [](Operation *user) {
    if (user->hasTrait<OpTrait::IsTerminator>()) return true;
    return isa<graph::ElementwiseOpInterface>(user) && staysInPlace(user->getResult(0));
  });
}

}  // namespace

std::optional<RowSpace> rowSpaceOf(Block &body) {
  RowSpace result;
  Levels levels(body);
  for (Operation &op : body.without_terminator()) {
    if (!rules().find(&op) || isa<graph::DotGeneralOp, graph::ScatterAddOp>(op))
      return std::nullopt;
    if (!isReduction(&op)) continue;
    ArrayRef<int64_t> shape = shapeOf(op.getOperand(0));
    SmallVector<int64_t> axes = reducedAxes(&op);
    int64_t rank = shape.size(), count = axes.size(), leading = 0;
    while (count < rank && leading < count && axes[leading] == leading) ++leading;
    for (int64_t number = leading; number < count; ++number)
      if (axes[number] != rank - count + number) return std::nullopt;
    if (result.levels.empty()) {
      result.space.assign(shape.begin(), shape.end());
      result.leading = leading;
      result.reduced = count - leading;
    }
    if (!result.isFull(op.getOperand(0)) || result.leading != leading ||
        result.reduced != count - leading)
      return std::nullopt;
    int64_t level = levels.of(op.getResult(0)) - 1;
    if (level >= static_cast<int64_t>(result.levels.size())) result.levels.resize(level + 1);
    result.levels[level].push_back(&op);
  }
  if (result.levels.empty() || result.reduced == 0) return std::nullopt;
  ArrayRef<int64_t> space(result.space);
  result.rows = productOf(space.drop_back(result.reduced));
  result.columns = productOf(space.take_back(result.reduced));
  if (result.leading) {
    result.outer = productOf(space.take_front(result.leading));
    result.results = productOf(space.drop_front(result.leading).drop_back(result.reduced));
    if (!keepsResultsApart(body, result, levels)) return std::nullopt;
    return result;
  }
  // What comes from a reduction is used in its own row alone.
  for (Operation &op : body.without_terminator())
    for (Value operand : op.getOperands())
      if (levels.of(operand) > 0 &&
          !strategy::staysInRow(&op, operand, result.space, result.reduced))
        return std::nullopt;
  for (Value output : body.getTerminator()->getOperands()) {
    if (result.isFull(output))
      result.has_full_output = true;
    else if (!strategy::isOnePerRow(shapeOf(output), result.space, result.reduced))
      return std::nullopt;
  }
  return result;
}

llvm::DenseMap<Value, SmallVector<int64_t, 4>> passesOf(Block &body, const RowSpace &space) {
  llvm::DenseMap<Value, SmallVector<int64_t, 4>> wanted;
  auto want = [&](Value value, int64_t pass, auto &&self) -> void {
    Operation *op = value.getDefiningOp();
    if (op && isReduction(op)) return;
    SmallVector<int64_t, 4> &passes = wanted[value];
    if (llvm::is_contained(passes, pass)) return;
    passes.push_back(pass);
    if (!op) return;
    for (Value operand : op->getOperands()) self(operand, pass, self);
  };
  for (auto [level, reductions] : llvm::enumerate(space.levels))
    for (Operation *op : reductions) want(op->getOperand(0), level, want);
  for (Value output : body.getTerminator()->getOperands())
    if (space.isFull(output)) want(output, space.levels.size(), want);
  return wanted;
}

std::optional<ColumnSpace> columnSpaceOf(Block &body) {
  ColumnSpace result;
  llvm::DenseSet<Value> reduced;  // computed from a reduction
  for (Operation &op : body.without_terminator()) {
    if (!rules().find(&op) || isa<graph::DotGeneralOp, graph::ArgmaxOp, graph::ScatterAddOp>(op))
      return std::nullopt;
    bool follows = llvm::any_of(op.getOperands(), [&](Value v) { return reduced.contains(v); });
    auto reduction = dyn_cast<graph::ReductionOpInterface>(op);
    if (follows) {
      // Only what keeps the place of an element may follow.
      if (!isa<graph::ElementwiseOpInterface, graph::ReshapeOp>(op)) return std::nullopt;
      reduced.insert(op.getResult(0));
    }
    if (!reduction) continue;
    ArrayRef<int64_t> shape = shapeOf(op.getOperand(0));
    SmallVector<int64_t> axes = reduction.getReducedAxes();
    if (axes.empty()) return std::nullopt;
    for (auto [number, axis] : llvm::enumerate(axes))
      if (axis != axes[0] + static_cast<int64_t>(number)) return std::nullopt;
    if (result.reductions.empty()) {
      result.space.assign(shape.begin(), shape.end());
      result.before = axes[0];
      result.reduced = axes.size();
    }
    if (shape != ArrayRef<int64_t>(result.space) || result.before != axes[0] ||
        result.reduced != static_cast<int64_t>(axes.size()))
      return std::nullopt;
    result.reductions.push_back(&op);
    reduced.insert(op.getResult(0));
  }
  if (result.reductions.empty()) return std::nullopt;
  ArrayRef<int64_t> space(result.space);
  result.matrices = productOf(space.take_front(result.before));
  result.rows = productOf(space.slice(result.before, result.reduced));
  result.columns = productOf(space.drop_front(result.before + result.reduced));
  for (Value output : body.getTerminator()->getOperands())
    if (productOf(shapeOf(output)) != result.results()) return std::nullopt;
  return result;
}

std::optional<ScatterSpace> scatterSpaceOf(Block &body) {
  ScatterSpace result;
  for (Operation &op : body.without_terminator()) {
    auto scatter = dyn_cast<graph::ScatterAddOp>(op);
    if (!scatter && !isPointwise(&op)) return std::nullopt;
    if (!scatter) continue;
    if (result.op) return std::nullopt;
    result.op = scatter;
  }
  Operation *end = body.getTerminator();
  if (!result.op || end->getNumOperands() != 1 || end->getOperand(0) != result.op->getResult(0))
    return std::nullopt;
  ArrayRef<int64_t> shape = shapeOf(result.op->getResult(0));
  int64_t axis = result.op.getAxis();
  result.axis = axis < 0 ? axis + static_cast<int64_t>(shape.size()) : axis;
  result.matrices = productOf(shape.take_front(result.axis));
  result.rows = shape[result.axis];
  result.columns = productOf(shape.drop_front(result.axis + 1));
  result.updates = productOf(shapeOf(result.op.getIndices()));
  return result;
}

int64_t TransposeSpace::outer() const {
  return rows() && columns() ? productOf(shape) / rows() / columns() : 0;
}

std::optional<TransposeSpace> transposeSpaceOf(Block &body) {
  TransposeSpace result;
  ArrayRef<int64_t> shape = shapeOf(body.getTerminator()->getOperand(0));
  result.shape.assign(shape.begin(), shape.end());
  for (Value output : body.getTerminator()->getOperands())
    if (shapeOf(output) != shape) return std::nullopt;
  for (Operation &op : body.without_terminator()) {
    if (!isPointwise(&op)) return std::nullopt;
    auto transpose = dyn_cast<graph::TransposeOp>(op);
    if (!transpose || !isa<BlockArgument>(transpose.getX())) continue;
    int64_t rank = shape.size();
    SmallVector<int64_t> permutation;
    for (int64_t axis = 0; axis < rank; ++axis)
      permutation.push_back(transpose.getPermutation() ? (*transpose.getPermutation())[axis]
                                                       : rank - 1 - axis);
    if (shapeOf(transpose.getResult()) != shape || rank < 2 || permutation.back() == rank - 1)
      continue;
    if (!staysInPlace(transpose.getResult())) continue;
    if (result.transposed.empty())
      result.permutation = permutation;
    else if (result.permutation != permutation)
      continue;
    // One width of element, so that squares are square for all.
    int64_t size = bytesOf(elementOf(transpose.getX()));
    if (result.bytes && size != result.bytes) return std::nullopt;
    result.bytes = size;
    result.transposed.push_back(transpose);
  }
  if (result.transposed.empty() || result.bytes < 4 || productOf(shape) == 0) return std::nullopt;
  for (Value argument : body.getArguments())
    if (bytesOf(elementOf(argument)) > result.bytes) return std::nullopt;
  result.axis = llvm::find(result.permutation, static_cast<int64_t>(shape.size()) - 1) -
                result.permutation.begin();
  return result;
}

}  // namespace graven::codegen
