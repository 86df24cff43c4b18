"""A batch that is not full is exact: loss, gradients and predictions."""
import csv
import unittest

import tools

try:
    import numpy as np
except ImportError:
    np = None

TYPES = {"F32": "<f4", "I32": "<i4", "I64": "<i8", "F64": "<f8"}


def state_of(path):
    return {name: np.frombuffer(raw, TYPES[dtype]).reshape(shape)
            for name, (dtype, shape, raw) in tools.tensors(path).items()}


@unittest.skipIf(np is None, "no numpy")
class BatchesTest(tools.ModelTest):
    def rows(self):
        with open(tools.EXAMPLES / "linear_regression/points.csv", newline="") as file:
            table = np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]],
                             np.float32)
        return table[:, :3].copy(), table[:, 3:].copy()

    def test_loss_of_120_rows_in_batches_of_16_is_the_exact_mean(self):
        line = tools.EXAMPLES / "linear_regression"
        model = tools.compile_model(line / "line.mlir", self.folder / "line.so", "--batch=16")
        state = self.folder / "line.safetensors"
        tools.fit(model, "--train", line / "points.csv", "--epochs", "1", "--save", state)
        x, y = self.rows()
        t = state_of(state)
        error = x.astype(float) @ t["w"].astype(float) + t["b"].astype(float) - y
        expected = (error ** 2).mean()
        measured = tools.evaluate(model, state, line / "points.csv")["loss"]
        self.assertLess(abs(measured - expected) / expected, 1e-6)

    def test_gradient_of_a_partial_batch_is_the_mean_over_its_rows(self):
        line = tools.EXAMPLES / "linear_regression"
        model = tools.compile_model(line / "line.mlir", self.folder / "line.so", "--batch=16")
        first, state = self.folder / "first.safetensors", self.folder / "next.safetensors"
        tools.run("graven-run", "call", model, "init", "--input", "seed=2xi32=1,2", "--save-state", first)
        x, y = (part[:7] for part in self.rows())
        np.save(self.folder / "x.npy", x)
        np.save(self.folder / "y.npy", y)
        tools.run("graven-run", "call", model, "train_step", "--state", first, "--input",
                  f"x=@{self.folder}/x.npy", "--input", f"y=@{self.folder}/y.npy", "--save-state", state)
        before, after = state_of(first), state_of(state)
        x, y = x.astype(float), y.astype(float)
        error = x @ before["w"] + before["b"] - y
        for name, gradient in (("w", 2 * x.T @ error / 7), ("b", 2 * error.mean(0))):
            expected = before[name] - 0.1 * gradient
            self.assertLess(np.abs(after[name] - expected).max(), 1e-6)

    def test_predictions_do_not_depend_on_the_rows_beside_them(self):
        iris = tools.EXAMPLES / "iris"
        model = tools.compile_model(iris / "iris.mlir", self.folder / "iris.so", "--batch=16")
        state = self.folder / "iris.safetensors"
        tools.fit(model, "--train", tools.IRIS, "--epochs", "2", "--save", state)
        with open(tools.IRIS, newline="") as file:
            x = np.array([row[:4] for row in list(csv.reader(file))[1:]], np.float32)

        def predict(rows):
            np.save(self.folder / "x.npy", rows)
            out = self.folder / "out.npy"
            tools.run("graven-run", "predict", model, "--state", state, "--data",
                      self.folder / "x.npy", "-o", out)
            return np.load(out)

        together = predict(x[:37])
        alone = np.concatenate([predict(x[i:i + 1]) for i in range(37)])
        self.assertEqual(together.tobytes(), alone.tobytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)
