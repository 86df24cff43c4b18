#include "compiler/codegen/loops/row_reduction.h"

#include "compiler/codegen/loops/rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen {

bool isReduction(Operation *op) { return isa<graph::ReductionOpInterface, graph::ArgmaxOp>(op); }

int64_t RowReduction::parts() const { return isa<graph::ArgmaxOp>(op_) ? 2 : 1; }

Value RowReduction::neutral() {
  Type element = elementOf(op_->getOperand(0));
  auto type = e_.vectorType(element, e_.lanes());
  if (auto reduction = dyn_cast<graph::ReductionOpInterface>(op_))
    return reduction.emitNeutral(e_.builder(), e_.loc(), type);
  // The least there is: no element is smaller, and where all are equal to it the lowest index that
  // a lane begins with is the right one.
  Type held = registerType(element);
  OpBuilder &b = e_.builder();
  TypedAttr least;
  if (auto real = dyn_cast<FloatType>(held)) {
    least = FloatAttr::get(real, APFloat::getInf(real.getFloatSemantics(), /*Negative=*/true));
  } else {
    unsigned width = held.getIntOrFloatBitWidth();
    bool is_unsigned = element.isUnsignedInteger() || width == 1;
    least = b.getIntegerAttr(held, is_unsigned ? APInt(width, 0) : APInt::getSignedMinValue(width));
  }
  return e_.splat(arith::ConstantOp::create(b, e_.loc(), least));
}

RowReduction::Values RowReduction::beginAt(const Index &columns) {
  if (parts() == 1) return {neutral()};
  return {neutral(), e_.splat(e_.materialize(columns, e_.builder().getI32Type()))};
}

// The partial result comes second: a NaN among the new elements is then looked for without
// waiting for it.
Value RowReduction::combine(Value element, Value partial) {
  Value result =
      cast<graph::ReductionOpInterface>(op_).emitCombine(e_.builder(), e_.loc(), element, partial);
  // The sign of a zero that is the largest costs three instructions; strict code alone tells it.
  if (!strict_ && isa_and_nonnull<arith::MaximumFOp, arith::MinimumFOp>(result.getDefiningOp()))
    result.getDefiningOp()->setAttr(
        "fastmath", arith::FastMathFlagsAttr::get(op_->getContext(), arith::FastMathFlags::nsz));
  return result;
}

Value RowReduction::larger(Value a, Value b) {
  OpBuilder &builder = e_.builder();
  Type element = elementOf(op_->getOperand(0));
  if (isa<FloatType>(element)) {
    using P = arith::CmpFPredicate;
    Value above = arith::CmpFOp::create(builder, e_.loc(), P::UGT, a, b);
    Value number = arith::CmpFOp::create(builder, e_.loc(), P::ORD, b, b);
    return arith::AndIOp::create(builder, e_.loc(), above, number);
  }
  using P = arith::CmpIPredicate;
  bool is_unsigned = element.isUnsignedInteger() || element.isInteger(1);
  return arith::CmpIOp::create(builder, e_.loc(), is_unsigned ? P::ugt : P::sgt, a, b);
}

Value RowReduction::equal(Value a, Value b) {
  OpBuilder &builder = e_.builder();
  if (!isa<FloatType>(elementOf(op_->getOperand(0))))
    return arith::CmpIOp::create(builder, e_.loc(), arith::CmpIPredicate::eq, a, b);
  using P = arith::CmpFPredicate;
  Value same = arith::CmpFOp::create(builder, e_.loc(), P::OEQ, a, b);
  Value a_nan = arith::CmpFOp::create(builder, e_.loc(), P::UNO, a, a);
  Value b_nan = arith::CmpFOp::create(builder, e_.loc(), P::UNO, b, b);
  Value both = arith::AndIOp::create(builder, e_.loc(), a_nan, b_nan);
  return arith::OrIOp::create(builder, e_.loc(), same, both);
}

RowReduction::Values RowReduction::add(ValueRange partial, Value element, const Index &column) {
  OpBuilder &b = e_.builder();
  element = e_.splat(element);
  if (e_.mask()) element = arith::SelectOp::create(b, e_.loc(), e_.mask(), element, neutral());
  if (parts() == 1) return {combine(element, partial[0])};
  Value index = e_.splat(e_.materialize(column, b.getI32Type()));
  Value better = larger(element, partial[0]);
  return {arith::SelectOp::create(b, e_.loc(), better, element, partial[0]),
          arith::SelectOp::create(b, e_.loc(), better, index, partial[1])};
}

RowReduction::Values RowReduction::join(ValueRange a, ValueRange b) {
  if (parts() == 1) return {combine(a[0], b[0])};
  OpBuilder &builder = e_.builder();
  Value before = arith::CmpIOp::create(builder, e_.loc(), arith::CmpIPredicate::slt, b[1], a[1]);
  Value earlier = arith::AndIOp::create(builder, e_.loc(), equal(b[0], a[0]), before);
  Value better = arith::OrIOp::create(builder, e_.loc(), larger(b[0], a[0]), earlier);
  return {arith::SelectOp::create(builder, e_.loc(), better, b[0], a[0]),
          arith::SelectOp::create(builder, e_.loc(), better, b[1], a[1])};
}

RowReduction::Values RowReduction::joinLanes(Values partial) {
  OpBuilder &b = e_.builder();
  for (int64_t lanes = e_.lanes() / 2; lanes >= 1; lanes /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes; ++i) {
      low.push_back(i);
      high.push_back(lanes + i);
    }
    Values lower, upper;
    for (Value value : partial) {
      upper.push_back(vector::ShuffleOp::create(b, e_.loc(), value, value, high));
      lower.push_back(vector::ShuffleOp::create(b, e_.loc(), value, value, low));
    }
    partial = join(lower, upper);
  }
  for (Value &value : partial)
    if (isa<VectorType>(value.getType()))
      value = vector::ExtractOp::create(b, e_.loc(), value, ArrayRef<int64_t>{0});
  return partial;
}

}  // namespace graven::codegen
