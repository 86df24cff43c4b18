#include "compiler/codegen/loops/rules.h"

#include "dialect/graph/ops/elementwise_scalar.h"

using namespace mlir;

namespace graven::codegen {
namespace {

// One reciprocal serves a long axis. The axis' length alone decides, lest bits depend on how many
// vectors happen to be computed together.
constexpr int64_t kLongAxis = 64;
bool dividesByUniform(Emitter &e, Operation *op, ArrayRef<Value> operands) {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  return e.allowsReciprocals() && isa<graph::DivideOp>(op) &&
         isa<FloatType>(elementOf(op->getResult(0))) && shape.size() > 1 &&
         shape.back() >= kLongAxis && isa<VectorType>(operands[0].getType()) &&
         !isa<VectorType>(operands[1].getType());
}

// Any elementwise op: its operands at the same point.
Value emitElementwise(Emitter &e, Operation *op, const Point &point) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) operands.push_back(e.at(operand, point));
  if (dividesByUniform(e, op, operands))
    return e.divideBy(operands[0], operands[1], e.depthOf(op->getOperand(1), point));
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

Type registerType(Type element) { return graph::heldType(element); }

int64_t bytesOf(Type element) { return (element.getIntOrFloatBitWidth() + 7) / 8; }

}  // namespace graven::codegen
