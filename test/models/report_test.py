"""The report's data agrees with the plan, and its page needs and trusts nothing from outside."""
import json
import re
import subprocess
import unittest

import tools

HOSTILE = '''// </script><script>alert("1")</script> <!-- & 'quoted' -->
nn.model @net {
  input(shape = [4])
  dense(units = 3)
  dense(units = 2)   // <img src=x onerror=alert(1)>
} train {
  mean_squared_error()
  sgd(learning_rate = 0.1)
}
'''


def data_of(page):
    found = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    assert len(found) == 1
    return json.loads(found[0])


class ReportTest(tools.ModelTest):
    def compile(self, model, name, *flags):
        page = self.folder / (name + ".html")
        subprocess.run([tools.BIN / "graven-compile", model, "-o", self.folder / (name + ".so"),
                        f"--report={page}", *flags], check=True)
        return page.read_text()

    def test_facts_are_those_of_the_plan(self):
        for example in ["digits_mlp/digits", "iris/iris", "custom_layer/gated", "custom_loop/own_step"]:
            with self.subTest(example):
                model = tools.EXAMPLES / (example + ".mlir")
                report = data_of(self.compile(model, "facts"))
                plan = subprocess.run([tools.BIN / "graven-compile", model, "--compile-to=schedule"],
                                      check=True, capture_output=True, text=True).stdout
                programs = re.split(r"^  plan\.program @", plan, flags=re.M)[1:]
                self.assertEqual([p.split()[0].strip('"') for p in programs],
                                 [entry["symbol"] for entry in report["entries"]])
                for program, entry in zip(programs, report["entries"]):
                    self.check_entry(program.split("\n  }\n")[0], entry)

    def check_entry(self, program, entry):
        launches = re.findall(r'plan\.launch @(\S+) stage "(\w*)" grid (\d+)', program)
        commands = [c for c in entry["commands"] if c["kind"] == "launch"]
        self.assertEqual(launches, [(entry["kernels"][c["kernel"]]["name"], c["stage"], str(c["grid"]))
                                    for c in commands])
        self.assertEqual(len(entry["commands"]),
                         len(re.findall(r"plan\.(?:launch|copy|fill) ", program)))
        self.assertEqual(entry["arena_bytes"], int(re.search(r"arena_bytes = (\d+)", program)[1]))
        self.assertLessEqual(entry["peak_bytes"], entry["arena_bytes"])
        for block in entry["blocks"]:
            self.assertLessEqual(block["offset"] + block["bytes"], entry["arena_bytes"])
        # An op and its kernels name one another, and what is computed has a kernel.
        for index, op in enumerate(entry["ops"]):
            self.assertEqual(op["kernels"], [k for k, kernel in enumerate(entry["kernels"])
                                             if index in kernel["ops"]])
            if op["role"] in ("forward", "backward") and op["name"] not in ("reshape",):
                used = any(index in other["operands"] for other in entry["ops"])
                self.assertTrue(op["kernels"] or not used, op)
        if entry["name"] == "train_step":
            self.assertTrue(any(op.get("rule", "").startswith("gradient of ") for op in entry["ops"]))
            self.assertTrue(any(kept["how"] == "stored" for kept in entry["kept"]))
            self.assertTrue(any("apart" in op for op in entry["ops"]))

    def test_same_bytes_but_for_seconds(self):
        model = tools.EXAMPLES / "iris/iris.mlir"
        pages = [re.sub(r'"seconds":\[(\["[^"]*",[-+.e0-9]*\],?)*\]', "", self.compile(model, name))
                 for name in ("one", "two")]
        self.assertEqual(pages[0], pages[1])

    def test_names_of_the_model_are_no_markup(self):
        model = self.folder / "hostile.mlir"
        model.write_text(HOSTILE)
        page = self.compile(model, "hostile")
        self.assertIn("</script>", data_of(page)["source"])
        self.assertEqual(page.count("</script>"), 2)
        self.assertNotIn("<img", page)

    def test_names_of_files_are_no_markup(self):
        folder = self.folder / "x<"
        folder.mkdir()
        model = folder / "script><img src=x onerror=alert(1)> & \"quoted\" 'too'.mlir"
        model.write_text(HOSTILE)
        page = self.compile(model, "hostile_file")
        self.assertEqual(data_of(page)["file"], str(model))
        self.assertEqual(page.count("</script>"), 2)
        self.assertNotIn("<img", page)

    def test_numerics_are_those_of_the_compilation(self):
        model = tools.EXAMPLES / "iris/iris.mlir"
        self.assertEqual(data_of(self.compile(model, "fast"))["numerics"], "fast")
        self.assertEqual(data_of(self.compile(model, "strict", "--numerics=strict"))["numerics"], "strict")

    def test_nothing_is_fetched(self):
        page = self.compile(tools.EXAMPLES / "iris/iris.mlir", "alone")
        urls = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}\S*", re.sub(r"(?s)<script id=\"data\".*?</script>", "", page)))
        self.assertEqual({url.rstrip('";') for url in urls}, {"http://www.w3.org/2000/svg"})
        self.assertIn("default-src 'none'", page)
        for word in (" src=", "@import", "url(", "fetch(", "innerHTML"):
            self.assertNotIn(word, page)

    def test_profile_is_shown(self):
        model = tools.EXAMPLES / "iris/iris.mlir"
        self.compile(model, "measured")
        done = tools.run("graven-run", "bench", self.folder / "measured.so", "--seconds", "0.01",
                         "--threads", "1", "--profile", "--json")
        profile = self.folder / "profile.json"
        profile.write_text(done.stdout)
        kernels = {each["name"]: each["seconds"] for each in json.loads(done.stdout)["kernels"]}
        flag = f"--report-profile={profile}"
        measured = 0
        for entry in data_of(self.compile(model, "measured", flag))["entries"]:
            self.assertEqual("measured_seconds" in entry, entry["name"] == "train_step")
            names = [kernel["name"] for kernel in entry["kernels"]]
            for kernel in entry["kernels"]:
                if entry["name"] != "train_step":
                    self.assertNotIn("measured_seconds", kernel)
                elif "measured_seconds" in kernel:
                    measured += 1
                    self.assertAlmostEqual(kernel["measured_seconds"] * names.count(kernel["name"]),
                                           kernels[kernel["name"]], delta=1e-12)
        self.assertGreater(measured, 0)

        for text, word in [("not json", "bench"), ("{}", "no list of kernels"),
                           (done.stdout.replace('"model":"iris"', '"model":"other"'), "other"),
                           (done.stdout.replace("train_step", "sing"), "sing"),
                           (re.sub('"name":"', '"name":"x', done.stdout), "none of the profile")]:
            profile.write_text(text)
            run = tools.run("graven-compile", model, "-o", self.folder / "m.so",
                            f"--report={self.folder}/m.html", flag, check=False)
            self.assertEqual(run.returncode, 1)
            self.assertIn(word, run.stderr)
            self.assertFalse((self.folder / "m.html").exists())
        run = tools.run("graven-compile", model, "-o", self.folder / "m.so", flag, check=False)
        self.assertEqual(run.returncode, 2)

    def test_mistakes_are_answered(self):
        run = subprocess.run([tools.BIN / "graven-compile", tools.EXAMPLES / "iris/iris.mlir",
                              "--compile-to=fuse", f"--report={self.folder}/r.html"],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 2)
        self.assertIn("--report", run.stderr)


if __name__ == "__main__":
    unittest.main()
