#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/codegen/loops/steps.h"
#include "compiler/strategy/cost.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kWork = 16384;  // operations a workgroup

// The steps, and how each is tiled.
std::pair<Steps, std::vector<MapTiling>> tiledSteps(Block &body, const strategy::Target &target) {
  std::vector<MapTiling> tilings;
  Steps steps = stepsOf(body, [&](const Step &step, function_ref<bool(Value)> stored) {
    int64_t work = 1;
    if (Operation *op = step.value.getDefiningOp())
      work = std::max<int64_t>(strategy::operationsPerElement(op), 1);
    tilings.push_back(tileMap(step.value, target, std::max<int64_t>(kWork / work, 64), stored));
  });
  return {std::move(steps), std::move(tilings)};
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return hasRules(fused.getBody().front());
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  auto [steps, tilings] = tiledSteps(body, target);
  strategy::Plan plan;
  for (auto [step, tiling] : llvm::zip(steps.steps, tilings))
    plan.stages.push_back({step.name, tiling.grid});
  plan.scratch_bytes = steps.scratch_bytes;
  // Outputs are written one after another, so only a single one may take an input's place.
  if (body.getTerminator()->getNumOperands() == 1) plan.same_index = strategy::sameIndexPairs(body);
  plan.shape = strategy::shapeName(shapeOf(body.getTerminator()->getOperand(0)));
  plan.config = "reference";
  return plan;
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  auto [steps, tilings] = tiledSteps(kernel.getBody().front(), target);
  for (size_t number = 0; number < steps.steps.size(); ++number) {
    const Step &step = steps.steps[number];
    KernelFunction function(kernel, step.name, out);
    auto pointerOf = [&](const Step &of) {
      return of.place >= 0 ? function.outputPointer(of.place) : function.scratchPointer(~of.place);
    };
    for (const Step &before : ArrayRef<Step>(steps.steps).take_front(number))
      if (before.costly) function.emitter().bindMemory(before.value, pointerOf(before));
    MapOutput output = {step.value, pointerOf(step)};
    const MapTiling &tiling = tilings[number];
    function.forEachWorkgroup(
        [&](Index workgroup) { emitMap(function.emitter(), tiling, output, workgroup); });
  }
  return success();
}

}  // namespace

const strategy::Strategy kReferenceStrategy = {"reference", matches, plan, emit};

}  // namespace graven::codegen::cpu
