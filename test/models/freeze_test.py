"""Weights as constants: the same answers without a checkpoint, and nothing damaged is taken."""
import csv
import json
import os
import struct
import subprocess
import unittest

import tools

WIDE = """nn.model @wide {
  input(shape = [4])
  normalization()
  dense(units = 64, activation = relu)
  dense(units = 48, activation = relu)
  dense(units = 3)
} train {
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.01)
  accuracy()
  fit(batch_size = 16, epochs = 1)
}
"""
# Parameters and products of bf16; an odd contracted axis among them.
NARROW = """nn.model @narrow {
  input(shape = [4], dtype = bf16)
  dense(units = 7, activation = relu)
  dense(units = 40, activation = relu)
  dense(units = 3)
} train {
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.01)
  fit(batch_size = 16, epochs = 1)
}
"""
KEPT = "--entries=predict,eval_step,reset_metrics"


class FreezeTest(tools.ModelTest):
    def setUp(self):
        super().setUp()
        self.text = self.folder / "wide.mlir"
        self.text.write_text(WIDE)
        self.trained = self.folder / "wide.safetensors"
        self.model = tools.compile_model(self.text, self.folder / "wide.so", "--batch=1,16")
        tools.fit(self.model, "--train", tools.IRIS, "--batch-size", 16, "--save", self.trained)

    def freeze(self, name="frozen.so", *flags, weights=None, check=True):
        return tools.run("graven-compile", self.text, "-o", self.folder / name, "--batch=1,16",
                         f"--device={tools.DEVICE}", f"--weights={weights or self.trained}",
                         *(flags or (KEPT,)), check=check)

    def predict(self, model, batch, *flags):
        out = self.folder / "out.csv"
        tools.run("graven-run", "predict", model, "--data", tools.IRIS, "-o", out, "--batch-size",
                  batch, *flags)
        return out.read_text()

    def test_frozen_and_loaded_weights_give_the_same_bits(self):
        self.freeze()
        for batch in (1, 16):
            self.assertEqual(self.predict(self.folder / "frozen.so", batch),
                             self.predict(self.model, batch, "--state", self.trained))
        loaded = tools.evaluate(self.model, self.trained, tools.IRIS)
        done = tools.run("graven-run", "evaluate", self.folder / "frozen.so", "--data", tools.IRIS,
                         "--json")
        self.assertEqual(json.loads(done.stdout), loaded)

    def test_frozen_weights_of_16_bits_give_the_same_bits(self):
        text, trained = self.folder / "narrow.mlir", self.folder / "narrow.safetensors"
        text.write_text(NARROW)
        for cpu in ("native", "x86-64-v3") if tools.DEVICE == "cpu" else ("native",):
            with self.subTest(cpu):
                flags = ("--batch=16", f"--cpu={cpu}")
                model = tools.compile_model(text, self.folder / "narrow.so", *flags)
                tools.fit(model, "--train", tools.IRIS, "--batch-size", 16, "--save", trained)
                frozen = tools.compile_model(text, self.folder / "frozen.so", KEPT,
                                             f"--weights={trained}", *flags)
                self.assertEqual(self.predict(frozen, 16),
                                 self.predict(model, 16, "--state", trained))

    def test_class_names_and_columns_come_with_the_artifact(self):
        self.freeze("frozen.so", "--entries=predict")
        header = next(csv.reader(self.predict(self.folder / "frozen.so", 16).splitlines()))
        self.assertEqual(header, ["y.setosa", "y.versicolor", "y.virginica", "class"])
        info = tools.run("graven-run", "info", self.folder / "frozen.so").stdout
        self.assertIn("Weights in the artifact\n", info)
        self.assertIn("4x64xf32       dense.kernel\n", info)
        self.assertIn("state 0 B", info)

    def test_artifacts_are_the_same_byte_for_byte(self):
        self.freeze("one.so")
        other = self.folder / "elsewhere"
        other.mkdir()
        copy = other / "w.safetensors"
        copy.write_bytes(self.trained.read_bytes())
        self.freeze("elsewhere/two.so", weights=copy)
        self.assertEqual(tools.digest(self.folder / "one.so"),
                         tools.digest(self.folder / "elsewhere/two.so"))

    def test_the_state_flag_is_for_artifacts_without_weights(self):
        self.freeze()
        done = tools.run("graven-run", "predict", self.folder / "frozen.so", "--state", self.trained,
                         "--data", tools.IRIS, "-o", self.folder / "o.csv", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("holds its weights itself, as constants; leave the flag away", done.stderr)
        done = tools.run("graven-run", "predict", self.model, "--data", tools.IRIS, "-o",
                         self.folder / "o.csv", check=False)
        self.assertIn("holds no weights; give the trained state", done.stderr)

    def test_what_trains_is_refused_with_the_entries_that_are_not(self):
        done = self.freeze("frozen.so", "--stats=json", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("init, adapt, train_step change state such as 'normalization.mean'", done.stderr)
        self.assertIn("--entries=eval_step,predict,reset_metrics", done.stderr)
        self.assertFalse((self.folder / "frozen.so").exists())

    def refused(self, data, *words):
        bad = self.folder / "bad.safetensors"
        bad.write_bytes(data)
        done = self.freeze("bad.so", weights=bad, check=False)
        self.assertEqual(done.returncode, 1, words)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse((self.folder / "bad.so").exists())

    def test_damaged_weights_are_refused(self):
        sound = self.trained.read_bytes()
        (size,) = struct.unpack("<Q", sound[:8])
        for place in (3, 20, 60, 8 + size // 2, 8 + size, (8 + size + len(sound)) // 2, len(sound) - 1):
            flipped = bytearray(sound)
            flipped[place] ^= 4
            self.refused(bytes(flipped), "bad.safetensors")
        for length in (1, 7, 8, 100, size, 8 + size, len(sound) - 1):
            self.refused(sound[:length], "is damaged: ")
        self.refused(sound + b"\0", "bytes of data, its header says")

    def test_weights_of_another_model_are_refused(self):
        data = b"\0" * 16
        header = json.dumps({"dense.kernel": {"dtype": "F32", "shape": [2, 2],
                                              "data_offsets": [0, 16]}}).encode()
        self.refused(struct.pack("<Q", len(header)) + header + data,
                     "'dense.kernel' is 2x2xf32 there, expected 4x64xf32",
                     "it lacks 'normalization.mean' (4xf32)", "more; use a file saved")
        header = header.replace(b"F32", b"I16").replace(b"[2, 2]", b"[2, 4]")
        self.refused(struct.pack("<Q", len(header)) + header + data,
                     "hold 'dense.kernel' as I16; states are of type F16, BF16, F32")

    def test_a_damaged_artifact_is_refused_wherever_the_damage_is(self):
        self.freeze()
        sound = (self.folder / "frozen.so").read_bytes()
        bad = self.folder / "bad.so"
        for place in range(len(sound) - 40, 200, -len(sound) // 40):
            flipped = bytearray(sound)
            flipped[place] ^= 1
            bad.write_bytes(flipped)
            done = tools.run("graven-run", "info", bad, check=False)
            self.assertEqual(done.returncode, 1, place)
            self.assertIn("is damaged", done.stderr)
        for left in (len(sound) - 1, len(sound) - 144, len(sound) // 2):
            bad.write_bytes(sound[:left])
            self.assertEqual(tools.run("graven-run", "info", bad, check=False).returncode, 1, left)
        # The weights are apart from the code, and say so when they are the damaged part.
        flipped = bytearray(sound)
        flipped[len(sound) - 144 - 1000] ^= 1
        bad.write_bytes(flipped)
        self.assertIn("the digest of its weights is",
                      tools.run("graven-run", "info", bad, check=False).stderr)

    def test_a_static_artifact_needs_no_state(self):
        tools.compile_model(self.text, self.folder / "wide.a", f"--weights={self.trained}",
                            "--entries=predict", "--batch=1")
        (self.folder / "main.c").write_text("""
#include <stdio.h>
#include "wide.h"
int main(void) {
  graven_model *model;
  graven_context *context;
  float x[4] = {5.1f, 3.5f, 1.4f, 0.2f}, y[3];
  if (graven_model_create(&graven_model_wide, &model) != GRAVEN_OK ||
      graven_context_create(model, NULL, &context) != GRAVEN_OK ||
      graven_call(context, NULL, GRAVEN_WIDE_ENTRY_PREDICT, 1, (const void *[]){x}, (void *[]){y}))
    return puts(graven_last_error()), 1;
  printf("%.9g,%.9g,%.9g\\n", y[0], y[1], y[2]);
}
""")
        subprocess.run([os.environ.get("CC", "cc"), "main.c", "wide.a", "-lm", "-lpthread", "-o", "main"],
                       cwd=self.folder, check=True)
        got = subprocess.run([str(self.folder / "main")], capture_output=True, text=True)
        self.assertEqual(got.returncode, 0, got.stdout + got.stderr)
        expected = self.predict(self.model, 1, "--state", self.trained).splitlines()[1]
        self.assertEqual(got.stdout.strip(), expected.rsplit(",", 1)[0])


if __name__ == "__main__":
    unittest.main()
