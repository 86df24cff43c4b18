"""Times on the GPU: Graven and its peers in turn, beside the bandwidth of a copy."""
import concurrent.futures
import importlib.util
import math
import os
import sys
import threading

import measure
import session
from clock import Deadline
from session import HERE, Row, row_result, say

import machine

COPY_BYTES = 1 << 30
START = 120  # seconds for a peer to start, import and reach the GPU
PREPARE = 100  # seconds for a peer to prepare one row
STEP_TARGET = 1.5  # of the training step at batch 128, over the best peer


class Peers:
    """Contenders by name; those that cannot be had, with the reason."""

    def __init__(self, pieces, environment, folder, rounds, burst, without, device):
        self.pieces, self.environment, self.folder = pieces, environment, folder
        self.rounds, self.burst = rounds, burst
        self.without = without  # why no peer is started, or ""
        self.device = device    # that peers run on
        self.versions, self.skipped = {}, {}

    def python_commands(self, *more):
        worker = HERE / "workers"
        more = ("--device", self.device, *more)
        torch = [sys.executable, worker / "torch_gpu.py"]
        return {
            "torch eager, tf32 off": ("torch", [*torch, "eager", "--tf32", "off", *more]),
            "torch eager, tf32 on": ("torch", [*torch, "eager", "--tf32", "on", *more]),
            "torch.compile, tf32 off": ("torch", [*torch, "compile", "--tf32", "off", *more]),
            "jax.jit, tf32 off": ("jax", [sys.executable, worker / "jax_gpu.py", "--tf32", "off", *more]),
        }

    def start_one(self, name, command):
        contender = measure.Contender(
            name, [str(c) for c in command], os.sched_getaffinity(0),
            {**self.environment, "PYTHONDONTWRITEBYTECODE": "1",
             "TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor")},
            self.folder / f"{''.join(c if c.isalnum() else '_' for c in name)}.log")
        try:
            contender.version = contender.answer(timeout=START)["version"]
        except measure.Failed:
            contender.close()
            raise
        return contender

    def start(self, graven, more=(), only=None):
        """Starts everybody at once; returns those that live, Graven first."""
        commands = {"graven": graven}
        for name, (module, command) in self.python_commands(*more).items():
            if only and name not in only:
                continue
            reason = self.without
            if not reason and importlib.util.find_spec(module) is None:
                reason = f"{sys.executable} has no {module}"
            if reason:
                self.skip(name, reason)
            else:
                commands[name] = command
        alive = []
        with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
            started = {name: pool.submit(self.start_one, name, command)
                       for name, command in commands.items()}
            for name, one in started.items():
                try:
                    alive.append(one.result())
                    self.versions[name] = alive[-1].version
                except (measure.Failed, OSError) as reason:
                    self.skip(name, str(reason))
        return alive

    def skip(self, name, reason):
        if name not in self.skipped:
            say(f"skipped: {name}: {reason}")
        self.skipped[name] = reason


class Warmer:
    """Has torch.compile do its compilations while other parts run: what it keeps in its folder makes
    the contender that is measured later ready sooner. What it would choose by timing is left to that
    one, which has the GPU for itself."""

    NAME = "torch.compile, tf32 off"

    def __init__(self, peers):
        self.peers, self.contender, self.stopped = peers, None, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        module, command = self.peers.python_commands(
            "--no-autotune", "--data", self.peers.pieces.file("data"))[self.NAME]
        if self.peers.without or importlib.util.find_spec(module) is None:
            return
        try:
            self.contender = self.peers.start_one(self.NAME + " warm", command)
            kinds = [("train", b, ()) for b in reversed(self.peers.pieces.made["mlp_batches"])]
            kinds += [(row.kind, row.batch, row.words) for row, _ in rows_of(self.peers.pieces, "memory")]
            for kind, batch, words in kinds:
                if self.stopped:
                    break
                self.contender.ask("prepare", kind, batch, *words, timeout=PREPARE)
                self.contender.ask("drop", kind, batch, timeout=PREPARE)
        except (measure.Failed, OSError, ValueError) as reason:
            if not self.stopped:
                say(f"{self.NAME}: warming up: {reason}")

    def close(self):
        """Ends it, wherever it is."""
        self.stopped = True
        if self.contender:
            self.contender.process.kill()
        self.thread.join(10)
        if self.contender:
            self.contender.close()


