"""The side of a contender written in Python.

A contender is a process that answers one line of JSON for each line it reads:

  prepare KIND BATCH .. builds and warms up what the next commands need, and says what it chose
  burst KIND BATCH N    runs N steps without a pause and answers the seconds that they took
  latency KIND BATCH N  times N calls one by one and answers percentiles, in seconds
  losses BATCH N        starts again from the common weights, answers the loss of N training steps
  digest KIND BATCH     digests of the results (tables of single computations)
  drop KIND BATCH       frees what was prepared
  memory                the largest resident set so far, in bytes
  quit

KIND is train (a training step), predict (inference) or smallest (a model of one unit on one
number), or a single computation with its sizes, family:what:AxBxC. An answer holds "error" where a command failed; the contender goes on. Between commands a
contender blocks in read() and uses no processor time.
"""
import argparse
import array
import json
import os
import resource
import sys
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--data", help="folder of the common weights and rows")
    return parser.parse_args()


def read_floats(folder, name):
    values = array.array("f")
    path = os.path.join(folder, name)
    values.fromfile(open(path, "rb"), os.path.getsize(path) // 4)
    return values


def read_ints(folder, name):
    values = array.array("i")
    path = os.path.join(folder, name)
    values.fromfile(open(path, "rb"), os.path.getsize(path) // 4)
    return values


def seconds(function, steps):
    start = time.perf_counter()
    for _ in range(steps):
        function()
    return time.perf_counter() - start


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def fastest(candidates, finish=lambda: None, budget=0.15, rounds=5):
    """Name, function and times of the quickest of the (name, function) pairs, tried in turn."""
    times = {name: [] for name, _ in candidates}
    steps = {}
    for name, function in candidates:
        seconds(function, 3)
        finish()
        once = max(seconds(function, 3) / 3, 1e-7)
        finish()
        steps[name] = max(1, int(budget / rounds / once))
    for _ in range(rounds):
        for name, function in candidates:
            start = time.perf_counter()
            seconds(function, steps[name])
            finish()
            times[name].append((time.perf_counter() - start) / steps[name])
    medians = {name: sorted(values)[len(values) // 2] for name, values in times.items()}
    best = min(medians, key=medians.get)
    return best, dict(candidates)[best], medians


class Contender:
    """Subclasses give `build(kind, batch)` -> (function, facts); the function runs one step.

    finish() waits for work that a step left running. losses(batch, steps) is optional.
    """

    version = "?"

    def __init__(self, options):
        self.options = options
        self.functions = {}

    def build(self, kind, batch, *more):
        raise NotImplementedError

    def finish(self):
        pass

    def prepare(self, kind, batch, *more):
        function, facts = self.build(kind, int(batch), *more)
        self.functions[kind, int(batch)] = function
        return facts

    def drop(self, kind, batch):
        self.functions.pop((kind, int(batch)), None)
        return {}

    def burst(self, kind, batch, steps):
        function = self.functions[kind, int(batch)]
        steps = int(steps)
        seconds(function, max(1, steps // 10))
        self.finish()
        start = time.perf_counter()
        for _ in range(steps):
            function()
        self.finish()
        return {"seconds": time.perf_counter() - start}

    def latency(self, kind, batch, steps):
        function = self.functions[kind, int(batch)]
        seconds(function, max(1, int(steps) // 10))
        self.finish()
        clock = time.perf_counter
        times = []
        for _ in range(int(steps)):
            start = clock()
            function()
            self.finish()
            times.append(clock() - start)
        times.sort()
        return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}

    def losses(self, batch, steps):
        raise NotImplementedError("this contender does not train")

    def memory(self):
        return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}

    def serve(self):
        # Libraries print to stdout as they please; answers go to a copy of it kept for them alone.
        answers = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        answers.write(json.dumps({"version": self.version}) + "\n")
        for line in sys.stdin:
            command, *rest = line.split()
            if command == "quit":
                return
            try:
                answer = getattr(self, command)(*rest)
            except Exception as error:  # whatever a peer raises is an answer, not the end
                answer = {"error": f"{type(error).__name__}: {error}".strip().split("\n")[0][:300]}
            answers.write(json.dumps(answer) + "\n")


def serve(contender_class):
    # Only now, since the environment must be complete before a library is imported.
    contender_class(arguments()).serve()
