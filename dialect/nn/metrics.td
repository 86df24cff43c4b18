// Metrics beside the loss, which is always kept; compiler/expand/rules/metrics.cc defines them.
#ifndef GRAVEN_DIALECT_NN_METRICS_TD
#define GRAVEN_DIALECT_NN_METRICS_TD

include "dialect/nn/nn_base.td"

def NN_AccuracyOp : NN_Setting<"accuracy", NN_IsMetric> {
  let summary = "share of right answers";
  let maths = "State `accuracy.sum` and `accuracy.count` (f64). Right is: the largest class is the label (class numbers), or that of the largest y (categorical_crossentropy), or both value and y lie on the same side of one half (binary_crossentropy; the value's side of 0 where it is a logit).";
  let example = "accuracy()";
}

#endif
