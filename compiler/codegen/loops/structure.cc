// Sources and movement: the point is mapped, nothing moves.
#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen {
namespace {

using Source = Emitter::Source;

// A number as an element of `type`, in memory's form where that differs from the held one.
TypedAttr numberAttr(Attribute number, Type type) {
  Builder b(type.getContext());
  if (isa<FloatType>(type)) return b.getFloatAttr(type, graph::numberOf(number));
  Type held = registerType(type);
  if (auto boolean = dyn_cast<BoolAttr>(number)) return b.getIntegerAttr(held, boolean.getValue());
  if (auto integer = dyn_cast<IntegerAttr>(number))
    return b.getIntegerAttr(held, integer.getValue().sextOrTrunc(held.getIntOrFloatBitWidth()));
  return b.getIntegerAttr(held, static_cast<int64_t>(graph::numberOf(number)));
}

// The same, held.
Value emitNumber(Emitter &e, Attribute number, Type type) {
  TypedAttr rounded = numberAttr(number, type);
  if (graph::isNarrowFloat(type))
    rounded = e.builder().getF32FloatAttr(cast<FloatAttr>(rounded).getValueAsDouble());
  return arith::ConstantOp::create(e.builder(), e.loc(), rounded);
}

void flatten(Attribute value, Type type, SmallVectorImpl<Attribute> &numbers) {
  Builder b(type.getContext());
  if (auto list = dyn_cast<ArrayAttr>(value)) {
    for (Attribute item : list) flatten(item, type, numbers);
  } else if (auto integers = dyn_cast<DenseI64ArrayAttr>(value)) {
    for (int64_t integer : integers.asArrayRef())
      numbers.push_back(numberAttr(b.getI64IntegerAttr(integer), type));
  } else {
    numbers.push_back(numberAttr(value, type));
  }
}

// The element type of a table of constants of `type`.
Type tableType(Type type) { return graph::isNarrowFloat(type) ? type : registerType(type); }

Value emitConstant(Emitter &e, Operation *op, const Point &point) {
  auto constant = cast<graph::ConstantOp>(op);
  Type type = elementOf(constant.getResult());
  Attribute value = constant.getValue();
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (dense && dense.isSplat()) {
    Attribute number = dense.getSplatValue<Attribute>();
    return emitNumber(e, number, type);
  }
  if (!dense && !isa<ArrayAttr, DenseI64ArrayAttr>(value)) return emitNumber(e, value, type);
  if (!dense) {
    SmallVector<Attribute> numbers;
    flatten(value, type, numbers);
    dense = DenseElementsAttr::get(
        RankedTensorType::get({static_cast<int64_t>(numbers.size())}, tableType(type)), numbers);
  }
  return e.load(e.table(dense), type, e.linear(point));
}

Value emitIota(Emitter &e, Operation *op, const Point &point) {
  auto iota = cast<graph::IotaOp>(op);
  Type type = elementOf(iota.getResult());
  int64_t rank = shapeOf(iota.getResult()).size();
  int64_t axis = iota.getAxis() < 0 ? iota.getAxis() + rank : iota.getAxis();
  Index index = e.coordinate(point, axis);
  Type counter = type.isInteger(64) || type.isF64() ? Type(e.builder().getI64Type())
                                                    : Type(e.builder().getI32Type());
  return graph::emitConvert(e.builder(), e.loc(), e.materialize(index, counter), counter, type);
}

Value emitBroadcast(Emitter &e, Operation *op, const Point &point) {
  auto broadcast = cast<graph::BroadcastOp>(op);
  ArrayRef<int64_t> shape = shapeOf(broadcast.getX());
  int64_t added = static_cast<int64_t>(point.shape.size() - shape.size());
  SmallVector<Source> sources(shape.size());
  for (auto [axis, source] : llvm::enumerate(sources))
    source.axis = broadcast.getAxes() ? (*broadcast.getAxes())[axis] : added + axis;
  return e.at(broadcast.getX(), e.remap(point, shape, sources));
}

Value emitReshape(Emitter &e, Operation *op, const Point &point) {
  Value x = op->getOperand(0);
  return e.at(x, e.reshape(point, shapeOf(x)));
}

Value emitTranspose(Emitter &e, Operation *op, const Point &point) {
  auto transpose = cast<graph::TransposeOp>(op);
  ArrayRef<int64_t> shape = shapeOf(transpose.getX());
  SmallVector<Source> sources(shape.size());
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    int64_t from = transpose.getPermutation() ? (*transpose.getPermutation())[axis]
                                              : static_cast<int64_t>(shape.size() - 1 - axis);
    sources[from].axis = axis;
  }
  return e.at(transpose.getX(), e.remap(point, shape, sources));
}

Value emitSlice(Emitter &e, Operation *op, const Point &point) {
  auto slice = cast<graph::SliceOp>(op);
  ArrayRef<int64_t> shape = shapeOf(slice.getX());
  SmallVector<Source> sources(shape.size());
  for (auto [axis, source] : llvm::enumerate(sources)) {
    int64_t start = slice.getStart()[axis];
    int64_t stride = slice.getStride() ? (*slice.getStride())[axis] : 1;
    if (start == 0 && stride == 1 && shape[axis] == point.shape[axis])
      source.axis = axis;
    else
      source.index = e.add(e.scale(e.coordinate(point, axis), stride), start);
  }
  return e.at(slice.getX(), e.remap(point, shape, sources));
}

