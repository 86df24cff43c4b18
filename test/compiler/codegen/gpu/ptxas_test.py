"""Every kernel of every model, as PTX: what it may not contain, and what ptxas makes of it.

ptxas (of the CUDA toolkit) is looked for on PATH, in $CUDA_HOME/bin and in /usr/local/cuda/bin; where
there is none the tests that need it are skipped.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "models"))
import tools  # noqa: E402

ARCHITECTURES = ("sm_80", "sm_90")
# Strategies whose kernels keep what they compute in registers, always.
NEVER_SPILL = {"map", "segments", "row", "column", "contraction", "dot"}
# Of a map, which is bound by memory: enough that a processor holds 1024 threads.
MOST_REGISTERS = {"map": 64}

MODELS = sorted([*tools.EXAMPLES.glob("*/*.mlir"), *(tools.SOURCE / "tools/bench/models").glob("*.mlir"),
                 *pathlib.Path(__file__).parent.glob("*.mlir")])


def find_ptxas():
    folders = [os.environ["PATH"], "/usr/local/cuda/bin"]
    if "CUDA_HOME" in os.environ:
        folders.insert(0, os.path.join(os.environ["CUDA_HOME"], "bin"))
    return shutil.which("ptxas", path=os.pathsep.join(folders))


PTXAS = find_ptxas()
needs_ptxas = unittest.skipUnless(PTXAS, "no ptxas: install a CUDA toolkit, or set CUDA_HOME")


def entries(ptx):
    """name -> (comment lines above the entry, declaration, body) of each kernel."""
    found = {}
    pattern = r"((?://[^\n]*\n)*)\.visible \.entry (\w+)\(([^)]*)\)([^{]*)\{(.*?)\n\}"
    for comments, name, parameters, directives, body in re.findall(pattern, ptx, re.DOTALL):
        found[name] = (comments.splitlines(), parameters, directives, body)
    return found


def resources(text):
    """name -> what `ptxas -v` said of each kernel."""
    found = {}
    for block in re.split(r"Compiling entry function '", text)[1:]:
        name = block.split("'")[0]
        number = lambda pattern: int((re.search(pattern, block) or [0, 0])[1])  # noqa: E731
        found[name] = {"registers": number(r"Used (\d+) registers"),
                       "spills": number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads"),
                       "stack": number(r"(\d+) bytes stack frame"),
                       "shared": number(r"(\d+) bytes smem")}
    return found


class PtxTest(tools.ModelTest):
    @classmethod
    def setUpClass(cls):
        cls.ptx, cls.strategies = {}, {}
        for model in MODELS:
            source = model.read_text()
            if "COUNT" in source:  # a number that its benchmark fills in
                source = source.replace("COUNT", "100003")
            text = cls.compile(source, model.name, "--emit=asm")
            # A text that only defines layers or functions has no kernels.
            if ".entry" not in text:
                continue
            cls.ptx[str(model.relative_to(tools.SOURCE))] = text
            ir = cls.compile(source, model.name, "--compile-to=strategy")
            for name, attributes in re.findall(r"kernel\.func @(\w+) attributes (\{.*\}) \{\n", ir):
                strategy = re.search(r'#kernel\.strategy<"(\w+)"', attributes)[1]
                for stage in re.findall(r'#kernel\.stage<"(\w*)"', attributes):
                    cls.strategies[f"{name}_{stage}" if stage else name] = strategy

    @staticmethod
    def compile(source, name, *flags):
        done = subprocess.run([str(tools.BIN / "graven-compile"), "-", "-o", "-", "--device=cuda", *flags],
                              input=source, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{name} {' '.join(flags)}: {done.stderr}")
        return done.stdout

    def test_every_model_has_kernels(self):
        self.assertGreaterEqual(len(self.ptx), 8, list(self.ptx))
        for name, text in self.ptx.items():
            self.assertTrue(entries(text), name)

    def test_header_says_isa_and_least_architecture(self):
        for name, text in self.ptx.items():
            self.assertEqual(re.findall(r"^\.(?:version|target|address_size) .*$", text, re.MULTILINE),
                             [".version 8.0", ".target sm_80", ".address_size 64"], name)

    def test_nothing_is_called_and_nothing_local(self):
        for model, text in self.ptx.items():
            self.assertNotIn(".extern .func", text, model)
            for name, (_, _, _, body) in entries(text).items():
                where = f"{model}: {name}"
                self.assertNotRegex(body, r"^\s*call", where)
                self.assertNotRegex(body, r"vprintf|trap", where)
                # Buffers are global memory from the start: no generic access.
                self.assertNotRegex(body, r"\b(?:ld|st)\.(?:volatile\.)?[bsuf]\d", where)
                if self.strategies[name] in NEVER_SPILL:
                    self.assertNotIn(".local", body, where)

    def test_operands_are_told_above_each_entry(self):
        for model, text in self.ptx.items():
            for name, (comments, parameters, directives, _) in entries(text).items():
                where = f"{model}: {name}"
                told = [line for line in comments if line.startswith("// operand ")]
                self.assertEqual(len(told), parameters.count(".param"), where)
                for number, line in enumerate(told):
                    self.assertRegex(line, rf"^// operand {number}: \d+ bytes, (read|write|read write)$")
                self.assertRegex(directives, r"\.reqntid \d+", where)

    @needs_ptxas
    def test_ptxas_takes_every_kernel_without_spills(self):
        others = []
        for model, text in self.ptx.items():
            file = self.folder / "model.ptx"
            file.write_text(text)
            for architecture in ARCHITECTURES:
                done = subprocess.run([PTXAS, "-v", f"-arch={architecture}", str(file), "-o",
                                       str(self.folder / "model.cubin")], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, f"{model}: {done.stderr}")
                self.assertNotIn("warning", done.stderr, model)
                found = resources(done.stderr + done.stdout)
                self.assertEqual(set(found), set(entries(text)), model)
                for name, used in found.items():
                    strategy = self.strategies[name]
                    where = f"{model}: {name} ({strategy}, {architecture}): {used}"
                    self.assertGreater(used["registers"], 0, where)
                    self.assertLessEqual(used["registers"], MOST_REGISTERS.get(strategy, 255), where)
                    if strategy in NEVER_SPILL:
                        self.assertEqual(used["spills"], 0, where)
                        self.assertEqual(used["stack"], 0, where)
                    elif used["spills"] or used["stack"]:
                        others.append(where)
        print(f"{len(others)} other kernels spill" + "".join("\n  " + line for line in others))


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
