#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::graph {

std::string describe(Type type) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    for (int64_t length : tensor.getShape()) {
      if (ShapedType::isDynamic(length))
        os << '?';
      else
        os << length;
      os << 'x';
    }
    os << tensor.getElementType();
  } else {
    os << type;
  }
  return text;
}

FailureOr<Type> sameElementType(ArrayRef<Type> types, Error error) {
  for (Type type : types.drop_front())
    if (type != types.front())
      return error() << "has operands of different element types, " << types.front() << " and "
                     << type << "; convert one of them: convert(%x, dtype = " << types.front()
                     << ")";
  return types.front();
}

FailureOr<Type> boolElement(ArrayRef<Type> types, Error error) {
  if (failed(sameElementType(types, error))) return failure();
  return Type(IntegerType::get(types.front().getContext(), 1));
}

FailureOr<Type> selectElement(ArrayRef<Type> types, Error error) {
  if (!types.front().isInteger(1))
    return error() << "expects an i1 condition, got " << types.front();
  return sameElementType(types.drop_front(), error);
}

FailureOr<RankedTensorType> inferElementwise(Operation *op, ArrayRef<RankedTensorType> operands,
                                             Kinds kinds, ElementRule rule, Error error) {
  SmallVector<Type> elements;
  for (RankedTensorType type : operands) {
    elements.push_back(type.getElementType());
    if (type.getShape() != operands.front().getShape())
      return error() << "has operands of different shapes, " << describe(operands.front())
                     << " and " << describe(type);
  }
  FailureOr<Type> result = rule(elements, error);
  if (failed(result)) return failure();
  Type kind = elements.back();
  bool legal = isa<FloatType>(kind) ? kinds.floats
               : kind.isInteger(1)  ? kinds.bools
                                    : kinds.integers;
  if (!legal) {
    InFlightDiagnostic diagnostic = error()
                                    << "does not take elements of type " << kind << "; it takes ";
    SmallVector<StringRef> taken;
    if (kinds.floats) taken.push_back("floats");
    if (kinds.integers) taken.push_back("integers");
    if (kinds.bools) taken.push_back("i1");
    llvm::interleave(
        taken, [&](StringRef word) { diagnostic << word; }, [&] { diagnostic << " and "; });
    return diagnostic;
  }
  return RankedTensorType::get(operands.front().getShape(), *result);
}

FailureOr<Type> inferProduct(Type operands, TypeAttr dtype, Error error) {
  if (!dtype || dtype.getValue() == operands) return operands;
  if (isNarrowFloat(operands) && dtype.getValue().isF32()) return dtype.getValue();
  return error() << "cannot make " << dtype.getValue() << " of " << operands
                 << ": dtype is f32 where the operands are f16 or bf16, else their type; convert "
                    "the result: convert(%y, dtype = "
                 << dtype.getValue() << ")";
}

FailureOr<RankedTensorType> inferFloatLikeFirst(Operation *op, ArrayRef<RankedTensorType> operands,
                                                Error error) {
  if (!isa<FloatType>(operands.front().getElementType()))
    return error() << "expects floats, got " << describe(operands.front())
                   << "; convert it first: convert(%x, dtype = f32)";
  if (auto axis = op->getAttrOfType<IntegerAttr>("axis"))
    if (failed(normalizeAxis(axis.getInt(), operands.front().getRank(), error))) return failure();
  return operands.front();
}

FailureOr<RankedTensorType> inferReduction(Operation *op, ArrayRef<RankedTensorType> operands,
                                           Error error) {
  RankedTensorType x = operands.front();
  if (x.getElementType().isInteger(1))
    return error() << "does not take elements of type i1; convert them first: convert(%x, dtype = "
                      "f32)";
  FailureOr<SmallVector<int64_t>> axes = normalizeAxes(op->getAttr("axis"), x.getRank(), error);
  if (failed(axes)) return failure();
  auto keep = op->getAttrOfType<BoolAttr>("keep_dims");
  SmallVector<int64_t> shape;
  for (auto [axis, length] : llvm::enumerate(x.getShape())) {
    if (!llvm::is_contained(*axes, static_cast<int64_t>(axis)))
      shape.push_back(length);
    else if (keep && keep.getValue())
      shape.push_back(1);
  }
  return RankedTensorType::get(shape, x.getElementType());
}

FailureOr<SmallVector<int64_t>> broadcastShape(ArrayRef<ArrayRef<int64_t>> shapes) {
  size_t rank = 0;
  for (ArrayRef<int64_t> shape : shapes) rank = std::max(rank, shape.size());
  SmallVector<int64_t> result(rank, 1);
  for (ArrayRef<int64_t> shape : shapes) {
    size_t offset = rank - shape.size();
    for (auto [axis, length] : llvm::enumerate(shape)) {
      int64_t &common = result[offset + axis];
      if (length == common || length == 1) continue;
      if (common != 1) return failure();
      common = length;
    }
  }
  return result;
}

LogicalResult verifyShape(Operation *op) {
  SmallVector<RankedTensorType> operands;
  for (Type type : op->getOperandTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor) return success();
    operands.push_back(tensor);
  }
  auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!result) return success();
  FailureOr<RankedTensorType> inferred =
      cast<ShapedGraphOpInterface>(op).inferType(operands, [&] { return op->emitOpError(); });
  if (failed(inferred)) return failure();
  if (*inferred != result)
    return op->emitOpError() << "has result type " << result << ", but its operands give "
                             << *inferred;
  return success();
}

}  // namespace graven::graph
