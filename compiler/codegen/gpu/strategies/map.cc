#include "compiler/codegen/gpu/strategies/map_threads.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// Every op computes its elements one by one, without a loop of its own, and all results are of one
// shape.
bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  if (fused.getSegments()) return false;
  Block &body = fused.getBody().front();
  for (Operation &op : body.without_terminator()) {
    if (!rules().find(&op)) return false;
    if (isa<graph::ReductionOpInterface, graph::DotGeneralOp, graph::ArgmaxOp, graph::ScatterAddOp>(
            op))
      return false;
  }
  ArrayRef<int64_t> shape = shapeOf(body.getTerminator()->getOperand(0));
  return llvm::all_of(body.getTerminator()->getOperands(),
                      [&](Value output) { return shapeOf(output) == shape; });
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  MapTiling tiling = tileMap(body.getTerminator()->getOperands(), target);
  strategy::Plan plan;
  plan.params = {{"lanes", tiling.lanes}};
  plan.stages = {{"", tiling.grid, tiling.threads}};
  plan.same_index = strategy::sameIndexPairs(body);
  plan.shape = strategy::shapeName(tiling.shape);
  plan.config = "v" + std::to_string(tiling.lanes);
  return plan;
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  MapTiling tiling = tileMap(function.outputs(), target);
  SmallVector<MapOutput> outputs;
  for (auto [number, value] : llvm::enumerate(function.outputs()))
    outputs.push_back({value, function.outputPointer(number)});
  emitMap(function, tiling, outputs);
  return success();
}

}  // namespace

const strategy::Strategy kMapStrategy = {"map", matches, plan, emit};

}  // namespace graven::codegen::gpu
