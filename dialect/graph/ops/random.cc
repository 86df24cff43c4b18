#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::graph {
namespace {

LogicalResult checkKey(ArrayRef<RankedTensorType> operands, Error error) {
  if (operands[0].getShape() != ArrayRef<int64_t>{2} ||
      !operands[0].getElementType().isSignlessInteger(32))
    return error() << "expects a key of type 2xi32, got " << describe(operands[0]);
  return success();
}

LogicalResult checkDraw(ArrayRef<RankedTensorType> operands, Error error) {
  if (failed(checkKey(operands, error))) return failure();
  if (operands.size() > 1 &&
      (operands[1].getRank() || !operands[1].getElementType().isSignlessInteger(64)))
    return error() << "expects a counter that is one i64, got " << describe(operands[1]);
  return success();
}

}  // namespace

FailureOr<RankedTensorType> RandomBitsOp::inferType(ArrayRef<RankedTensorType> operands,
                                                    Error error) {
  if (failed(checkDraw(operands, error))) return failure();
  if (getDtypeAttr() && !getDtype()->isSignlessInteger(32))
    return error() << "draws i32 only, got dtype " << *getDtype();
  return RankedTensorType::get(getShape(), IntegerType::get(getContext(), 32));
}

FailureOr<RankedTensorType> RandomUniformOp::inferType(ArrayRef<RankedTensorType> operands,
                                                       Error error) {
  if (failed(checkDraw(operands, error))) return failure();
  Type element = getDtypeAttr() ? *getDtype() : Float32Type::get(getContext());
  if (isNarrowFloat(element))
    return error() << "draws f32 or f64, got dtype " << element
                   << "; convert the numbers: convert(%u, dtype = " << element << ")";
  if (!isa<FloatType>(element)) return error() << "draws f32 or f64, got dtype " << element;
  return RankedTensorType::get(getShape(), element);
}

FailureOr<RankedTensorType> RandomFoldOp::inferType(ArrayRef<RankedTensorType> operands,
                                                    Error error) {
  if (failed(checkKey(operands, error))) return failure();
  if (operands[1].getRank() || !operands[1].getElementType().isSignlessInteger(32))
    return error() << "expects data that is one i32, got " << describe(operands[1]);
  return operands[0];
}

}  // namespace graven::graph

using namespace graven::graph;
#define GET_OP_CLASSES
#include "dialect/graph/ops/random.cpp.inc"
