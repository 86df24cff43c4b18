#include "compiler/codegen/gpu/strategies/map_threads.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/codegen/loops/steps.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// The steps, and how each is dealt out. Segments' values are steps of their own.
std::pair<Steps, std::vector<MapTiling>> tiledSteps(Block &body, const strategy::Target &target) {
  std::vector<MapTiling> tilings;
  Steps steps = stepsOf(body, [&](const Step &step, function_ref<bool(Value)> stored) {
    tilings.push_back(tileMap(step.value, target, stored));
    // A thread that loops over operands takes one element, whose loads its neighbours' adjoin.
    if (step.costly) {
      MapTiling &tiling = tilings.back();
      tiling.lanes = 1;
      tiling.grid = llvm::divideCeil(tiling.outer * tiling.inner, tiling.threads);
    }
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
    plan.stages.push_back({step.name, tiling.grid, tiling.threads});
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
    emitMap(function, tilings[number], MapOutput{step.value, pointerOf(step)});
  }
  return success();
}

}  // namespace

const strategy::Strategy kReferenceStrategy = {"reference", matches, plan, emit};

}  // namespace graven::codegen::gpu
