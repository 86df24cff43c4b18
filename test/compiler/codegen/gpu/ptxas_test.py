"""Every kernel of every model, as PTX: what it may not contain, and what ptxas makes of it.

Where there is no ptxas the tests that need it are skipped; gpu_models.py tells where it is looked for.
"""
import math
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "models"))
import gpu_models  # noqa: E402
import tools  # noqa: E402

# Of a map, which is bound by memory: enough that a processor holds 1024 threads.
MOST_REGISTERS = {"map": 64}
# Strategies that may spill, and of which kernels how many bytes at most: (kernel, architecture) -> bytes.
# Products, rows, columns and maps keep what they compute in registers, always.
MAY_SPILL = {"reference", "scatter", "transpose"}
KNOWN_SPILLS = {}

PTXAS = gpu_models.find_ptxas()
needs_ptxas = unittest.skipUnless(PTXAS, "no ptxas: install a CUDA toolkit, or set CUDA_HOME")


class PtxTest(tools.ModelTest):
    @classmethod
    def setUpClass(cls):
        cls.compiled = gpu_models.Compiled()

    def kernels(self):
        """Each kernel with the words that tell where it is from."""
        for model, entries in self.compiled.entries.items():
            for name, entry in entries.items():
                yield f"{model}: {name} ({entry.strategy})", name, entry

    def test_every_model_has_kernels(self):
        self.assertGreaterEqual(len(self.compiled.ptx), 35, list(self.compiled.ptx))
        self.assertTrue(all(self.compiled.entries.values()))
        strategies = {entry.strategy for _, _, entry in self.kernels()}
        self.assertLessEqual({"map", "segments", "row", "column", "contraction", "dot"}, strategies)

    def test_header_says_isa_and_least_architecture(self):
        for name, text in self.compiled.ptx.items():
            self.assertEqual(re.findall(r"^\.(?:version|target|address_size) .*$", text, re.MULTILINE),
                             [".version 8.0", ".target sm_80", ".address_size 64"], name)

    def test_nothing_is_called_and_nothing_local(self):
        for model, text in self.compiled.ptx.items():
            self.assertNotIn(".extern .func", text, model)
        for where, _, entry in self.kernels():
            self.assertNotRegex(entry.body, r"(?m)^\s*(?:@\S+\s+)?call", where)
            self.assertNotRegex(entry.body, r"vprintf|trap", where)
            # Buffers are global memory from the start: no generic access.
            self.assertNotRegex(entry.body, r"\b(?:ld|st)\.(?:volatile\.)?[bsuf]\d", where)
            if entry.strategy not in MAY_SPILL:
                self.assertNotIn(".local", entry.body, where)

    def test_operands_are_told_above_each_entry(self):
        for where, _, entry in self.kernels():
            told = [line for line in entry.comments if line.startswith("// operand ")]
            self.assertEqual(len(told), entry.parameters.count(".param"), where)
            for number, line in enumerate(told):
                self.assertRegex(line, rf"^// operand {number}: \d+ bytes, (read|write|read write)$")
            self.assertRegex(entry.directives, r"\.reqntid \d+", where)

    def test_elementwise_kernels_access_16_bytes_at_a_time(self):
        wide = 0
        for where, name, entry in self.kernels():
            if entry.strategy not in ("map", "segments") or entry.lanes < 4:
                continue
            sizes = [int(line.split()[3]) for line in entry.comments if line.startswith("// operand ")]
            # Bits are bytes: of those alone lanes are fewer than 16.
            shape = re.search(r"_(\d+(?:x\d+)*)_v", name)
            if max(sizes) < 16 or shape and max(sizes) <= math.prod(map(int, shape[1].split("x"))):
                continue
            self.assertRegex(entry.body, r"\b(?:ld|st)\.global(?:\.nc)?\.(?:v4\.b32|v2\.b64)", where)
            wide += 1
        self.assertGreater(wide, 50)

    def test_products_are_made_by_tensor_cores_where_they_may_be(self):
        on_tensor_cores = 0
        for where, _, entry in self.kernels():
            if entry.strategy not in ("contraction", "dot"):
                self.assertNotIn("mma.sync", entry.body, where)
                continue
            multiplies = re.search(r"mma\.sync|fma\.rn", entry.body)
            # The stage that adds parts of a sum multiplies nothing.
            if not multiplies and "add.rn" in entry.body:
                continue
            narrow = re.search(r"in b?f16|of b?f16|--matmul=tf32", where)
            on_tensor_cores += "mma.sync" in entry.body
            if not narrow or entry.strategy == "dot":
                self.assertNotIn("mma.sync", entry.body, where)
            else:
                self.assertIn("mma.sync", entry.body, where)
        self.assertGreater(on_tensor_cores, 50)

    @needs_ptxas
    def test_ptxas_takes_every_kernel_without_spills(self):
        used, listed = 0, dict.fromkeys(KNOWN_SPILLS, 0)
        for architecture in gpu_models.ARCHITECTURES:
            resources = self.compiled.resources(PTXAS, architecture, self.folder)
            for where, name, entry in self.kernels():
                found = resources[where.split(": ")[0]][name]
                where += f" for {architecture}: {found.registers} registers, {found.stack} bytes of stack, " \
                         f"{found.spills} spilled"
                self.assertGreater(found.registers, 0, where)
                self.assertLessEqual(found.registers, MOST_REGISTERS.get(entry.strategy, 255), where)
                self.assertLessEqual(found.shared, 48 << 10, where)
                products = len(re.findall(r"\bmma\.sync", entry.body))
                machine = found.instructions[gpu_models.HMMA]
                # ptxas may unroll what is a loop in PTX.
                self.assertTrue(machine >= products > 0 or machine == products == 0,
                                f"{where}: {machine} HMMA for {products} mma.sync")
                used += 1
                if not found.spills and not found.stack:
                    continue
                self.assertIn(entry.strategy, MAY_SPILL, where)
                self.assertLessEqual(found.spills, KNOWN_SPILLS.get((name, architecture), -1), where)
                listed[name, architecture] = found.spills
        print(f"{used} kernels assembled; spills: {listed or 'none'}")
        self.assertGreater(used, 1000)
        self.assertEqual(listed, KNOWN_SPILLS)