// The value of `inner` where `condition` holds, of `outer` elsewhere. Lanes that take `outer` do
// not touch memory for `inner`.
Value emitPart(Emitter &e, Value condition, int depth, Type element, bool uniform,
               function_ref<Value()> inner, function_ref<Value()> outer) {
  if (!isa<VectorType>(condition.getType()))
    return e.choose(condition, e.vectorType(element, uniform ? 1 : e.lanes()), inner, outer);
  Value chosen, other = outer();
  Value mask =
      e.mask() ? arith::AndIOp::create(e.builder(), e.loc(), e.mask(), condition) : condition;
  e.masked(mask, depth, [&] { chosen = inner(); });
  return arith::SelectOp::create(e.builder(), e.loc(), condition, e.splat(chosen), e.splat(other));
}

Value emitConcatenate(Emitter &e, Operation *op, const Point &point) {
  auto concatenate = cast<graph::ConcatenateOp>(op);
  int64_t rank = point.shape.size();
  int64_t axis = concatenate.getAxis() < 0 ? concatenate.getAxis() + rank : concatenate.getAxis();
  Index index = e.coordinate(point, axis);
  SmallVector<Value> inputs;
  for (Value input : concatenate.getInputs())
    if (productOf(shapeOf(input))) inputs.push_back(input);
  Type element = elementOf(op->getResult(0));
  auto part = [&](Value input, int64_t begin) {
    SmallVector<Source> sources(rank);
    for (auto [i, source] : llvm::enumerate(sources)) source.axis = i;
    sources[axis] = {-1, e.add(index, -begin)};
    return e.at(input, e.remap(point, shapeOf(input), sources));
  };
  // The inputs from number `i` on; the first of them begins at `begin`.
  std::function<Value(size_t, int64_t)> join = [&](size_t i, int64_t begin) -> Value {
    if (i + 1 == inputs.size()) {
      // Lanes of inputs before this one must not read in front of it.
      if (index.isUniform() || i == 0) return part(inputs[i], begin);
      Value mask = e.inside(index, begin, point.shape[axis]);
      Value value;
      if (e.mask()) mask = arith::AndIOp::create(e.builder(), e.loc(), e.mask(), mask);
      e.masked(mask, e.depth(), [&] { value = part(inputs[i], begin); });
      return value;
    }
    int64_t end = begin + shapeOf(inputs[i])[axis];
    return emitPart(
        e, e.inside(index, begin, end), e.depth(), element, point.isUniform(),
        [&] { return part(inputs[i], begin); }, [&] { return join(i + 1, end); });
  };
  return join(0, 0);
}

Value emitPad(Emitter &e, Operation *op, const Point &point) {
  auto pad = cast<graph::PadOp>(op);
  ArrayRef<int64_t> shape = shapeOf(pad.getX());
  Type element = elementOf(pad.getX());
  Value border = emitNumber(e, e.builder().getF64FloatAttr(pad.getValue()), element);
  if (productOf(shape) == 0) return border;
  // Axis by axis: outside of the operand's range the border, inside the next axis.
  SmallVector<Source> sources(shape.size());
  std::function<Value(size_t)> descend = [&](size_t axis) -> Value {
    if (axis == shape.size()) return e.at(pad.getX(), e.remap(point, shape, sources));
    int64_t step = 1 + (pad.getInterior() ? (*pad.getInterior())[axis] : 0);
    if (pad.getLow()[axis] == 0 && pad.getHigh()[axis] == 0 && step == 1) {
      sources[axis].axis = axis;
      return descend(axis + 1);
    }
    Index index = e.add(e.coordinate(point, axis), -pad.getLow()[axis]);
    Value condition = e.inside(index, 0, (shape[axis] - 1) * step + 1);
    if (step > 1) {
      Value rest = e.materialize(e.modulo(index, step));
      Value zero = graph::scalarConstant(e.builder(), e.loc(), rest.getType(), 0);
      Value hit = arith::CmpIOp::create(e.builder(), e.loc(), arith::CmpIPredicate::eq, rest, zero);
      condition = arith::AndIOp::create(e.builder(), e.loc(), condition, hit);
    }
    sources[axis] = {-1, e.divide(index, step)};
    return emitPart(
        e, condition, e.depth(), element, point.isUniform(), [&] { return descend(axis + 1); },
        [&] { return border; });
  };
  return descend(0);
}

}  // namespace

void addStructureRules(RuleTable &table) {
  table.add<graph::ConstantOp>(emitConstant);
  table.add<graph::IotaOp>(emitIota);
  table.add<graph::BroadcastOp>(emitBroadcast);
  table.add<graph::ReshapeOp>(emitReshape);
  table.add<graph::TransposeOp>(emitTranspose);
  table.add<graph::SliceOp>(emitSlice);
  table.add<graph::ConcatenateOp>(emitConcatenate);
  table.add<graph::PadOp>(emitPad);
}

}  // namespace graven::codegen
