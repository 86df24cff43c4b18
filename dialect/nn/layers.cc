#include "dialect/nn/nn.h"

using namespace mlir;

namespace graven::nn {

LogicalResult verifyActivation(Operation *op, StringRef word) {
  if (word.empty() || word == "linear") return success();
  MLIRContext *context = op->getContext();
  SmallVector<StringRef> known{"linear"};
  // All dialects' ops: getRegisteredOperationsByDialect expects an order that MLIR does not keep.
  for (RegisteredOperationName name : context->getRegisteredOperations())
    if (name.hasTrait<graph::Activation>()) known.push_back(name.stripDialect());
  if (llvm::is_contained(known, word)) return success();
  InFlightDiagnostic error = op->emitOpError() << "knows no activation '" << word << "'";
  if (StringRef near = graph::nearestWord(word, known); !near.empty())
    return error << "; did you mean '" << near << "'?";
  error << "; activations are ";
  llvm::interleaveComma(known, error);
  return error;
}

LogicalResult InputOp::verify() {
  if (!getInputs().empty()) return emitOpError() << "takes no value";
  for (int64_t length : getShape())
    if (length < 1)
      return emitOpError() << "expects lengths of at least 1, got " << length
                           << "; the batch axis is not part of the shape";
  return success();
}

LogicalResult DenseOp::verify() {
  if (getUnits() < 1) return emitOpError() << "expects units of at least 1, got " << getUnits();
  if (getKernelL2() < 0)
    return emitOpError() << "expects a kernel_l2 of at least 0, got " << getKernelL2();
  if (getBiasInitAttr() && !getUseBias())
    return emitOpError() << "gives bias_init but use_bias = false";
  return verifyActivation(*this, getActivation().value_or(""));
}

LogicalResult ActivationOp::verify() { return verifyActivation(*this, getFunction()); }

LogicalResult DropoutOp::verify() {
  if (getRate() >= 0 && getRate() < 1) return success();
  return emitOpError() << "expects a rate in [0, 1), the share of elements to drop, got "
                       << getRate();
}

}  // namespace graven::nn

using namespace graven::nn;
#define GET_OP_CLASSES
#include "dialect/nn/layers.cpp.inc"
