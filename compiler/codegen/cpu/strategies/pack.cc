#include "compiler/codegen/cpu/strategies/pack.h"

#include "compiler/codegen/cpu/strategies/transpose_square.h"
#include "compiler/codegen/loops/rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// How many k ahead elements are asked for from memory where each k is a stride away, which no
// machine foresees.
constexpr int64_t kPrefetchDistance = 24;

}  // namespace

void emitPanel(Emitter &e, const PanelPacking &p, Value from, Value to, int64_t count,
               int64_t width) {
  e.setLanes(p.lanes);
  Type type = e.vectorType(p.element, p.lanes);
  Value zero = arith::ConstantOp::create(e.builder(), e.loc(), e.builder().getZeroAttr(type));
  auto target = [&](const Index &k, int64_t i) { return e.lanesFrom(e.add(e.scale(k, width), i)); };
  auto lanesAt = [&](int64_t i) { return std::clamp<int64_t>(count - i, 0, p.lanes); };
  if (p.stride_k != 1 || p.lanes == 1) {
    e.loop(Index::constant(0), p.steps, 1, [&](Index k) {
      Value row = e.pointerTo(from, p.element, e.scale(k, p.stride_k));
      e.prefetch(row, p.element, Index::constant(kPrefetchDistance * p.stride_k));
      for (int64_t i = 0; i < width; i += p.lanes) {
        Value value = zero;
        Index index = Index::constant(i * p.stride_i);
        if (p.lanes > 1) index.step = p.stride_i;
        auto load = [&] { value = e.load(row, p.element, index); };
        if (lanesAt(i) == p.lanes)
          load();
        else if (lanesAt(i))
          e.masked(e.firstLanes(Index::constant(lanesAt(i))), e.depth(), load);
        e.store(to, registerType(p.element), target(k, i), value);
      }
    });
    return;
  }
  // Elements along k are contiguous: squares are read along them and transposed.
  for (int64_t i = 0; i < width; i += p.lanes) {
    auto square = [&](const Index &k, int64_t rows, const Index &valid) {
      SmallVector<Value> values(p.lanes, zero);
      auto load = [&] {
        for (int64_t l = 0; l < lanesAt(i); ++l)
          values[l] = e.load(from, p.element, e.lanesFrom(e.add(k, (i + l) * p.stride_i)));
      };
      if (valid.isConstant() && valid.offset == p.lanes)
        load();
      else
        e.masked(e.firstLanes(valid), e.depth(), load);
      transposeSquare(e, values);
      for (int64_t l = 0; l < rows; ++l)
        e.store(to, registerType(p.element), target(e.add(k, l), i), values[l]);
    };
    Index lanes = Index::constant(p.lanes);
    Index whole = e.scale(e.divide(p.steps, p.lanes), p.lanes);
    Index left = e.subtract(p.steps, whole);
    e.loop(Index::constant(0), whole, p.lanes, [&](Index k) { square(k, p.lanes, lanes); });
    if (!left.isConstant())
      e.when(e.inside(left, 1, p.lanes), [&] { square(whole, p.lanes, left); });
    else if (left.offset)
      square(whole, left.offset, left);
  }
}

void emitPackedPanel(Emitter &e, const PanelPacking &p, const Index &panel) {
  const PanelFormat &format = p.format;
  int64_t panels = format.panels();
  Index number = e.modulo(panel, panels), matrix = e.divide(panel, panels);
  Index offset = e.scale(number, format.width * p.stride_i);
  int64_t inner = 1;
  for (auto [length, stride] : p.outer) inner *= length;
  for (auto [length, stride] : p.outer) {
    inner /= length;
    Index index = e.modulo(e.divide(matrix, inner), length);
    offset = e.add(offset, e.scale(index, stride));
  }
  Value from = e.pointerTo(p.source, p.element, offset);
  Value to = e.pointerTo(p.target, registerType(p.element), e.scale(panel, format.panelStride()));
  auto whole = [&] { emitPanel(e, p, from, to, format.width, format.width); };
  auto left = [&] { emitPanel(e, p, from, to, format.left(), format.leftWidth()); };
  if (!format.left()) return whole();
  if (panels == 1) return left();
  Value last = e.inside(number, panels - 1, panels);
  Value others = e.inside(number, 0, panels - 1);
  e.when(others, whole);
  e.when(last, left);
}

}  // namespace graven::codegen::cpu
