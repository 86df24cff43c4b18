"""Memory of training: what the compiler says, what a plan needs at least, what the runtime takes."""
import json
import os
import pathlib
import re
import subprocess
import unittest

import tools

MODEL = (tools.SOURCE / "tools/bench/models/mlp.mlir").read_text()
# Notes the size of each allocation that asks for an alignment, as those of a model's memory do.
NOTE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static void note(size_t bytes) {
  FILE *file = fopen(getenv("NOTED_ALLOCATIONS"), "a");
  if (file) { fprintf(file, "%zu\n", bytes); fclose(file); }
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  void *(*next)(size_t, size_t) = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
  note(bytes);
  return next(alignment, bytes);
}
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  int (*next)(void **, size_t, size_t) =
      (int (*)(void **, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign");
  note(bytes);
  return next(memory, alignment, bytes);
}
"""


class Memory(tools.ModelTest):
    def compile(self, units, batch, *flags):
        source = self.folder / f"mlp{units}.mlir"
        source.write_text(MODEL.replace("units = 128", f"units = {units}"))
        return tools.run("graven-compile", source, f"--batch={batch}", *flags)

    def test_a_step_needs_little_more_than_is_alive_at_one_time(self):
        for units in (128, 500):
            for batch in (1, 32, 128):
                with self.subTest(units=units, batch=batch):
                    plan = self.compile(units, batch, "--compile-to=schedule", "-o", "-").stdout
                    arena, bound = map(int, re.search(
                        r"plan\.program @train_step .*?arena_bytes = (\d+).*?liveness_bound = (\d+)",
                        plan).groups())
                    self.assertLessEqual(bound, arena)
                    self.assertLessEqual(arena, 1.02 * bound)
                    # Activations, their gradients and masks are most of it: the gradient of the
                    # first weights is stored nowhere, and no state is copied.
                    if batch < 128:
                        activations = batch * (units * (4 + 4 + 1 + 1) + 4 * 4 * 10)
                        self.assertLess(arena, 1.1 * activations + units * 784 * 4 / 2)
                    self.assertNotIn("plan.copy", plan[plan.index("plan.program @train_step"):
                                                       plan.index("plan.program @eval_step")])

    def test_the_runtime_takes_what_the_compiler_says(self):
        # LD_PRELOAD takes no path with a space in it.
        source = self.folder / "note.c"
        library = self.folder.parent / f"{self.folder.name.replace(chr(32), chr(95))}_note.so"
        self.addCleanup(library.unlink)
        source.write_text(NOTE)
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
        for units, batch in ((128, 32), (128, 1)):
            with self.subTest(units=units, batch=batch):
                model = self.folder / f"{units}_{batch}.so"
                said = json.loads(self.compile(units, batch, "-o", model, "--stats", "json").stderr)
                notes = self.folder / f"{units}_{batch}.txt"
                tools.run("graven-run", "bench", model, "--seconds", "0.01", "--threads", "1",
                          env={**os.environ, "LD_PRELOAD": str(library),
                               "NOTED_ALLOCATIONS": str(notes)})
                taken = [int(line) for line in notes.read_text().split()]
                rows = batch * 784 * 4 + batch * 4 + 4 + 4
                self.assertEqual(said["training_bytes"],
                                 said["state_bytes"] + 128 + said["arena_bytes"] + rows)
                self.assertEqual(taken.count(said["state_bytes"]), 1, taken)
                self.assertEqual(taken.count(said["arena_bytes"]), 1, taken)


if __name__ == "__main__":
    unittest.main(verbosity=2)
