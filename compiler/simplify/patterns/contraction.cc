// Transpositions next to contractions: which axes pair with which is free to choose.
#include "compiler/simplify/patterns/identities.h"

namespace graven::simplify {
namespace {

using namespace graph;
using namespace mlir;

DotAxes axesOf(DotGeneralOp op) {
  return {SmallVector<int64_t>(op.getLhsBatch()), SmallVector<int64_t>(op.getRhsBatch()),
          SmallVector<int64_t>(op.getLhsContract()), SmallVector<int64_t>(op.getRhsContract())};
}

// If `value` transposes x and leaves the order of the axes that neither batch nor contract, renames
// these in place for x and returns x.
Value withoutTranspose(Value value, SmallVector<int64_t> &batch, SmallVector<int64_t> &contract) {
  auto op = value.getDefiningOp<TransposeOp>();
  if (!op) return {};
  int64_t rank = typeOf(value).getRank(), last = -1;
  auto source = [&](int64_t axis) {
    return op.getPermutation() ? (*op.getPermutation())[axis] : rank - 1 - axis;
  };
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (llvm::is_contained(batch, axis) || llvm::is_contained(contract, axis)) continue;
    if (source(axis) < last) return {};
    last = source(axis);
  }
  for (int64_t &axis : batch) axis = source(axis);
  for (int64_t &axis : contract) axis = source(axis);
  return op.getX();
}

// xᵀ · y and x · yᵀ contract other axes of x and y.
Value foldOperands(DotGeneralOp op, GraphBuilder &g) {
  DotAxes axes = axesOf(op);
  Value lhs = withoutTranspose(op.getLhs(), axes.lhsBatch, axes.lhsContract);
  Value rhs = withoutTranspose(op.getRhs(), axes.rhsBatch, axes.rhsContract);
  if (!lhs && !rhs) return {};
  return dotGeneral(Expr(g, lhs ? lhs : op.getLhs()), Expr(g, rhs ? rhs : op.getRhs()), axes);
}

// (x · y)ᵀ = y · x, where the transposition exchanges the free axes of x for those of y.
Value foldResult(TransposeOp op, GraphBuilder &g) {
  auto dot = op.getX().getDefiningOp<DotGeneralOp>();
  if (!dot || !dot->hasOneUse()) return {};
  DotAxes axes = axesOf(dot);
  int64_t rank = typeOf(dot).getRank(), batch = axes.lhsBatch.size();
  int64_t lhsFree = typeOf(dot.getLhs()).getRank() - batch - axes.lhsContract.size();
  SmallVector<int64_t> exchange;
  for (int64_t axis = 0; axis < batch; ++axis) exchange.push_back(axis);
  for (int64_t axis = batch + lhsFree; axis < rank; ++axis) exchange.push_back(axis);
  for (int64_t axis = batch; axis < batch + lhsFree; ++axis) exchange.push_back(axis);
  for (int64_t axis = 0; axis < rank; ++axis)
    if ((op.getPermutation() ? (*op.getPermutation())[axis] : rank - 1 - axis) != exchange[axis])
      return {};
  std::swap(axes.lhsBatch, axes.rhsBatch);
  std::swap(axes.lhsContract, axes.rhsContract);
  return dotGeneral(Expr(g, dot.getRhs()), Expr(g, dot.getLhs()), axes);
}

}  // namespace

void addContractionIdentities(Identities &identities) {
  identities.add<DotGeneralOp>(foldOperands);
  identities.add<TransposeOp>(foldResult);
}

}  // namespace graven::simplify
