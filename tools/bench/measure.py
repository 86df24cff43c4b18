"""Contenders as processes, stepped in turn; statistics of what they answer."""
import fcntl
import json
import math
import os
import pathlib
import queue
import random
import statistics
import subprocess
import threading
import time


class Failed(Exception):
    """A contender's own account of what went wrong."""


class Contender:
    """A process that answers a line of JSON for each command (workers/pipe.py tells which)."""

    def __init__(self, name, command, processors, environment, log):
        self.name = name
        self.answers = queue.Queue()
        self.log = open(log, "w")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            bufsize=1, env={**os.environ, **environment},
            preexec_fn=lambda: os.sched_setaffinity(0, processors))
        threading.Thread(target=self._read, daemon=True).start()
        self.version = None
        self.own_cpu = 0.0  # processor seconds during own bursts
        self.facts = {}

    def _read(self):
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")

    def answer(self, timeout):
        try:
            line = self.answers.get(timeout=timeout)
        except queue.Empty:
            self.process.kill()
            raise Failed(f"no answer within {timeout} s") from None
        if not line:
            raise Failed(f"ended with status {self.process.wait()}: {self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def ask(self, *words, timeout=900):
        before = self.cpu_seconds()
        try:
            self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise Failed(f"ended: {self._last_words()}") from None
        answer = self.answer(timeout)
        self.own_cpu += self.cpu_seconds() - before
        return answer

    def _last_words(self):
        self.log.flush()
        text = pathlib.Path(self.log.name).read_text(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        return lines[-1][:200] if lines else "no message"

    def cpu_seconds(self):
        try:
            stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
            fields = stat.rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def running(self):
        """Whether a thread of it is on a processor or waits for one."""
        for stat in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            try:
                if stat.read_text().rsplit(")", 1)[1].split()[0] == "R":
                    return True
            except OSError:  # a thread that ended meanwhile
                continue
        return False

    def close(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.write("quit\n")
                self.process.stdin.close()
                self.process.wait(timeout=5)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Quiet:
    """Holds `lock_file` (if any) and gives contenders real-time priority (if asked) for a while."""

    def __init__(self, contenders, lock_file, realtime):
        self.contenders, self.lock_file, self.realtime = contenders, lock_file, realtime

    def _schedule(self, policy, priority):
        for pid in [os.getpid(), *(c.process.pid for c in self.contenders)]:
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
                try:
                    os.sched_setscheduler(int(task.name), policy, os.sched_param(priority))
                except ProcessLookupError:  # a thread that ended meanwhile
                    continue

    def __enter__(self):
        self.file = open(self.lock_file, "w") if self.lock_file else None
        if self.file:
            fcntl.flock(self.file, fcntl.LOCK_EX)
        if self.realtime:
            self._schedule(os.SCHED_FIFO, 10)

    def __exit__(self, *_):
        if self.realtime:
            self._schedule(os.SCHED_OTHER, 0)
        if self.file:
            self.file.close()


def rest(contenders, seconds, most=0.5):
    """Waits `seconds`, and then at most `most` for the contenders to sleep: the threads of some look
    for work for a while after a burst, on a processor that the next contender is to have."""
    time.sleep(seconds)
    until = time.monotonic() + most
    while any(c.running() for c in contenders) and time.monotonic() < until:
        time.sleep(0.002)


def interleave(contenders, kind, batch, repeats, burst_seconds, rest_seconds):
    """Seconds a step of each contender, in `repeats` rounds of one burst each.

    Round r starts with contender r, so that none always follows the same one. Returns
    {name: [seconds]} and {name: reason} of those that failed.
    """
    samples, failed, steps, alive = {}, {}, {}, []
    for c in contenders:
        try:
            pilot = 1
            while True:  # as many steps as fill a burst
                took = c.ask("burst", kind, batch, pilot)["seconds"]
                if took > burst_seconds / 4 or pilot > 1 << 22:
                    break
                pilot *= 4
            steps[c.name] = max(1, round(pilot * burst_seconds / max(took, 1e-9)))
            samples[c.name] = []
            alive.append(c)
        except Failed as reason:
            failed[c.name] = str(reason)
    for r in range(repeats):
        order = alive[r % len(alive):] + alive[:r % len(alive)] if alive else []
        for c in order:
            if c.name in failed:
                continue
            rest(alive, rest_seconds)
            try:
                took = c.ask("burst", kind, batch, steps[c.name])["seconds"]
                samples[c.name].append(took / steps[c.name])
            except Failed as reason:
                failed[c.name] = str(reason)
    return {n: v for n, v in samples.items() if n not in failed}, failed


def latencies(contenders, kind, batch, repeats, calls, rest_seconds):
    """{name: {"p50": [...], "p99": [...]}}, {name: reason}, interleaved in the same way."""
    found, failed = {}, {}
    for r in range(repeats):
        start = r % len(contenders)
        for c in contenders[start:] + contenders[:start]:
            if c.name in failed:
                continue
            rest(contenders, rest_seconds)
            try:
                answer = c.ask("latency", kind, batch, calls)
            except Failed as reason:
                failed[c.name] = str(reason)
                continue
            for key in ("p50", "p99"):
                found.setdefault(c.name, {}).setdefault(key, []).append(answer[key])
    return {n: v for n, v in found.items() if n not in failed}, failed


def summary(samples):
    return {"median": statistics.median(samples), "min": min(samples), "max": max(samples),
            "samples": samples}


def bootstrap(values, share, resamples=2000):
    """The quantile `share` of the median of `values` under resampling."""
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(values, k=len(values)))
                     for _ in range(resamples))
    return medians[min(resamples - 1, int(share * resamples))]


def paired_ratio(peer, ours):
    """Median of peer/ours over the rounds, and its lower 95 % bound by bootstrap."""
    ratios = [a / b for a, b in zip(peer, ours)]
    return {"median": statistics.median(ratios), "lower": bootstrap(ratios, 0.05)}


def reached(bound, target):
    """A target is met when the lower bound is within 3 % of it."""
    return bound >= 0.97 * target


def changed(old, new, scale=1.0, margin=0.03):
    """"slower", "faster" or None: whether the samples `new` differ from `old` beyond the noise.

    `scale` is the quotient of the machine's ceilings, new over old, by which `new` is made
    comparable. The medians' 90 % intervals must be apart, by more than `margin`.
    """
    new = [t * scale for t in new]
    if bootstrap(new, 0.05) > bootstrap(old, 0.95) * (1 + margin):
        return "slower"
    if bootstrap(new, 0.95) * (1 + margin) < bootstrap(old, 0.05):
        return "faster"
    return None


def digests_differ(ours, theirs, tolerance=1e-3):
    """The largest difference of two lists of digests, relative to the outputs' size, if it is
    above `tolerance`, else None. Outputs in another number differ by infinity."""
    if len(ours) != len(theirs):
        return float("inf")
    differences = [0.0]
    for a, b in zip(ours, theirs):
        size = max(abs(a[1]), abs(b[1])) ** 0.5 or 1.0
        differences += [abs(a[0] - b[0]) / size, abs(a[2] - b[2]) / size,
                        abs(abs(a[1]) ** 0.5 - abs(b[1]) ** 0.5) / size]
    worst = float("inf") if any(math.isnan(d) for d in differences) else max(differences)
    return worst if not worst <= tolerance else None


def probe(program, threads, processors, environment=None):
    done = subprocess.run([str(program), str(threads)], capture_output=True, text=True, check=True,
                          env={**os.environ, **(environment or {})},
                          preexec_fn=lambda: os.sched_setaffinity(0, processors))
    return json.loads(done.stdout)


def wait_until_idle(seconds, quiet=8, pause=0.05):
    """Waits until nothing else ran at `quiet` looks in a row, at most `seconds`; whether it did."""
    until, seen = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        running = pathlib.Path("/proc/loadavg").read_text().split()[3].split("/")[0]
        seen = seen + 1 if int(running) <= 1 else 0
        if seen == quiet:
            return True
        time.sleep(pause)
    return False


def moved(before, after):
    """By what share the most changed ceiling differs between the two probes."""
    return max(abs(after[k] / before[k] - 1) for k in before)
