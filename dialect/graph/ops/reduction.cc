#include "dialect/graph/ir/shape_rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"

using namespace mlir;

namespace graven::graph {
namespace {

SmallVector<int64_t> reducedAxes(Operation *op) {
  int64_t rank = cast<RankedTensorType>(op->getOperand(0).getType()).getRank();
  return *normalizeAxes(op->getAttr("axis"), rank, [&] { return op->emitOpError(); });
}

// The least (sign = -1) or greatest value of an element type.
Value extreme(OpBuilder &b, Location loc, Type type, int sign) {
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element))
    return scalarConstant(b, loc, type, sign * std::numeric_limits<double>::infinity());
  unsigned width = element.getIntOrFloatBitWidth();
  TypedAttr one = b.getIntegerAttr(
      element, sign < 0 ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width));
  if (auto vector = dyn_cast<VectorType>(type))
    one = DenseElementsAttr::get(vector, Attribute(one));
  return arith::ConstantOp::create(b, loc, one);
}

template <typename OnFloat, typename OnInt>
Value combine(OpBuilder &b, Location loc, Value lhs, Value rhs) {
  if (isa<FloatType>(getElementTypeOrSelf(lhs.getType()))) return OnFloat::create(b, loc, lhs, rhs);
  return OnInt::create(b, loc, lhs, rhs);
}

}  // namespace

#define GRAVEN_REDUCTION(OP, NEUTRAL, ON_FLOAT, ON_INT)                                         \
  FailureOr<RankedTensorType> OP::inferType(ArrayRef<RankedTensorType> operands, Error error) { \
    return inferReduction(*this, operands, error);                                              \
  }                                                                                             \
  SmallVector<int64_t> OP::getReducedAxes() { return reducedAxes(*this); }                      \
  Value OP::emitNeutral(OpBuilder &b, Location loc, Type type) { return NEUTRAL; }              \
  Value OP::emitCombine(OpBuilder &b, Location loc, Value lhs, Value rhs) {                     \
    return combine<ON_FLOAT, ON_INT>(b, loc, lhs, rhs);                                         \
  }
GRAVEN_REDUCTION(SumOp, scalarConstant(b, loc, type, 0), arith::AddFOp, arith::AddIOp)
GRAVEN_REDUCTION(ProdOp, scalarConstant(b, loc, type, 1), arith::MulFOp, arith::MulIOp)
GRAVEN_REDUCTION(MaxOp, extreme(b, loc, type, -1), arith::MaximumFOp, arith::MaxSIOp)
GRAVEN_REDUCTION(MinOp, extreme(b, loc, type, 1), arith::MinimumFOp, arith::MinSIOp)
#undef GRAVEN_REDUCTION

FailureOr<RankedTensorType> ArgmaxOp::inferType(ArrayRef<RankedTensorType> operands, Error error) {
  RankedTensorType x = operands[0];
  FailureOr<int64_t> axis = normalizeAxis(getAxis(), x.getRank(), error);
  if (failed(axis)) return failure();
  if (x.getDimSize(*axis) == 0) return error() << "has nothing to choose from along axis " << *axis;
  SmallVector<int64_t> shape(x.getShape());
  shape.erase(shape.begin() + *axis);
  return RankedTensorType::get(shape, IntegerType::get(getContext(), 32));
}

}  // namespace graven::graph

using namespace graven::graph;
#define GET_OP_CLASSES
#include "dialect/graph/ops/reduction.cpp.inc"