# A driver with one device, as far as the compiler asks.
DRIVER = """
#include <stdlib.h>
int cuInit(unsigned flags) { return flags; }
int cuDriverGetVersion(int *version) { return *version = atoi(getenv("DRIVER_VERSION")), 0; }
int cuDeviceGetCount(int *count) { return *count = 1, 0; }
int cuDeviceGet(int *device, int number) { return *device = number, number; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  return *value = attribute == 75 ? atoi(getenv("DEVICE_MAJOR")) : 0, device;
}
"""
IRIS = tools.EXAMPLES / "iris/iris.mlir"


class DeviceFlagTest(tools.ModelTest):
    def device_of(self, *flags, **environment):
        """The device that an artifact is made for: its PTX, or the host's code."""
        done = tools.run("graven-compile", IRIS, "--emit=asm", "-o", "-", *flags,
                         env={**os.environ, **environment})
        return "cuda" if ".visible .entry" in done.stdout else "cpu"

    def test_number_after_the_name_is_for_the_runtime(self):
        self.assertEqual(self.device_of("--device=cuda:3"), "cuda")
        done = tools.run("graven-compile", IRIS, "-o", "-", "--device=cuda:x", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("unknown device 'cuda:x'; this compiler knows: cpu, cuda", done.stderr)

    def test_auto_is_a_gpu_where_one_answers(self):
        driver = self.folder / "driver"
        driver.mkdir()
        (self.folder / "driver.c").write_text(DRIVER)
        subprocess.run(["cc", "-shared", "-fPIC", self.folder / "driver.c", "-o",
                        driver / "libcuda.so.1"], check=True)
        for version, major, expected in (("12000", "8", "cuda"), ("13000", "9", "cuda"),
                                         ("11080", "8", "cpu"), ("12000", "7", "cpu")):
            self.assertEqual(self.device_of("--device=auto", LD_LIBRARY_PATH=str(driver),
                                            DRIVER_VERSION=version, DEVICE_MAJOR=major), expected)
        (driver / "libcuda.so.1").write_text("no library")
        self.assertEqual(self.device_of("--device=auto", LD_LIBRARY_PATH=str(driver)), "cpu")

    def test_artifacts_are_the_same_with_or_without_a_toolkit(self):
        tools.compile_model(IRIS, self.folder / "a.so", "--device=cuda")
        # Nothing but the environment that the dynamic linker itself answers to, which tells each library
        # that the compiler asks for: none is of CUDA, nor is a library that another one needs.
        done = tools.run("graven-compile", IRIS, "-o", self.folder / "b.so", "--device=cuda",
                         env={"LD_DEBUG": "libs", "PATH": "/nowhere",
                              **{name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}})
        self.assertEqual(tools.digest(self.folder / "a.so"), tools.digest(self.folder / "b.so"))
        libraries = re.findall(r"find library=(\S+)", done.stderr)
        self.assertTrue(any("MLIR" in name for name in libraries), done.stderr[:2000])
        self.assertEqual([name for name in libraries if re.match(r"lib(cuda|nv)", name)], [])
        # The artifact needs none either: its driver is looked up when it runs.
        self.assertNotIn(b"libcuda", (self.folder / "b.so").read_bytes())

    @needs_ptxas
    def test_machine_code_is_added_where_asked_for(self):
        tools.compile_model(IRIS, self.folder / "ptx.so", "--device=cuda")
        tools.compile_model(IRIS, self.folder / "both.so", "--device=cuda", "--device-code=sm_80,sm_90")
        size = {name: (self.folder / name).stat().st_size for name in ("ptx.so", "both.so")}
        self.assertGreater(size["both.so"], size["ptx.so"] + 20000)
        # The ELF headers of two programs for NVIDIA's machine (190) besides the artifact's own.
        cubin = rb"\x7fELF\x02\x01.{10}..\xbe\x00"
        found = [len(re.findall(cubin, (self.folder / name).read_bytes(), re.DOTALL)) for name in size]
        self.assertEqual(found, [0, 2])

    def test_machine_code_that_cannot_be_made_is_told(self):
        for flags, sentence in (
                (["--device=cuda", "--device-code=sm_75"], "'sm_75' is no architecture"),
                (["--device=cuda", "--device-code=90"], "'90' is no architecture"),
                (["--device-code=sm_90"], "device 'cpu' has one form of code only")):
            done = tools.run("graven-compile", IRIS, "-o", "-", *flags, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
