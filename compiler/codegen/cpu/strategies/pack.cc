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
               int64_t width, int64_t panels) {
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
      int64_t run = p.stride_i == 1 ? panels * width : 1;
      for (int64_t i = 0; i < unit; ++i)
        for (int64_t line = 0; line < run; line += Emitter::kLine / bytesOf(p.element))
          e.prefetch(row, p.element, Index::constant((kPrefetchDistance + i) * p.stride_k + line));
      for (int64_t column = 0; column < panels * width; column += p.lanes) {
        int64_t panel = column / width, i = column % width;
        Value value = zero;
        Index index = Index::constant(column * p.stride_i);
        if (p.lanes > 1) index.step = p.stride_i;
        auto load = [&] {
          value =
              p.pairs ? loadPairs(e, row, index, p.stride_k, both) : e.load(row, p.element, index);
        };
        if (lanesAt(i) == p.lanes)
          load();
        else if (lanesAt(i))
          e.masked(e.firstLanes(Index::constant(lanesAt(i))), e.depth(), load);
        e.store(to, packed, e.add(target(k, i), panel * p.format.panelStride()), value);
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

namespace {

// Where panel `number` of matrix `matrix` is copied from, and to.
std::pair<Value, Value> placesOf(Emitter &e, const PanelPacking &p, const Index &matrix,
                                 const Index &number) {
  const PanelFormat &format = p.format;
  Index panel = e.add(e.scale(matrix, format.panels()), number);
  Index offset = e.scale(number, format.width * p.stride_i);
  int64_t inner = 1;
  for (auto [length, stride] : p.outer) inner *= length;
  for (auto [length, stride] : p.outer) {
    inner /= length;
    Index index = e.modulo(e.divide(matrix, inner), length);
    offset = e.add(offset, e.scale(index, stride));
  }
  return {e.pointerTo(p.source, p.element, offset),
          e.pointerTo(p.target, p.packedElement(), e.scale(panel, format.panelStride()))};
}

}  // namespace

void emitPackedPanel(Emitter &e, const PanelPacking &p, const Index &panel) {
  const PanelFormat &format = p.format;
  int64_t panels = format.panels();
  Index number = e.modulo(panel, panels), matrix = e.divide(panel, panels);
  auto [from, to] = placesOf(e, p, matrix, number);
  auto whole = [&, from = from, to = to] { emitPanel(e, p, from, to, format.width, format.width); };
  auto left = [&, from = from, to = to] {
    emitPanel(e, p, from, to, format.left(), format.leftWidth());
  };
  if (!format.left()) return whole();
  if (panels == 1) return left();
  Value last = e.inside(number, panels - 1, panels);
  Value others = e.inside(number, 0, panels - 1);
  e.when(others, whole);
  e.when(last, left);
}

void emitPackedGroup(Emitter &e, const PanelPacking &p, const Index &group) {
  if (p.together == 1) return emitPackedPanel(e, p, group);
  const PanelFormat &format = p.format;
  int64_t panels = format.panels(), groups = p.groups(), whole = format.wholePanels() / p.together;
  Index number = e.modulo(group, groups), matrix = e.divide(group, groups);
  Index first = e.scale(number, p.together);
  auto side_by_side = [&] {
    auto [from, to] = placesOf(e, p, matrix, first);
    emitPanel(e, p, from, to, format.width, format.width, p.together);
  };
  auto one_by_one = [&] {
    Index start = e.scale(matrix, panels);
    e.loop(first, Index::constant(panels), 1,
           [&](Index panel) { emitPackedPanel(e, p, e.add(start, panel)); });
  };
  if (whole == groups) return side_by_side();
  if (whole) e.when(e.inside(number, 0, whole), side_by_side);
  e.when(e.inside(number, whole, groups), one_by_one);
}

}  // namespace graven::codegen::cpu
