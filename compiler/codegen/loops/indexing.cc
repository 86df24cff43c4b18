// Access by computed index; indices are clamped into range.
#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen {
namespace {

using Source = Emitter::Source;

Value emitGather(Emitter &e, Operation *op, const Point &point) {
  auto gather = cast<graph::GatherOp>(op);
  ArrayRef<int64_t> shape = shapeOf(gather.getX()), places = shapeOf(gather.getIndices());
  int64_t rank = shape.size(), count = places.size();
  int64_t axis = gather.getAxis() < 0 ? gather.getAxis() + rank : gather.getAxis();
  SmallVector<Source> which(count);
  for (auto [number, source] : llvm::enumerate(which)) source.axis = axis + number;
  Point place = e.remap(point, places, which);
  int depth = e.depthOf(gather.getIndices(), place);
  Value index = clampedIndex(e, gather.getIndices(), place, shape[axis]);
  SmallVector<Source> sources(rank);
  for (auto [number, source] : llvm::enumerate(sources)) {
    int64_t own = number;
    source.axis = own < axis ? own : own + count - 1;
  }
  sources[axis] = {-1, e.wrap(index, std::max(depth, e.depth()))};
  return e.at(gather.getX(), e.remap(point, shape, sources));
}

// x plus those updates whose index is this element's, in the order of the indices.
Value emitScatterAdd(Emitter &e, Operation *op, const Point &point) {
  auto scatter = cast<graph::ScatterAddOp>(op);
  ArrayRef<int64_t> shape = shapeOf(scatter.getX()), places = shapeOf(scatter.getIndices());
  ArrayRef<int64_t> updates = shapeOf(scatter.getUpdates());
  int64_t rank = shape.size(), count = places.size();
  int64_t axis = scatter.getAxis() < 0 ? scatter.getAxis() + rank : scatter.getAxis();
  bool uniform = point.isUniform();
  OpBuilder &b = e.builder();
  Location loc = e.loc();
  Value here = e.materialize(e.coordinate(point, axis));
  Value initial = e.at(scatter.getX(), point);
  if (!uniform) initial = e.splat(initial);
  return e.loop(Index::constant(0), Index::constant(productOf(places)), 1, initial,
                [&](Index number, ValueRange carried) -> Emitter::Carry {
                  Point place = Point::flat(places, number);
                  Value there = clampedIndex(e, scatter.getIndices(), place, shape[axis]);
                  SmallVector<Value> both = {there, here};
                  e.unify(both);
                  Value hit =
                      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, both[0], both[1]);
                  SmallVector<Source> sources(updates.size());
                  for (auto [i, source] : llvm::enumerate(sources)) {
                    int64_t own = i;
                    if (own >= axis && own < axis + count)
                      source.index = e.coordinate(place, own - axis);
                    else
                      source.axis = own < axis ? own : own - count + 1;
                  }
                  auto sum = [&]() -> Value {
                    Value update = e.at(scatter.getUpdates(), e.remap(point, updates, sources));
                    if (!uniform) update = e.splat(update);
                    if (isa<FloatType>(elementOf(scatter.getX())))
                      return arith::AddFOp::create(b, loc, carried[0], update);
                    return arith::AddIOp::create(b, loc, carried[0], update);
                  };
                  Type type = carried[0].getType();
                  if (!isa<VectorType>(hit.getType()))
                    return {e.choose(hit, type, sum, [&] { return carried[0]; })};
                  return {arith::SelectOp::create(b, loc, hit, sum(), carried[0])};
                })[0];
}

}  // namespace

Value clampedIndex(Emitter &e, Value indices, const Point &point, int64_t length) {
  OpBuilder &b = e.builder();
  Value value = e.at(indices, point);
  // The clamp comes first: vectors of i32 are cheaper than of i64.
  int64_t top = length - 1;
  if (elementOf(indices).isInteger(32)) top = std::min<int64_t>(top, INT32_MAX);
  TypedAttr low = b.getZeroAttr(value.getType()), high;
  Type element = getElementTypeOrSelf(value.getType());
  high = b.getIntegerAttr(element, top);
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    high = DenseElementsAttr::get(vector, Attribute(high));
  value = arith::MaxSIOp::create(b, e.loc(), value, arith::ConstantOp::create(b, e.loc(), low));
  value = arith::MinSIOp::create(b, e.loc(), value, arith::ConstantOp::create(b, e.loc(), high));
  return graph::emitConvert(b, e.loc(), value, element, b.getI64Type());
}

void addIndexingRules(RuleTable &table) {
  table.add<graph::GatherOp>(emitGather);
  table.add<graph::ScatterAddOp>(emitScatterAdd);
}

}  // namespace graven::codegen
