"""Every example runs by its own commands and learns what it should."""
import os
import re
import subprocess
import unittest

import tools


class ExamplesTest(tools.ModelTest):
    def run_example(self, name, *arguments):
        path = os.pathsep.join([str(tools.BIN), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", str(tools.EXAMPLES / name / "run.sh"), *map(str, arguments)], cwd=self.folder,
            env={**os.environ, "PATH": path, "GRAVEN_INCLUDE": str(tools.BIN.parent / "include")},
            capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def measure(self, output, name):
        """The last `name: number` of the output: what `evaluate` said."""
        return float(re.findall(rf"\b{name}: ([0-9.e+-]+)", output)[-1])

    def test_linear_regression_finds_the_plane(self):
        self.assertLess(self.measure(self.run_example("linear_regression"), "loss"), 0.01)

    def test_two_layers_by_hand_learn_iris(self):
        self.assertLess(self.measure(self.run_example("two_layer_by_hand"), "loss"), 0.2)

    def test_custom_layer_learns_iris(self):
        self.assertGreater(self.measure(self.run_example("custom_layer"), "accuracy"), 0.93)

    def test_custom_loop_learns_iris(self):
        self.assertLess(self.measure(self.run_example("custom_loop"), "loss"), 0.3)

    def test_iris_is_trained_from_c(self):
        self.assertGreater(self.measure(self.run_example("embed_c"), "accuracy"), 0.93)

    def test_iris_program_in_c_has_at_most_forty_lines(self):
        lines = (tools.EXAMPLES / "embed_c/main.c").read_text().splitlines()
        self.assertLessEqual(len(lines), 40)

    @tools.needs_digits
    def test_digits_are_learned(self):
        self.assertGreater(
            self.measure(self.run_example("digits_mlp", tools.DIGITS), "accuracy"), 0.9)


if __name__ == "__main__":
    unittest.main(verbosity=2)
