// Movement that moves nothing, moves twice, or moves what could be computed once.
#include "compiler/simplify/patterns/identities.h"

namespace graven::simplify {

using namespace graph;
using namespace mlir;

SmallVector<int64_t> axesOf(BroadcastOp op) {
  if (auto given = op.getAxes()) return SmallVector<int64_t>(*given);
  int64_t rank = typeOf(op.getX()).getRank(), gap = typeOf(op).getRank() - rank;
  return llvm::to_vector(llvm::seq<int64_t>(gap, gap + rank));
}

namespace {

SmallVector<int64_t> permutationOf(TransposeOp op) {
  if (auto given = op.getPermutation()) return SmallVector<int64_t>(*given);
  return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, typeOf(op).getRank())));
}

// For two shapes that differ in axes of length 1 alone: which axis of `to` each axis of `from` is,
// -1 where an axis of length 1 has no counterpart. Axes of length 1 pair up in order between
// neighbours that have other lengths.
std::optional<SmallVector<int64_t>> unitAxisMap(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<int64_t> map;
  size_t place = 0;
  for (int64_t length : from) {
    if (length != 1) {
      while (place < to.size() && to[place] == 1) ++place;
      if (place == to.size() || to[place] != length) return std::nullopt;
      map.push_back(place++);
    } else {
      map.push_back(place < to.size() && to[place] == 1 ? place++ : -1);
    }
  }
  for (; place < to.size(); ++place)
    if (to[place] != 1) return std::nullopt;
  return map;
}

// A broadcast to the same shape is none; two are one, also with a reshape between or before that
// adds axes of length 1.
Value simplifyBroadcast(BroadcastOp op, GraphBuilder &g) {
  if (op.getX().getType() == op.getType()) return op.getX();
  SmallVector<int64_t> axes = axesOf(op), inner;
  Value source;
  if (auto first = op.getX().getDefiningOp<BroadcastOp>()) {
    source = first.getX();
    inner = axesOf(first);
  } else if (auto first = op.getX().getDefiningOp<ReshapeOp>()) {
    source = first.getX();
    auto map = unitAxisMap(typeOf(source).getShape(), typeOf(first).getShape());
    if (!map || llvm::is_contained(*map, -1)) return {};
    inner = *map;
  } else {
    return {};
  }
  for (int64_t &axis : inner) axis = axes[axis];
  return broadcast(Expr(g, source), op.getShape(), inner);
}

// The broadcast of x with axes of length 1 added or removed is another broadcast of x.
Value reshapeOfBroadcast(ReshapeOp op, GraphBuilder &g) {
  auto inner = op.getX().getDefiningOp<BroadcastOp>();
  if (!inner) return {};
  SmallVector<int64_t> axes = axesOf(inner);
  if (typeOf(inner.getX()).getRank() > 0) {
    auto map = unitAxisMap(typeOf(inner).getShape(), typeOf(op).getShape());
    if (!map) return {};
    for (int64_t &axis : axes) {
      axis = (*map)[axis];
      if (axis < 0) return {};
    }
  }
  return broadcast(Expr(g, inner.getX()), typeOf(op).getShape(), axes);
}

// A reduction reshaped to keep (or to drop) the axes it reduced is one with (without) keep_dims.
Value reshapeOfReduction(ReshapeOp op, GraphBuilder &g) {
  auto inner = op.getX().getDefiningOp<ReductionOpInterface>();
  if (!inner || !inner->hasOneUse()) return {};
  RankedTensorType source = typeOf(inner->getOperand(0));
  bool keepsNow = typeOf(op.getX()).getRank() == source.getRank();
  SmallVector<int64_t> axes = inner.getReducedAxes(), other;
  for (int64_t axis = 0; axis < source.getRank(); ++axis) {
    bool reduced = llvm::is_contained(axes, axis);
    if (!reduced || !keepsNow) other.push_back(reduced ? 1 : source.getDimSize(axis));
  }
  if (typeOf(op).getShape() != ArrayRef<int64_t>(other)) return {};
  return *g.tryCreate(
      inner->getName(), inner->getOperands(),
      {g.ints("axis", axes), g.option("keep_dims", g.builder().getBoolAttr(!keepsNow))});
}

// A reshape to the same shape is none; of two the last decides.
Value simplifyReshape(ReshapeOp op, GraphBuilder &g) {
  if (op.getX().getType() == op.getType()) return op.getX();
  if (auto inner = op.getX().getDefiningOp<ReshapeOp>())
    return reshape(Expr(g, inner.getX()), typeOf(op).getShape());
  return {};
}

