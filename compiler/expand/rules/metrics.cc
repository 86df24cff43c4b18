// Metrics, by their formulas: a number for each row, whose mean is the metric.
#include "compiler/expand/rules.h"

using namespace mlir;

namespace graven::expand {
namespace {

// 1 where the answer is right; where a row holds several answers, their mean.
FailureOr<Expr> accuracy(nn::AccuracyOp op, Expr value, Expr wanted, const Target &target) {
  int64_t last = value.rank() - 1;
  Expr hit;
  switch (target.kind) {
    case TargetKind::kClassNumber:
      hit = equal(argmax(value, last), wanted);
      break;
    case TargetKind::kDistribution:
      hit = equal(argmax(value, last), argmax(wanted, last));
      break;
    case TargetKind::kYesNo:
      hit = equal(value > (target.logits ? 0.0 : 0.5), wanted > 0.5);
      break;
    case TargetKind::kValue:
      return op.emitOpError()
             << "counts right classes, and the loss compares numbers; remove it, or "
                "use a cross-entropy";
  }
  Expr right = convert(hit, Float32Type::get(op.getContext()));
  if (right.rank() <= 1) return right;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, right.rank()));
  graph::GraphBuilder &g = right.g();
  return Expr(g, g.create<graph::MeanOp>({right}, {g.ints("axis", axes)}));
}

}  // namespace

void addMetricRules(Rules &rules) { rules.addMetric(accuracy); }

}  // namespace graven::expand
