"""Mixed precision written by hand, and states of 16 bits: training, checkpoints, messages."""
import struct
import unittest

import iris_test
import tools

MIXED = """
// Parameters of f32, products of {0}: what is written is what is rounded.
nn.layer @hidden(%x) {{
  %w  = parameter(%x, shape = [-1, 16], init = glorot_uniform)
  %b  = parameter(shape = [16], init = zeros)
  %xh = convert(%x, dtype = {0})
  %wh = convert(%w, dtype = {0})
  %xw = matmul(%xh, %wh, dtype = f32)
  %y  = add(%xw, %b)
  %z  = relu(%y)
  return(%z)
}}
nn.layer @scores(%x) {{
  %w  = parameter(%x, shape = [-1, 3], init = glorot_uniform)
  %b  = parameter(shape = [3], init = zeros)
  %xh = convert(%x, dtype = {0})
  %wh = convert(%w, dtype = {0})
  %xw = matmul(%xh, %wh, dtype = f32)
  %y  = add(%xw, %b)
  return(%y)
}}
nn.model @iris {{
  %x = input(shape = [4])
  %n = normalization(%x)
  %h = apply(@hidden, %n)
  %d = dropout(%h, rate = 0.1)
  %y = apply(@scores, %d)
}} train {{
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.01)
  accuracy()
  fit(batch_size = 16, epochs = 100, validation_split = 0.2, early_stopping = true)
}}
"""

# All of it in 16 bits: the input, the parameters, every product and sum.
NARROW = """
nn.model @iris {{
  input(shape = [4], dtype = {0})
  normalization()
  dense(units = 16, activation = relu)
  dense(units = 3)
}} train {{
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.01)
  accuracy()
  fit(batch_size = 16, epochs = 60)
}}
"""

KEPT = """
graph.state @kept : tensor<5x{0}> role(parameter) init = 0.5
graph.func @store(%x: tensor<5xf32>) {{
  %y = convert(%x, dtype = {0})
  write(@kept, %y)
  return(%y)
}}
graph.func @load() {{
  %y = read(@kept)
  return(%y)
}}
"""


class MixedPrecisionTest(tools.ModelTest):
    def model(self, text, name="model"):
        source = self.folder / f"{name}.mlir"
        source.write_text(text)
        return tools.compile_model(source, self.folder / f"{name}.so")

    def mean_accuracy(self, model, seeds=5):
        accuracies = []
        for seed in range(seeds):
            train, test = iris_test.split(seed, self.folder)
            state = self.folder / f"{seed}.safetensors"
            tools.fit(model, "--train", train, "--seed", seed, "--save", state)
            accuracies.append(tools.evaluate(model, state, test)["accuracy"])
        mean = sum(accuracies) / len(accuracies)
        print(f"mean accuracy {mean:.4f}, each {accuracies}")
        return mean

    def test_products_of_16_bits_train_as_well(self):
        for dtype in ("bf16", "f16"):
            with self.subTest(dtype):
                self.assertGreaterEqual(self.mean_accuracy(self.model(MIXED.format(dtype), dtype)),
                                        0.93)

    def test_parameters_of_16_bits_train(self):
        for dtype, word in (("bf16", "BF16"), ("f16", "F16")):
            with self.subTest(dtype):
                model = self.model(NARROW.format(dtype), dtype)
                self.assertGreaterEqual(self.mean_accuracy(model, seeds=2), 0.9)
                held = {name: tensor[0]
                        for name, tensor in tools.tensors(self.folder / "0.safetensors").items()}
                self.assertEqual(held["dense.kernel"], word)
                self.assertEqual(held["dense.kernel.adam.m"], "F32")

    def test_checkpoints_hold_the_bits(self):
        values = "1,-2.5,3.0009765625,65504,0.1"
        expected = {
            "f16": [struct.unpack("<H", struct.pack("<e", float(v)))[0] for v in values.split(",")],
            "bf16": [0x3f80, 0xc020, 0x4040, 0x4780, 0x3dcd],
        }
        for dtype, word in (("f16", "F16"), ("bf16", "BF16")):
            with self.subTest(dtype):
                model = self.model(KEPT.format(dtype), dtype)
                state, again = (self.folder / f"{dtype}{i}.safetensors" for i in range(2))
                tools.run("graven-run", "call", model, "store", "--input", f"x=5xf32={values}",
                          "--save-state", state)
                held = tools.tensors(state)["kept"]
                self.assertEqual((held[0], held[1]), (word, [5]))
                self.assertEqual(list(struct.unpack("<5H", held[2])), expected[dtype])
                said = tools.run("graven-run", "call", model, "load", "--state", state,
                                 "--save-state", again).stdout
                self.assertEqual(tools.tensors(again)["kept"], held)
                self.assertIn(f"5x{dtype}", said)

    def test_what_is_not_supported_is_said(self):
        for line, wanted in (
                ("%y = dot_general(%x, %x, lhs_contract = [0], rhs_contract = [0], dtype = f64)",
                 "cannot make 'f64' of 'bf16'"),
                ("%y = random_uniform(%k, shape = [3], dtype = bf16)",
                 "draws f32 or f64, got dtype 'bf16'; convert"),
                ("%f = convert(%x, dtype = f32)\n  %y = add(%x, %f)",
                 "operands of different element types, 'bf16' and 'f32'")):
            with self.subTest(line):
                source = self.folder / "wrong.mlir"
                source.write_text("graph.func @f(%x: tensor<5xbf16>, %k: tensor<2xi32>) {\n"
                                  f"  {line}\n  return(%y)\n}}\n")
                done = tools.run("graven-compile", source, "-o", self.folder / "wrong.so",
                                 check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(wanted, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
