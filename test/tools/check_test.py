"""Breaks each rule of tools/check in a small tree of its own."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(os.environ["GRAVEN_SOURCE"]) / "tools/check"

GOOD = {
    "dialect/graph/a.h": "#ifndef GRAVEN_DIALECT_GRAPH_A_H_\n#include \"mlir/IR/Builders.h\"\n",
    "compiler/fuse/passes.td": 'def FormKernels : Pass<"fuse-form-kernels"> {}\n',
    "compiler/fuse/form_kernels.cc": '#include "compiler/strategy/target.h"\n#include "dialect/graph/a.h"\n',
    "test/compiler/fuse/form_kernels.mlir": "// RUN: true\n",
    "compiler/package/write.cc": '#include "runtime/core/artifact_format.h"\n',
    "compiler/codegen/cpu/map.cc": '#include "compiler/strategy/table.h"\n',
    "runtime/train/fit.cc": '#include "absl/status/status.h"\n',
}


class CheckTest(unittest.TestCase):
    def check(self, extra=None, without=()):
        """Exit status and output over the good tree with `extra` files and `without` some."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD, **(extra or {})}.items():
                if name in without:
                    continue
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            subprocess.run(["git", "init", "-q", str(root)], check=True)
            done = subprocess.run([sys.executable, str(CHECK), str(root)], capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

    def expect_broken(self, extra, message, without=()):
        status, output = self.check(extra, without)
        self.assertIn(message, output)
        self.assertIn(" 1 broken", output)
        self.assertEqual(status, 1)

    def test_a_good_tree_passes(self):
        status, output = self.check()
        self.assertEqual((status, output), (0, "7 files, 7 rules, 0 broken\n"))

    def test_this_tree_passes(self):
        done = subprocess.run([sys.executable, str(CHECK)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_layers(self):
        self.expect_broken({"dialect/b.cc": '#include "compiler/fuse/x.h"\n'},
                           "dialect/b.cc:1: layers: includes compiler/fuse/x.h")
        self.expect_broken({"runtime/core/b.cc": '#include "absl/strings/str_cat.h"\n'}, "nothing of absl/")
        self.expect_broken({"runtime/train/b.cc": '#include <llvm/ADT/ArrayRef.h>\n'}, "nothing of llvm/")
        self.expect_broken({"compiler/fuse/b.cc": '\n#include "runtime/core/model.h"\n'}, "b.cc:2: layers")
        self.expect_broken({"compiler/fuse/b.cc": '#include "compiler/expand/rules.h"\n'},
                           "no phase includes another")

    def test_sizes(self):
        self.expect_broken({"tools/x.cc": "\n" * 801}, "has 801 lines")

    def test_folders(self):
        self.expect_broken({"compiler/fuse/utils/x.cc": "\n"}, "a folder named 'utils'")

    def test_texts(self):
        self.expect_broken({"tools/x.cc": "// TO" "DO: more\n"}, "finish it")
        self.expect_broken({"docs/x.md": "It does so for " "now.\n"}, "say what is")
        self.expect_broken({"compiler/fuse/x.cc": "llvm::cl::" "opt<int> x;\n"}, "options of passes")
        self.expect_broken({"test/x.h": "using " "namespace mlir;\n"}, "every file that includes")
        self.expect_broken({"compiler/api/x.cc": '#include "compiler/codegen/cpu/target.h"\n'},
                           "knows no device")
        self.expect_broken({"runtime/core/x.cc": 'return find("cuda");\n'}, "knows no device")
        self.expect_broken({"tools/x.py": "open('/wo" "rk/x')\n"}, "paths of one machine")

    def test_mirrors(self):
        self.expect_broken({}, "has no file compiler/fuse/form_kernels.cc",
                           without=["compiler/fuse/form_kernels.cc"])
        self.expect_broken({}, "has no test test/compiler/fuse/form_kernels.mlir",
                           without=["test/compiler/fuse/form_kernels.mlir"])
        self.expect_broken({"compiler/fuse/passes.td": 'def Form : Pass<"fuse-form-kernels"> {}\n'},
                           "names the pass Form; its flag --fuse-form-kernels asks for FormKernels")
        self.expect_broken({"compiler/fuse/passes.td": 'def FormKernels : Pass<"form-kernels"> {}\n'},
                           "flags of this phase begin with --fuse-")

    def test_guards(self):
        self.expect_broken({"tools/x.h": "#ifndef X_H\n"}, "another guard than GRAVEN_TOOLS_X_H_")

    def test_formats(self):
        style = {".clang-format": "BasedOnStyle: Google\n"}
        self.expect_broken({**style, "tools/x.cc": "int a;\n\nint   b;\n"},
                           "tools/x.cc:3: formats: is formatted otherwise")
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / ".clang-format").write_text(style[".clang-format"])
            (root / "x.cc").write_text("int   b;\n")
            done = subprocess.run([sys.executable, str(CHECK), "--format", folder],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual((root / "x.cc").read_text(), "int b;\n")


if __name__ == "__main__":
    unittest.main()
