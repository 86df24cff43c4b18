"""The rows of all ops, values and gradients in f32 and f64, values in f16 and bf16, as artifacts for GPUs:
through the real code of the device on a stand-in for the driver, every launch on the emulator with all of
its checks."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["GRAVEN_SOURCE"])
BIN = pathlib.Path(os.environ["GRAVEN_BIN"])
sys.path[:0] = [str(SOURCE / "tools/bench"), str(SOURCE / "tools/bench/on_gpu")]
import conformance  # noqa: E402
from clock import Deadline  # noqa: E402

LEAST = 2800  # cases that there must be


class GpuRows(unittest.TestCase):
    def test_rows_compute_what_the_reference_does(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([str(BIN / "ops_write_cases"), folder], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = conformance.run(BIN / "gpu_cases", sorted(pathlib.Path(folder).glob("*.cases")),
                                    {**os.environ, "LD_LIBRARY_PATH": str(BIN.parent / "lib/emulating_driver")},
                                    Deadline(800), processes=1)
        print(f"{found['cases']} cases, largest error {found['worst']:.2g}")
        self.assertEqual(found["failures"], [])
        self.assertTrue(found["complete"])
        self.assertGreaterEqual(found["cases"], LEAST)


if __name__ == "__main__":
    unittest.main(verbosity=2)
