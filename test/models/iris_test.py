"""Iris: accuracy over seeds, kill and resume, and what a checkpoint promises."""
import csv
import random
import signal
import subprocess
import time
import unittest

import tools


def split(seed, folder):
    """A stratified 80/20 split of Iris as two CSV files."""
    with open(tools.IRIS, newline="") as file:
        header, *rows = list(csv.reader(file))
    shuffle = random.Random(seed)
    parts = {"train": [], "test": []}
    for species in sorted({row[-1] for row in rows}):
        own = [row for row in rows if row[-1] == species]
        shuffle.shuffle(own)
        parts["test"] += own[:10]
        parts["train"] += own[10:]
    for name, part in parts.items():
        with open(folder / f"{name}{seed}.csv", "w", newline="") as file:
            csv.writer(file).writerows([header] + part)
    return folder / f"train{seed}.csv", folder / f"test{seed}.csv"


class IrisTest(tools.ModelTest):
    def setUp(self):
        super().setUp()
        self.model = tools.compile_model(tools.EXAMPLES / "iris/iris.mlir", self.folder / "iris.so")

    def test_mean_accuracy_over_ten_stratified_splits(self):
        accuracies = []
        for seed in range(10):
            train, test = split(seed, self.folder)
            state = self.folder / f"{seed}.safetensors"
            tools.fit(self.model, "--train", train, "--seed", seed, "--save", state)
            accuracies.append(tools.evaluate(self.model, state, test)["accuracy"])
        mean = sum(accuracies) / len(accuracies)
        print(f"mean accuracy {mean:.4f}, each {accuracies}")
        self.assertGreaterEqual(mean, 0.93)

    def test_killed_anywhere_it_resumes_to_the_same_bits(self):
        flags = ["--train", tools.IRIS, "--epochs", "60", "--early-stopping", "off",
                 "--save-every", "0", "--seed", "3"]
        whole = self.folder / "whole.safetensors"
        tools.fit(self.model, *flags, "--save", whole)
        expected = tools.digest(whole)
        moments = random.Random(5)
        killed = 0
        for attempt in range(50):
            state = self.folder / f"killed{attempt}.safetensors"
            command = [tools.BIN / "graven-run", "fit", self.model, *flags, "--save", state]
            # Killed at a moment of its work, not of the clock, which a busy machine shares.
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for _ in range(moments.randrange(50)):
                process.stdout.readline()
            time.sleep(moments.uniform(0, 0.002))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            process.stdout.close()
            tools.fit(self.model, *flags, "--save", state, "--resume", state)
            self.assertEqual(tools.digest(state), expected, f"attempt {attempt}")
        self.assertGreater(killed, 25, "too few runs were killed before they ended")

    def test_resume_under_other_settings_names_the_difference(self):
        state = self.folder / "a.safetensors"
        tools.fit(self.model, "--train", tools.IRIS, "--epochs", "2", "--save", state)
        before = tools.digest(state)
        done = tools.fit(self.model, "--train", tools.IRIS, "--epochs", "4", "--seed", "9",
                         "--resume", state, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("seed", done.stderr)
        self.assertEqual(tools.digest(state), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
