"""Networks compiled for NVIDIA GPUs train through the device's real code on a stand-in for NVIDIA's
driver, whose launches run on the emulator: no GPU is needed, and every access is checked."""
import ctypes
import gzip
import json
import os
import re
import struct
import unittest

import mixed_precision_test
import tools
from emulated_gpu import BOUND, DRIVER, CudaTest, curve, on_gpu


class MixedPrecisionOnAGpuTest(CudaTest):
    def test_products_of_16_bits_train(self):
        for dtype in ("f16", "bf16"):
            source = self.folder / f"{dtype}.mlir"
            source.write_text(mixed_precision_test.MIXED.format(dtype))
            cpu, gpu = self.compile_both(source)
            ptx = tools.run("graven-compile", "--device=cuda", "--emit=asm", source).stdout
            self.assertIn(f"mma.sync.aligned.m16n8k16.row.col.f32.{dtype}", ptx)
            flags = ["--train", tools.IRIS, "--seed", "3", "--early-stopping", "off",
                     "--save-every", "0", "--epochs", "3", "--log"]
            logs = [self.folder / f"{dtype}.{device}.jsonl" for device in ("cpu", "cuda")]
            tools.run("graven-run", "fit", cpu, *flags, logs[0])
            on_gpu(self.folder, "fit", gpu, *flags, logs[1])
            self.compare(*map(curve, logs))


