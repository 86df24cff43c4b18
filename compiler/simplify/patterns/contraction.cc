// Contractions: transpositions next to them, whose axes pair as one likes, and those of one term.
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
  return dotGeneral(Expr(g, lhs ? lhs : op.getLhs()), Expr(g, rhs ? rhs : op.getRhs()), axes,
                    typeOf(op).getElementType());
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
  return dotGeneral(Expr(g, dot.getRhs()), Expr(g, dot.getLhs()), axes,
                    typeOf(dot).getElementType());
}

// Where each axis of an operand but the contracted ones stands in the result; `free` is the first
// place of those that are free. Nothing where they change their order.
std::optional<SmallVector<int64_t>> placesOf(Value value, ArrayRef<int64_t> batch,
                                             ArrayRef<int64_t> contract, int64_t free) {
  SmallVector<int64_t> places;
  for (int64_t axis = 0; axis < typeOf(value).getRank(); ++axis) {
    if (llvm::is_contained(contract, axis)) continue;
    const int64_t *found = llvm::find(batch, axis);
    places.push_back(found != batch.end() ? found - batch.begin() : free++);
  }
  if (!llvm::is_sorted(places)) return std::nullopt;
  return places;
}

// A product of one term is no sum: x y, each spread over the free axes of the other. As an
// elementwise op it is computed with what follows, such as the update of weights by one row.
Value multiplyOuter(DotGeneralOp op, GraphBuilder &g) {
  DotAxes axes = axesOf(op);
  Expr x(g, op.getLhs()), y(g, op.getRhs());
  if (llvm::any_of(axes.lhsContract, [&](int64_t axis) { return x.dim(axis) != 1; })) return {};
  int64_t free = x.rank() - static_cast<int64_t>(axes.lhsContract.size());
  auto xPlaces = placesOf(x, axes.lhsBatch, axes.lhsContract, axes.lhsBatch.size());
  auto yPlaces = placesOf(y, axes.rhsBatch, axes.rhsContract, free);
  if (!xPlaces || !yPlaces) return {};
  ArrayRef<int64_t> shape = typeOf(op).getShape();
  auto spread = [&](Expr operand, ArrayRef<int64_t> places) {
    SmallVector<int64_t> kept;
    for (int64_t place : places) kept.push_back(shape[place]);
    // The result may be wider than the operands.
    operand = convert(operand, typeOf(op).getElementType());
    return broadcast(reshape(operand, kept), shape, places);
  };
  return spread(x, *xPlaces) * spread(y, *yPlaces);
}

}  // namespace

void addContractionIdentities(Identities &identities) {
  identities.add<DotGeneralOp>(foldOperands);
  identities.add<DotGeneralOp>(multiplyOuter);
  identities.add<TransposeOp>(foldResult);
}

}  // namespace graven::simplify
