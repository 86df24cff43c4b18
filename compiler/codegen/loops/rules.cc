#include "compiler/codegen/loops/rules.h"

using namespace mlir;

namespace graven::codegen {
namespace {

// Any elementwise op: its operands at the same point.
Value emitElementwise(Emitter &e, Operation *op, const Point &point) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) operands.push_back(e.at(operand, point));
  e.unify(operands);
  return cast<graph::ElementwiseOpInterface>(op).emitScalar(e.builder(), e.loc(), operands);
}

}  // namespace

Rule RuleTable::find(Operation *op) const {
  if (isa<graph::ElementwiseOpInterface>(op)) return emitElementwise;
  return rules_.lookup(op->getName().getTypeID());
}

const RuleTable &rules() {
  static const RuleTable *table = [] {
    auto *made = new RuleTable;
    addStructureRules(*made);
    addReductionRules(*made);
    addContractionRules(*made);
    addIndexingRules(*made);
    addRandomRules(*made);
    return made;
  }();
  return *table;
}

Type registerType(Type element) {
  if (element.isUnsignedInteger())
    return IntegerType::get(element.getContext(), element.getIntOrFloatBitWidth());
  return element;
}

int64_t bytesOf(Type element) { return (element.getIntOrFloatBitWidth() + 7) / 8; }

}  // namespace graven::codegen
