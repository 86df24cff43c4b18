#include "dialect/graph/build/expr.h"
#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::graph {
namespace {

SmallVector<int64_t> axesIn(Operation *op, Expr x) {
  return *normalizeAxes(op->getAttr("axis"), x.rank(), [&] { return op->emitOpError(); });
}
int64_t axisIn(int64_t axis, Expr x) { return axis < 0 ? axis + x.rank() : axis; }

// Removes axes of length 1 that a reduction kept.
Expr dropUnless(bool keep, Expr x, ArrayRef<int64_t> axes) {
  if (keep) return x;
  SmallVector<int64_t> shape;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (!llvm::is_contained(axes, axis)) shape.push_back(x.dim(axis));
  return reshape(x, shape);
}

int64_t elementsAlong(Expr x, ArrayRef<int64_t> axes) {
  int64_t count = 1;
  for (int64_t axis : axes) count *= x.dim(axis);
  return count;
}

// x - max x: exponentials of it cannot overflow. The shift has no gradient of its own, since every
// use subtracts it again.
Expr shifted(Expr x, ArrayRef<int64_t> axes) { return x - stopGradient(max(x, axes, true)); }

}  // namespace

Value ReluOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  return select(x <= 0.0, x.like(0.0), x);  // written so that NaN stays NaN
}
Value LeakyReluOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  return select(x > 0.0, x, x * getSlope());
}
Value EluOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  // The branch not taken must not overflow: its gradient is multiplied by zero.
  return select(x > 0.0, x, expm1(minimum(x, x.like(0.0))) * getAlpha());
}
Value GeluOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  if (getApproximate())
    return x * 0.5 * (1.0 + tanh((x + x * x * x * 0.044715) * 0.7978845608028654));
  return x * 0.5 * erfc(x * -0.7071067811865476);
}
Value SiluOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  return x * logistic(x);
}
Value SigmoidOp::decompose(GraphBuilder &g) { return logistic(Expr(g, getX())); }
Value SoftplusOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  return maximum(x, x.like(0.0)) + log1p(exp(-abs(x)));
}
Value SquareOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  return x * x;
}
Value ReciprocalOp::decompose(GraphBuilder &g) { return 1.0 / Expr(g, getX()); }
Value ClampOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  return minimum(maximum(x, x.like(getLow())), x.like(getHigh()));
}
Value SoftmaxOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  int64_t axis = axisIn(getAxis(), x);
  Expr e = exp(shifted(x, {axis}));
  return e / sum(e, {axis}, true);
}
Value LogSoftmaxOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  int64_t axis = axisIn(getAxis(), x);
  Expr s = shifted(x, {axis});
  return s - log(sum(exp(s), {axis}, true));
}
Value MeanOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  SmallVector<int64_t> axes = axesIn(*this, x);
  Expr total = sum(x, axes, getKeepDims());
  return total / static_cast<double>(elementsAlong(x, axes));
}
Value VarianceOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  SmallVector<int64_t> axes = axesIn(*this, x);
  NamedAttribute keep = g.option("keep_dims", g.builder().getBoolAttr(true));
  Expr centred = x - Expr(g, g.create<MeanOp>({x}, {g.ints("axis", axes), keep}));
  return g.create<MeanOp>(
      {centred * centred},
      {g.ints("axis", axes), g.option("keep_dims", g.builder().getBoolAttr(getKeepDims()))});
}
Value LogsumexpOp::decompose(GraphBuilder &g) {
  Expr x(g, getX());
  SmallVector<int64_t> axes = axesIn(*this, x);
  Expr top = stopGradient(max(x, axes, true));
  return dropUnless(getKeepDims(), log(sum(exp(x - top), axes, true)) + top, axes);
}

FailureOr<RankedTensorType> MatmulOp::inferType(ArrayRef<RankedTensorType> operands, Error error) {
  RankedTensorType lhs = operands[0], rhs = operands[1];
  if (lhs.getElementType() != rhs.getElementType() || !isa<FloatType>(lhs.getElementType()))
    return error() << "expects floats of one type, got " << describe(lhs) << " and "
                   << describe(rhs);
  if (lhs.getRank() == 0 || rhs.getRank() == 0)
    return error() << "expects matrices or vectors, got " << describe(lhs) << " and "
                   << describe(rhs) << "; for a product with a scalar use multiply";
  int64_t rhsAxis = rhs.getRank() == 1 ? 0 : rhs.getRank() - 2;
  if (lhs.getShape().back() != rhs.getDimSize(rhsAxis))
    return error() << "cannot multiply " << describe(lhs) << " by " << describe(rhs)
                   << ": the last axis of the first has length " << lhs.getShape().back()
                   << ", axis " << rhsAxis << " of the second " << rhs.getDimSize(rhsAxis);
  if (rhs.getRank() > 2 && (lhs.getRank() != rhs.getRank() ||
                            lhs.getShape().drop_back(2) != rhs.getShape().drop_back(2)))
    return error() << "cannot multiply " << describe(lhs) << " by " << describe(rhs)
                   << ": their leading (batch) axes differ";
  SmallVector<int64_t> shape(lhs.getShape().drop_back());
  if (rhs.getRank() > 1) shape.push_back(rhs.getShape().back());
  FailureOr<Type> element = inferProduct(lhs.getElementType(), getDtypeAttr(), error);
  if (failed(element)) return failure();
  return RankedTensorType::get(shape, *element);
}
Value MatmulOp::decompose(GraphBuilder &g) {
  Expr lhs(g, getLhs()), rhs(g, getRhs());
  DotAxes axes;
  axes.lhsContract = {lhs.rank() - 1};
  axes.rhsContract = {rhs.rank() == 1 ? 0 : rhs.rank() - 2};
  for (int64_t axis = 0; axis + 2 < rhs.rank(); ++axis) {
    axes.lhsBatch.push_back(axis);
    axes.rhsBatch.push_back(axis);
  }
  return dotGeneral(lhs, rhs, axes, getDtypeAttr() ? *getDtype() : Type());
}

FailureOr<RankedTensorType> OneHotOp::inferType(ArrayRef<RankedTensorType> operands, Error error) {
  Type index = operands[0].getElementType();
  if (!isa<IntegerType>(index) || index.isInteger(1))
    return error() << "expects class numbers (integers), got " << describe(operands[0]);
  if (getDepth() < 1) return error() << "expects a depth of at least 1, got " << getDepth();
  SmallVector<int64_t> shape(operands[0].getShape());
  shape.push_back(getDepth());
  Type element = getDtypeAttr() ? *getDtype() : Float32Type::get(getContext());
  return RankedTensorType::get(shape, element);
}
Value OneHotOp::decompose(GraphBuilder &g) {
  Expr indices(g, getIndices());
  auto type = cast<RankedTensorType>(getResult().getType());
  SmallVector<int64_t> column(indices.shape());
  column.push_back(1);
  Expr wanted = broadcastTo(reshape(indices, column), type.getShape());
  Expr hit = equal(wanted, iota(g, type.getShape(), type.getRank() - 1, indices.element()));
  return convert(hit, type.getElementType());
}

}  // namespace graven::graph

using namespace graven::graph;
#define GET_OP_CLASSES
#include "dialect/graph/ops/composite.cpp.inc"
