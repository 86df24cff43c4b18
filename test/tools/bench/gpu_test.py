"""The command for machines with a GPU, all of it on the stand-in driver, and what it does where
something is wrong."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["GRAVEN_SOURCE"])
BUILD = pathlib.Path(os.environ["GRAVEN_BIN"]).parent
DRIVER = BUILD / "lib/emulating_driver"
sys.dont_write_bytecode = True
sys.path[:0] = [str(SOURCE / "tools/bench"), str(SOURCE / "tools/bench/on_gpu")]
import computations  # noqa: E402
import conformance  # noqa: E402
import sanitizer  # noqa: E402
import speed  # noqa: E402
import text  # noqa: E402
from clock import Deadline  # noqa: E402
from pieces import Failed, Maker, Pieces  # noqa: E402

PARTS = ["machine", "kernels", "conformance", "training", "speed", "sanitizer"]


class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="graven gpu ")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.made = cls.folder / "pieces"
        Maker(cls.made, BUILD, tiny=True).make()
        cls.pieces = Pieces(cls.made)
        cls.environment = {**os.environ, "LD_LIBRARY_PATH": str(DRIVER)}

    def command(self, *words):
        # The carried copy of the command, since that is what will run.
        done = subprocess.run([sys.executable, str(self.made / "tools/bench/gpu"), *map(str, words)],
                              capture_output=True, text=True, env=self.environment, timeout=300)
        path = self.folder / "run.json"
        return done, json.loads(path.read_text()) if path.exists() else {}

    def test_a_dry_run_goes_through_all_parts(self):
        done, found = self.command("--dry-run", "--pieces", self.made, "--build", BUILD, "--rounds", "7",
                                   "--json", self.folder / "run.json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for part in PARTS:
            self.assertNotIn("broken", found[part], part)
            self.assertIn("seconds", found[part])
        self.assertIn("compute capability 8.0", found["machine"]["device"])
        for part, least in (("kernels", 3), ("conformance", 20)):
            self.assertGreaterEqual(found[part]["cases"], least)
            self.assertEqual(found[part]["failed"], 0)
            self.assertTrue(found[part]["complete"])
        self.assertLess(found["training"]["worst"], 1e-5)
        tables = {t["part"]: t for t in found["speed"]["tables"]}
        rows = [r["label"] for part in ("gemm", "memory") for r in tables[part]["rows"]]
        self.assertEqual(rows, [c.label for c in computations.table(tiny=True)])
        for row in tables["memory"]["rows"]:
            self.assertGreater(row["results"]["graven"]["median"], 0)
        self.assertGreater(tables["memory"]["copy_gbs"][0], 0)
        self.assertEqual(set(found["speed"]["peers_skipped"].values()), {"dry run: peers are not started"})
        self.assertEqual(len(found["speed"]["losses"]["graven"]), 6)
        self.assertIn("dry run", done.stdout)
        self.assertIn("softmax 16x64", done.stdout)
        # What was written is read back, and is not for docs.
        again = subprocess.run([sys.executable, str(SOURCE / "tools/bench/gpu"), "--from",
                                str(self.folder / "run.json")], capture_output=True, text=True)
        self.assertEqual(again.returncode, 0)
        self.assertIn("### Elementwise and row kernels", again.stdout)
        again = subprocess.run([sys.executable, str(SOURCE / "tools/bench/gpu"), "--write-docs", "--from",
                                str(self.folder / "run.json")], capture_output=True, text=True)
        self.assertEqual(again.returncode, 2)
        self.assertIn("a dry run's times mean nothing", again.stderr)
        # Of a run on a GPU they are: into the page of the tree that the command lies in.
        page = self.made / "docs/benchmarks_gpu.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text((SOURCE / "docs/benchmarks_gpu.md").read_text())
        found["dry_run"] = False
        (self.folder / "run.json").write_text(json.dumps(found))
        again, _ = self.command("--write-docs", "--from", self.folder / "run.json")
        self.assertEqual(again.returncode, 0, again.stderr)
        written = page.read_text()
        self.assertEqual(written[:written.index("## Results")],
                         (SOURCE / "docs/benchmarks_gpu.md").read_text().split("## Results")[0])
        self.assertIn("| softmax 16x64", written)
        self.assertNotIn("a dry run on a stand-in", written)
        self.assertTrue(written.endswith("<!-- end of results -->\n"))

    def test_a_part_that_fails_leaves_the_others(self):
        damaged = self.made / "data/b2"
        before = damaged.read_bytes()
        damaged.write_bytes(before[:-1] + b"x")
        try:
            done, found = self.command("--dry-run", "--pieces", self.made, "--build", BUILD, "--only",
                                       "machine,kernels", "--json", self.folder / "run.json")
        finally:
            damaged.write_bytes(before)
        self.assertEqual(done.returncode, 1)
        self.assertIn("pieces are damaged: data/b2", found["machine"]["broken"])
        self.assertEqual(found["kernels"]["failed"], 0)

    def test_a_wrong_value_is_found_and_the_rest_still_runs(self):
        wrong = self.made / "wrong"
        wrong.mkdir(exist_ok=True)
        whole = (self.made / "ops/softmax_f32.cases").read_bytes()
        (wrong / "softmax_f32.so").write_bytes((self.made / "ops/softmax_f32.so").read_bytes())
        # The last eight bytes count the parameters, before them lies the last expected value.
        (wrong / "softmax_f32.cases").write_bytes(whole[:-8] + b"\0\0\x80\x40" + whole[-4:])
        found = conformance.run(self.made / "bin/gpu_cases", [wrong / "softmax_f32.cases"],
                                self.environment, Deadline(60))
        self.assertEqual(found["failed"], 1, found)
        self.assertIn("is", found["failures"][0]["error"])
        self.assertTrue(found["complete"])
        right = conformance.run(self.made / "bin/gpu_cases", [self.made / "ops/softmax_f32.cases"],
                                self.environment, Deadline(60))
        self.assertEqual((right["failed"], right["cases"]), (0, found["cases"]))

    def test_without_a_gpu_each_case_says_so(self):
        found = conformance.run(self.made / "bin/gpu_cases", self.pieces.files("kernels"),
                                {**self.environment, "GRAVEN_STANDIN": "devices=0"}, Deadline(60))
        self.assertEqual(found["failed"], found["cases"])
        self.assertIn("the NVIDIA driver finds no GPU", found["failures"][0]["error"])

    def test_a_lost_gpu_costs_one_case(self):
        # The third wait of the process: that case says so, and the next process does the rest.
        found = conformance.run(self.made / "bin/gpu_cases", self.pieces.files("kernels"),
                                {**self.environment, "GRAVEN_STANDIN": "fail=cuStreamSynchronize:719:3"},
                                Deadline(60), processes=1)
        self.assertGreaterEqual(found["failed"], 1)
        self.assertEqual(found["cases"], 3)
        self.assertIn("719", found["failures"][0]["error"])

    def test_the_sanitizer_is_run_and_read(self):
        # One that adds what the real one prints; racecheck finds two hazards in each program.
        fake = self.folder / "bin"
        fake.mkdir()
        script = fake / "compute-sanitizer"
        script.write_text("""#!/bin/sh
