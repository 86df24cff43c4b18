#include "compiler/codegen/gpu/strategies/map_threads.h"

#include "compiler/codegen/loops/axis_groups.h"
#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::gpu {

int64_t lanesOfThread(Block &body, const strategy::Target &target, int64_t length) {
  int64_t widest = 0;
  auto widen = [&](Value value) {
    if (productOf(shapeOf(value)) > 1) widest = std::max(widest, bytesOf(elementOf(value)));
  };
  for (Value argument : body.getArguments()) widen(argument);
  for (Value output : body.getTerminator()->getOperands()) widen(output);
  int64_t lanes = lanesFor(body, target, length);
  if (widest != 2) return lanes;
  auto enough = static_cast<int64_t>(llvm::PowerOf2Ceil(std::max<int64_t>(length, 1)));
  return std::max(lanes, std::min(target.lanes(widest), enough));
}

MapTiling tileMap(ValueRange values, const strategy::Target &target,
                  function_ref<bool(Value)> stored) {
  MapTiling tiling;
  tiling.shape.assign(shapeOf(values[0]).begin(), shapeOf(values[0]).end());
  AxisGroups axes = groupAxes(values, stored);
  tiling.groups = axes.groups;
  if (!axes.lengths.empty()) tiling.inner = axes.lengths.back();
  int64_t elements = productOf(tiling.shape);
  tiling.outer = tiling.inner ? elements / tiling.inner : 0;
  tiling.lanes = lanesOfThread(*values[0].getParentBlock(), target, tiling.inner);
  // Rows that do not start at a multiple of the lanes would take unaligned accesses.
  while (tiling.outer > 1 && tiling.inner % tiling.lanes) tiling.lanes /= 2;
  // Few elements: rather more threads than wide ones.
  if (elements < target.processors * tiling.threads) tiling.lanes = 1;
  int64_t pieces = tiling.outer * llvm::divideCeil(tiling.inner, tiling.lanes);
  tiling.grid = llvm::divideCeil(pieces, tiling.threads);
  return tiling;
}

void emitMap(KernelFunction &function, const MapTiling &tiling, ArrayRef<MapOutput> outputs) {
  Emitter &e = function.emitter();
  auto body = [&](const Index &row, const Index &first) {
    Point at = groupedPoint(e, tiling.shape, tiling.groups, row, e.lanesFrom(first));
    SmallVector<Value> values;
    for (const MapOutput &output : outputs) values.push_back(e.at(output.value, at));
    Index place = e.linear(at);
    for (auto [output, value] : llvm::zip(outputs, values))
      e.store(output.pointer, elementOf(output.value), place, value);
  };
  int64_t whole = tiling.inner / tiling.lanes, rest = tiling.inner % tiling.lanes;
  Index piece = function.globalThread();
  e.setLanes(tiling.lanes);
  e.when(e.inside(piece, 0, tiling.outer * whole), [&] {
    Index row = Index::constant(0), column = piece;
    if (tiling.outer > 1) {
      row = e.divide(piece, whole);
      column = e.modulo(piece, whole);
    }
    body(row, e.scale(column, tiling.lanes));
  });
  // What is left over of a single row goes to the thread after the last whole piece.
  if (rest == 0) return;
  e.setLanes(1);
  e.when(e.inside(piece, whole, whole + 1), [&] {
    e.loop(Index::constant(whole * tiling.lanes), Index::constant(tiling.inner), 1,
           [&](Index element) { body(Index::constant(0), element); });
  });
}

}  // namespace graven::codegen::gpu
