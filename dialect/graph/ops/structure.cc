#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::graph {
namespace {

// Shape of nested lists of numbers; failure if they are ragged.
LogicalResult shapeOfLists(Attribute value, SmallVectorImpl<int64_t> &shape, Type &element,
                           MLIRContext *context) {
  Builder b(context);
  auto widen = [&](Type type) {
    if (!element || (isa<FloatType>(type) && !isa<FloatType>(element))) element = type;
  };
  if (auto numbers = dyn_cast<DenseI64ArrayAttr>(value)) {
    shape.push_back(numbers.size());
    widen(b.getI32Type());
    return success();
  }
  auto list = dyn_cast<ArrayAttr>(value);
  if (!list) {
    if (isa<BoolAttr>(value))
      widen(b.getI1Type());
    else if (isa<FloatAttr>(value))
      widen(b.getF32Type());
    else if (isa<IntegerAttr>(value))
      widen(b.getI32Type());
    else
      return failure();
    return success();
  }
  shape.push_back(list.size());
  SmallVector<int64_t> common;
  for (auto [index, item] : llvm::enumerate(list)) {
    SmallVector<int64_t> inner;
    if (failed(shapeOfLists(item, inner, element, context))) return failure();
    if (index && inner != common) return failure();
    common = inner;
  }
  shape.append(common);
  return success();
}

}  // namespace

FailureOr<RankedTensorType> ConstantOp::inferType(ArrayRef<RankedTensorType>, Error error) {
  Attribute value = getValue();
  if (auto dense = dyn_cast<ElementsAttr>(value)) {
    auto type = dyn_cast<RankedTensorType>(dense.getShapedType());
    if (!type || !isElementType(type.getElementType()))
      return error() << "holds elements of type " << dense.getElementType()
                     << "; tensors hold f16, bf16, f32, f64, i1, i32, i64 or ui8";
    return type;
  }
  SmallVector<int64_t> shape;
  Type element;
  if (failed(shapeOfLists(value, shape, element, getContext())))
    return error() << "expects a number, lists of numbers of equal length, or dense<...>";
  if (!element) element = Float32Type::get(getContext());
  if (getDtypeAttr()) element = *getDtype();
  if (auto asked = getShape()) {
    if (!shape.empty() && *asked != ArrayRef<int64_t>(shape))
      return error() << "has a `shape` that differs from that of its lists";
    shape.assign(asked->begin(), asked->end());
  }
  return RankedTensorType::get(shape, element);
}

FailureOr<RankedTensorType> IotaOp::inferType(ArrayRef<RankedTensorType>, Error error) {
  if (failed(normalizeAxis(getAxis(), getShape().size(), error))) return failure();
  Type element = getDtypeAttr() ? *getDtype() : IntegerType::get(getContext(), 32);
  return RankedTensorType::get(getShape(), element);
}

FailureOr<RankedTensorType> BroadcastOp::inferType(ArrayRef<RankedTensorType> operands,
                                                   Error error) {
  RankedTensorType x = operands[0];
  ArrayRef<int64_t> shape = getShape();
  SmallVector<int64_t> axes;
  if (auto given = getAxes())
    axes.assign(given->begin(), given->end());
  else
    for (int64_t axis = 0; axis < x.getRank(); ++axis)
      axes.push_back(static_cast<int64_t>(shape.size()) - x.getRank() + axis);
  if (static_cast<int64_t>(axes.size()) != x.getRank())
    return error() << "has " << axes.size() << " axes for an operand of rank " << x.getRank();
  for (auto [index, axis] : llvm::enumerate(axes)) {
    if (axis < 0 || axis >= static_cast<int64_t>(shape.size()) ||
        (index && axis <= axes[index - 1]))
      return error() << "expects ascending axes in [0, " << shape.size() << "), got " << axis;
    int64_t length = x.getDimSize(index);
    if (length != 1 && length != shape[axis])
      return error() << "cannot repeat axis " << index << " of " << describe(x) << " to length "
                     << shape[axis] << "; only an axis of length 1 is repeated";
  }
  return RankedTensorType::get(shape, x.getElementType());
}

FailureOr<RankedTensorType> ReshapeOp::inferType(ArrayRef<RankedTensorType> operands, Error error) {
  int64_t elements = operands[0].getNumElements(), known = 1;
  SmallVector<int64_t> shape(getShape());
  int64_t *open = nullptr;
  for (int64_t &length : shape) {
    if (length >= 0)
      known *= length;
    else if (length != -1 || open)
      return error() << "expects lengths of at least 0, and -1 at most once";
    else
      open = &length;
  }
  if (open) {
    if (known == 0 || elements % known)
      return error() << "cannot divide the " << elements << " elements of " << describe(operands[0])
                     << " into parts of " << known;
    *open = elements / known;
  } else if (known != elements) {
    return error() << "expects a shape of " << elements << " elements, those of "
                   << describe(operands[0]) << ", got one of " << known;
  }
  return RankedTensorType::get(shape, operands[0].getElementType());
}