tool=$2; shift 6
echo "========= COMPUTE-SANITIZER"
"$@"; status=$?
if [ $tool = racecheck ]
then echo "========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)"; exit 9
else echo "========= ERROR SUMMARY: 0 errors"; exit $status
fi
""")
        script.chmod(0o755)
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{fake}:{path}"
        try:
            found = sanitizer.run(self.pieces, {**self.environment, "PATH": os.environ["PATH"]},
                                  Deadline(120))
        finally:
            os.environ["PATH"] = path
        self.assertEqual((found["asked"], found["answered"], found["reports"]), (9, 9, 6), found)
        for tool in sanitizer.TOOLS:
            self.assertGreaterEqual(found["tools"][tool]["ops"]["cases"], 1)
            self.assertEqual(found["tools"][tool]["ops"]["failures"], [])
        self.assertIn("| racecheck | training step | 2       |", text.sanitizer(found))

    def test_no_pieces_is_one_sentence(self):
        with self.assertRaisesRegex(Failed, "holds no pieces.json; make it with"):
            Pieces(self.folder)


class Hanging(unittest.TestCase):
    def group(self, script, seconds=60):
        group = conformance.Group([sys.executable, "-c", script], ["x"], os.environ, Deadline(seconds))
        return group.run()

    def test_a_program_that_dies_is_started_after_the_case(self):
        script = ("import sys\nfirst = int(sys.argv[2])\nfor i in range(first, 4):\n"
                  "  print('{\"begin\": %d, \"case\": \"c%d\"}' % (i, i), flush=True)\n"
                  "  if i == 1: print('the sky fell', flush=True); sys.exit(134)\n"
                  "  print('{\"case\": \"c%d\", \"error\": \"\", \"worst\": 0, \"seconds\": 0}' % i, flush=True)\n")
        group = self.group(script)
        self.assertEqual(group.cases, 3)
        self.assertEqual([f["case"] for f in group.failures], ["c1"])
        self.assertIn("status 134: the sky fell", group.failures[0]["error"])

    def test_time_that_is_up_is_told(self):
        group = self.group("import time\ntime.sleep(60)", seconds=0.3)
        self.assertFalse(group.complete)


class Texts(unittest.TestCase):
    def test_reports_of_the_sanitizer(self):
        self.assertEqual(sanitizer.reports("========= ERROR SUMMARY: 3 errors\n"), 3)
        self.assertEqual(sanitizer.reports("========= ERROR SUMMARY: 0 errors\n"), 0)
        self.assertEqual(sanitizer.reports(
            "========= RACECHECK SUMMARY: 2 hazards displayed (1 error, 1 warning)\n"), 2)
        self.assertIsNone(sanitizer.reports("cuInit failed"))

    def test_a_row_against_its_peers(self):
        row = speed.row_result(
            speed.Row("nn 8x8x8 f32", "gemm:nn:8x8x8:f32", flops=1024.0, target=0.85,
                      references=("torch eager, tf32 on",)),
            {"graven": [1e-6] * 9, "torch eager, tf32 off": [0.9e-6] * 9,
             "torch eager, tf32 on": [0.2e-6] * 9}, {},
            {n: {} for n in ("graven", "torch eager, tf32 off", "torch eager, tf32 on")}, {})
        self.assertEqual(row["best_peer"], "torch eager, tf32 off")
        self.assertTrue(row["checks"][0]["met"])
        shown = text.table({"title": "Products", "rows": [row], "left_out": {"tn": "no time was left"}})
        self.assertIn("≥ 0.85: met", shown)
        self.assertIn("0.20 (≥ 0.20)", shown)
        self.assertIn("skipped: tn: no time was left", shown)


if __name__ == "__main__":
    unittest.main(verbosity=2)
