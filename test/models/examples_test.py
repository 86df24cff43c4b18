"""Every example runs by its own commands and learns what it should."""
import unittest

import tools


class ExamplesTest(tools.ModelTest):
    def test_linear_regression_finds_the_plane(self):
        self.assertLess(tools.measure(tools.run_example(self, "linear_regression"), "loss"), 0.01)

    def test_two_layers_by_hand_learn_iris(self):
        self.assertLess(tools.measure(tools.run_example(self, "two_layer_by_hand"), "loss"), 0.2)

    def test_custom_layer_learns_iris(self):
        self.assertGreater(tools.measure(tools.run_example(self, "custom_layer"), "accuracy"), 0.93)

    def test_custom_loop_learns_iris(self):
        self.assertLess(tools.measure(tools.run_example(self, "custom_loop"), "loss"), 0.3)

    def test_iris_is_trained_from_c(self):
        self.assertGreater(tools.measure(tools.run_example(self, "embed_c"), "accuracy"), 0.93)

    def test_iris_program_in_c_has_at_most_forty_lines(self):
        lines = (tools.EXAMPLES / "embed_c/main.c").read_text().splitlines()
        self.assertLessEqual(len(lines), 40)


if __name__ == "__main__":
    unittest.main(verbosity=2)
