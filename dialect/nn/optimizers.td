// Optimizers; compiler/expand/rules/optimizers.cc defines them. The learning rate is multiplied by
// the control state `lr_scale`, which host code may write. All of them take `clip_value` and
// `clip_norm`, which change the gradients before the rule sees them.
#ifndef GRAVEN_DIALECT_NN_OPTIMIZERS_TD
#define GRAVEN_DIALECT_NN_OPTIMIZERS_TD

include "dialect/nn/nn_base.td"

class NN_Optimizer<string mnemonic, dag options>
    : NN_Setting<mnemonic, NN_IsOptimizer, !con(options, (ins
        OptionalAttr<Graph_Number>:$clip_value, OptionalAttr<Graph_Number>:$clip_norm))> {
  let description = maths # " With `clip_value` every element of a gradient is first moved into "
    # "[-clip_value, clip_value]; with `clip_norm` all gradients are multiplied by "
    # "clip_norm / max(norm, clip_norm), where norm is the Euclidean norm over the elements of all "
    # "of them (Pascanu, Mikolov and Bengio 2013); with both, in this order."
    # "\n\n```mlir\n" # example # "\n```\n\n"
    # "Lifespan: written in a model's `train` part; `expand` builds it into the entries.";
  let example = mnemonic # "(learning_rate = 0.01)";
  let hasVerifier = 1;
}
def NN_SgdOp : NN_Optimizer<"sgd", (ins
      DefaultValuedOptionalAttr<Graph_Number, "0.01">:$learning_rate,
      DefaultValuedOptionalAttr<Graph_Number, "0.0">:$momentum,
      DefaultValuedOptionalAttr<Graph_Flag, "false">:$nesterov,
      DefaultValuedOptionalAttr<Graph_Number, "0.0">:$weight_decay)> {
  let summary = "stochastic gradient descent";
  let maths = "w ← w - rate weight_decay w, then w ← w - rate g. With momentum: v ← momentum v - rate g (slot `sgd.v`), w ← w + v; with nesterov w ← w + momentum v - rate g.";
}
def NN_AdamOp : NN_Optimizer<"adam", (ins
      DefaultValuedOptionalAttr<Graph_Number, "0.001">:$learning_rate,
      DefaultValuedOptionalAttr<Graph_Number, "0.9">:$beta_1,
      DefaultValuedOptionalAttr<Graph_Number, "0.999">:$beta_2,
      DefaultValuedOptionalAttr<Graph_Number, "1e-7">:$epsilon)> {
  let summary = "Adam (Kingma and Ba 2015)";
  let maths = "m ← beta_1 m + (1 - beta_1) g, v ← beta_2 v + (1 - beta_2) g² (slots `adam.m`, `adam.v`); w ← w - rate √(1 - beta_2^t) / (1 - beta_1^t) m / (√v + epsilon) with t = step + 1.";
}
def NN_AdamwOp : NN_Optimizer<"adamw", (ins
      DefaultValuedOptionalAttr<Graph_Number, "0.001">:$learning_rate,
      DefaultValuedOptionalAttr<Graph_Number, "0.004">:$weight_decay,
      DefaultValuedOptionalAttr<Graph_Number, "0.9">:$beta_1,
      DefaultValuedOptionalAttr<Graph_Number, "0.999">:$beta_2,
      DefaultValuedOptionalAttr<Graph_Number, "1e-7">:$epsilon)> {
  let summary = "Adam with decoupled weight decay (Loshchilov and Hutter 2019)";
  let maths = "w ← w - rate weight_decay w, then as `adam`, with the slots `adamw.m` and `adamw.v`.";
}

#endif
