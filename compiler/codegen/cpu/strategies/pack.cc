#include "compiler/codegen/cpu/strategies/pack.h"

#include "compiler/codegen/cpu/strategies/bf16_pairs.h"
#include "compiler/codegen/cpu/strategies/transpose_square.h"
#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// How many k ahead elements are asked for from memory where each k is a stride away, which no
// machine foresees.
constexpr int64_t kPrefetchDistance = 24;

}  // namespace

Type PanelPacking::packedElement() const {
  return pairs ? IntegerType::get(element.getContext(), 32) : registerType(element);
}

void emitPanel(Emitter &e, const PanelPacking &p, Value from, Value to, int64_t count,
               int64_t width) {
  e.setLanes(p.lanes);
  // What a unit of the panel holds of k, and the units that are filled; all of them wholly but,
  // where k is odd, the last pair.
  int64_t unit = p.pairs ? 2 : 1;
  Index units = e.divide(p.steps, unit), end = e.divide(e.add(p.steps, unit - 1), unit);
  Type packed = p.packedElement(), type = e.vectorType(packed, p.lanes);
  Value zero = arith::ConstantOp::create(e.builder(), e.loc(), e.builder().getZeroAttr(type));
  auto target = [&](const Index &k, int64_t i) { return e.lanesFrom(e.add(e.scale(k, width), i)); };
  auto lanesAt = [&](int64_t i) { return std::clamp<int64_t>(count - i, 0, p.lanes); };
  if (p.stride_k != 1 || p.lanes == 1) {
    auto step = [&](const Index &k, bool both) {
      Value row = e.pointerTo(from, p.element, e.scale(k, unit * p.stride_k));
      for (int64_t i = 0; i < unit; ++i)
        e.prefetch(row, p.element, Index::constant((kPrefetchDistance + i) * p.stride_k));
      for (int64_t i = 0; i < width; i += p.lanes) {
        Value value = zero;
        Index index = Index::constant(i * p.stride_i);
        if (p.lanes > 1) index.step = p.stride_i;
        auto load = [&] {
          value =
              p.pairs ? loadPairs(e, row, index, p.stride_k, both) : e.load(row, p.element, index);
        };
        if (lanesAt(i) == p.lanes)
          load();
        else if (lanesAt(i))
          e.masked(e.firstLanes(Index::constant(lanesAt(i))), e.depth(), load);
        e.store(to, packed, target(k, i), value);
      }
    };
    e.loop(Index::constant(0), units, 1, [&](Index k) { step(k, true); });
    if (p.pairs) e.loop(units, end, 1, [&](Index k) { step(k, false); });
    return;
  }
  // Elements along k are contiguous: squares are read along them and transposed.
  for (int64_t i = 0; i < width; i += p.lanes) {
    // `valid`: elements of k that there are.
    auto square = [&](const Index &k, int64_t rows, const Index &valid) {
      SmallVector<Value> values(p.lanes, zero);
      auto load = [&] {
        for (int64_t l = 0; l < lanesAt(i); ++l) {
          Index first = e.add(e.scale(k, unit), (i + l) * p.stride_i);
          values[l] = p.pairs ? loadPairsAlongK(e, from, first, valid)
                              : e.load(from, p.element, e.lanesFrom(first));
        }
      };
      if (p.pairs || (valid.isConstant() && valid.offset == p.lanes))
        load();
      else
        e.masked(e.firstLanes(valid), e.depth(), load);
      transposeSquare(e, values);
      for (int64_t l = 0; l < rows; ++l) e.store(to, packed, target(e.add(k, l), i), values[l]);
    };
    int64_t side = unit * p.lanes;
    Index whole = e.scale(e.divide(p.steps, side), p.lanes);
    Index left = e.subtract(p.steps, e.scale(whole, unit));
    e.loop(Index::constant(0), whole, p.lanes,
           [&](Index k) { square(k, p.lanes, Index::constant(side)); });
    if (!left.isConstant())
      e.when(e.inside(left, 1, side), [&] { square(whole, p.lanes, left); });
    else if (left.offset)
      square(whole, llvm::divideCeil(left.offset, unit), left);
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
  Value to = e.pointerTo(p.target, p.packedElement(), e.scale(panel, format.panelStride()));
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
