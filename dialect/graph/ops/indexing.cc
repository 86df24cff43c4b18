#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::graph {
namespace {

// The shape of x with `axis` replaced by the axes of `indices`.
FailureOr<SmallVector<int64_t>> gatheredShape(RankedTensorType x, RankedTensorType indices,
                                              int64_t axis, Error error) {
  FailureOr<int64_t> at = normalizeAxis(axis, x.getRank(), error);
  if (failed(at)) return failure();
  if (!indices.getElementType().isSignlessInteger(32) &&
      !indices.getElementType().isSignlessInteger(64))
    return error() << "expects indices of type i32 or i64, got " << describe(indices);
  if (x.getDimSize(*at) == 0) return error() << "has nothing to index along axis " << *at;
  SmallVector<int64_t> shape(x.getShape().take_front(*at));
  shape.append(indices.getShape().begin(), indices.getShape().end());
  shape.append(x.getShape().begin() + *at + 1, x.getShape().end());
  return shape;
}

}  // namespace

FailureOr<RankedTensorType> GatherOp::inferType(ArrayRef<RankedTensorType> operands, Error error) {
  auto shape = gatheredShape(operands[0], operands[1], getAxis(), error);
  if (failed(shape)) return failure();
  return RankedTensorType::get(*shape, operands[0].getElementType());
}

FailureOr<RankedTensorType> ScatterAddOp::inferType(ArrayRef<RankedTensorType> operands,
                                                    Error error) {
  auto shape = gatheredShape(operands[0], operands[1], getAxis(), error);
  if (failed(shape)) return failure();
  auto expected = RankedTensorType::get(*shape, operands[0].getElementType());
  if (operands[2] != expected)
    return error() << "expects updates of type " << describe(expected) << ", got "
                   << describe(operands[2]);
  return operands[0];
}

}  // namespace graven::graph

using namespace graven::graph;
#define GET_OP_CLASSES
#include "dialect/graph/ops/indexing.cpp.inc"
