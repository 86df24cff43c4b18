"""Iris trained on the GPU and on the processor: the losses of all epochs."""
import json
import subprocess

# Largest distance of a loss, relative, or absolute below 1: sums in another order, approximations.
BOUND = 1e-4


def curve(pieces, model, log, epochs, environment, deadline):
    words = [pieces.program("graven-run"), "fit", pieces.file(model), "--train", pieces.file("models/iris.csv"),
             "--seed", "3", "--early-stopping", "off", "--save-every", "0", "--epochs", epochs, "--log", log]
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True,
                          env=environment, timeout=max(1, deadline.left()))
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-400:])
    return [json.loads(line) for line in log.read_text().splitlines()]


def run(pieces, environment, folder, deadline, epochs):
    curves = [curve(pieces, f"models/iris_{device}.so", folder / f"{device}.jsonl", epochs, environment,
                    deadline) for device in ("cpu", "cuda")]
    worst, failures = 0.0, []
    for number, (expected, got) in enumerate(zip(*curves), 1):
        for name in expected:
            if not name.endswith("loss"):
                continue
            distance = abs(got[name] - expected[name]) / max(1, abs(expected[name]))
            worst = max(worst, distance)
            if not distance <= BOUND:
                failures.append({"case": f"iris, epoch {number}, {name}",
                                 "error": f"{got[name]}, on the processor {expected[name]}"})
    return {"epochs": len(curves[0]), "worst": worst, "failed": len(failures), "failures": failures[:10],
            "complete": len(curves[0]) == len(curves[1])}
