// Reductions at a point: loops over the reduced axes, in ascending order.
#include "compiler/codegen/loops/rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen {
namespace {

using Source = Emitter::Source;

// Opens a loop for each axis of `axes` (of `shape`), carrying `initial`; `body` gets the indices.
Emitter::Carry nest(Emitter &e, ArrayRef<int64_t> shape, ArrayRef<int64_t> axes,
                    SmallVectorImpl<Source> &sources, ValueRange initial,
                    function_ref<Emitter::Carry(ValueRange)> body) {
  if (axes.empty()) return body(initial);
  return e.loop(Index::constant(0), Index::constant(shape[axes[0]]), 1, initial,
                [&](Index index, ValueRange carried) {
                  sources[axes[0]] = {-1, index};
                  return nest(e, shape, axes.drop_front(), sources, carried, body);
                });
}

// Sources of a reduction's operand: each axis that is kept comes from an axis of the result.
SmallVector<Source> keptAxes(int64_t rank, ArrayRef<int64_t> reduced, bool keep_dims) {
  SmallVector<Source> sources(rank);
  int64_t next = 0;
  for (int64_t axis = 0; axis < rank; ++axis) {
    bool gone = llvm::is_contained(reduced, axis);
    if (!gone || keep_dims) sources[axis].axis = next++;
    if (gone) sources[axis].axis = -1;
  }
  return sources;
}

Value emitReduction(Emitter &e, Operation *op, const Point &point) {
  auto reduction = cast<graph::ReductionOpInterface>(op);
  Value x = op->getOperand(0);
  ArrayRef<int64_t> shape = shapeOf(x);
  SmallVector<int64_t> axes = reduction.getReducedAxes();
  auto keep = op->getAttrOfType<BoolAttr>("keep_dims");
  SmallVector<Source> sources = keptAxes(shape.size(), axes, keep && keep.getValue());
  bool uniform = point.isUniform();
  Type type = e.vectorType(elementOf(x), uniform ? 1 : e.lanes());
  Value initial = reduction.emitNeutral(e.builder(), e.loc(), type);
  return nest(e, shape, axes, sources, initial, [&](ValueRange carried) {
    Point at = e.remap(point, shape, sources);
    Value value = e.at(x, at);
    if (!uniform) value = e.splat(value);
    return Emitter::Carry{reduction.emitCombine(e.builder(), e.loc(), carried[0], value)};
  })[0];
}

// The first largest element's place; a NaN is larger than all numbers.
Value emitArgmax(Emitter &e, Operation *op, const Point &point) {
  auto argmax = cast<graph::ArgmaxOp>(op);
  Value x = argmax.getX();
  ArrayRef<int64_t> shape = shapeOf(x);
  int64_t rank = shape.size();
  int64_t axis = argmax.getAxis() < 0 ? argmax.getAxis() + rank : argmax.getAxis();
  SmallVector<Source> sources = keptAxes(rank, {axis}, false);
  bool uniform = point.isUniform();
  OpBuilder &b = e.builder();
  Location loc = e.loc();
  auto element = [&](Index index) {
    sources[axis] = {-1, index};
    Value value = e.at(x, e.remap(point, shape, sources));
    return uniform ? value : e.splat(value);
  };
  Value first = element(Index::constant(0));
  Value zero = e.integer(0, 32);
  if (!uniform) zero = e.splat(zero);
  return e.loop(Index::constant(1), Index::constant(shape[axis]), 1, ValueRange{first, zero},
                [&](Index index, ValueRange carried) {
                  Value value = element(index);
                  Value place = e.materialize(index, b.getI32Type());
                  if (!uniform) place = e.splat(place);
                  Value better;
                  if (isa<FloatType>(elementOf(x))) {
                    using P = arith::CmpFPredicate;
                    Value larger = arith::CmpFOp::create(b, loc, P::UGT, value, carried[0]);
                    Value number = arith::CmpFOp::create(b, loc, P::ORD, carried[0], carried[0]);
                    better = arith::AndIOp::create(b, loc, larger, number);
                  } else {
                    auto order = elementOf(x).isUnsignedInteger() || elementOf(x).isInteger(1)
                                     ? arith::CmpIPredicate::ugt
                                     : arith::CmpIPredicate::sgt;
                    better = arith::CmpIOp::create(b, loc, order, value, carried[0]);
                  }
                  return Emitter::Carry{arith::SelectOp::create(b, loc, better, value, carried[0]),
                                        arith::SelectOp::create(b, loc, better, place, carried[1])};
                })[1];
}

}  // namespace

void addReductionRules(RuleTable &table) {
  table.add<graph::SumOp>(emitReduction);
  table.add<graph::ProdOp>(emitReduction);
  table.add<graph::MaxOp>(emitReduction);
  table.add<graph::MinOp>(emitReduction);
  table.add<graph::ArgmaxOp>(emitArgmax);
}

}  // namespace graven::codegen
