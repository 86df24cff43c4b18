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
import report  # noqa: E402

WORKER = """
import sys, time
sys.path.insert(0, {workers!r})
import pipe

class Sleeper(pipe.Contender):
    version = "7"
    def build(self, kind, batch):
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
            name, [sys.executable, str(script), "--threads", "1", "--dropout", "0", "--data", "."],
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


class Tables(unittest.TestCase):
    def test_an_unsound_block_says_so_and_a_skip_keeps_its_reason(self):
        block = {"kind": "train", "batch": 1, "threads": 1, "moved": 0.2, "sound": False,
                 "load": 1.0, "idle_share": 0.0, "before": {"gflops": 100, "triad_gbs": 20},
                 "results": {"graven": measure.summary([1e-6, 2e-6, 3e-6])},
                 "skipped": {"torch eager": "not installed"}}
        text = report.block_text(block)
        self.assertIn("NOT SOUND", text)
        self.assertIn("skipped: torch eager: not installed", text)
        self.assertIn("2.000 (1.000–3.000)", text)


if __name__ == "__main__":
    unittest.main()
