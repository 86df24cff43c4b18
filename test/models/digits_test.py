"""Handwritten digits: accuracy over seeds, an independent forward pass, determinism."""
import gzip
import math
import os
import struct
import subprocess
import unittest

import tools

try:
    import numpy as np
except ImportError:
    np = None


def read_idx(path):
    data = gzip.open(path).read()
    rank = data[3]
    dims = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(dims)


def forward(state, images):
    """784-128-10 from the checkpoint's tensors alone, in double precision."""
    t = {name: np.frombuffer(raw, {"F32": "<f4", "I32": "<i4", "I64": "<i8", "F64": "<f8"}[dtype])
               .reshape(shape).astype(np.float64)
         for name, (dtype, shape, raw) in tools.tensors(state).items()}
    x = images.reshape(len(images), -1) / 255.0
    h = np.maximum(x @ t["dense.kernel"] + t["dense.bias"], 0)
    return h @ t["dense_1.kernel"] + t["dense_1.bias"]


@tools.needs_digits
class DigitsTest(tools.ModelTest):
    def setUp(self):
        super().setUp()
        self.model = tools.compile_model(tools.EXAMPLES / "digits_mlp/digits.mlir",
                                         self.folder / "digits.so", "--cpu=native")

    @unittest.skipIf(np is None, "no numpy")
    def test_mean_accuracy_of_five_seeds_and_an_independent_forward_pass(self):
        accuracies = []
        for seed in range(5):
            state = self.folder / f"{seed}.safetensors"
            tools.fit(self.model, "--train", tools.TRAIN_DIGITS, "--seed", seed, "--epochs", "20",
                      "--save", state)
            measured = tools.evaluate(self.model, state, tools.TEST_DIGITS)
            accuracies.append(measured["accuracy"])

            images = read_idx(f"{tools.DIGITS}/t10k-images-idx3-ubyte.gz")
            labels = read_idx(f"{tools.DIGITS}/t10k-labels-idx1-ubyte.gz")
            scores = forward(state, images)
            shifted = scores - scores.max(1, keepdims=True)
            logp = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
            loss = -logp[np.arange(len(labels)), labels].mean()
            self.assertLess(abs(loss - measured["loss"]), 1e-5 * max(1, abs(loss)))
            self.assertAlmostEqual((scores.argmax(1) == labels).mean(), measured["accuracy"], 3)

            out = self.folder / "scores.npy"
            tools.run("graven-run", "predict", self.model, "--state", state, "--data",
                      f"{tools.DIGITS}/t10k-images-idx3-ubyte.gz", "-o", out)
            error = np.abs(np.load(out) - scores).max() / np.abs(scores).max()
            self.assertLess(error, 1e-5)
        mean = sum(accuracies) / len(accuracies)
        print(f"mean accuracy {mean:.4f}, each {accuracies}")
        self.assertGreaterEqual(mean, 0.955)

    def test_the_example_learns_digits(self):
        output = tools.run_example(self, "digits_mlp", tools.DIGITS)
        self.assertGreater(tools.measure(output, "accuracy"), 0.9)

    def flushing_library(self):
        """A library whose loading sets the caller's floating-point mode to flush to zero."""
        source = self.folder / "flush.c"
        source.write_text("#include <xmmintrin.h>\n__attribute__((constructor)) static void flush(void)"
                          " { _mm_setcsr(_mm_getcsr() | 0x8040); }\n")
        library = self.folder.parent / f"{self.folder.name.replace(' ', '_')}_flush.so"
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library], check=True)
        self.addCleanup(library.unlink)
        return library

    def test_the_same_bits_for_any_number_of_threads_and_in_any_process(self):
        digests = set()
        flush = self.flushing_library()
        for name, threads, preload in (("one", 1, ""), ("two", 2, ""), ("again", 2, ""),
                                       ("flushing", 2, flush)):
            state = self.folder / f"{name}.safetensors"
            tools.fit(self.model, "--train", tools.TRAIN_DIGITS, "--epochs", "2", "--threads", threads,
                      "--force-parallel", "--save", state,
                      env={**os.environ, "LD_PRELOAD": str(preload)})
            digests.add(tools.digest(state))
        self.assertEqual(len(digests), 1)

    def test_compiled_twice_from_two_folders_the_artifact_is_the_same(self):
        digests = set()
        for name in ("here", "there"):
            folder = self.folder / name
            folder.mkdir()
            source = folder / "digits.mlir"
            source.write_text((tools.EXAMPLES / "digits_mlp/digits.mlir").read_text())
            tools.run("graven-compile", "digits.mlir", "-o", "digits.so", cwd=folder)
            digests.add(tools.digest(folder / "digits.so"))
        self.assertEqual(len(digests), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
