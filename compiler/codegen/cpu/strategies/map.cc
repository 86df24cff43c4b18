#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kBlock = 4096;  // elements a workgroup

MapTiling tile(Block &body, const strategy::Target &target) {
  return tileMap(body.getTerminator()->getOperands(), target, kBlock);
}

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
  MapTiling tiling = tile(body, target);
  strategy::Plan plan;
  plan.params = {{"lanes", tiling.lanes}, {"block", tiling.rows * tiling.columns}};
  plan.stages = {{"", tiling.grid}};
  plan.same_index = strategy::sameIndexPairs(body);
  plan.shape = strategy::shapeName(tiling.shape);
  plan.config = "v" + std::to_string(tiling.lanes);
  return plan;
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  MapTiling tiling = tile(function.body(), target);
  SmallVector<MapOutput> outputs;
  for (auto [number, value] : llvm::enumerate(function.outputs()))
    outputs.push_back({value, function.outputPointer(number)});
  function.streaming(streamedOutputs(function.body(), target), target, [&] {
    function.forEachWorkgroup(
        [&](Index workgroup) { emitMap(function.emitter(), tiling, outputs, workgroup); });
  });
  return success();
}

}  // namespace

const strategy::Strategy kMapStrategy = {"map", matches, plan, emit};

}  // namespace graven::codegen::cpu
