"""The benchmark's statistics, its protocol with contenders, and what it does when one fails."""
import os
import pathlib
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GRAVEN_SOURCE") or pathlib.Path(__file__).parents[3])
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "tools/bench"))
import measure  # noqa: E402

WORKER = """
import sys, threading, time
sys.path.insert(0, {workers!r})
import pipe

def spin():
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        pass

class Sleeper(pipe.Contender):
    version = "7"
    def build(self, kind, batch):
        if kind == "restless":
            return (lambda: threading.Thread(target=spin).start()), {{}}
        if kind == "predict":
            raise ValueError("cannot predict")
        if kind == "latency":
            return (lambda: 1 / 0), {{}}
        return (lambda: time.sleep({pause})), {{"chosen": "sleep"}}

pipe.serve(Sleeper)
"""


class Ratios(unittest.TestCase):
    def test_equal_ratios_are_their_own_bound(self):
        found = measure.paired_ratio([2.0, 4.0, 6.0] * 3, [1.0, 2.0, 3.0] * 3)
        self.assertEqual(found, {"median": 2.0, "lower": 2.0})

    def test_a_common_disturbance_cancels_within_a_round(self):
        ours = [1.0, 1.1, 5.0, 1.0, 0.9, 1.0, 3.0]
        found = measure.paired_ratio([3 * t for t in ours], ours)
        self.assertAlmostEqual(found["lower"], 3.0)

    def test_scatter_lowers_the_bound(self):
        found = measure.paired_ratio([1.0, 1.0, 1.0, 1.5, 2.0, 2.0, 2.0], [1.0] * 7)
        self.assertEqual(found["median"], 1.5)
        self.assertLess(found["lower"], 1.5)

    def test_moved_takes_the_worse_ceiling_in_either_direction(self):
        before = {"gflops": 100.0, "triad_gbs": 20.0}
        self.assertAlmostEqual(measure.moved(before, {"gflops": 99.0, "triad_gbs": 22.0}), 0.1)
        self.assertAlmostEqual(measure.moved(before, {"gflops": 80.0, "triad_gbs": 20.0}), 0.2)


class Contenders(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def start(self, name, pause):
        script = self.folder / f"{name}.py"
        script.write_text(WORKER.format(workers=str(SOURCE / "tools/bench/workers"), pause=pause))
        contender = measure.Contender(
            name, [sys.executable, str(script), "--threads", "1"],
            os.sched_getaffinity(0), {}, self.folder / f"{name}.log")
        self.addCleanup(contender.close)
        self.assertEqual(contender.answer(30)["version"], "7")
        return contender

    def test_interleaved_bursts_time_what_they_run(self):
        pair = [self.start("slow", 0.004), self.start("quick", 0.001)]
        for c in pair:
            c.ask("prepare", "train", 1)
        samples, failed = measure.interleave(pair, "train", 1, 3, 0.02, 0)
        self.assertEqual(failed, {})
        self.assertEqual([len(samples[c.name]) for c in pair], [3, 3])
        self.assertGreaterEqual(min(samples["slow"]), 0.004)
        self.assertGreaterEqual(min(samples["quick"]), 0.001)

    def test_the_next_burst_waits_for_threads_that_look_for_work(self):
        contender = self.start("restless", 0)
        contender.ask("prepare", "restless", 1)
        contender.ask("burst", "restless", 1, 1)
        self.assertTrue(contender.running())
        measure.rest([contender], 0, most=30)
        self.assertFalse(contender.running())

    def test_a_refusal_is_reported_and_the_process_goes_on(self):
        contender = self.start("refusing", 0)
        with self.assertRaisesRegex(measure.Failed, "ValueError: cannot predict"):
            contender.ask("prepare", "predict", 1)
        self.assertEqual(contender.ask("prepare", "train", 1)["chosen"], "sleep")

    def test_one_that_fails_in_its_burst_leaves_the_others(self):
        pair = [self.start("sound", 0.001), self.start("unprepared", 0.001)]
        pair[0].ask("prepare", "train", 1)
        samples, failed = measure.interleave(pair, "train", 1, 2, 0.01, 0)
        self.assertEqual(list(samples), ["sound"])
        self.assertIn("KeyError", failed["unprepared"])

    def test_one_that_ends_says_its_last_words(self):
        script = self.folder / "dead.py"
        script.write_text("raise SystemExit('no such library')")
        contender = measure.Contender("dead", [sys.executable, str(script)],
                                      os.sched_getaffinity(0), {}, self.folder / "dead.log")
        self.addCleanup(contender.close)
        with self.assertRaisesRegex(measure.Failed, "no such library"):
            contender.answer(30)


class Bounds(unittest.TestCase):
    def test_a_target_is_reached_within_three_percent(self):
        self.assertTrue(measure.reached(1.94, 2.0))
        self.assertFalse(measure.reached(1.93, 2.0))

    def test_a_change_within_the_noise_is_none(self):
        old = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02]
        self.assertIsNone(measure.changed(old, [t * 1.02 for t in old]))

    def test_a_change_beyond_the_noise_has_a_direction(self):
        old = [1.0, 1.01, 0.99, 1.0, 1.0, 1.02, 0.98]
        self.assertEqual(measure.changed(old, [t * 1.2 for t in old]), "slower")
        self.assertEqual(measure.changed(old, [t / 1.2 for t in old]), "faster")

    def test_a_slower_machine_is_no_change(self):
        old = [1.0, 1.01, 0.99, 1.0, 1.0, 1.02, 0.98]
        self.assertIsNone(measure.changed(old, [t * 1.25 for t in old], scale=0.8))

    def test_digests_tell_a_matrix_from_its_transpose(self):
        self.assertIsNone(measure.digests_differ([[0.1, 4.0, 0.05]], [[0.1 + 1e-5, 4.0, 0.05]]))
        self.assertGreater(measure.digests_differ([[0.1, 4.0, 0.05]], [[0.1, 4.0, 0.15]]), 0.04)
        self.assertEqual(measure.digests_differ([[0, 1, 0]], []), float("inf"))

    def test_a_digest_that_is_no_number_differs(self):
        self.assertIsNotNone(measure.digests_differ([[0.1, 4.0, 0.05]], [[float("nan"), 4.0, 0.05]]))


if __name__ == "__main__":
    unittest.main()
