// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011). Element i (row-major) of a
// draw is word i mod 4 of the block with key = the two words of `key` and counter =
// (floor(i / 4), site, counter low word, counter high word).
#ifndef GRAVEN_DIALECT_GRAPH_OPS_RANDOM_TD
#define GRAVEN_DIALECT_GRAPH_OPS_RANDOM_TD

include "dialect/graph/ir/graph_base.td"

class Graph_Random<string mnemonic> : Graph_Primitive<mnemonic, [NotDifferentiable]> {
  let arguments = (ins Graph_Tensor:$key, Optional<Graph_Tensor>:$counter, Graph_Ints:$shape,
                       OptionalAttr<Graph_DType>:$dtype, OptionalAttr<Graph_Int>:$site, OptionalAttr<Graph_Word>:$name);
}
def Graph_RandomBitsOp : Graph_Random<"random_bits"> {
  let summary = "random words";
  let maths = "32 random bits an element, as i32. `key` is a tensor<2xi32>, `counter` a scalar i64 (0 where none is given), `site` a number that sets draws of one key apart (made from the value's name where none is given).";
  let example = "%bits = random_bits(%key, shape = [16, 8])";
}
def Graph_RandomUniformOp : Graph_Random<"random_uniform"> {
  let summary = "uniform random numbers";
  let maths = "Uniform in [0, 1): the upper 24 bits of a word / 2^24 (f32), or two words' upper 53 bits / 2^53 (f64: words 2i and 2i + 1 of the stream, the first of them the upper). Operands and options as for `random_bits`.";
  let example = "%u = random_uniform(%key, %step, shape = [16, 8])";
}
def Graph_RandomFoldOp : Graph_Primitive<"random_fold", [NotDifferentiable]> {
  let arguments = (ins Graph_Tensor:$key, Graph_Tensor:$data);
  let summary = "key derived from a key";
  let maths = "Words 0 and 1 of the block with counter (data, 0, 0, 2^31); data is a scalar i32. Different data give independent keys.";
  let example = "%k1 = random_fold(%key, %one)";
}

#endif
