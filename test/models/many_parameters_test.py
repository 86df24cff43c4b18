"""Networks with more parameters than one kernel can have buffers: a launch on a GPU has 4 KB of
addresses. Optimizers and sums over all of them become several kernels, of which each fits."""
import re
import unittest

import tools
from emulated_gpu import CudaTest, curve, on_gpu

MOST_BUFFERS = 512  # operands of a launch, with scratch memory
COUNT = 130


def scaled_by_many(count):
    """Iris, each measurement scaled by `count` parameters in turn; gradients are divided by their common
    norm, so that all are known before the first update."""
    lines = [f"graph.state @w{i} : tensor<4xf32> role(parameter) init = ones\n"
             f"graph.state @v{i} : tensor<4xf32> role(slot) init = zeros" for i in range(count)]
    lines += ["graph.state @k : tensor<4x3xf32> role(parameter) init = glorot_uniform",
              "graph.func private @scores(%x: tensor<?x4xf32>) {", "  %tenth = constant(0.1)\n  %h0 = multiply(%x, %tenth)"]
    for i in range(count):
        lines += [f"  %w{i} = read(@w{i})", f"  %h{i + 1} = multiply(%h{i}, %w{i})"]
    lines += [f"  %k = read(@k)\n  %s = matmul(%h{count}, %k)\n  return(%s)", "}",
              "graph.func private @loss(%x: tensor<?x4xf32>, %label: tensor<?xi32>) {", """
  %s    = call(@scores, %x)
  %logp = log_softmax(%s, axis = 1)
  %true = one_hot(%label, depth = 3)
  %hits = multiply(%true, %logp)
  %each = sum(%hits, axis = 1)
  %mean = mean(%each)
  %loss = negate(%mean)
  return(%loss)
}""", """graph.func @train_step(%x: tensor<?x4xf32>, %label: tensor<?xi32> in [0, 3)) {
  %loss = call(@loss, %x, %label)
  %k = read(@k)"""]
    names = [f"w{i}" for i in range(count)]
    lines += [f"  %{name} = read(@{name})" for name in names]
    lines.append("  " + ", ".join(f"%d{name}" for name in [*names, "k"]) + " = gradient(%loss, "
                 + ", ".join(f"%{name}" for name in [*names, "k"]) + ")")
    lines.append("  %n0 = constant(0.0001)")
    for i, name in enumerate(names):
        lines += [f"  %q{i} = square(%d{name})", f"  %t{i} = sum(%q{i})", f"  %n{i + 1} = add(%n{i}, %t{i})"]
    lines += [f"  %norm = rsqrt(%n{count})", "  %step = constant(0.02)\n  %keep = constant(0.9)",
              "  %rate = multiply(%norm, %step)"]
    for i, name in enumerate(names):
        lines += [f"  %v{i} = read(@v{i})", f"  %a{i} = multiply(%v{i}, %keep)",
                  f"  %b{i} = multiply(%rate, %d{name})", f"  %c{i} = add(%a{i}, %b{i})", f"  write(@v{i}, %c{i})",
                  f"  %e{i} = subtract(%{name}, %c{i})", f"  write(@{name}, %e{i})"]
    lines += ["  %f = multiply(%rate, %dk)\n  %g = subtract(%k, %f)\n  write(@k, %g)", "  return(%loss)", "}"]
    return "\n".join(lines) + "\n"


def deep(layers):
    """A network of `layers` layers, trained by Adam."""
    hidden = "  dense(units = 8, activation = tanh)\n" * (layers - 1)
    return f"""nn.model @deep {{
  input(shape = [4])
  normalization()
{hidden}  dense(units = 3)
}} train {{
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.001)
  fit(batch_size = 16, epochs = 1)
}}
"""


def operands_of(source, *flags):
    """Number of operands of each kernel for a GPU, by its name."""
    ptx = tools.run("graven-compile", "--device=cuda", "--emit=asm", "-o", "-", source, *flags).stdout
    return {name: parameters.count(".param")
            for name, parameters in re.findall(r"\.visible \.entry (\w+)\(([^)]*)\)", ptx)}


class ManyBuffersTest(tools.ModelTest):
    def test_a_sum_of_many_tensors(self):
        names = [f"%x{i}" for i in range(600)]
        lines = ["graph.func @train_step(" + ", ".join(f"{name}: tensor<5xf32>" for name in names) + ") {",
                 "  %s0 = tanh(%x0)"]
        lines += [f"  %s{i} = add(%s{i - 1}, %x{i})" for i in range(1, 600)]
        source = self.folder / "sum.mlir"
        source.write_text("\n".join([*lines, "  return(%s599)\n}\n"]))
        operands = operands_of(source)
        self.assertEqual(len(operands), 2, operands)
        self.assertLessEqual(max(operands.values()), MOST_BUFFERS)

    def test_the_bound_is_verified(self):
        t = "tensor<2xf32>"
        for count, fits in ((510, True), (511, False)):
            source = self.folder / f"{count}.mlir"
            arguments = [f"%x{i}" for i in range(count)]
            lines = ["graph.entry @many(" + ", ".join(f"{x}: {t}" for x in arguments)
                     + ') attributes {result_names = ["y"]} {',
                     f"  %y = kernel.fused({', '.join(arguments)}) {{kind = \"map\"}} : ("
                     + ", ".join([t] * count) + f") -> {t} {{",
                     "  ^bb0(" + ", ".join(f"%a{i}: {t}" for i in range(count)) + "):",
                     f"    %0 = exp(%a0) : ({t}) -> {t}", f"    kernel.yield %0 : {t}", "  }",
                     f"  return(%y) : ({t}) -> ()", "}"]
            source.write_text("\n".join(lines) + "\n")
            done = tools.run("graven-opt", source, "-o", "/dev/null", check=False)
            self.assertEqual(done.returncode == 0, fits, done.stderr[-300:])
            if not fits:
                self.assertIn("has 512 inputs and outputs; a kernel may have 511", done.stderr)


class ManyParametersTest(CudaTest):
    def check(self, text):
        """Trains on both devices; the number of operands of each kernel."""
        source = self.folder / "many.mlir"
        source.write_text(text)
        cpu, gpu = self.compile_both(source, "--batch=16")
        operands = operands_of(source, "--batch=16")
        self.assertLessEqual(max(operands.values()), MOST_BUFFERS, operands)
        rows = tools.IRIS.read_text().splitlines()
        data = self.folder / "rows.csv"  # every fifth flower
        data.write_text("\n".join([rows[0], *rows[1::5]]) + "\n")
        flags = ["--train", data, "--seed", "3", "--early-stopping", "off", "--save-every", "0",
                 "--validation-split", "0", "--epochs", "3", "--batch-size", "16", "--log"]
        logs = [self.folder / f"{device}.jsonl" for device in ("cpu", "cuda")]
        tools.run("graven-run", "fit", cpu, *flags, logs[0])
        on_gpu(self.folder, "fit", gpu, *flags, logs[1])
        losses = [line["loss"] for line in curve(logs[0])]
        self.assertLess(losses[-1], losses[0] - 0.003, "it does not learn")
        self.compare(*map(curve, logs))
        return operands

    def test_updates_that_exceed_one_launch(self):
        operands = self.check(scaled_by_many(COUNT))
        parts = [name for name in operands if re.match(rf"update_{COUNT // 2}_segments", name)]
        self.assertTrue(parts, operands)

    def test_eighty_layers_of_adam(self):
        # An update is computed with its gradient here: kernels are as small as with one layer.
        self.assertLess(max(self.check(deep(80)).values()), 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
