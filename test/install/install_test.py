"""Installs the build, moves the tree, and builds programs against it from outside.

usage: install_test.py CMAKE SOURCE BUILD
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, SOURCE, BUILD = (sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
IRIS = SOURCE / "docs/examples/iris/iris.mlir"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}\nexit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="graven install "))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        run(CMAKE, "--install", BUILD, "--prefix", cls.folder / "first")
        cls.tree = cls.folder / "moved away"
        (cls.folder / "first").rename(cls.tree)

    def test_no_file_names_the_tree_it_was_built_in(self):
        for path in self.tree.rglob("*"):
            if path.suffix in (".cmake", ".pc", ".h", ".hpp"):
                text = path.read_text()
                for place in (SOURCE, BUILD, self.folder / "first"):
                    self.assertNotIn(str(place), text, path)

    def test_tools_run_from_where_they_stand(self):
        model = self.folder / "iris.so"
        run(self.tree / "bin/graven-compile", IRIS, "-o", model)
        self.assertIn("train_step", run(self.tree / "bin/graven-run", "info", model))
        run(self.tree / "bin/graven-compile", IRIS, "-o", self.folder / "iris.a")  # with the core
        self.assertTrue((self.folder / "iris.h").is_file())

    def test_a_cmake_project_uses_all_of_it(self):
        model = self.folder / "opened.so"
        run(self.tree / "bin/graven-compile", IRIS, "-o", model)
        project = self.folder / "project"
        run(CMAKE, "-G", "Ninja", "-S", SOURCE / "test/install/consumer", "-B", project,
            f"-DCMAKE_PREFIX_PATH={self.tree}", f"-DIRIS={IRIS}", "-DCMAKE_BUILD_TYPE=Release")
        run(CMAKE, "--build", project)
        self.assertEqual(run(project / "embedded"), "predict takes 5 rows: 1\n")
        self.assertEqual(run(project / "opened", model), "opened\n")
        self.assertEqual(run(project / "trained", model), "epochs: 100\n")
        self.assertEqual(run(project / "compiled", IRIS), "compiled: iris\n")

    def test_a_mistake_in_graven_add_model_is_answered(self):
        project = self.folder / "mistaken"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES C)\n"
            "find_package(Graven REQUIRED COMPONENTS runtime)\n"
            "add_executable(app main.c)\ngraven_add_model(app nowhere.mlir)\n")
        (project / "main.c").write_text("int main(void) { return 0; }\n")
        with self.assertRaisesRegex(AssertionError, "there is no file"):
            run(CMAKE, "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.tree}")

    def test_pkg_config_tells_how_to_link_the_runtime(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.tree / "lib/pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "graven", env=environment)
        program = self.folder / "version"
        source = self.folder / "version.c"
        source.write_text('#include <graven/graven.h>\n#include <string.h>\n'
                          'int main(void) { return strcmp(graven_last_error(), ""); }\n')
        # The folder's name holds a space, which pkg-config writes with a backslash.
        subprocess.run(f'cc "{source}" {flags.strip()} -o "{program}"', shell=True, check=True)
        run(program)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
