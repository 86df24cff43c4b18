// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011).
#include <array>
#include <numeric>

#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen {
namespace {

using Words = std::array<Value, 4>;

// Integer arithmetic on words of 32 bits: i32 scalars, or vectors. A vector holds each word in the
// lower half of an i64, where one instruction multiplies two words, whatever their upper halves
// hold, and leaves both words of the product in their places.
struct WordBuilder {
  OpBuilder &b;
  Location loc;
  int64_t lanes;  // 0: scalars

  Type typeOf(Type element) const { return lanes ? VectorType::get({lanes}, element) : element; }
  Type type() const { return typeOf(lanes ? b.getI64Type() : b.getI32Type()); }
  Value constant(uint32_t value) const {
    if (!lanes) return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value)));
    auto vector = cast<VectorType>(type());
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(vector, Attribute(b.getI64IntegerAttr(value))));
  }
  // An i32 scalar, or an i32 for each lane, as a word.
  Value word(Value value) const {
    if (!lanes) return value;
    Value word = value;
    if (!isa<VectorType>(value.getType()))
      word = vector::BroadcastOp::create(b, loc, typeOf(b.getI32Type()), value);
    return arith::ExtUIOp::create(b, loc, type(), word);
  }
  // A word as an i32, or an i32 for each lane.
  Value narrow(Value word) const {
    if (!lanes) return word;
    return arith::TruncIOp::create(b, loc, typeOf(b.getI32Type()), word);
  }
  // High and low word of the product with a constant.
  std::pair<Value, Value> multiply(Value x, uint32_t factor) const {
    if (!lanes) {
      auto product = arith::MulUIExtendedOp::create(b, loc, x, constant(factor));
      return {product.getHigh(), product.getLow()};
    }
    Value lower = arith::AndIOp::create(b, loc, x, constant(~uint32_t{0}));
    Value product = arith::MulIOp::create(b, loc, lower, constant(factor));
    Value bits = arith::ConstantOp::create(
        b, loc,
        DenseElementsAttr::get(cast<VectorType>(type()), Attribute(b.getI64IntegerAttr(32))));
    return {arith::ShRUIOp::create(b, loc, product, bits), product};
  }
  Value exclusiveOr(Value x, Value y) const { return arith::XOrIOp::create(b, loc, x, y); }
};

// Ten rounds on `counter`; the key's two words are scalars. The results are of i32.
Words philox(const WordBuilder &w, Words counter, Value key0, Value key1) {
  constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  auto bump = [&](Value key, uint32_t by) -> Value {
    Value step =
        arith::ConstantOp::create(w.b, w.loc, w.b.getI32IntegerAttr(static_cast<int32_t>(by)));
    return arith::AddIOp::create(w.b, w.loc, key, step);
  };
  for (int round = 0; round < 10; ++round) {
    if (round) {
      key0 = bump(key0, kWeyl0);
      key1 = bump(key1, kWeyl1);
    }
    auto [high0, low0] = w.multiply(counter[0], kMultiplier0);
    auto [high1, low1] = w.multiply(counter[2], kMultiplier1);
    counter = {w.exclusiveOr(w.exclusiveOr(high1, counter[1]), w.word(key0)), low1,
               w.exclusiveOr(w.exclusiveOr(high0, counter[3]), w.word(key1)), low0};
  }
  for (Value &each : counter) each = w.narrow(each);
  return counter;
}

// What a draw is made from: the key's words and the counter's upper three.
struct Draw {
  Operation *op;
  Value key0, key1, site, low, high;
};

Draw drawOf(Emitter &e, Operation *op, Value key, Value counter, int64_t site) {
  OpBuilder &b = e.builder();
  Draw draw;
  draw.op = op;
  draw.key0 = e.at(key, Point::flat({2}, Index::constant(0)));
  draw.key1 = e.at(key, Point::flat({2}, Index::constant(1)));
  draw.site = e.integer(static_cast<int32_t>(site), 32);
  draw.low = draw.high = e.integer(0, 32);
  if (counter) {
    Value wide = e.at(counter, Point());
    draw.low = arith::TruncIOp::create(b, e.loc(), b.getI32Type(), wide);
    Value shifted = arith::ShRUIOp::create(b, e.loc(), wide, e.integer(32));
    draw.high = arith::TruncIOp::create(b, e.loc(), b.getI32Type(), shifted);
  }
  return draw;
}

// The words of `blocks` blocks from word `first` on: the first words of all blocks, then the second
// ones, and so on.
Value wordsOfBlocks(Emitter &e, const Draw &draw, const Index &first, int64_t blocks) {
  OpBuilder &b = e.builder();
  Location loc = e.loc();
  WordBuilder w{b, loc, blocks};
  SmallVector<int32_t> steps(blocks);
  std::iota(steps.begin(), steps.end(), 0);
  Value count = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(VectorType::get({blocks}, b.getI32Type()), ArrayRef<int32_t>(steps)));
  Value from = vector::BroadcastOp::create(b, loc, count.getType(),
                                           e.materialize(e.divide(first, 4), b.getI32Type()));
  count = arith::AddIOp::create(b, loc, from, count);
  Words out = philox(w, {w.word(count), w.word(draw.site), w.word(draw.low), w.word(draw.high)},
                     draw.key0, draw.key1);
  auto join = [&](Value x, Value y) -> Value {
    int64_t length = cast<VectorType>(x.getType()).getDimSize(0);
    SmallVector<int64_t> order(2 * length);
    std::iota(order.begin(), order.end(), 0);
    return vector::ShuffleOp::create(b, loc, x, y, order);
  };
  return join(join(out[0], out[1]), join(out[2], out[3]));
}

