// Layers of the library; compiler/expand/rules/layers.cc defines them.
#ifndef GRAVEN_DIALECT_NN_LAYERS_TD
#define GRAVEN_DIALECT_NN_LAYERS_TD

include "dialect/nn/nn_base.td"

def NN_InputOp : NN_Layer<"input", (ins Graph_Ints:$shape, OptionalAttr<Graph_DType>:$dtype)> {
  let summary = "the model's input";
  let maths = "A batch of rows of `shape` (without the batch axis) and `dtype` (f32 where none is given). Its name is the name of the entries' argument, `x` where it has none.";
  let example = "%x = input(shape = [28, 28], dtype = ui8)";
  let hasVerifier = 1;
}
def NN_NormalizationOp : NN_Layer<"normalization"> {
  let summary = "standardization by measured statistics";
  let maths = "y = (x - mean) / √variance, each feature (last axis) by its own mean and variance, which the entry `adapt` measures over the training rows: batch by batch, merged exactly by Chan's formula. A feature that does not vary is only centred. Integers are converted to f32 first.";
  let example = "%y = normalization(%x)";
}
def NN_RescalingOp : NN_Layer<"rescaling", (ins Graph_Number:$scale, DefaultValuedOptionalAttr<Graph_Number, "0.0">:$offset)> {
  let summary = "scale and offset";
  let maths = "y = scale x + offset; integers are converted to f32 first.";
  let example = "%y = rescaling(%x, scale = 0.00392156862745098)";
}
def NN_DenseOp : NN_Layer<"dense", (ins Graph_Int:$units, OptionalAttr<Graph_Word>:$activation,
      DefaultValuedOptionalAttr<Graph_Flag, "true">:$use_bias, OptionalAttr<AnyAttr>:$kernel_init,
      OptionalAttr<AnyAttr>:$bias_init, DefaultValuedOptionalAttr<Graph_Number, "0.0">:$kernel_l2)> {
  let summary = "fully connected layer";
  let maths = "y = activation(x kernel + bias), over the last axis of x. State: `kernel` of shape [features, units] (glorot_uniform where no `kernel_init` is given), `bias` of shape [units] (zeros). `kernel_l2` adds kernel_l2 Σ kernel² to the loss.";
  let example = "%h = dense(%x, units = 16, activation = relu)";
  let hasVerifier = 1;
}
def NN_ActivationOp : NN_Layer<"activation", (ins Graph_Word:$function)> {
  let summary = "activation function";
  let maths = "y = function(x): relu, leaky_relu, elu, gelu, silu, sigmoid, softplus, softmax, log_softmax, tanh, logistic, exp or linear.";
  let example = "%y = activation(%x, function = gelu)";
  let hasVerifier = 1;
}
def NN_DropoutOp : NN_Layer<"dropout", (ins Graph_Number:$rate)> {
  let summary = "dropout";
  let maths = "In training each element is zeroed with probability `rate` and else divided by 1 - rate; the mask is new in each step. Elsewhere y = x.";
  let example = "%y = dropout(%x, rate = 0.1)";
  let hasVerifier = 1;
}
def NN_FlattenOp : NN_Layer<"flatten"> {
  let summary = "rows as vectors";
  let maths = "The elements of each row in row-major order, as one axis.";
  let example = "%y = flatten(%x)";
}
def NN_ReshapeOp : NN_Layer<"reshape", (ins Graph_Ints:$shape)> {
  let summary = "rows in another shape";
  let maths = "The elements of each row under `shape` (without the batch axis); one length may be -1.";
  let example = "%y = reshape(%x, shape = [28, 28])";
}
def NN_AddOp : NN_Layer<"add"> {
  let summary = "sum of layers";
  let maths = "y = the sum of the values, which are broadcast to one another.";
  let example = "%y = add(%a, %b)";
}
def NN_ConcatenateOp : NN_Layer<"concatenate", (ins DefaultValuedOptionalAttr<Graph_Int, "-1">:$axis)> {
  let summary = "layers joined";
  let maths = "The values one after another along `axis`, the last where none is given.";
  let example = "%y = concatenate(%a, %b)";
}
def NN_ApplyOp : NN_Layer<"apply", (ins Graph_Ref:$layer)> {
  let summary = "layer of one's own";
  let maths = "The value of the nn.layer on these values. Its parameters are named after this line: `a.w` for %a = apply(...) and %w = parameter(...).";
  let example = "%a = apply(@gated, %x)";
}

#endif
