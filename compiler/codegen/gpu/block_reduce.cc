#include "compiler/codegen/gpu/block_reduce.h"

#include "compiler/codegen/loops/rules.h"

using namespace mlir;

namespace graven::codegen::gpu {

std::vector<Values> reduceGroups(KernelFunction &function, int64_t group,
                                 MutableArrayRef<RowReduction> reductions,
                                 std::vector<Values> partials) {
  Emitter &e = function.emitter();
  OpBuilder &b = e.builder();
  Location loc = e.loc();
  auto joinWarps = [&](int64_t width) {
    for (auto [reduction, values] : llvm::zip(reductions, partials))
      values = warpReduce(b, loc, values, width, [&, &reduction = reduction](auto x, auto y) {
        return reduction.join(x, y);
      });
  };
  joinWarps(std::min(group, kWarp));
  if (group <= kWarp) return partials;

  int64_t warps = group / kWarp;
  int64_t lanes = e.lanes();
  e.setLanes(1);
  SmallVector<Value> places;  // of the warps' values, of all parts of all reductions
  for (const Values &values : partials)
    for (Value value : values) places.push_back(function.shared(warps * bytesOf(value.getType())));
  Index lane = e.modulo(function.thread(), kWarp), warp = e.divide(function.thread(), kWarp);
  e.when(e.inside(lane, 0, 1), [&] {
    size_t place = 0;
    for (const Values &values : partials)
      for (Value value : values) e.store(places[place++], value.getType(), warp, value);
  });
  barrier(b, loc);
  // Every warp joins the values of all.
  Index from = e.modulo(lane, warps);
  size_t place = 0;
  for (Values &values : partials)
    for (Value &value : values) value = e.load(places[place++], value.getType(), from);
  joinWarps(warps);
  e.setLanes(lanes);
  return partials;
}

}  // namespace graven::codegen::gpu