FailureOr<RankedTensorType> TransposeOp::inferType(ArrayRef<RankedTensorType> operands,
                                                   Error error) {
  RankedTensorType x = operands[0];
  SmallVector<int64_t> shape;
  if (auto permutation = getPermutation()) {
    SmallVector<int64_t> sorted(*permutation);
    llvm::sort(sorted);
    for (int64_t axis = 0; axis < std::max<int64_t>(x.getRank(), sorted.size()); ++axis)
      if (axis >= x.getRank() || axis >= static_cast<int64_t>(sorted.size()) ||
          sorted[axis] != axis)
        return error() << "expects a permutation of the axes 0 to " << x.getRank() - 1;
    for (int64_t axis : *permutation) shape.push_back(x.getDimSize(axis));
  } else {
    for (int64_t length : llvm::reverse(x.getShape())) shape.push_back(length);
  }
  return RankedTensorType::get(shape, x.getElementType());
}

FailureOr<RankedTensorType> SliceOp::inferType(ArrayRef<RankedTensorType> operands, Error error) {
  RankedTensorType x = operands[0];
  size_t rank = x.getRank();
  if (getStart().size() != rank || getLimit().size() != rank ||
      (getStride() && getStride()->size() != rank))
    return error() << "expects one start, limit and stride for each of the " << rank << " axes of "
                   << describe(x);
  SmallVector<int64_t> shape;
  for (size_t axis = 0; axis < rank; ++axis) {
    int64_t start = getStart()[axis], limit = getLimit()[axis];
    int64_t stride = getStride() ? (*getStride())[axis] : 1;
    if (start < 0 || limit < start || limit > x.getDimSize(axis) || stride < 1)
      return error() << "expects 0 <= start <= limit <= " << x.getDimSize(axis)
                     << " and a stride of at least 1 on axis " << axis << ", got start " << start
                     << ", limit " << limit << ", stride " << stride;
    shape.push_back((limit - start + stride - 1) / stride);
  }
  return RankedTensorType::get(shape, x.getElementType());
}

FailureOr<RankedTensorType> ConcatenateOp::inferType(ArrayRef<RankedTensorType> operands,
                                                     Error error) {
  if (operands.empty()) return error() << "expects at least one operand";
  RankedTensorType first = operands[0];
  FailureOr<int64_t> axis = normalizeAxis(getAxis(), first.getRank(), error);
  if (failed(axis)) return failure();
  SmallVector<int64_t> shape(first.getShape());
  for (RankedTensorType type : operands.drop_front()) {
    SmallVector<int64_t> other(type.getShape());
    bool fits =
        type.getRank() == first.getRank() && type.getElementType() == first.getElementType();
    if (fits) {
      shape[*axis] += other[*axis];
      other[*axis] = shape[*axis];
    }
    if (!fits || other != shape)
      return error() << "cannot join " << describe(first) << " and " << describe(type)
                     << " along axis " << *axis << ": their other lengths must agree";
  }
  return RankedTensorType::get(shape, first.getElementType());
}

FailureOr<RankedTensorType> PadOp::inferType(ArrayRef<RankedTensorType> operands, Error error) {
  RankedTensorType x = operands[0];
  size_t rank = x.getRank();
  if (getLow().size() != rank || getHigh().size() != rank ||
      (getInterior() && getInterior()->size() != rank))
    return error() << "expects one low, high and interior for each of the " << rank << " axes of "
                   << describe(x);
  SmallVector<int64_t> shape;
  for (size_t axis = 0; axis < rank; ++axis) {
    int64_t low = getLow()[axis], high = getHigh()[axis];
    int64_t interior = getInterior() ? (*getInterior())[axis] : 0;
    if (low < 0 || high < 0 || interior < 0)
      return error() << "expects paddings of at least 0 on axis " << axis;
    int64_t length = x.getDimSize(axis);
    shape.push_back(low + length + std::max<int64_t>(length - 1, 0) * interior + high);
  }
  return RankedTensorType::get(shape, x.getElementType());
}

}  // namespace graven::graph

using namespace graven::graph;
#define GET_OP_CLASSES
#include "dialect/graph/ops/structure.cpp.inc"
