// Losses; compiler/expand/rules/losses.cc defines them. Each is a mean over the rows of the batch.
#ifndef GRAVEN_DIALECT_NN_LOSSES_TD
#define GRAVEN_DIALECT_NN_LOSSES_TD

include "dialect/nn/nn_base.td"

class NN_Loss<string mnemonic, dag options = (ins)> : NN_Setting<mnemonic, NN_IsLoss, options> {
  let example = mnemonic # "()";
}
class NN_Crossentropy<string mnemonic>
    : NN_Loss<mnemonic, (ins DefaultValuedOptionalAttr<Graph_Flag, "false">:$from_logits)> {
  let example = mnemonic # "(from_logits = true)";
}
def NN_SparseCategoricalCrossentropyOp : NN_Crossentropy<"sparse_categorical_crossentropy"> {
  let summary = "cross-entropy with class numbers";
  let maths = "The mean of -ln p[label]. The labels are class numbers (argument `label`, i32, in [0, classes)); p is the model's value, or its softmax with `from_logits`.";
}
def NN_CategoricalCrossentropyOp : NN_Crossentropy<"categorical_crossentropy"> {
  let summary = "cross-entropy with distributions";
  let maths = "The mean of -Σ y ln p over the last axis, y (argument `y`) of the shape of the model's value; p is that value, or its softmax with `from_logits`.";
}
def NN_BinaryCrossentropyOp : NN_Crossentropy<"binary_crossentropy"> {
  let summary = "cross-entropy of yes and no";
  let maths = "The mean of -(y ln p + (1 - y) ln(1 - p)), y (argument `y`) of the shape of the model's value z; p is z, or logistic(z) with `from_logits`, then computed as max(z, 0) - z y + ln(1 + e^-|z|).";
}
def NN_MeanSquaredErrorOp : NN_Loss<"mean_squared_error"> {
  let summary = "mean squared error";
  let maths = "The mean of (value - y)², y (argument `y`) of the shape of the model's value.";
}

#endif
