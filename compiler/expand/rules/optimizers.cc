// Optimizers, by their formulas: a parameter's next value from its value and its gradient.
#include <cmath>

#include "compiler/expand/rules.h"

using namespace mlir;

namespace graven::expand {
namespace {

// w - rate decay w, apart from the gradient.
Expr decayed(Expr w, Expr rate, double decay) { return decay == 0 ? w : w - w * (rate * decay); }

// w' = w - rate g; with momentum v' = momentum v - rate g, w' = w + v', with nesterov
// w' = w + momentum v' - rate g.
FailureOr<Expr> sgd(OptimizerContext &c, nn::SgdOp op, Expr w, Expr g) {
  Expr rate = c.learningRate(op.getLearningRate());
  w = decayed(w, rate, op.getWeightDecay());
  if (op.getMomentum() == 0) return w - g * rate;
  FailureOr<Expr> v = c.slot("v");
  if (failed(v)) return failure();
  Expr next = *v * op.getMomentum() - g * rate;
  if (failed(c.setSlot("v", next))) return failure();
  return op.getNesterov() ? w + (next * op.getMomentum() - g * rate) : w + next;
}

// m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2,
// w' = w - rate sqrt(1 - b2^t) / (1 - b1^t) m' / (sqrt(v') + epsilon)
template <typename OpTy>
FailureOr<Expr> moments(OptimizerContext &c, OpTy op, Expr w, Expr g, Expr rate) {
  FailureOr<Expr> m = c.slot("m"), v = c.slot("v");
  if (failed(m) || failed(v)) return failure();
  double b1 = op.getBeta_1(), b2 = op.getBeta_2();
  Expr nextM = *m * b1 + g * (1.0 - b1);
  Expr nextV = *v * b2 + g * g * (1.0 - b2);
  if (failed(c.setSlot("m", nextM)) || failed(c.setSlot("v", nextV))) return failure();
  // 1 - b^t = -expm1(t ln b), which loses no digits at small t; b = 0 leaves nothing to correct.
  Expr t = c.step();
  if (b2 > 0) rate = rate * sqrt(-expm1(t * std::log(b2)));
  if (b1 > 0) rate = rate / -expm1(t * std::log(b1));
  return w - nextM * rate / (sqrt(nextV) + op.getEpsilon());
}

FailureOr<Expr> adam(OptimizerContext &c, nn::AdamOp op, Expr w, Expr g) {
  return moments(c, op, w, g, c.learningRate(op.getLearningRate()));
}

FailureOr<Expr> adamw(OptimizerContext &c, nn::AdamwOp op, Expr w, Expr g) {
  Expr rate = c.learningRate(op.getLearningRate());
  return moments(c, op, decayed(w, rate, op.getWeightDecay()), g, rate);
}

// c / max(norm, c), the same for all gradients: 1 where the norm is within the bound.
Expr normScale(double bound, ArrayRef<Expr> gradients) {
  Type widest = gradients.front().element();
  for (Expr gradient : gradients)
    if (gradient.element().isF64()) widest = gradient.element();
  Expr total;
  for (Expr gradient : gradients) {
    Expr square = sumAll(convert(gradient, widest) * convert(gradient, widest));
    total = total.value() ? total + square : square;
  }
  Expr limit = total.like(bound);
  return limit / maximum(sqrt(total), limit);
}

}  // namespace

void clipGradients(const nn::Clipping &clipping, MutableArrayRef<Expr> gradients) {
  if (clipping.value)
    for (Expr &g : gradients)
      g = minimum(maximum(g, g.like(-*clipping.value)), g.like(*clipping.value));
  if (!clipping.norm) return;
  Expr scale = normScale(*clipping.norm, gradients);
  for (Expr &g : gradients) g = g * convert(scale, g.element());
}

void addOptimizerRules(Rules &rules) {
  rules.addOptimizer(sgd);
  rules.addOptimizer(adam);
  rules.addOptimizer(adamw);
}

}  // namespace graven::expand
