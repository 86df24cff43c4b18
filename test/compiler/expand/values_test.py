"""What layers, losses, optimizers and metrics compute, against their formulas in plain Python.

One row for each loss and layer (its value on given numbers), one trajectory for each optimizer. The
models are compiled and run, so a rule that says the right words and computes the wrong number fails.
"""
import json
import math
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["GRAVEN_BIN"])


def read_tensors(path):
    """name -> list of numbers, of a safetensors file's f32 and f64 tensors."""
    data = pathlib.Path(path).read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, record in json.loads(data[8:8 + size]).items():
        letter = {"F32": "f", "F64": "d", "I64": "q", "I32": "i"}.get(record.get("dtype"))
        if not letter:
            continue
        begin, end = record["data_offsets"]
        raw = data[8 + size + begin:8 + size + end]
        tensors[name] = list(struct.unpack(f"<{len(raw) // struct.calcsize(letter)}{letter}", raw))
    return tensors


def read_npy(path):
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<H", data[8:10])
    raw = data[10 + length:]
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def tensor(shape, dtype, values):
    return f"{'x'.join(map(str, shape))}x{dtype}={','.join(map(repr, values))}"


class Model:
    """A compiled text and its state."""

    def __init__(self, folder, text, batch=4, stateless=False):
        self.folder = pathlib.Path(folder)
        (self.folder / "m.mlir").write_text(text)
        self.run("graven-compile", self.folder / "m.mlir", "-o", self.folder / "m.so",
                 f"--batch={batch}")
        self.state_file = self.folder / "s.safetensors"
        if not stateless:
            self.call("init", seed="2xi32=1,2")

    def run(self, tool, *arguments):
        done = subprocess.run([BIN / tool, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{tool} {arguments}: {done.stdout}{done.stderr}")

    def call(self, entry, **inputs):
        out = self.folder / "out"
        flags = [f"--input={name}={value}" for name, value in inputs.items()]
        if self.state_file.exists():
            flags += ["--state", self.state_file]
        self.run("graven-run", "call", self.folder / "m.so", entry, *flags, "-o", out,
                 "--save-state", self.state_file)
        return {file.stem: read_npy(file) for file in out.glob("*.npy")} if out.exists() else {}

    def state(self):
        return read_tensors(self.state_file)


X = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5]  # 3 rows of 2; the batch compiled for is 4
W = 0.5


def linear(w):
    return [X[2 * i] * w[0] + X[2 * i + 1] * w[1] for i in range(3)]


class ValuesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="graven values ")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def near(self, actual, wanted, tolerance=2e-6):
        self.assertEqual(len(actual), len(wanted))
        for a, w in zip(actual, wanted):
            self.assertLessEqual(abs(a - w), tolerance * max(1.0, abs(w)), f"{actual} {wanted}")

    # --- losses ---

    def loss(self, name, units, **target):
        model = Model(self.folder, f"""
          nn.model @m {{
            input(shape = [2])
            dense(units = {units}, kernel_init = uniform(-1, 1), bias_init = 0.25)
          }} train {{ {name} sgd() }}""")
        z = model.call("predict", x=tensor([3, 2], "f32", X))["y"]
        (value,) = model.call("eval_step", x=tensor([3, 2], "f32", X), **target)["loss"]
        return z, value

    def test_sparse_categorical_crossentropy(self):
        labels = [2, 0, 1]
        z, value = self.loss("sparse_categorical_crossentropy(from_logits = true)", 3,
                             label=tensor([3], "i32", labels))
        rows = [z[3 * i:3 * i + 3] for i in range(3)]
        self.near([value], [sum(math.log(sum(map(math.exp, row))) - row[label]
                                for row, label in zip(rows, labels)) / 3])

    def test_crossentropy_of_ops(self):
        """Labels outside the classes name none; a score of -inf is as written, 0 times -inf."""
        model = Model(self.folder, """
          graph.func @call(%x: tensor<4x5xf32>, %label: tensor<4xi32>) {
            %logp  = log_softmax(%x, axis = 1)
            %truth = one_hot(%label, depth = 5)
            %hits  = multiply(%truth, %logp)
            %each  = sum(%hits, axis = 1)
            %total = sum(%each)
            %dx    = gradient(%total, %x)
            return(%each, %dx)
          }""", stateless=True)
        rows = [[0.5, -1.0, 2.0, 0.25, -0.75], [1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0],
                [1.0, 0.5, -math.inf, 0.0, 0.25]]
        out = model.call("call", x=tensor([4, 5], "f32", sum(rows, [])),
                         label=tensor([4], "i32", [2, -1, 5, 0]))
        each, dx = out["y0"], out["y1"]
        total = sum(map(math.exp, rows[0]))
        self.near(each[:3], [rows[0][2] - math.log(total), 0.0, 0.0])
        self.assertTrue(math.isnan(each[3]))
        self.near(dx[:15], [(i == 2) - math.exp(v) / total for i, v in enumerate(rows[0])] + [0] * 10)

    def test_categorical_crossentropy(self):
        y = [0.2, 0.3, 0.5, 1.0, 0.0, 0.0, 0.0, 0.5, 0.5]
        z, value = self.loss("categorical_crossentropy(from_logits = true)", 3,
                             y=tensor([3, 3], "f32", y))
        wanted = 0
        for i in range(3):
            row = z[3 * i:3 * i + 3]
            total = math.log(sum(map(math.exp, row)))
            wanted += sum(t * (total - a) for t, a in zip(y[3 * i:3 * i + 3], row)) / 3
        self.near([value], [wanted])

    def test_binary_crossentropy(self):
        y = [1.0, 0.0, 1.0]
        z, value = self.loss("binary_crossentropy(from_logits = true)", 1,
                             y=tensor([3, 1], "f32", y))
        p = [1 / (1 + math.exp(-a)) for a in z]
        self.near([value], [-sum(math.log(a if t else 1 - a) for a, t in zip(p, y)) / 3])

    def test_mean_squared_error(self):
        y = [1.0, -2.0, 0.5]
        z, value = self.loss("mean_squared_error()", 1, y=tensor([3, 1], "f32", y))
        self.near([value], [sum((a - t) ** 2 for a, t in zip(z, y)) / 3])

    # --- optimizers: four steps on three of four rows, by hand ---

    def trajectory(self, optimizer, update):
        model = Model(self.folder, f"""
          nn.model @m {{
            input(shape = [2])
            dense(units = 1, use_bias = false, kernel_init = {W})
          }} train {{ mean_squared_error() {optimizer} }}""")
        y, w, memory = [1.0, -2.0, 0.5], [W, W], [{}, {}]
        for step in range(1, 5):
            model.call("train_step", x=tensor([3, 2], "f32", X), y=tensor([3, 1], "f32", y))
            miss = [a - t for a, t in zip(linear(w), y)]
            g = [sum(2 * m * X[2 * i + k] for i, m in enumerate(miss)) / 3 for k in range(2)]
            w = [update(a, b, m, step) for a, b, m in zip(w, g, memory)]
            self.near(model.state()["dense.kernel"], w)

    def test_sgd(self):
        self.trajectory("sgd(learning_rate = 0.1)", lambda w, g, m, t: w - 0.1 * g)

    def test_sgd_with_decay(self):
        self.trajectory("sgd(learning_rate = 0.1, weight_decay = 0.01)",
                        lambda w, g, m, t: w - 0.1 * 0.01 * w - 0.1 * g)

    def test_sgd_with_momentum(self):
        def update(w, g, m, t):
            m["v"] = 0.9 * m.get("v", 0) - 0.1 * g
            return w + m["v"]
        self.trajectory("sgd(learning_rate = 0.1, momentum = 0.9)", update)

    def test_sgd_with_nesterov(self):
        def update(w, g, m, t):
            m["v"] = 0.9 * m.get("v", 0) - 0.1 * g
            return w + 0.9 * m["v"] - 0.1 * g
        self.trajectory("sgd(learning_rate = 0.1, momentum = 0.9, nesterov = true)", update)

    @staticmethod
    def adam_step(w, g, m, t, rate):
        m["m"] = 0.9 * m.get("m", 0) + 0.1 * g
        m["v"] = 0.999 * m.get("v", 0) + 0.001 * g * g
        corrected = rate * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
        return w - corrected * m["m"] / (math.sqrt(m["v"]) + 1e-7)

    def test_adam(self):
        self.trajectory("adam(learning_rate = 0.05)",
                        lambda w, g, m, t: self.adam_step(w, g, m, t, 0.05))

    def test_adamw(self):
        self.trajectory("adamw(learning_rate = 0.05, weight_decay = 0.1)",
                        lambda w, g, m, t: self.adam_step(w - 0.05 * 0.1 * w, g, m, t, 0.05))

    def test_clipped_elements(self):
        clip = lambda g: min(max(g, -0.5), 0.5)
        self.trajectory("sgd(learning_rate = 0.1, clip_value = 0.5)",
                        lambda w, g, m, t: w - 0.1 * clip(g))

    def clipped(self, element, optimizer, bound):
        """Two layers' gradients of mean((x w v + b)^2), some beyond a bound of their norm."""
        model = Model(self.folder, f"""
          nn.model @m {{
            input(shape = [2], dtype = {element})
            dense(units = 1, use_bias = false, kernel_init = {W})
            dense(units = 1, kernel_init = 1.5, bias_init = 0.25)
          }} train {{ mean_squared_error() {optimizer} }}""")
        w, v, b = [W, W], 1.5, 0.25
        norms = []
        for _ in range(4):
            model.call("train_step", x=tensor([3, 2], element, X),
                       y=tensor([3, 1], element, [0.0] * 3))
            h = linear(w)
            miss = [2 * (a * v + b) / 3 for a in h]
            g = [sum(m * v * X[2 * i + k] for i, m in enumerate(miss)) for k in range(2)]
            g += [sum(m * a for m, a in zip(miss, h)), sum(miss)]
            if "clip_value" in optimizer:
                g = [min(max(a, -2), 2) for a in g]
            norms.append(math.sqrt(sum(a * a for a in g)))
            scale = bound / max(norms[-1], bound)
            w = [a - 0.1 * scale * d for a, d in zip(w, g)]
            v, b = v - 0.1 * scale * g[2], b - 0.1 * scale * g[3]
            state = model.state()
            self.near(state["dense.kernel"] + state["dense_1.kernel"] + state["dense_1.bias"],
                      w + [v, b])
        self.assertEqual({norm > bound for norm in norms}, {True, False}, norms)

    def test_norm_over_all_gradients(self):
        self.clipped("f32", "sgd(learning_rate = 0.1, clip_norm = 1.5)", 1.5)

    def test_elements_then_norm_in_double_precision(self):
        self.clipped("f64", "sgd(learning_rate = 0.1, clip_value = 2, clip_norm = 2.5)", 2.5)

    # --- layers ---

    def test_normalization_is_exact_over_batches_of_any_size(self):
        model = Model(self.folder, "nn.model @m {\n input(shape = [2])\n normalization()\n}")
        rows = [[3.0, 1.0], [4.5, 1.0], [-2.0, 1.0], [0.5, 1.0], [8.0, 1.0], [7.25, 1.0], [1.0, 1.0]]
        for begin, end in ((0, 4), (4, 6), (6, 7)):
            part = [v for row in rows[begin:end] for v in row]
            model.call("adapt", x=tensor([end - begin, 2], "f32", part))
        column = [row[0] for row in rows]
        mean = sum(column) / 7
        variance = sum((v - mean) ** 2 for v in column) / 7
        state = model.state()
        self.near(state["normalization.mean"], [mean, 1.0])
        self.near(state["normalization.variance"], [variance, 0.0])
        self.assertEqual(state["normalization.count"], [7.0])
        # A feature that does not vary is only centred.
        y = model.call("predict", x=tensor([1, 2], "f32", [2.0, 3.0]))["y"]
        self.near(y, [(2.0 - mean) / math.sqrt(variance), 2.0])

    def test_layers_between(self):
        model = Model(self.folder, """
          nn.model @m {
            %x = input(shape = [2, 3], dtype = ui8)
            %a = rescaling(%x, scale = 0.5, offset = -1)
            %b = flatten(%a)
            %c = reshape(%b, shape = [3, 2])
            %d = flatten(%c)
            %e = add(%b, %d)
            %f = concatenate(%e, %b)
            activation(%f, function = tanh)
          }""", stateless=True)
        values = [0, 1, 2, 3, 4, 5]
        a = [0.5 * v - 1 for v in values]
        y = model.call("predict", x=tensor([1, 2, 3], "ui8", values))["y"]
        self.near(y, [math.tanh(v) for v in [2 * v for v in a] + a])

    def test_dropout_drops_its_share_and_rescales_the_rest(self):
        model = Model(self.folder, """
          nn.model @m {
            input(shape = [1000])
            dropout(rate = 0.25)
          }
          graph.func @train_step(%x: tensor<?x1000xf32>) {
            %y = call(@m, %x)
            return(%y)
          }""")
        ones = "4x1000xf32=1"
        first, second = (model.call("train_step", x=ones) for _ in range(2))
        (y,), (again,) = first.values(), second.values()
        self.assertLess(abs(y.count(0.0) / len(y) - 0.25), 0.03)
        self.near([v for v in y if v], [4 / 3] * (len(y) - y.count(0.0)))
        self.assertNotEqual(y, again)  # a new mask in each step

    def test_initializers_have_their_moments(self):
        for word, deviation in (("glorot_uniform", math.sqrt(2 / 300)),
                                ("he_normal", math.sqrt(2 / 100)),
                                ("lecun_uniform", math.sqrt(1 / 100)), ("normal(0.5, 2.0)", 2.0)):
            model = Model(self.folder, f"""
              nn.model @m {{
                input(shape = [100])
                dense(units = 200, kernel_init = {word})
              }}""")
            kernel = model.state()["dense.kernel"]
            mean = sum(kernel) / len(kernel)
            spread = math.sqrt(sum((v - mean) ** 2 for v in kernel) / len(kernel))
            self.assertLess(abs(mean - (0.5 if "0.5" in word else 0)), 0.05 * deviation, word)
            self.assertLess(abs(spread / deviation - 1), 0.03, word)
            (pathlib.Path(self.folder) / "s.safetensors").unlink()


if __name__ == "__main__":
    unittest.main()
