#include "compiler/codegen/cpu/strategies/map_loops.h"

#include "compiler/codegen/loops/axis_groups.h"
#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::cpu {

MapTiling tileMap(ValueRange values, const strategy::Target &target, int64_t block,
                  function_ref<bool(Value)> stored) {
  MapTiling tiling;
  tiling.shape.assign(shapeOf(values[0]).begin(), shapeOf(values[0]).end());
  AxisGroups axes = groupAxes(values, stored);
  tiling.groups = axes.groups;
  if (!axes.lengths.empty()) tiling.inner = axes.lengths.back();
  int64_t elements = productOf(tiling.shape);
  tiling.outer = tiling.inner ? elements / tiling.inner : 0;
  tiling.lanes = lanesFor(*values[0].getParentBlock(), target, tiling.inner);
  tiling.columns = tiling.inner;
  if (tiling.inner >= 2 * block) {
    tiling.columns = llvm::alignTo(block, tiling.lanes);
    tiling.grid = tiling.outer * llvm::divideCeil(tiling.inner, tiling.columns);
  } else {
    tiling.rows = std::max<int64_t>(block / std::max<int64_t>(tiling.inner, 1), 1);
    tiling.grid = llvm::divideCeil(tiling.outer, tiling.rows);
  }
  return tiling;
}

void emitMap(Emitter &e, const MapTiling &tiling, ArrayRef<MapOutput> outputs,
             const Index &workgroup) {
  e.setLanes(tiling.lanes);
  auto point = [&](const Index &row, const Index &column) {
    return groupedPoint(e, tiling.shape, tiling.groups, row, column);
  };
  auto body = [&](const Index &row, const Index &first) {
    Index column = e.lanesFrom(first);
    Point at = point(row, column);
    SmallVector<Value> values;
    for (const MapOutput &output : outputs) values.push_back(e.at(output.value, at));
    Index place = e.linear(at);
    for (auto [output, value] : llvm::zip(outputs, values))
      e.store(output.pointer, elementOf(output.value), place, value);
  };
  int64_t lanes = tiling.lanes, whole = tiling.inner / lanes * lanes, rest = tiling.inner - whole;
  Index end = Index::constant(whole);
  auto tail = [&](const Index &row) {
    e.masked(e.firstLanes(Index::constant(rest)), e.depth(),
             [&] { body(row, Index::constant(whole)); });
  };
  if (tiling.columns < tiling.inner) {
    int64_t blocks = llvm::divideCeil(tiling.inner, tiling.columns);
    Index row = e.divide(workgroup, blocks), number = e.modulo(workgroup, blocks);
    Index from = e.scale(number, tiling.columns);
    Index to = e.minimum(e.add(from, tiling.columns), end);
    e.loop(from, to, lanes, [&](Index first) { body(row, first); }, lanes);
    if (rest) e.when(e.inside(number, blocks - 1, blocks), [&] { tail(row); });
    return;
  }
  Index from = e.scale(workgroup, tiling.rows);
  Index to = e.minimum(e.add(from, tiling.rows), Index::constant(tiling.outer));
  e.loop(from, to, 1, [&](Index row) {
    if (whole == lanes)
      body(row, Index::constant(0));
    else if (whole)
      e.loop(Index::constant(0), end, lanes, [&](Index first) { body(row, first); });
    if (rest) tail(row);
  });
}

}  // namespace graven::codegen::cpu
