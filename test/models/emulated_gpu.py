"""Runs graven-run on a GPU that is none: a stand-in for NVIDIA's driver, whose launches run on the emulator."""
import json
import os
import unittest.mock

import tools

DRIVER = tools.BIN.parent / "lib/emulating_driver"
# Largest distance of a measure from the CPU's, relative or absolute below 1. The curves differ by the
# order of sums and by approximations, which the emulator makes as wrong as a GPU may.
BOUND = 2e-5


def on_gpu(folder, *words, driver=DRIVER, **options):
    """Runs graven-run on the stand-in; its output and the driver's counts."""
    counts = folder / "counts.json"
    counts.unlink(missing_ok=True)
    env = {**os.environ, "LD_LIBRARY_PATH": str(driver), "GRAVEN_STANDIN_COUNTS": str(counts),
           "GRAVEN_STANDIN_LOG": str(folder / "log.txt"), "GRAVEN_STANDIN": "seed=7"}
    done = tools.run("graven-run", *words, env=env, **options)
    return done, json.loads(counts.read_text()) if counts.exists() else {}


def curve(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class CudaTest(tools.ModelTest):
    def compare(self, cpu, gpu):
        """Compares two logs of fit, epoch by epoch."""
        self.assertEqual(len(cpu), len(gpu))
        worst, compared = 0, 0
        for expected, got in zip(cpu, gpu):
            self.assertEqual(expected.keys(), got.keys())
            for name in expected:
                if not name.endswith("loss"):
                    continue
                distance = abs(got[name] - expected[name]) / max(1, abs(expected[name]))
                worst, compared = max(worst, distance), compared + 1
                self.assertFalse(not distance <= BOUND, f"{name}: {got[name]}, cpu {expected[name]}")
        self.assertGreaterEqual(compared, len(cpu))
        print(f"largest distance of {compared} losses: {worst:.2g}")

    def compile_both(self, source, *flags):
        return [tools.compile_model(source, self.folder / f"{device}.so", f"--device={device}", *flags)
                for device in ("cpu", "cuda")]


class OnTheEmulator:
    """Before a test of the CPU in a class's bases: models are compiled for GPUs, and run on the stand-in."""

    def setUp(self):
        environment = {"LD_LIBRARY_PATH": str(DRIVER), "GRAVEN_STANDIN": "seed=7"}
        for patch in (unittest.mock.patch.dict(os.environ, environment),
                      unittest.mock.patch.object(tools, "DEVICE", "cuda")):
            patch.start()
            self.addCleanup(patch.stop)
        super().setUp()