def together(contenders, ask):
    """{name: answer} and {name: reason} of `ask(contender)`, asked of all at once."""
    found, failed = {}, {}
    with concurrent.futures.ThreadPoolExecutor(max(1, len(contenders))) as pool:
        futures = {c.name: pool.submit(ask, c) for c in contenders}
        for name, future in futures.items():
            try:
                found[name] = future.result()
            except measure.Failed as reason:
                failed[name] = str(reason)
    return found, failed


def copy_bandwidth(graven, tiny):
    """Bytes read and written per second by a copy within the GPU's memory, in 1e9."""
    size, count = (1 << 16, 2) if tiny else (COPY_BYTES, 20)
    seconds = max(graven.ask("copy", "-", size, count, timeout=60)["seconds"], 1e-9)
    return 2 * size * count / seconds / 1e9


def compare_results(row, contenders, run, tolerance):
    found, _ = together(contenders, lambda c: c.ask("digest", row.kind, row.batch, timeout=PREPARE))
    ours = found.pop("graven", {}).get("digests")
    for name, answer in found.items():
        if name in row.references or not ours:
            continue
        worst = measure.digests_differ(ours, answer["digests"], tolerance)
        if worst is not None:
            run["disagreements"].append(f"{row.label}: {name} differs by {worst:.1e}")
            say(f"WRONG: {run['disagreements'][-1]}")


def measure_row(row, contenders, peers, ceilings, run, tolerance):
    """Prepares a row everywhere, compares results, times it in turn, drops it."""
    taking = [c for c in contenders if not row.contenders or c.name in row.contenders]

    def prepare(c):
        words = row.own_words if c.name == "graven" else row.words
        return c.ask("prepare", row.kind, row.batch, *words, timeout=PREPARE)

    facts, failed = together(taking, prepare)
    ready = [c for c in taking if c.name in facts]
    for name, reason in failed.items():
        say(f"skipped: {row.label}: {name}: {reason}")
    if tolerance:
        compare_results(row, ready, run, tolerance)
    before = machine.clocks()
    samples, broken = measure.interleave(ready, row.kind, row.batch, peers.rounds, peers.burst, 0.002)
    result = row_result(row, samples, {**failed, **broken}, facts, ceilings)
    if "graven" in {**failed, **broken}:
        run["disagreements"].append(f"{row.label}: Graven: {({**failed, **broken})['graven']}")
    result["clocks"] = [before, machine.clocks()]
    together(ready, lambda c: c.ask("drop", row.kind, row.batch, timeout=30))
    return result


def table(part, title, rows, contenders, peers, run, deadline, tiny, save):
    """Measures (row, tolerance) pairs as far as time allows; adds the table to the run."""
    graven = next((c for c in contenders if c.name == "graven"), None)
    made = {"part": part, "title": title, "rows": [], "left_out": {}}
    run["tables"].append(made)
    if not graven:
        made["left_out"] = {"all": peers.skipped.get("graven", "Graven did not start")}
        return
    ceilings = {"copy_gbs": copy_bandwidth(graven, tiny)}
    for row, tolerance in rows:
        if deadline.passed():
            made["left_out"][row.label] = "no time was left"
            continue
        say(row.label)
        made["rows"].append(measure_row(row, contenders, peers, ceilings, run, tolerance))
        save()
    made["copy_gbs"] = [ceilings["copy_gbs"], copy_bandwidth(graven, tiny)]
    made["moved"] = abs(made["copy_gbs"][1] / made["copy_gbs"][0] - 1)


