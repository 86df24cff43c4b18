"""--numerics=strict: the same bits with AVX2, with AVX-512 and on aarch64 (emulated).

Every target's library is linked to strict_driver.c, which runs the model's entries on generated
numbers, or trains the network of the digits, and writes what came out.
"""
import gzip
import hashlib
import math
import pathlib
import random
import shutil
import struct
import subprocess
import unittest

import tools

DRIVER = tools.SOURCE / "test/models/strict_driver.c"
ROWS, EPOCHS = 256, 3


def targets():
    """Name -> flags of graven-compile, compiler, how to run a program, of what can be run here."""
    cpu = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    found = {}
    if " avx2 " in cpu:
        found["AVX2"] = (["--target=x86_64-linux-gnu", "--cpu=x86-64-v3"], "cc", [])
    if " avx512vl " in cpu:
        found["AVX-512"] = (["--target=x86_64-linux-gnu", "--cpu=x86-64-v4"], "cc", [])
    if shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64"):
        found["aarch64"] = (["--target=aarch64-linux-gnu"], "aarch64-linux-gnu-gcc",
                            ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"])
    return found


def tensor(shape, element="f32"):
    return "tensor<" + "".join(f"{length}x" for length in shape) + element + ">"


def entry(name, inputs, lines):
    """A function whose last line's value is returned."""
    arguments = ", ".join(f"%{key}: {kind}" for key, kind in inputs.items())
    last = lines[-1].split(" ")[0]
    return "\n  ".join([f"graph.func @{name}({arguments}) {{", *lines, f"return({last})"]) + "\n}\n"


def kernels():
    """A model whose entries are row, column, contraction and map kernels of random shapes."""
    draw = random.Random(20)
    length = lambda: draw.choice([1, 2, 3, 5, 16, 17, 31, 64, 100, 127, 130, 257, 700])
    text = []
    for number in range(4):
        element = ["f32", "f32", "f32", "f64"][number]
        a, b, c = length(), length(), length()
        for name, lhs, rhs, contract in [("nn", [a, c], [c, b], (1, 0)), ("nt", [a, c], [b, c], (1, 1)),
                                         ("tn", [c, a], [c, b], (0, 0))]:
            text.append(entry(f"{name}{number}", {"x": tensor(lhs, element), "y": tensor(rhs, element)},
                              [f"%p = dot_general(%x, %y, lhs_contract = [{contract[0]}], "
                               f"rhs_contract = [{contract[1]}])", "%r = tanh(%p)"]))
        for prefix in "xs":  # s: with NaNs, infinities and zeros of either sign
            x = {prefix: tensor([a, b], element)}
            text.append(entry(f"rows_{prefix}{number}", x, [f"%r = softmax(%{prefix}, axis = 1)"]))
            for reduction in ("sum", "max", "min", "prod"):
                for axis in (0, 1):
                    text.append(entry(f"{reduction}{axis}_{prefix}{number}", x,
                                      [f"%r = {reduction}(%{prefix}, axis = [{axis}])"]))
    # Rows of several blocks, of one workgroup and of many; columns of several blocks.
    for shape in ([3, 5000], [40, 9001], [2, 70001], [5000, 7]):
        name = "x".join(map(str, shape))
        text.append(entry(f"long{name}", {"x": tensor(shape)}, ["%r = sum(%x, axis = [1])"]))
        text.append(entry(f"tall{name}", {"x": tensor(shape)}, ["%r = sum(%x, axis = [0])"]))
        text.append(entry(f"most{name}", {"s": tensor(shape)}, ["%r = argmax(%s, axis = 1)"]))
        text.append(entry(f"norm{name}", {"x": tensor(shape)}, ["%r = log_softmax(%x, axis = 1)"]))
    text.append(entry("both", {"x": tensor([6, 9, 4500])}, ["%r = sum(%x, axis = [0, 2])"]))
    text.append(entry("turned", {"s": tensor([37, 53])}, ["%r = transpose(%s)"]))
    for function in ("exp", "expm1", "log", "log1p", "tanh", "logistic", "erf", "erfc", "sin", "cos",
                     "sqrt", "rsqrt", "gelu", "negate", "floor", "sign"):
        for element in ("f32", "f64"):
            text.append(entry(f"{function}_{element}", {"s": tensor([1003], element)},
                              [f"%r = {function}(%s)"]))
    text.append(entry("power", {"s": tensor([1003]), "s2": tensor([1003])}, ["%r = power(%s, %s2)"]))
    text.append(entry("numbers", {"s": tensor([1003])}, ["%h = multiply(%s, %s)", "%i = divide(%s, %h)",
                                                        "%r = convert(%i, dtype = i32)"]))
    return "\n".join(text)


def write_rows(path, pixels, labels):
    with open(path, "wb") as file:
        for row, label in zip(pixels, labels):
            file.write(struct.pack("<784fi", *row, label))


class StrictTest(tools.ModelTest):
    def setUp(self):
        super().setUp()
        self.targets = targets()
        if len(self.targets) < 2:
            self.skipTest("no second target can be run here")

    def results(self, source, *arguments):
        """What the driver wrote, by target."""
        written = {}
        for name, (flags, compiler, runner) in self.targets.items():
            folder = self.folder / name
            folder.mkdir()
            tools.run("graven-compile", source, "-o", "strict.a", "--numerics=strict", *flags,
                      cwd=folder)
            subprocess.run([compiler, "-O1", "-std=c99", "-I.", DRIVER, "strict.a", "-lm",
                            "-lpthread", "-o", "driver"], cwd=folder, check=True)
            done = subprocess.run([*runner, "./driver", *arguments, "out"], cwd=folder,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            written[name] = folder / "out"
        return written

    def test_kernels_of_random_shapes_give_the_same_bits(self):
        source = self.folder / "strict.mlir"
        source.write_text(kernels())
        written = {name: path.read_text().splitlines()
                   for name, path in self.results(source, "entries").items()}
        first = next(iter(written))
        for name, lines in written.items():
            self.assertEqual(len(lines), len(written[first]))
            other = [line.split()[0] for line, expected in zip(lines, written[first])
                     if line != expected]
            self.assertEqual(other, [], f"entries whose bits differ between {first} and {name}")
        self.assertGreater(len(written[first]), 100)

    def train(self, data, rows):
        """The digest of the trained tensors, by target."""
        source = self.folder / "strict.mlir"
        digits = (tools.EXAMPLES / "digits_mlp/digits.mlir").read_text()
        source.write_text(digits.replace("@digits", "@strict")
                          .replace("batch_size = 128", "batch_size = 32"))
        digests = {}
        for name, path in self.results(source, "train", data, str(rows), str(EPOCHS)).items():
            tensors = tools.tensors(path)
            self.assertIn("dense.kernel", tensors)
            numbers = struct.unpack(f"<{784 * 128}f", tensors["dense.kernel"][2])
            self.assertTrue(all(map(math.isfinite, numbers)))
            digests[name] = hashlib.sha256(
                b"".join(key.encode() + tensors[key][2] for key in sorted(tensors))).hexdigest()
        return digests

    def test_the_network_of_the_digits_learns_the_same_bits(self):
        draw = random.Random(7)
        data = self.folder / "rows"
        write_rows(data, [[float(draw.choice([0, 0, 0, draw.randrange(256)])) for _ in range(784)]
                          for _ in range(ROWS)], [draw.randrange(10) for _ in range(ROWS)])
        digests = self.train(data, ROWS)
        self.assertEqual(len(set(digests.values())), 1, digests)

    @tools.needs_digits
    def test_the_digits_are_learned_with_the_same_bits(self):
        images, labels = (gzip.open(path).read() for path in tools.TRAIN_DIGITS.split(","))
        pixels = [list(map(float, images[16 + 784 * i:16 + 784 * (i + 1)])) for i in range(ROWS)]
        data = self.folder / "rows"
        write_rows(data, pixels, list(labels[8:8 + ROWS]))
        digests = self.train(data, ROWS)
        self.assertEqual(len(set(digests.values())), 1, digests)


if __name__ == "__main__":
    unittest.main(verbosity=2)
