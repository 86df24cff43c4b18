#include "dialect/nn/nn.h"

using namespace mlir;

namespace graven::nn {

StringRef ModelOp::getDefaultDialect() { return "nn"; }

// [M1] A model has layers, and exactly one input, its first line that makes a value.
static LogicalResult verifyLayers(ModelOp model) {
  if (model.getLayers().empty() || model.getLayers().front().empty())
    return model.emitOpError() << "has no layers; its first is input(shape = [...])";
  InputOp input;
  for (Operation &op : model.getLayers().front()) {
    if (auto next = dyn_cast<InputOp>(op)) {
      if (input) {
        InFlightDiagnostic error = next.emitOpError() << "is a second input; a model has one";
        error.attachNote(input.getLoc()) << "the first";
        return error;
      }
      input = next;
    } else if (!op.hasTrait<IsLayer>() && op.getNumResults() == 0) {
      return op.emitOpError() << "is no layer; losses, optimizers, metrics and fit belong into the "
                                 "model's `train { }` part";
    } else if (!input && op.hasTrait<IsLayer>() && op.getNumOperands() == 0) {
      return op.emitOpError() << "has no value to work on: no line with a value stands above it; "
                                 "begin the model with input(shape = [...])";
    }
  }
  if (!input) return model.emitOpError() << "has no input; its first line is input(shape = [...])";
  return success();
}

// [M2] The train part has one loss, one optimizer, metrics, and fit once at most.
static LogicalResult verifyTraining(ModelOp model) {
  if (model.getTraining().empty()) return success();
  Operation *loss = nullptr, *optimizer = nullptr, *fit = nullptr;
  auto once = [](Operation *&seen, Operation &op, StringRef kind) -> LogicalResult {
    if (!seen) {
      seen = &op;
      return success();
    }
    InFlightDiagnostic error = op.emitOpError() << "is a second " << kind << "; a model has one";
    error.attachNote(seen->getLoc()) << "the first";
    return error;
  };
  for (Operation &op : model.getTraining().front()) {
    LogicalResult result = success();
    if (op.hasTrait<IsLoss>())
      result = once(loss, op, "loss");
    else if (op.hasTrait<IsOptimizer>())
      result = once(optimizer, op, "optimizer");
    else if (op.hasTrait<IsFitSettings>())
      result = once(fit, op, "fit");
    else if (!op.hasTrait<IsMetric>())
      return op.emitOpError() << "does not belong into the `train` part, which holds a loss, an "
                                 "optimizer, metrics and fit";
    if (failed(result)) return failure();
  }
  if (!loss && optimizer)
    return optimizer->emitOpError() << "has no loss to make small; add one, for instance "
                                       "sparse_categorical_crossentropy(from_logits = true)";
  if (loss && !optimizer)
    return loss->emitOpError() << "has no optimizer beside it; add one, for instance "
                                  "adam(learning_rate = 0.001)";
  return success();
}

LogicalResult ModelOp::verifyRegions() {
  if (failed(verifyLayers(*this))) return failure();
  return verifyTraining(*this);
}

LogicalResult FitOp::verify() {
  auto atLeastOne = [&](std::optional<int64_t> value, StringRef option) -> LogicalResult {
    if (!value || *value >= 1) return success();
    return emitOpError() << "expects " << option << " of at least 1, got " << *value;
  };
  if (failed(atLeastOne(getBatchSize(), "a batch_size")) ||
      failed(atLeastOne(getEpochs(), "epochs")) || failed(atLeastOne(getPatience(), "a patience")))
    return failure();
  if (auto split = getValidationSplit(); split && (*split < 0 || *split >= 1))
    return emitOpError() << "expects a validation_split in [0, 1), got " << *split;
  for (StringRef option : {"patience", "monitor", "min_delta", "restore_best_weights"})
    if ((*this)->hasAttr(option) && !getEarlyStopping().value_or(false))
      return emitOpError() << "gives '" << option
                           << "', an option of early stopping; add early_stopping = true";
  return success();
}

}  // namespace graven::nn

using namespace graven::nn;
#define GET_OP_CLASSES
#include "dialect/nn/model.cpp.inc"
