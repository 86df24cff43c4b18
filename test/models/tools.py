"""Runs Graven's tools for the end-to-end tests, and reads what they write.

Tests find the tools in $GRAVEN_BIN (set by CTest), the source tree in $GRAVEN_SOURCE and the
handwritten digits in $GRAVEN_DIGITS, a folder of four IDX.gz files that does not ship with Graven.
"""
import hashlib
import json
import os
import pathlib
import re
import struct
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["GRAVEN_BIN"])
SOURCE = pathlib.Path(os.environ["GRAVEN_SOURCE"])
EXAMPLES = SOURCE / "docs/examples"
IRIS = EXAMPLES / "iris/iris.csv"
DIGITS = pathlib.Path(os.environ.get("GRAVEN_DIGITS") or SOURCE.parent / "shared/data/mnist")
TRAIN_DIGITS = f"{DIGITS}/train-images-idx3-ubyte.gz,{DIGITS}/train-labels-idx1-ubyte.gz"
TEST_DIGITS = f"{DIGITS}/t10k-images-idx3-ubyte.gz,{DIGITS}/t10k-labels-idx1-ubyte.gz"

DEVICE = "cpu"  # what models are compiled for; see emulated_gpu.OnTheEmulator

needs_digits = unittest.skipUnless(
    DIGITS.is_dir(), "no handwritten digits: set GRAVEN_DIGITS to a folder with MNIST's IDX.gz files")


def run(tool, *arguments, check=True, cwd=None, env=None, timeout=600):
    """Runs a tool; its output as text. A failure shows what the tool said."""
    done = subprocess.run([str(BIN / tool), *map(str, arguments)], capture_output=True, text=True,
                          cwd=cwd, env=env, timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"{tool} {' '.join(map(str, arguments))}\nexit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done


def compile_model(source, output, *flags):
    if not any(str(flag).startswith("--device=") for flag in flags):
        flags = (f"--device={DEVICE}", *flags)
    run("graven-compile", source, "-o", output, *flags)
    return output


def fit(model, *flags, **options):
    return run("graven-run", "fit", model, *flags, **options)


def evaluate(model, state, data):
    """The measures of `evaluate`, by name."""
    done = run("graven-run", "evaluate", model, "--state", state, "--data", data, "--json")
    return json.loads(done.stdout)


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def tensors(path):
    """name -> (dtype, shape, bytes) of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"], data[8 + size + t["data_offsets"][0]:
                                               8 + size + t["data_offsets"][1]])
            for name, t in header.items()}


def run_example(test, name, *arguments):
    """Runs an example's own commands in the test's folder; what they print."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    done = subprocess.run(["bash", str(EXAMPLES / name / "run.sh"), *map(str, arguments)],
                          cwd=test.folder, env={**os.environ, "PATH": path}, capture_output=True,
                          text=True, timeout=600)
    test.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    return done.stdout


def measure(output, name):
    """The last `name: number` of the output: what `evaluate` said."""
    return float(re.findall(rf"\b{name}: ([0-9.e+-]+)", output)[-1])


class ModelTest(unittest.TestCase):
    """A test with a folder of its own, removed afterwards; a space in its name is on purpose."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="graven test ")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
