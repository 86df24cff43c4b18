// Gradients of products summed over axes.
#include "compiler/differentiate/rules/rule.h"

namespace graven::differentiate {
namespace {

using namespace graph;
using llvm::ArrayRef;
using llvm::SmallVector;

SmallVector<int64_t> freeAxes(Expr x, ArrayRef<int64_t> batch, ArrayRef<int64_t> contract) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (!llvm::is_contained(batch, axis) && !llvm::is_contained(contract, axis))
      axes.push_back(axis);
  return axes;
}

// One operand of a dot_general with the roles of its axes; `firstFree` is the axis of the result
// where its free axes begin.
struct Side {
  Expr value;
  ArrayRef<int64_t> batch, contract;
  SmallVector<int64_t> free;
  int64_t firstFree;
};

// z = x · y is linear in each:  dx contracts g with y over y's free axes. What remains of y are its
// contracting axes, ascending, and each takes the place of the axis of x it was paired with.
Expr gradientOf(const Side &x, const Side &y, Expr g, bool gradientFirst) {
  DotAxes axes;
  SmallVector<int64_t> gBatch, gFree;
  for (size_t i = 0; i < y.batch.size(); ++i) gBatch.push_back(i);
  for (size_t i = 0; i < y.free.size(); ++i) gFree.push_back(y.firstFree + i);
  SmallVector<int64_t> contracted(y.contract);
  llvm::sort(contracted);
  // Which axis of x each axis of the product is.
  SmallVector<int64_t> fromY, order(x.batch);
  for (int64_t axis : contracted)
    fromY.push_back(x.contract[llvm::find(y.contract, axis) - y.contract.begin()]);
  Expr product;
  SmallVector<int64_t> yBatch(y.batch), yFree(y.free);
  if (gradientFirst) {
    product = dotGeneral(g, y.value, {gBatch, yBatch, gFree, yFree});
    order.append(x.free);
    order.append(fromY);
  } else {
    product = dotGeneral(y.value, g, {yBatch, gBatch, yFree, gFree});
    order.append(fromY);
    order.append(x.free);
  }
  if (llvm::is_sorted(order)) return product;
  SmallVector<int64_t> permutation(order.size());
  for (auto [place, axis] : llvm::enumerate(order)) permutation[axis] = place;
  return transpose(product, permutation);
}

void dotGeneralRule(Backward &b) {
  auto op = llvm::cast<DotGeneralOp>(b.op());
  Expr lhs = b.operand(0), rhs = b.operand(1);
  // Of an f32 result of narrow operands: all three products are of one element type.
  Expr g = convert(b.gradient(), lhs.element());
  int64_t batch = op.getLhsBatch().size();
  Side left{lhs, op.getLhsBatch(), op.getLhsContract(),
            freeAxes(lhs, op.getLhsBatch(), op.getLhsContract()), batch};
  Side right{rhs, op.getRhsBatch(), op.getRhsContract(),
             freeAxes(rhs, op.getRhsBatch(), op.getRhsContract()),
             batch + static_cast<int64_t>(left.free.size())};
  // The order of the operands is the one that needs no transposition in x · w and w · x alike.
  auto leads = [](const Side &side) {
    return side.free.empty() || side.contract.empty() || side.free.back() < side.contract.front();
  };
  if (b.isActive(0)) b.give(0, gradientOf(left, right, g, leads(left)));
  if (b.isActive(1)) b.give(1, gradientOf(right, left, g, leads(right)));
}

}  // namespace

void addContractionRules(RuleTable &rules) { rules.add<DotGeneralOp>(dotGeneralRule); }

}  // namespace graven::differentiate
