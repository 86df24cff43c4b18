#include <cmath>

#include "dialect/nn/nn.h"

using namespace mlir;

namespace graven::nn {

// [O1] Rates are positive, decays at least 0.
static LogicalResult verifyRate(Operation *op, double rate, double decay) {
  if (!(rate > 0)) return op->emitOpError() << "expects a learning_rate above 0, got " << rate;
  if (!(decay >= 0))
    return op->emitOpError() << "expects a weight_decay of at least 0, got " << decay;
  return success();
}

// [O2] Averages forget: a beta or a momentum lies in [0, 1).
static LogicalResult verifyShare(Operation *op, StringRef option, double value) {
  if (value >= 0 && value < 1) return success();
  return op->emitOpError() << "expects " << option << " in [0, 1), got " << value;
}

Clipping clippingOf(Operation *optimizer) {
  auto bound = [&](StringRef option) -> std::optional<double> {
    if (Attribute given = optimizer->getAttr(option)) return graph::numberOf(given);
    return std::nullopt;
  };
  return {bound("clip_value"), bound("clip_norm")};
}

// [O3] Bounds of gradients are finite and above 0.
LogicalResult verifyClipping(Operation *optimizer) {
  Clipping clipping = clippingOf(optimizer);
  for (auto [option, bound] :
       {std::pair("clip_value", clipping.value), {"clip_norm", clipping.norm}})
    if (bound && !(*bound > 0 && std::isfinite(*bound)))
      return optimizer->emitOpError() << "expects a finite " << option << " above 0, got " << *bound
                                      << "; leave it out where gradients are not to be clipped";
  return success();
}

template <typename OpTy>
static LogicalResult verifyAdam(OpTy op) {
  if (failed(verifyShare(op, "beta_1", op.getBeta_1())) ||
      failed(verifyShare(op, "beta_2", op.getBeta_2())))
    return failure();
  if (!(op.getEpsilon() > 0))
    return op.emitOpError() << "expects an epsilon above 0, got " << op.getEpsilon();
  return success();
}

LogicalResult SgdOp::verify() {
  if (failed(verifyRate(*this, getLearningRate(), getWeightDecay())) ||
      failed(verifyShare(*this, "momentum", getMomentum())))
    return failure();
  if (getNesterov() && getMomentum() == 0)
    return emitOpError() << "asks for nesterov without momentum; add momentum = 0.9";
  return success();
}

LogicalResult AdamOp::verify() {
  if (failed(verifyRate(*this, getLearningRate(), 0))) return failure();
  return verifyAdam(*this);
}

LogicalResult AdamwOp::verify() {
  if (failed(verifyRate(*this, getLearningRate(), getWeightDecay()))) return failure();
  return verifyAdam(*this);
}

}  // namespace graven::nn

using namespace graven::nn;
#define GET_OP_CLASSES
#include "dialect/nn/optimizers.cpp.inc"