def rows_of(pieces, part):
    """Rows of the computations that were compiled for these pieces."""
    for one in pieces.made["computations"]:
        if one["part"] != part:
            continue
        share = ("copy_gbs", one["share_target"]) if part == "memory" else ()
        yield Row(label=one["label"], kind=one["kind"], flops=one["flops"], bytes=one["bytes"],
                  target=one["peer_target"] or None, ceiling=share, words=tuple(one["fill"]),
                  own_words=(*one["fill"], pieces.file("models/" + one["file"])),
                  contenders=tuple(one["contenders"]), references=tuple(one["references"])), one["tolerance"]


def check_losses(contenders, batch, run):
    """From the same weights and rows, losses must agree; with dropout only their size does."""
    found, _ = together(contenders, lambda c: c.ask("losses", batch, 6, timeout=PREPARE))
    ours = found.pop("graven", {}).get("losses")
    run["losses"] = {"graven": ours, **{n: a["losses"] for n, a in found.items()}}
    for name, answer in found.items():
        worst = max((abs(a - b) / abs(b) for a, b in zip(answer["losses"], ours or [])), default=0)
        if not worst <= 1e-3 or not math.isfinite(worst):
            run["disagreements"].append(f"losses of {name} differ by {worst:.1e}")


def networks(pieces, peers, run, deadline, tiny, save):
    """Training steps of the digits network, without dropout, since its masks differ."""
    data = ["--data", pieces.file("data")]
    graven = [pieces.program("graven_mlp"), "--model", pieces.file("models/mlp.so"), *data]
    contenders = peers.start(graven, data)
    batches = pieces.made["mlp_batches"]
    try:
        check_losses(contenders, batches[-1], run)
        rows = [(Row(f"784-128-10, batch {b}", "train", b, flops=2.0 * b * (2 * 784 * 128 + 3 * 1280),
                     target=STEP_TARGET if b == 128 else None,
                     references=("torch eager, tf32 on",)), 0) for b in reversed(batches)]
        worker = [c for c in contenders if c.name == "graven"]
        made = {"part": "mlp", "title": "Training step of the digits network, rows from the host",
                "rows": [], "left_out": {}}
        run["tables"].append(made)
        for row, tolerance in rows if worker else []:
            if deadline.passed():
                made["left_out"][row.label] = "no time was left"
                continue
            say(row.label)
            made["rows"].append(measure_row(row, contenders, peers, {}, run, tolerance))
            save()
    finally:
        for c in contenders:
            c.close()


def calls(pieces, contenders, run, tiny):
    """The smallest model: host to host and back, and what a call costs the host."""
    count = 50 if tiny else 2000
    rows = {}
    for c in contenders:
        words = (0, 1, pieces.file("models/smallest.so")) if c.name == "graven" else (0, 1)
        try:
            c.ask("prepare", "smallest", 1, *words, timeout=PREPARE)
            rows[c.name] = {"roundtrip": c.ask("roundtrip", "smallest", 1, count, timeout=60)}
            c.ask("drop", "smallest", 1)
            if c.name == "graven":
                c.ask("prepare", "enqueue", 0, 0, 1, pieces.file("models/enqueue.so"), timeout=PREPARE)
                rows[c.name]["enqueue"] = c.ask("enqueue", "enqueue", 0, count, timeout=60)
                c.ask("drop", "enqueue", 0)
        except measure.Failed as reason:
            rows.setdefault(c.name, {})["skipped"] = str(reason)
    run["calls"] = rows


def measure_all(peers, pieces, deadline, save, *, tiny, run):
    """All tables into `run`, saved after each row."""
    run.update(tables=[], disagreements=[], versions=peers.versions, peers_skipped=peers.skipped)
    networks(pieces, peers, run, Deadline(deadline.left() * 0.4, deadline), tiny, save)
    contenders = peers.start([pieces.program("graven_gpu")])
    try:
        calls(pieces, contenders, run, tiny)
        save()
        for part, title in (("gemm", "Matrix products"), ("memory", "Elementwise and row kernels")):
            share = 0.45 if part == "gemm" else 1.0
            table(part, title, rows_of(pieces, part), contenders, peers, run,
                  Deadline(deadline.left() * share, deadline), tiny, save)
            save()
    finally:
        for c in contenders:
            c.close()
