"""What the benchmark's tables say: targets, skipped contenders, and the comparison of two runs."""
import os
import pathlib
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("GRAVEN_SOURCE") or pathlib.Path(__file__).parents[3])
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "tools/bench"))
import compare  # noqa: E402
import report  # noqa: E402
import session  # noqa: E402

CEILINGS = {"gflops": 100.0, "triad_gbs": 20.0, "stream_gbs": 30.0}


def result(samples, **row):
    """A row of 1e5 operations and 1e4 bytes."""
    made = session.Row(**{"label": "nn 8x8x8", "kind": "gemm:nn:8x8x8", "flops": 1e5, "bytes": 1e4,
                          "target": 1.0, "ceiling": ("gflops", 0.9), **row})
    return session.row_result(made, samples, {}, {n: {"chosen": n} for n in samples}, CEILINGS)


def run(*rows, moved=0.01, ceilings=CEILINGS):
    return {"costs": [], "tables": [{"part": "gemm", "title": "Products", "threads": 1, "before": ceilings,
                        "moved": moved, "sound": moved <= 0.05, "load": 1.0, "idle_share": 0.0,
                        "rows": list(rows)}]}


class Rows(unittest.TestCase):
    def test_the_quickest_peer_counts_and_a_reference_is_none(self):
        row = result({"graven": [1e-6] * 7, "slow": [2e-6] * 7, "quick": [1.5e-6] * 7,
                      "plain C": [0.5e-6] * 7})
        self.assertEqual(row["best_peer"], "quick")
        self.assertAlmostEqual(row["bound"], 1.5)

    def test_targets_are_judged_one_by_one(self):
        row = result({"graven": [2e-6] * 7, "peer": [3e-6] * 7})
        self.assertAlmostEqual(row["share"], 0.5)
        self.assertEqual([c["met"] for c in row["checks"]], [True, False])
        self.assertEqual(report.verdict(row), "≥ 1: met, ≥ 0.9 of peak: MISSED")

    def test_a_share_of_the_memory_ceiling_counts_bytes(self):
        row = result({"graven": [1e-6] * 7}, ceiling=("triad_gbs", 0.9))
        self.assertAlmostEqual(row["share"], 0.5)

    def test_without_graven_nothing_is_judged(self):
        row = result({"peer": [1e-6] * 7})
        self.assertEqual(row["checks"], [])
        self.assertIn("1.000", report.table_text(run(row)["tables"][0]))


class Tables(unittest.TestCase):
    def test_an_unsound_table_says_so_and_a_skip_keeps_its_reason(self):
        row = result({"graven": [1e-6, 2e-6, 3e-6]})
        row["skipped"] = {"torch": "not installed"}
        text = report.table_text(run(row, moved=0.2)["tables"][0])
        self.assertIn("NOT SOUND", text)
        self.assertIn("skipped: torch: nn 8x8x8: not installed", text)
        self.assertIn("2.000 (1.000–3.000)", text)

    def test_the_summary_counts_what_was_met(self):
        good = result({"graven": [1e-6] * 7, "peer": [1.1e-6] * 7})
        bad = result({"graven": [2e-6] * 7, "peer": [1e-6] * 7})
        text = report.summary_text(run(good, bad))
        self.assertRegex(text, r"gemm *\| 2 +\| 1 +\| 1 of 2")
        self.assertIn("best peer 0.50, target 1 (peer)", text)


class Scaling(unittest.TestCase):
    def test_rows_that_miss_on_two_threads_are_named(self):
        seconds = lambda label, t: result({"graven": [t] * 7}, label=label)  # noqa: E731
        one = run(seconds("long", 4e-3), seconds("good", 4e-3), seconds("short", 1e-5))["tables"]
        two = run(seconds("long", 3e-3), seconds("good", 2.1e-3), seconds("short", 2e-5),
                  ceilings={**CEILINGS, "gflops": 200.0})["tables"]
        two[0]["threads"] = 2
        text = report.scaling_text({"tables": one + two})
        self.assertIn("Above 1 ms 1 of 2 rows", text)
        self.assertIn("of all 3 rows 1 are slower", text)
        self.assertRegex(text, r"short, Products +\| 10.0 +\| 20.0 +\| 0.50")
        self.assertNotIn("good", text)

    def test_a_cost_above_its_target_is_missed(self):
        text = report.costs_text([{"what": "call", "value": 300.0, "unit": "ns", "target": 250,
                                   "met": False}])
        self.assertIn("≤ 250: MISSED", text)

    def test_memory_names_what_no_training_in_place_can_do_without(self):
        text = report.memory_text([{"label": "net", "state": 600 << 10, "io": 150 << 10,
                                    "arena": 50 << 10, "own": 800 << 10,
                                    "peers": {"torch": 1000 << 10, "jax": 1600 << 10}},
                                   {"label": "alone", "state": 1024, "io": 0, "arena": 0,
                                    "own": 1024, "peers": {}}])
        cells = lambda name: [c.strip() for c in next(  # noqa: E731
            line for line in text.splitlines() if line.startswith(f"| {name}")).split("|")[2:-1]]
        self.assertEqual(cells("net"), ["600", "150", "50", "800", "1000", "1600", "0.80", "0.75"])
        self.assertEqual(cells("alone"), ["1", "0", "0", "1", "–", "–", "–", "–"])
        self.assertEqual(report.memory_text([]), "")



class Compared(unittest.TestCase):
    def test_slower_and_faster_rows_are_found_and_others_left(self):
        old = run(result({"graven": [1e-6] * 7}, label="a"), result({"graven": [1e-6] * 7}, label="b"),
                  result({"graven": [1e-6] * 7}, label="c"))
        new = run(result({"graven": [2e-6] * 7}, label="a"), result({"graven": [1e-6] * 7}, label="b"),
                  result({"graven": [0.5e-6] * 7}, label="c"),
                  result({"graven": [1e-6] * 7}, label="only here"))
        found = compare.changes(old, new)
        self.assertEqual([f[4] for f in found], ["slower", None, "faster"])
        self.assertIn("3 rows in both runs: 1 slower, 1 faster", compare.text(found))
        self.assertIn("+100.0 %", compare.text(found))

    def test_a_machine_at_half_the_clock_is_no_change(self):
        half = {**CEILINGS, "gflops": 50.0}
        found = compare.changes(run(result({"graven": [1e-6] * 7})),
                                run(result({"graven": [2e-6] * 7}), ceilings=half))
        self.assertEqual([f[4] for f in found], [None])


if __name__ == "__main__":
    unittest.main()
