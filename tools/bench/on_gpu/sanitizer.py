"""compute-sanitizer over kernels, rows of ops and training steps."""
import os
import pathlib
import re
import shutil
import subprocess

import conformance
from clock import Deadline

TOOLS = ["memcheck", "racecheck", "synccheck"]
# What the tools print at their end.
SUMMARY = re.compile(r"(?:ERROR SUMMARY: (\d+) errors?)|(?:RACECHECK SUMMARY: (\d+) hazards?)")


def find():
    """The program, or None."""
    found = shutil.which("compute-sanitizer")
    for folder in ("/usr/local/cuda/bin", os.path.join(os.environ.get("CUDA_HOME", "/"), "bin")):
        path = pathlib.Path(folder) / "compute-sanitizer"
        found = found or (str(path) if path.exists() else None)
    return found


def reports(output):
    """Errors that the tool counted, or None where it has said nothing."""
    counts = [int(a or b) for a, b in SUMMARY.findall(output)]
    return sum(counts) if counts else None


def over_cases(command, program, files, environment, deadline, every):
    group = conformance.Group([*command, program], files, environment, deadline, every,
                              usual_statuses=(9,))
    group.run()
    return {"cases": group.cases, "failures": group.failures[:20], "complete": group.complete,
            "reports": reports(group.output), "output": group.output[-3000:]}


def over_program(command, words, environment, deadline):
    try:
        done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True,
                              errors="replace", env=environment, timeout=max(1, deadline.left()))
    except subprocess.TimeoutExpired:
        return {"complete": False, "reports": None, "output": ""}
    output = done.stdout + done.stderr
    return {"complete": done.returncode == 0, "reports": reports(output), "output": output[-3000:]}


def run(pieces, environment, deadline):
    """{tool: {target: what it said}}; several minutes of kernels are thinned out to fit."""
    program = find()
    if not program:
        return {"skipped": "there is no compute-sanitizer on PATH or in /usr/local/cuda/bin"}
    found = {}
    for index, tool in enumerate(TOOLS):
        part = Deadline(deadline.left() / (len(TOOLS) - index), deadline)
        command = [program, "--tool", tool, "--error-exitcode", "9", "--print-limit", "20"]
        training = over_program(command, [pieces.program("graven-run"), "bench", pieces.file("models/mlp.so"),
                                          "--entry", "train_step", "--batch",
                                          pieces.made["mlp_batch"],
                                          "--seconds", "0"], environment,
                                Deadline(part.left() / 3, part))
        kernels = over_cases(command, pieces.program("gpu_cases"), pieces.files("kernels"), environment,
                             Deadline(part.left() / 2, part), every=7)
        ops = over_cases(command, pieces.program("gpu_cases"), pieces.files("ops"), environment, part,
                         every=23)
        found[tool] = {"training step": training, "kernels": kernels, "ops": ops}
    counted = [t["reports"] for each in found.values() for t in each.values()]
    return {"tools": found, "reports": sum(c for c in counted if c),
            "answered": sum(c is not None for c in counted), "asked": len(counted)}
