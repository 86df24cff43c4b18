"""Every example runs by its own commands and learns what it should."""
import shutil
import subprocess
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

    @unittest.skipUnless(shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64"),
                         "no aarch64 compiler or emulator")
    def test_iris_is_trained_from_c_on_aarch64(self):
        tools.run("graven-compile", tools.EXAMPLES / "iris/iris.mlir", "-o", "iris.a",
                  "--target=aarch64-linux-gnu", cwd=self.folder)
        subprocess.run(["aarch64-linux-gnu-gcc", "-I.", tools.EXAMPLES / "embed_c/main.c", "iris.a",
                        "-lm", "-lpthread", "-o", "iris"], cwd=self.folder, check=True)
        done = subprocess.run(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "./iris", tools.IRIS],
                              cwd=self.folder, check=True, capture_output=True, text=True)
        there = tools.measure(done.stdout, "accuracy")
        here = tools.measure(tools.run_example(self, "embed_c"), "accuracy")
        self.assertAlmostEqual(there, here, delta=0.02)

    def test_the_library_wants_nothing_but_libc_libm_and_pthread(self):
        tools.run("graven-compile", tools.EXAMPLES / "iris/iris.mlir", "-o", "iris.a", cwd=self.folder)
        subprocess.run(["ld", "-r", "--whole-archive", "iris.a", "-o", "whole.o"], cwd=self.folder,
                       check=True)
        # An empty program in which every symbol must be found: libc's and libm's are.
        (self.folder / "empty.c").write_text("int main(void) { return 0; }\n")
        subprocess.run(["cc", "empty.c", "whole.o", "-nodefaultlibs", "-lm", "-lpthread", "-lc",
                        "-Wl,--no-undefined", "-o", "whole"], cwd=self.folder, check=True)

    def test_two_models_in_one_program(self):
        for name, source in (("iris", "iris/iris.mlir"), ("line", "linear_regression/line.mlir")):
            tools.run("graven-compile", tools.EXAMPLES / source, "-o", f"{name}.a", cwd=self.folder)
        (self.folder / "both.c").write_text("""
#include <stdio.h>
#include "iris.h"
#include "line.h"
int main(void) {
  graven_model *iris, *line;
  if (graven_model_create(&graven_model_iris, &iris)) return 1;
  if (graven_model_create(&graven_model_line, &line)) return 2;
  puts(graven_model_text(iris, graven_model_table(iris)->model_name));
  puts(graven_model_text(line, graven_model_table(line)->model_name));
  return 0;
}
""")
        subprocess.run(["cc", "both.c", "iris.a", "line.a", "-lm", "-lpthread", "-o", "both"],
                       cwd=self.folder, check=True)
        done = subprocess.run(["./both"], cwd=self.folder, check=True, capture_output=True, text=True)
        self.assertEqual(done.stdout.split(), ["iris", "line"])

    def test_iris_program_in_c_has_at_most_forty_lines(self):
        lines = (tools.EXAMPLES / "embed_c/main.c").read_text().splitlines()
        self.assertLessEqual(len(lines), 40)


if __name__ == "__main__":
    unittest.main(verbosity=2)
