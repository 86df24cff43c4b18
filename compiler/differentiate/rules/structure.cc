// Gradients of movement: each is the transposed movement.
#include "compiler/differentiate/rules/rule.h"

namespace graven::differentiate {
namespace {

using namespace graph;
using llvm::SmallVector;

// The elements that `count` elements with `gap` others between two of them span.
int64_t spanOf(int64_t count, int64_t gap) { return count ? (count - 1) * (gap + 1) + 1 : 0; }

// y repeats x:  dx sums g over the axes that are new or were repeated.
void broadcastRule(Backward &b) {
  auto op = llvm::cast<BroadcastOp>(b.op());
  Expr x = b.operand(0), g = b.gradient();
  SmallVector<bool> kept(g.rank());
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    int64_t target = op.getAxes() ? (*op.getAxes())[axis] : g.rank() - x.rank() + axis;
    kept[target] = x.dim(axis) == g.dim(target);
  }
  SmallVector<int64_t> summed;
  for (int64_t axis = 0; axis < g.rank(); ++axis)
    if (!kept[axis] && g.dim(axis) != 1) summed.push_back(axis);
  Expr total = summed.empty() ? g : sum(g, summed, /*keepDims=*/x.rank() == g.rank());
  b.give(0, reshape(total, x.shape()));
}

// y = x in another shape:  dx = g in x's shape
void reshapeRule(Backward &b) { b.give(0, reshape(b.gradient(), b.operand(0).shape())); }

// y[.., axis i, ..] is axis p[i] of x:  dx permutes back.
void transposeRule(Backward &b) {
  auto op = llvm::cast<TransposeOp>(b.op());
  int64_t rank = b.gradient().rank();
  SmallVector<int64_t> inverse(rank);
  for (int64_t axis = 0; axis < rank; ++axis)
    inverse[op.getPermutation() ? (*op.getPermutation())[axis] : rank - 1 - axis] = axis;
  b.give(0, transpose(b.gradient(), inverse));
}

// y[i] = x[start + i stride]:  dx has g at those places and 0 elsewhere.
void sliceRule(Backward &b) {
  auto op = llvm::cast<SliceOp>(b.op());
  Expr x = b.operand(0), g = b.gradient();
  SmallVector<int64_t> high, interior;
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    interior.push_back(op.getStride() ? (*op.getStride())[axis] - 1 : 0);
    high.push_back(x.dim(axis) - op.getStart()[axis] - spanOf(g.dim(axis), interior.back()));
  }
  bool dense = llvm::all_of(interior, [](int64_t gap) { return gap == 0; });
  b.give(0, pad(g, op.getStart(), high, dense ? SmallVector<int64_t>() : interior));
}

// y holds the inputs side by side:  each receives its part of g.
void concatenateRule(Backward &b) {
  auto op = llvm::cast<ConcatenateOp>(b.op());
  Expr g = b.gradient();
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + g.rank() : op.getAxis();
  SmallVector<int64_t> start(g.rank(), 0), limit(g.shape());
  for (unsigned index = 0; index < op.getInputs().size(); ++index) {
    limit[axis] = start[axis] + b.operand(index).dim(axis);
    if (b.isActive(index)) b.give(index, slice(g, start, limit));
    start[axis] = limit[axis];
  }
}

// y holds x inside a border:  dx is what g has there.
void padRule(Backward &b) {
  auto op = llvm::cast<PadOp>(b.op());
  Expr x = b.operand(0), g = b.gradient();
  SmallVector<int64_t> limit, stride;
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    int64_t gap = op.getInterior() ? (*op.getInterior())[axis] : 0;
    limit.push_back(op.getLow()[axis] + spanOf(x.dim(axis), gap));
    stride.push_back(gap + 1);
  }
  bool dense = llvm::all_of(stride, [](int64_t step) { return step == 1; });
  b.give(0, slice(g, op.getLow(), limit, dense ? SmallVector<int64_t>() : stride));
}

}  // namespace

void addStructureRules(RuleTable &rules) {
  rules.add<BroadcastOp>(broadcastRule);
  rules.add<ReshapeOp>(reshapeRule);
  rules.add<TransposeOp>(transposeRule);
  rules.add<SliceOp>(sliceRule);
  rules.add<ConcatenateOp>(concatenateRule);
  rules.add<PadOp>(padRule);
}

}  // namespace graven::differentiate
