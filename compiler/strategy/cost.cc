#include "compiler/strategy/cost.h"

#include "dialect/element/element.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace graven::strategy {
namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

int64_t bytesOf(Value value) {
  return typeOf(value).getNumElements() * ((typeOf(value).getElementTypeBitWidth() + 7) / 8);
}

// Counts the ops an elementwise op is made of, as it would be emitted on one element. Elementary
// functions become some twenty operations each.
int64_t countScalarOps(Operation *op) {
  Block block;
  OpBuilder builder(op->getContext());
  builder.setInsertionPointToStart(&block);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Type element = typeOf(operand).getElementType();
    if (element.isUnsignedInteger()) element = builder.getIntegerType(8);
    operands.push_back(block.addArgument(element, op->getLoc()));
  }
  cast<graph::ElementwiseOpInterface>(op).emitScalar(builder, op->getLoc(), operands);
  int64_t count = 0;
  for (Operation &emitted : block) {
    if (emitted.hasTrait<OpTrait::ConstantLike>()) continue;
    bool elementary = isa<math::MathDialect, element::ElementDialect>(emitted.getDialect()) &&
                      !isa<math::AbsFOp, math::FloorOp, math::CopySignOp, math::FmaOp>(emitted);
    count += elementary ? kElementary : 1;
  }
  block.dropAllReferences();
  block.clear();
  return count;
}

}  // namespace

int64_t operationsPerElement(Operation *op) {
  if (isa<graph::ElementwiseOpInterface>(op)) return countScalarOps(op);
  if (auto dot = dyn_cast<graph::DotGeneralOp>(op)) {
    int64_t terms = 1;
    for (int64_t axis : dot.getLhsContract()) terms *= typeOf(dot.getLhs()).getDimSize(axis);
    return 2 * terms;
  }
  if (isa<graph::ReductionOpInterface, graph::ArgmaxOp>(op)) {
    int64_t results = std::max<int64_t>(typeOf(op->getResult(0)).getNumElements(), 1);
    return typeOf(op->getOperand(0)).getNumElements() / results;
  }
  if (isa<graph::RandomBitsOp, graph::RandomUniformOp>(op)) return 20;
  if (auto scatter = dyn_cast<graph::ScatterAddOp>(op))
    return 1 + typeOf(scatter.getIndices()).getNumElements();
  return 0;
}

Cost costOf(kernel::FusedOp fused) {
  Cost cost;
  for (Value input : fused.getInputs()) cost.bytes += bytesOf(input);
  for (Value output : fused.getOutputs()) cost.bytes += bytesOf(output);
  for (Operation &op : fused.getBody().front().without_terminator())
    cost.flops += operationsPerElement(&op) * typeOf(op.getResult(0)).getNumElements();
  return cost;
}

}  // namespace graven::strategy
