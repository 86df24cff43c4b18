"""The examples train and evaluate on the emulated GPU as on the CPU, with fewer rows or epochs.
Iris and the digits have tests of their own."""
import unittest

import tools
from emulated_gpu import CudaTest, curve, on_gpu

LINE = tools.EXAMPLES / "linear_regression"


class ExamplesOnAGpuTest(CudaTest):
    def check(self, source, data, epochs, *flags):
        cpu, gpu = self.compile_both(tools.EXAMPLES / source)
        words = ["--train", data, "--seed", "3", "--early-stopping", "off", "--save-every", "0",
                 "--epochs", epochs, *flags, "--log"]
        logs = [self.folder / f"{device}.jsonl" for device in ("cpu", "cuda")]
        tools.run("graven-run", "fit", cpu, *words, logs[0])
        _, counts = on_gpu(self.folder, "fit", gpu, *words, logs[1])
        curves = [curve(log) for log in logs]
        self.assertLess(curves[0][-1]["loss"], curves[0][0]["loss"], "it does not learn")
        self.compare(*curves)
        self.assertEqual(counts.get("complaints", 0), 0)
        self.assertEqual(counts.get("cuLaunchKernel", 0), 0, "a step is one graph launch")

    def test_linear_regression(self):
        self.check("linear_regression/line.mlir", LINE / "points.csv", 5)

    def test_two_layers_by_hand(self):
        self.check("two_layer_by_hand/net.mlir", tools.IRIS, 5)

    def test_custom_layer(self):
        self.check("custom_layer/gated.mlir", tools.IRIS, 5)

    def test_custom_loop(self):
        self.check("custom_loop/own_step.mlir", tools.IRIS, 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
