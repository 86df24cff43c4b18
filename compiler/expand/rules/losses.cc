// Losses, by their formulas. The record of each (dialect/nn/losses.td) says the same in words.
#include "compiler/expand/rules.h"
#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::expand {
namespace {

// Probabilities are kept away from 0 and 1, where the logarithm ends (Keras' value).
constexpr double kLeast = 1e-7;

LogicalResult check(Operation *op, RankedTensorType value, int64_t leastRank, StringRef wanted) {
  if (value.getRank() >= leastRank && isa<FloatType>(value.getElementType())) return success();
  return op->emitOpError() << "expects the model's value to be " << wanted << ", got "
                           << graph::describe(value);
}

Expr logProbability(Expr value, bool logits) {
  if (!logits) return log(minimum(maximum(value, value.like(kLeast)), value.like(1.0)));
  graph::GraphBuilder &g = value.g();
  return {g, g.create<graph::LogSoftmaxOp>({value}, {g.integer("axis", value.rank() - 1)})};
}

// --- sparse_categorical_crossentropy: -ln p[label] ---
FailureOr<Target> sparseTarget(nn::SparseCategoricalCrossentropyOp op, RankedTensorType value) {
  if (failed(check(op, value, 2, "one number for each class, as ?x3xf32"))) return failure();
  Type i32 = IntegerType::get(op.getContext(), 32);
  return Target{"label", RankedTensorType::get(value.getShape().drop_back(), i32),
                TargetKind::kClassNumber, value.getShape().back(), op.getFromLogits()};
}
Expr sparseEach(nn::SparseCategoricalCrossentropyOp op, Expr value, Expr label) {
  graph::GraphBuilder &g = value.g();
  int64_t last = value.rank() - 1;
  Expr truth(g, g.create<graph::OneHotOp>({label}, {g.integer("depth", value.dim(last)),
                                                    g.type("dtype", value.element())}));
  return -sum(truth * logProbability(value, op.getFromLogits()), {last});
}

// --- categorical_crossentropy: -sum y ln p ---
FailureOr<Target> categoricalTarget(nn::CategoricalCrossentropyOp op, RankedTensorType value) {
  if (failed(check(op, value, 2, "one number for each class, as ?x3xf32"))) return failure();
  return Target{"y", value, TargetKind::kDistribution, 0, op.getFromLogits()};
}
Expr categoricalEach(nn::CategoricalCrossentropyOp op, Expr value, Expr y) {
  return -sum(y * logProbability(value, op.getFromLogits()), {value.rank() - 1});
}

// --- binary_crossentropy: -(y ln p + (1 - y) ln(1 - p)) ---
FailureOr<Target> binaryTarget(nn::BinaryCrossentropyOp op, RankedTensorType value) {
  if (failed(check(op, value, 1, "numbers, as ?x1xf32"))) return failure();
  return Target{"y", value, TargetKind::kYesNo, 0, op.getFromLogits()};
}
Expr binaryEach(nn::BinaryCrossentropyOp op, Expr z, Expr y) {
  if (op.getFromLogits()) return maximum(z, z.like(0.0)) - z * y + log1p(exp(-abs(z)));
  Expr p = minimum(maximum(z, z.like(kLeast)), z.like(1.0 - kLeast));
  return -(y * log(p) + (1.0 - y) * log(1.0 - p));
}

// --- mean_squared_error: (value - y)^2 ---
FailureOr<Target> squaredTarget(nn::MeanSquaredErrorOp op, RankedTensorType value) {
  if (failed(check(op, value, 1, "numbers, as ?x1xf32"))) return failure();
  return Target{"y", value, TargetKind::kValue};
}
Expr squaredEach(nn::MeanSquaredErrorOp, Expr value, Expr y) {
  Expr miss = value - y;
  return miss * miss;
}

}  // namespace

void addLossRules(Rules &rules) {
  rules.addLoss(sparseTarget, sparseEach);
  rules.addLoss(categoricalTarget, categoricalEach);
  rules.addLoss(binaryTarget, binaryEach);
  rules.addLoss(squaredTarget, squaredEach);
}

}  // namespace graven::expand