class IrisOnAGpuTest(CudaTest):
    def setUp(self):
        super().setUp()
        self.cpu, self.gpu = self.compile_both(tools.EXAMPLES / "iris/iris.mlir")
        self.flags = ["--train", tools.IRIS, "--seed", "3", "--early-stopping", "off",
                      "--save-every", "0"]

    def fit(self, model, epochs, log, *more):
        words = ["fit", model, *self.flags, "--epochs", epochs, "--log", self.folder / log, *more]
        _, counts = on_gpu(self.folder, *words)
        return curve(self.folder / log), counts

    def test_the_curve_is_the_cpus_and_a_step_is_one_launch(self):
        cpu, none = self.fit(self.cpu, 30, "cpu.jsonl")
        gpu, counts = self.fit(self.gpu, 30, "gpu.jsonl")
        self.compare(cpu, gpu)
        self.assertEqual(none, {}, "the CPU's run asked the driver for something")
        self.assertEqual(counts.get("complaints", 0), 0)
        self.assertEqual(counts.get("cuLaunchKernel", 0), 0)
        _, more = self.fit(self.gpu, 31, "more.jsonl")
        # Of an epoch: 8 steps, 2 batches of validation, and the metrics reset before each of both.
        self.assertEqual(more["cuGraphLaunch"] - counts["cuGraphLaunch"], 8 + 2 + 2)
        self.assertEqual(more["cuGraphInstantiateWithFlags"], counts["cuGraphInstantiateWithFlags"])

    def test_strict_numerics_agree_within_the_bound(self):
        models = self.compile_both(tools.EXAMPLES / "iris/iris.mlir", "--numerics=strict")
        self.compare(*(self.fit(model, 5, f"{number}.jsonl")[0] for number, model in enumerate(models)))

    def test_steps_follow_one_another_and_rows_travel_beside(self):
        epochs, steps = 6, 8
        # A driver that runs no kernels is quick: measures are looked at ten times a second.
        driver = tools.BIN.parent / "lib/recording_driver"
        on_gpu(self.folder, "fit", self.gpu, *self.flags, "--epochs", epochs, driver=driver)
        text = (self.folder / "log.txt").read_text()
        step = (r"await (e\d)\nwait s2 (e\d)\nto device s2 locked\nrecord s2 \1\n"  # beside the step before
                r"wait s1 \1\ngraph s1\nrecord s1 \2\n")
        backreferences = [step.replace(r"\1", rf"\{2 * i + 1}").replace(r"\2", rf"\{2 * i + 2}")
                          for i in range(steps)]
        whole = re.findall(r"^graph s1\n" + "".join(backreferences) + "to host", text, re.MULTILINE)
        # Of an epoch that the machine stalled in, a look at the measures may have interrupted the steps.
        self.assertGreaterEqual(len(whole), epochs - 2, text)

    def test_a_fault_of_the_gpu_ends_training_with_one_sentence(self):
        def sentence_of(setting, **more):
            env = {**os.environ, "LD_LIBRARY_PATH": str(DRIVER), "GRAVEN_STANDIN": setting, **more}
            done = tools.run("graven-run", "fit", self.gpu, *self.flags, "--epochs", "20", check=False, env=env)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            return done.stderr

        self.assertIn("run it again with GRAVEN_CUDA_ONE_BY_ONE=1",
                      sentence_of("fail=cuMemcpyDtoHAsync_v2:719:10"))
        # One of two waits in a row at least is for a kernel.
        self.assertRegex(" ".join(sentence_of(f"fail=cuStreamSynchronize:719:{n}", GRAVEN_CUDA_ONE_BY_ONE="1")
                                  for n in (60, 61)),
                         r"kernel '\w+' of entry '\w+' failed on 'cuda:0' .*CUDA_ERROR_LAUNCH_FAILED")

    def test_bench_counts_calls_as_launches(self):
        done, counts = on_gpu(self.folder, "bench", self.gpu, "--seconds", "0", "--json")
        calls = json.loads(done.stdout)["calls"]
        self.assertEqual(calls, 5)
        self.assertEqual(counts["cuGraphLaunch"], 1 + 3 + calls)  # init, warm-up
        self.assertEqual(counts.get("cuLaunchKernel", 0), 0)
        copied = counts["cuMemcpyDtoHAsync_v2"]
        done, counts = on_gpu(self.folder, "bench", self.gpu, "--seconds", "0", "--json", "--no-outputs")
        self.assertGreater(json.loads(done.stdout)["mean_seconds"], 0)
        self.assertLess(counts["cuMemcpyDtoHAsync_v2"], copied - calls)
        done, counts = on_gpu(self.folder, "bench", self.gpu, "--seconds", "0", "--json", "--profile")
        kernels = json.loads(done.stdout)["kernels"]
        self.assertTrue(all(kernel["seconds"] > 0 for kernel in kernels), kernels)
        self.assertGreater(counts["cuLaunchKernel"], 0)
        done, _ = on_gpu(self.folder, "bench", self.gpu, "--seconds", "0", "--profile")
        self.assertNotIn("roofline", done.stdout)

    def test_a_checkpoint_goes_from_one_device_to_the_other(self):
        whole, _ = self.fit(self.cpu, 8, "whole.jsonl", "--save", self.folder / "whole.safetensors")
        for first, second in ((self.cpu, self.gpu), (self.gpu, self.cpu)):
            state = self.folder / "moved.safetensors"
            self.fit(first, 4, "half.jsonl", "--save", state)
            shapes = {name: tensor[:2] for name, tensor in tools.tensors(state).items()}
            resumed, _ = self.fit(second, 8, "resumed.jsonl", "--resume", state)
            self.compare(whole[-len(resumed):], resumed)
            after = {name: tensor[:2] for name, tensor in tools.tensors(state).items()}
            self.assertEqual(shapes, after)
            state.unlink()

    def test_evaluate_and_predict(self):
        state = self.folder / "s.safetensors"
        self.fit(self.cpu, 20, "log.jsonl", "--save", state)
        expected = tools.evaluate(self.cpu, state, tools.IRIS)
        done, _ = on_gpu(self.folder, "evaluate", self.gpu, "--state", state, "--data", tools.IRIS,
                         "--json", "--device=cuda:0")
        got = json.loads(done.stdout)
        self.assertEqual(got["accuracy"], expected["accuracy"])
        self.assertLess(abs(got["loss"] - expected["loss"]), BOUND)
        tools.run("graven-run", "predict", self.cpu, "--state", state, "--data", tools.IRIS, "-o",
                  self.folder / "cpu.csv")
        on_gpu(self.folder, "predict", self.gpu, "--state", state, "--data", tools.IRIS, "-o",
               self.folder / "gpu.csv")
        rows = [[line.split(",") for line in (self.folder / f"{name}.csv").read_text().split()]
                for name in ("cpu", "gpu")]
        self.assertEqual(len(rows[0]), 151)
        for one, other in zip(rows[0][1:], rows[1][1:]):
            for a, b in zip(one, other):
                try:
                    self.assertLess(abs(float(a) - float(b)), BOUND)
                except ValueError:
                    self.assertEqual(a, b)

    def test_without_a_gpu_one_sentence_and_exit_1(self):
        def refuse(says, do, **environment):
            done = tools.run("graven-run", "fit", self.gpu, *self.flags, check=False,
                             env={**os.environ, **environment})
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout, "")
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(says, done.stderr)
            self.assertIn(do, done.stderr)

        on_cpu = "compile the model with --device=cpu"
        smaller = "end other programs on the GPU, or compile the model with a smaller --batch"
        for setting, says, do in (
                ("devices=0", "the NVIDIA driver finds no GPU", "check nvidia-smi"),
                ("driver_version=11040", "the NVIDIA driver is too old", "driver 525 or later"),
                ("capability=75", "compiled for GPUs of compute capability 8.0", on_cpu),
                ("memory=1000", "2112 bytes for the model's state are not to be had, 1000 of 1000 are free",
                 smaller),
                ("memory=5000", "for the arena of a context are not to be had, 2888 of 5000", smaller)):
            refuse(says, do, LD_LIBRARY_PATH=str(DRIVER), GRAVEN_STANDIN=setting)
        damaged = self.folder / "damaged"
        damaged.mkdir()
        (damaged / "libcuda.so.1").write_text("no library")
        refuse("there is no NVIDIA driver on this machine", on_cpu, LD_LIBRARY_PATH=str(damaged))
        try:
            ctypes.CDLL("libcuda.so.1")
        except OSError:  # here is none, as on most machines
            refuse("there is no NVIDIA driver on this machine (libcuda.so.1", on_cpu)
        done, _ = on_gpu(self.folder, "fit", self.gpu, *self.flags, "--device=cuda:3", check=False)
        self.assertIn("there is no 'cuda:3': this machine has 1 GPU", done.stderr)
        done = tools.run("graven-run", "info", self.gpu)  # which needs none
        self.assertIn("Device: cuda (PTX for sm_80", done.stdout)


