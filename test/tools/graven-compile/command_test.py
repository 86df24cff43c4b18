"""What graven-compile answers to mistakes on its command line and around it."""
import os
import pathlib
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["GRAVEN_BIN"])
SOURCE = pathlib.Path(os.environ["GRAVEN_SOURCE"])
IRIS = SOURCE / "docs/examples/iris/iris.mlir"


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory(prefix="graven compile ")
        self.folder = pathlib.Path(self.holder.name)

    def tearDown(self):
        self.holder.cleanup()

    def run_tool(self, *arguments, **options):
        return subprocess.run([str(BIN / "graven-compile"), *map(str, arguments)], cwd=self.folder,
                              capture_output=True, text=True, timeout=120, **options)

    def fails(self, *arguments, code, says, **options):
        done = self.run_tool(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        for part in says:
            self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertFalse(list(self.folder.rglob("*.tmp")))
        return done

    def model(self, text, name="m.mlir"):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def test_help_is_a_page_that_fits_a_terminal(self):
        done = self.run_tool("--help")
        self.assertEqual(done.returncode, 0)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)
        for word in ("--batch", "--target", "graven-run fit", "schedule"):
            self.assertIn(word, done.stdout)

    def test_unknown_flag(self):
        self.fails(IRIS, "--bach=3", code=2, says=["there is no flag '--bach'",
                                                   "did you mean '--batch'?"])

    def test_values_of_flags(self):
        self.fails(IRIS, "--batch=1,many", code=2, says=["'many' is no batch size"])
        self.fails(IRIS, "--emit=sharde", code=2, says=["unknown kind 'sharde'", "'shared'"])
        self.fails(IRIS, "-o", "iris.exe", code=2, says=["the ending of 'iris.exe'"])
        self.fails(IRIS, "--cpu=znver44", code=1, says=["unknown CPU 'znver44'", "znver4"])
        self.fails(IRIS, "--target=vax", code=1, says=["unknown target 'vax'", "aarch64-linux-gnu"])
        self.fails(IRIS, "--device=tpu", code=1, says=["unknown device 'tpu'", "cpu"])
        self.fails(IRIS, "--numerics=exact", code=2, says=["fast or strict", "'exact'"])
        self.fails(IRIS, "--matmul=bf16", code=2, says=["f32 or tf32", "'bf16'"])
        self.fails(IRIS, "--matmul=tf32", "--numerics=strict", "--device=cuda", code=1,
                   says=["cannot be strict and of tf32", "leave out --numerics=strict or --matmul=tf32"])
        self.fails(IRIS, "--strategy=row:fastest", code=1,
                   says=["device 'cpu' has no strategy 'fastest' for kernels of kind 'row'",
                         "dot, contraction, segments, row"])
        self.fails(IRIS, "--strategy=rows:row", code=1,
                   says=["no kind of kernels 'rows'", "map, row, column, contraction"])
        self.fails(IRIS, "--strategy=row:reference", "--strategy=row:row", code=1,
                   says=["given the strategy 'reference' already"])
        self.fails(IRIS, "--strategy=contraction:contraction:rows=six", code=1,
                   says=["cannot read 'rows=six'"])
        self.fails(IRIS, "--compile-to=fusee", code=1, says=["no phase 'fusee'", "fuse"])
        self.fails(code=2, says=["no model given"])

    def test_input_that_is_no_model(self):
        self.fails("missing.mlir", code=1, says=["cannot read 'missing.mlir'", "No such file"])
        self.fails(self.folder, code=1, says=["is a folder"])
        self.fails(self.model(b"ML\xefR\x01"), code=1, says=["MLIR bytecode"])
        self.fails(self.model("[" * 200000), code=1, says=["nested more than 256 deep"])
        self.fails(self.model(b"\x7fELF\xff\xfe\x00"), code=1, says=["error: "])
        self.fails(self.model("module { llvm.func @f() }"), code=1, says=["m.mlir:1:", "error: "])

    def test_output_that_cannot_be_written(self):
        self.fails(IRIS, "-o", "no/such/iris.so", code=1,
                   says=["cannot write to 'no/such/iris.so'", "-o"])
        (self.folder / "taken.so").mkdir()
        self.fails(IRIS, "-o", "taken.so", code=1, says=["cannot write to 'taken.so'"])

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full on this machine")
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(BIN / "graven-compile"), str(IRIS), "-o", "-"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def test_an_error_overwrites_nothing(self):
        before = self.folder / self.model("precious", "m.so")
        self.fails(self.model("nn.model @m { input(shape = [4]) dense(units = 3, ) ] }"), "-o", "m.so",
                   code=1, says=["m.mlir:1:", "^"])
        self.assertEqual(before.read_text(), "precious")

    def test_same_bytes_from_any_folder(self):
        results = []
        for name in ("a folder", "another"):
            folder = self.folder / name
            folder.mkdir()
            (folder / "iris.mlir").write_bytes(IRIS.read_bytes())
            done = subprocess.run([str(BIN / "graven-compile"), "iris.mlir"], cwd=folder,
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            results.append((folder / "iris.so").read_bytes())
        self.assertEqual(*results)

    def test_every_kind_of_output(self):
        for name in ("iris.so", "iris.o", "iris.a", "iris.ll", "iris.s", "iris.mlir"):
            done = self.run_tool(IRIS, "-o", f"out {name}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater((self.folder / f"out {name}").stat().st_size, 1000, name)
        self.assertIn("GRAVEN_IRIS_ENTRY_TRAIN_STEP", (self.folder / "out iris.h").read_text())

    def test_numerics_are_obeyed_and_recorded(self):
        for numerics, said in ((None, "fast"), ("fast", "fast"), ("strict", "strict")):
            flags = [f"--numerics={numerics}"] if numerics else []
            done = self.run_tool(IRIS, "--cpu=x86-64-v4", "--target=x86_64-linux-gnu", "-o", "m.so",
                                 *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            info = subprocess.run([str(BIN / "graven-run"), "info", "m.so"], cwd=self.folder,
                                  capture_output=True, text=True, timeout=60)
            self.assertIn(f"Numerics: {said}\n", info.stdout)
            code = self.run_tool(IRIS, "--cpu=x86-64-v4", "--target=x86_64-linux-gnu", "--emit=asm",
                                 "-o", "-", *flags).stdout
            self.assertEqual("vrsqrt14ps" in code, said == "fast")

    def test_products_of_bf16_are_required_where_they_are_used(self):
        products = {
            dtype: self.model(f"graph.func @f(%x: tensor<32x48x{dtype}>, %w: tensor<48x64x{dtype}>) {{\n"
                              "  %y = dot_general(%x, %w, lhs_contract = [1], rhs_contract = [0])\n"
                              "  return(%y)\n}\n", f"{dtype}.mlir") for dtype in ("bf16", "f16", "f32")
        }
        for dtype, cpu, numerics, used in (
                ("bf16", "znver4", "fast", True), ("bf16", "sapphirerapids", "fast", True),
                ("bf16", "znver4", "strict", False), ("bf16", "x86-64-v4", "fast", False),
                ("bf16", "x86-64-v3", "fast", False), ("f16", "znver4", "fast", False),
                ("f32", "znver4", "fast", False)):
            with self.subTest(dtype=dtype, cpu=cpu, numerics=numerics):
                flags = [f"--cpu={cpu}", "--target=x86_64-linux-gnu", f"--numerics={numerics}"]
                done = self.run_tool(products[dtype], "-o", "m.so", *flags)
                self.assertEqual(done.returncode, 0, done.stderr)
                info = subprocess.run([str(BIN / "graven-run"), "info", "m.so"], cwd=self.folder,
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual("avx512bf16" in info.stdout, used, info.stdout)
                code = self.run_tool(products[dtype], "--emit=asm", "-o", "-", *flags).stdout
                self.assertEqual("vdpbf16ps" in code, used)

    def test_products_of_tf32_are_the_gpus(self):
        for device, matmul, cores in (("cuda", None, False), ("cuda", "f32", False), ("cuda", "tf32", True),
                                      ("cpu", "tf32", False)):
            flags = [f"--device={device}", *([f"--matmul={matmul}"] if matmul else [])]
            done = self.run_tool(IRIS, "-o", "m.so", *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual("device 'cpu' multiplies f32 operands as they are; --matmul=tf32 changes "
                             "nothing there" in done.stderr, device == "cpu")
            info = subprocess.run([str(BIN / "graven-run"), "info", "m.so"], cwd=self.folder,
                                  capture_output=True, text=True, timeout=60).stdout
            self.assertIn("Numerics: fast, matrix products of tf32\n" if cores else "Numerics: fast\n",
                          info)
            code = self.run_tool(IRIS, "--emit=asm", "-o", "-", *flags).stdout
            self.assertEqual(".row.col.f32.tf32.tf32.f32" in code, cores)

    def test_strategies_are_forced(self):
        def kernels(*flags):
            done = self.run_tool(IRIS, "--compile-to=strategy", "-o", "-", *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            functions = [line for line in done.stdout.splitlines() if "kernel.func" in line]
            self.assertTrue(functions)
            return functions, done.stderr

        def of(functions, kind):
            return [line for line in functions if f'kind = "{kind}"' in line]

        plain, said = kernels()
        self.assertEqual(said, "")
        self.assertFalse(any('strategy<"reference"' in line for line in of(plain, "contraction")))
        forced, said = kernels("--strategy=contraction:reference", "--strategy", "row:reference")
        self.assertEqual(said, "")
        for kind in ("contraction", "row"):
            self.assertTrue(of(forced, kind))
            self.assertTrue(all('strategy<"reference"' in line for line in of(forced, kind)), forced)
        self.assertEqual(of(forced, "map"), of(plain, "map"))
        tiled, _ = kernels("--strategy=contraction:contraction:pack_rhs=1,rows=3")
        for line in of(tiled, "contraction"):
            self.assertIn("pack_rhs = 1", line)
        same, said = kernels("--strategy=map:row")
        self.assertEqual(same, plain)
        self.assertIn("remark: the strategy 'row' that was asked for computes no kernel of kind "
                      "'map' in this model", said)

    def test_dumps_after_each_phase(self):
        done = self.run_tool(IRIS, "--dump-after-each=dumps", "--stats=json")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = sorted(path.name for path in (self.folder / "dumps").iterdir())
        self.assertEqual(names[0], "00-import.mlir")
        self.assertIn("06-schedule.mlir", names)
        self.assertIn('"kernels": ', done.stderr)


if __name__ == "__main__":
    unittest.main()
