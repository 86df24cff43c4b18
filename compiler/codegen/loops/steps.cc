#include "compiler/codegen/loops/steps.h"

#include "compiler/codegen/loops/rules.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen {
namespace {

bool isCostly(Operation *op) {
  return isa<graph::ReductionOpInterface, graph::DotGeneralOp, graph::ArgmaxOp,
             graph::ScatterAddOp>(op);
}

}  // namespace

Steps stepsOf(Block &body, StepVisitor visit) {
  Steps result;
  llvm::DenseSet<Value> stored;
  OperandRange outputs = body.getTerminator()->getOperands();
  auto add = [&](Value value, int64_t place, bool costly) {
    result.steps.push_back({"s" + std::to_string(result.steps.size()), value, place, costly});
    visit(result.steps.back(), [&](Value each) { return stored.contains(each); });
  };
  for (Operation &op : body.without_terminator()) {
    if (!isCostly(&op)) continue;
    Value value = op.getResult(0);
    auto output = llvm::find(outputs, value);
    if (output != outputs.end()) {
      add(value, output - outputs.begin(), true);
    } else {
      add(value, ~result.scratch_bytes, true);
      int64_t bytes = productOf(shapeOf(value)) * bytesOf(elementOf(value));
      result.scratch_bytes += llvm::alignTo(bytes, 64);
    }
    stored.insert(value);
  }
  for (auto [number, output] : llvm::enumerate(outputs)) {
    if (stored.contains(output) &&
        llvm::find(outputs, output) - outputs.begin() == static_cast<int64_t>(number))
      continue;
    add(output, static_cast<int64_t>(number), false);
  }
  if (result.steps.size() == 1) result.steps[0].name = "";
  return result;
}

bool hasRules(Block &body) {
  return llvm::all_of(body.without_terminator(),
                      [](Operation &op) { return rules().find(&op) != nullptr; });
}

}  // namespace graven::codegen
