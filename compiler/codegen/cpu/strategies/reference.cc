#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/cost.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kWork = 16384;  // operations a workgroup

// An op that loops over its operands: its result is stored, lest every reader run the loop again.
bool isCostly(Operation *op) {
  return isa<graph::ReductionOpInterface, graph::DotGeneralOp, graph::ArgmaxOp,
             graph::ScatterAddOp>(op);
}

// One launch: values of one shape that go to memory.
struct Step {
  std::string name;
  MapTiling tiling;
  SmallVector<Value> values;
  SmallVector<int64_t> places;  // output number of each, or ~offset in scratch memory
};

// A step for each costly op, then one for each output that is not stored yet.
struct Steps {
  std::vector<Step> steps;
  int64_t scratch_bytes = 0;
};

Steps stepsOf(Block &body, const strategy::Target &target) {
  Steps result;
  llvm::DenseSet<Value> stored;
  OperandRange outputs = body.getTerminator()->getOperands();
  auto isStored = [&](Value value) { return stored.contains(value); };
  auto add = [&](Value value, StringRef name) {
    Step step;
    step.name = name;
    int64_t work = 1;
    if (Operation *op = value.getDefiningOp())
      work = std::max<int64_t>(strategy::operationsPerElement(op), 1);
    step.tiling = tileMap(value, target, std::max<int64_t>(kWork / work, 64), isStored);
    step.values = {value};
    result.steps.push_back(std::move(step));
  };
  for (Operation &op : body.without_terminator()) {
    if (!isCostly(&op)) continue;
    Value value = op.getResult(0);
    add(value, "s" + std::to_string(result.steps.size()));
    stored.insert(value);
    auto output = llvm::find(outputs, value);
    if (output != outputs.end()) {
      result.steps.back().places = {static_cast<int64_t>(output - outputs.begin())};
    } else {
      result.steps.back().places = {~result.scratch_bytes};
      int64_t bytes = productOf(shapeOf(value)) * bytesOf(elementOf(value));
      result.scratch_bytes += llvm::alignTo(bytes, 64);
    }
  }
  llvm::DenseSet<Value> done;
  for (auto [number, output] : llvm::enumerate(outputs)) {
    if (stored.contains(output) &&
        llvm::find(outputs, output) - outputs.begin() == static_cast<int64_t>(number))
      continue;
    add(output, "s" + std::to_string(result.steps.size()));
    result.steps.back().places = {static_cast<int64_t>(number)};
  }
  if (result.steps.size() == 1) result.steps[0].name = "";
  return result;
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return llvm::all_of(fused.getBody().front().without_terminator(),
                      [](Operation &op) { return rules().find(&op) != nullptr; });
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  Steps steps = stepsOf(body, target);
  strategy::Plan plan;
  for (const Step &step : steps.steps) plan.stages.push_back({step.name, step.tiling.grid});
  plan.scratch_bytes = steps.scratch_bytes;
  // Outputs are written one after another, so only a single one may take an input's place.
  if (body.getTerminator()->getNumOperands() == 1) plan.same_index = strategy::sameIndexPairs(body);
  plan.shape = strategy::shapeName(shapeOf(body.getTerminator()->getOperand(0)));
  plan.config = "reference";
  return plan;
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  Steps steps = stepsOf(kernel.getBody().front(), target);
  for (size_t number = 0; number < steps.steps.size(); ++number) {
    const Step &step = steps.steps[number];
    KernelFunction function(kernel, step.name, out);
    auto pointerOf = [&](const Step &of) {
      return of.places[0] >= 0 ? function.outputPointer(of.places[0])
                               : function.scratchPointer(~of.places[0]);
    };
    for (const Step &before : ArrayRef<Step>(steps.steps).take_front(number))
      if (isCostly(before.values[0].getDefiningOp()))
        function.emitter().bindMemory(before.values[0], pointerOf(before));
    MapOutput output = {step.values[0], pointerOf(step)};
    function.forEachWorkgroup(
        [&](Index workgroup) { emitMap(function.emitter(), step.tiling, output, workgroup); });
  }
  return success();
}

}  // namespace

const strategy::Strategy kReferenceStrategy = {"reference", matches, plan, emit};

}  // namespace graven::codegen::cpu