// The words numbered `number` of the stream: a scalar, or a vector of lanes.
Value words(Emitter &e, const Draw &draw, const Index &number) {
  OpBuilder &b = e.builder();
  Location loc = e.loc();
  // Lanes that fill whole blocks: each block is computed once and its words are interleaved. The
  // blocks of all vectors of a run fill registers better.
  bool whole = number.step == 1 && e.lanes() % 4 == 0 &&
               (number.base ? number.multiple % 4 == 0 : true) && number.offset % 4 == 0;
  if (whole && e.lanes() * e.run().count > 4) {
    int64_t before = e.run().number * e.lanes(), blocks = e.lanes() * e.run().count / 4;
    Index first = e.add(number, -before);
    first.step = 0;
    Value all = e.once({reinterpret_cast<uintptr_t>(draw.op),
                        reinterpret_cast<uintptr_t>(first.base.getAsOpaquePointer()),
                        static_cast<uintptr_t>(first.offset), static_cast<uintptr_t>(blocks)},
                       e.depth(), [&] { return wordsOfBlocks(e, draw, first, blocks); });
    SmallVector<int64_t> order;
    for (int64_t lane = before; lane < before + e.lanes(); ++lane)
      order.push_back(lane % 4 * blocks + lane / 4);
    return vector::ShuffleOp::create(b, loc, all, all, order);
  }
  Value counter = e.materialize(e.divide(number, 4), b.getI32Type());
  if (!number.isUniform()) counter = e.splat(counter);
  auto vector = dyn_cast<VectorType>(counter.getType());
  WordBuilder w{b, loc, vector ? vector.getDimSize(0) : 0};
  Words out = philox(w, {w.word(counter), w.word(draw.site), w.word(draw.low), w.word(draw.high)},
                     draw.key0, draw.key1);
  Value which = e.materialize(e.modulo(number, 4), b.getI32Type());
  if (!number.isUniform()) which = e.splat(which);
  Value value = out[3];
  for (int i = 2; i >= 0; --i) {
    Value here = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, which,
                                       graph::scalarConstant(b, loc, which.getType(), i));
    value = arith::SelectOp::create(b, loc, here, out[i], value);
  }
  return value;
}

Value emitBits(Emitter &e, Operation *op, const Point &point) {
  auto bits = cast<graph::RandomBitsOp>(op);
  Draw draw = drawOf(e, op, bits.getKey(), bits.getCounter(), bits.getSite().value_or(0));
  return words(e, draw, e.linear(point));
}

Value emitUniform(Emitter &e, Operation *op, const Point &point) {
  auto uniform = cast<graph::RandomUniformOp>(op);
  OpBuilder &b = e.builder();
  Location loc = e.loc();
  Draw draw = drawOf(e, op, uniform.getKey(), uniform.getCounter(), uniform.getSite().value_or(0));
  Index number = e.linear(point);
  Type element = elementOf(uniform.getResult());
  auto integerLike = [&](Value like, unsigned width) {
    return graph::withElementType(like.getType(), b.getIntegerType(width));
  };
  if (element.isF32()) {
    Value word = words(e, draw, number);
    Value top =
        arith::ShRUIOp::create(b, loc, word, graph::scalarConstant(b, loc, word.getType(), 8));
    Type type = graph::withElementType(word.getType(), element);
    Value real = arith::SIToFPOp::create(b, loc, type, top);
    return arith::MulFOp::create(b, loc, real, graph::scalarConstant(b, loc, type, 0x1p-24));
  }
  // Words 2i (upper) and 2i + 1 (lower) as one number of 64 bits.
  Index upper = e.scale(number, 2), lower = e.add(upper, 1);
  Value high = words(e, draw, upper), low = words(e, draw, lower);
  Type wide = integerLike(high, 64);
  high = arith::ExtUIOp::create(b, loc, wide, high);
  low = arith::ExtUIOp::create(b, loc, wide, low);
  high = arith::ShLIOp::create(b, loc, high, graph::scalarConstant(b, loc, wide, 32));
  Value all = arith::OrIOp::create(b, loc, high, low);
  all = arith::ShRUIOp::create(b, loc, all, graph::scalarConstant(b, loc, wide, 11));
  Type type = graph::withElementType(wide, element);
  Value real = arith::SIToFPOp::create(b, loc, type, all);
  return arith::MulFOp::create(b, loc, real, graph::scalarConstant(b, loc, type, 0x1p-53));
}

Value emitFold(Emitter &e, Operation *op, const Point &point) {
  auto fold = cast<graph::RandomFoldOp>(op);
  OpBuilder &b = e.builder();
  Location loc = e.loc();
  Draw draw = drawOf(e, op, fold.getKey(), {}, 0);
  WordBuilder w{b, loc, 0};
  Value zero = w.constant(0);
  Words out = philox(w, {e.at(fold.getData(), Point()), zero, zero, w.constant(0x80000000u)},
                     draw.key0, draw.key1);
  Index which = e.coordinate(point, 0);
  Value number = e.materialize(which, b.getI32Type());
  SmallVector<Value> choice = {number, out[0], out[1]};
  if (!which.isUniform())
    for (Value &value : choice) value = e.splat(value);
  Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, choice[0],
                                      graph::scalarConstant(b, loc, choice[0].getType(), 0));
  return arith::SelectOp::create(b, loc, first, choice[1], choice[2]);
}

}  // namespace

void addRandomRules(RuleTable &table) {
  table.add<graph::RandomBitsOp>(emitBits);
  table.add<graph::RandomUniformOp>(emitUniform);
  table.add<graph::RandomFoldOp>(emitFold);
}

}  // namespace graven::codegen