@tools.needs_digits
class DigitsOnAGpuTest(CudaTest):
    ROWS = 96

    def subset(self, images, labels):
        """The first rows of two IDX files, as files in the test's folder."""
        written = []
        for source, header, row in ((images, 16, 784), (labels, 8, 1)):
            data = gzip.open(source).read(header + row * self.ROWS)
            path = self.folder / f"{len(written)}.idx"
            path.write_bytes(data[:4] + struct.pack(">I", self.ROWS) + data[8:])
            written.append(str(path))
        return ",".join(written)

    def test_a_few_digits(self):
        cpu, gpu = self.compile_both(tools.EXAMPLES / "digits_mlp/digits.mlir", "--batch=32")
        data = self.subset(*tools.TRAIN_DIGITS.split(","))
        logs = []
        for name, model in (("cpu", cpu), ("gpu", gpu)):
            log = self.folder / f"{name}.jsonl"
            _, counts = on_gpu(self.folder, "fit", model, "--train", data, "--epochs", "2", "--batch-size",
                               "32", "--log", log, "--validation-split", "0", "--early-stopping", "off",
                               "--save", self.folder / "s.safetensors")
            logs.append(curve(log))
        self.compare(*logs)
        self.assertEqual(counts.get("cuLaunchKernel", 0), 0)
        state = ["--state", self.folder / "s.safetensors", "--data", data]
        measured = [json.loads(on_gpu(self.folder, "evaluate", model, *state, "--json")[0].stdout)
                    for model in (cpu, gpu)]
        self.assertEqual(measured[0]["accuracy"], measured[1]["accuracy"])
        self.assertLess(abs(measured[0]["loss"] - measured[1]["loss"]), BOUND)


if __name__ == "__main__":
    unittest.main(verbosity=2)