// A transposition that leaves all axes is none, one that moves axes of length 1 past others is a
// reshape, two are one, and that of a broadcast is a broadcast if x's axes keep their order.
Value simplifyTranspose(TransposeOp op, GraphBuilder &g) {
  SmallVector<int64_t> permutation = permutationOf(op);
  if (llvm::is_sorted(permutation)) return op.getX();
  Expr x(g, op.getX());
  SmallVector<int64_t> moved;
  for (int64_t axis : permutation)
    if (x.dim(axis) != 1) moved.push_back(axis);
  if (llvm::is_sorted(moved)) return reshape(x, typeOf(op).getShape());
  if (auto inner = op.getX().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> first = permutationOf(inner);
    for (int64_t &axis : permutation) axis = first[axis];
    if (llvm::is_sorted(permutation)) return inner.getX();
    return transpose(Expr(g, inner.getX()), permutation);
  }
  if (auto inner = op.getX().getDefiningOp<BroadcastOp>()) {
    SmallVector<int64_t> axes = axesOf(inner);
    for (int64_t &axis : axes) axis = llvm::find(permutation, axis) - permutation.begin();
    if (!llvm::is_sorted(axes)) return {};
    return broadcast(Expr(g, inner.getX()), typeOf(op).getShape(), axes);
  }
  return {};
}

// A slice of everything is none, and one inside a single part of a concatenation is a slice of it.
Value simplifySlice(SliceOp op, GraphBuilder &g) {
  if (op.getX().getType() == op.getType()) return op.getX();
  auto joined = op.getX().getDefiningOp<ConcatenateOp>();
  if (!joined) return {};
  int64_t rank = typeOf(op).getRank();
  int64_t axis = joined.getAxis() < 0 ? joined.getAxis() + rank : joined.getAxis(), begin = 0;
  SmallVector<int64_t> start(op.getStart()), limit(op.getLimit());
  for (Value part : joined.getInputs()) {
    int64_t end = begin + typeOf(part).getDimSize(axis);
    if (begin <= start[axis] && limit[axis] <= end) {
      start[axis] -= begin;
      limit[axis] -= begin;
      return slice(Expr(g, part), start, limit,
                   op.getStride() ? SmallVector<int64_t>(*op.getStride()) : SmallVector<int64_t>());
    }
    begin = end;
  }
  return {};
}

// Padding by nothing, and one part joined with nothing.
Value simplifyPad(PadOp op, GraphBuilder &) {
  return op.getX().getType() == op.getType() ? op.getX() : Value();
}
Value simplifyConcatenate(ConcatenateOp op, GraphBuilder &) {
  return op.getInputs().size() == 1 ? op.getInputs()[0] : Value();
}

// A reduction over axes of length 1 leaves the elements as they are.
Value reduceNothing(ReductionOpInterface op, GraphBuilder &g) {
  Expr x(g, op->getOperand(0));
  if (!llvm::all_of(op.getReducedAxes(), [&](int64_t axis) { return x.dim(axis) == 1; })) return {};
  return reshape(x, typeOf(op->getResult(0)).getShape());
}

// f(broadcast a, broadcast b, c) = broadcast f(a, b, c) where all repeat the same axes: computed
// once for each element of a. Scalars are left, since a kernel computes with them for nothing.
Value hoistOverBroadcast(ElementwiseOpInterface op, GraphBuilder &g) {
  BroadcastOp model;
  for (Value operand : op->getOperands()) {
    auto repeated = operand.getDefiningOp<BroadcastOp>();
    if (!repeated && !splatOf(operand)) return {};
    if (!repeated) continue;
    if (!model) model = repeated;
    if (typeOf(repeated.getX()).getShape() != typeOf(model.getX()).getShape() ||
        axesOf(repeated) != axesOf(model))
      return {};
  }
  if (!model || typeOf(model.getX()).getNumElements() <= 1) return {};
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (auto repeated = operand.getDefiningOp<BroadcastOp>()) {
      operands.push_back(repeated.getX());
    } else {
      auto type =
          RankedTensorType::get(typeOf(model.getX()).getShape(), typeOf(operand).getElementType());
      operands.push_back(splat(g, splatOf(operand), type));
    }
  }
  Value small = *g.tryCreate(op->getName(), operands, op->getAttrs());
  return broadcast(Expr(g, small), model.getShape(), axesOf(model));
}

}  // namespace

void addMovementIdentities(Identities &identities) {
  identities.add<BroadcastOp>(simplifyBroadcast);
  identities.add<ReshapeOp>(simplifyReshape);
  identities.add<ReshapeOp>(reshapeOfBroadcast);
  identities.add<ReshapeOp>(reshapeOfReduction);
  identities.add<TransposeOp>(simplifyTranspose);
  identities.add<SliceOp>(simplifySlice);
  identities.add<PadOp>(simplifyPad);
  identities.add<ConcatenateOp>(simplifyConcatenate);
  identities.addForAll<ReductionOpInterface>(reduceNothing);
  identities.addForAll<ElementwiseOpInterface>(hoistOverBroadcast);
}

}  // namespace graven::simplify
