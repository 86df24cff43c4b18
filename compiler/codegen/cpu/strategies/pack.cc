#include "compiler/codegen/cpu/strategies/pack.h"

#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// Transposes a square of vectors in log2(lanes) steps: each exchanges blocks of half the size.
void transpose(Emitter &e, MutableArrayRef<Value> rows) {
  auto lanes = static_cast<int64_t>(rows.size());
  for (int64_t block = lanes / 2; block > 0; block /= 2) {
    SmallVector<int64_t> upper(lanes), lower(lanes);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      bool second = lane & block;
      upper[lane] = second ? lanes + lane - block : lane;
      lower[lane] = second ? lanes + lane : lane + block;
    }
    for (int64_t row = 0; row < lanes; ++row) {
      if (row & block) continue;
      Value a = rows[row], b = rows[row + block];
      rows[row] = vector::ShuffleOp::create(e.builder(), e.loc(), a, b, upper);
      rows[row + block] = vector::ShuffleOp::create(e.builder(), e.loc(), a, b, lower);
    }
  }
}

// Copies `width` columns from `from` on.
void emitPanel(Emitter &e, const PanelPacking &p, Value from, Value to, int64_t width) {
  e.setLanes(p.lanes);
  Type type = e.vectorType(p.element, p.lanes);
  Value zero = arith::ConstantOp::create(e.builder(), e.loc(), e.builder().getZeroAttr(type));
  auto target = [&](const Index &k, int64_t column) {
    return e.lanesFrom(e.add(e.scale(k, p.columns), column));
  };
  auto columnsFrom = [&](int64_t column) {
    return std::clamp<int64_t>(width - column, 0, p.lanes);
  };
  if (p.stride_k != 1 || p.lanes == 1) {
    e.loop(Index::constant(0), Index::constant(p.k), 1, [&](Index k) {
      Value row = e.pointerTo(from, p.element, e.scale(k, p.stride_k));
      for (int64_t column = 0; column < p.columns; column += p.lanes) {
        Value value = zero;
        Index index = Index::constant(column * p.stride_n);
        if (p.lanes > 1) index.step = p.stride_n;
        int64_t count = columnsFrom(column);
        auto load = [&] { value = e.load(row, p.element, index); };
        if (count == p.lanes)
          load();
        else if (count)
          e.masked(e.firstLanes(Index::constant(count)), e.depth(), load);
        e.store(to, p.element, target(k, column), value);
      }
    });
    return;
  }
  // Columns are contiguous: squares are read along them and transposed.
  for (int64_t column = 0; column < p.columns; column += p.lanes) {
    int64_t count = columnsFrom(column);
    auto square = [&](const Index &k, int64_t rows) {
      SmallVector<Value> values(p.lanes, zero);
      auto load = [&] {
        for (int64_t i = 0; i < count; ++i)
          values[i] = e.load(from, p.element, e.lanesFrom(e.add(k, (column + i) * p.stride_n)));
      };
      if (rows == p.lanes)
        load();
      else
        e.masked(e.firstLanes(Index::constant(rows)), e.depth(), load);
      transpose(e, values);
      for (int64_t i = 0; i < rows; ++i)
        e.store(to, p.element, target(e.add(k, i), column), values[i]);
    };
    int64_t whole = p.k / p.lanes * p.lanes;
    e.loop(Index::constant(0), Index::constant(whole), p.lanes,
           [&](Index k) { square(k, p.lanes); });
    if (p.k > whole) square(Index::constant(whole), p.k - whole);
  }
}

}  // namespace

void emitPackedPanel(Emitter &e, const PanelPacking &p, const Index &panel) {
  int64_t panels = llvm::divideCeil(p.n, p.columns);
  Index number = e.modulo(panel, panels), matrix = e.divide(panel, panels);
  Index offset = e.scale(number, p.columns * p.stride_n);
  int64_t inner = 1;
  for (auto [length, stride] : p.outer) inner *= length;
  for (auto [length, stride] : p.outer) {
    inner /= length;
    Index index = e.modulo(e.divide(matrix, inner), length);
    offset = e.add(offset, e.scale(index, stride));
  }
  Value from = e.pointerTo(p.source, p.element, offset);
  Value to = e.pointerTo(p.target, p.element, e.scale(panel, p.k * p.columns));
  int64_t left = p.n % p.columns;
  if (!left) return emitPanel(e, p, from, to, p.columns);
  if (panels == 1) return emitPanel(e, p, from, to, left);
  Value last = e.inside(number, panels - 1, panels);
  Value others = e.inside(number, 0, panels - 1);
  e.when(others, [&] { emitPanel(e, p, from, to, p.columns); });
  e.when(last, [&] { emitPanel(e, p, from, to, left); });
}

}  // namespace graven::codegen::cpu
