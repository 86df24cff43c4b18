"""What all parts share: the build folder, compiled models, contenders, and measured tables."""
import dataclasses
import hashlib
import os
import pathlib
import platform
import subprocess
import sys
import time

import measure
import peers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


@dataclasses.dataclass
class Row:
    """One line of a table: the same computation by all contenders."""

    label: str
    kind: str             # what the contenders know it by
    batch: int = 0
    flops: float = 0      # of one step
    bytes: float = 0      # that one step must move
    target: float = None  # of the paired ratio to the best peer
    ceiling: tuple = ()   # (name of a probed ceiling, target of the share of it or None)
    words: tuple = ()     # the rest of `prepare`, for all
    own_words: tuple = ()  # and for Graven alone
    contenders: tuple = ()  # names, where not all take part
    unit: float = 1       # results are printed per this many items
    references: tuple = ("plain C",)  # contenders that are no peers


class Session:
    """Builds what is needed under BUILD/bench and starts contenders."""

    def __init__(self, options):
        self.options = options
        self.build = pathlib.Path(options.build)
        self.folder = self.build / "bench"
        (self.folder / "models").mkdir(parents=True, exist_ok=True)
        self.versions, self.skipped, self.tables, self.costs = {}, {}, [], []
        self.memory, self.profiles, self.disagreements = [], [], []
        self.environment = peers.Environment(self.folder / "venv", not options.no_install, say)
        self.programs = {}
        self.settings = {}  # environment variables of a part, for contenders and probe alike
        self.probe_program = self.cc("probe", "probe.c")
        self.compiler = self.build / "bin/graven-compile"

    # --- programs -------------------------------------------------------------------------------

    def cc(self, name, source, *flags, compiler="cc"):
        """Compiles HERE/source to a program, once; raises peers.Unavailable."""
        if name in self.programs:
            return self.programs[name]
        output = self.folder / name
        done = subprocess.run(
            [compiler, "-O3", "-march=native", "-I", str(ROOT), "-I", str(self.build / "include"),
             "-o", str(output), str(HERE / source), *map(str, flags), "-lm", "-lpthread", "-ldl"],
            capture_output=True, text=True)
        if done.returncode:
            errors = [s for s in done.stderr.splitlines() if "error" in s] or [done.stderr]
            raise peers.Unavailable(f"{compiler}: {errors[0][:300]}")
        self.programs[name] = output
        return output

    def core_archive(self):
        archives = sorted(p for p in self.build.glob("lib/**/libgraven_core.a")
                          if platform.machine() in str(p.parent) or p.parent.name == "lib")
        if not archives:
            raise peers.Unavailable(f"no libgraven_core.a in {self.build}/lib (build it, or --build)")
        return archives[0]

    def compile_model(self, name, text, *flags):
        """The artifact of a model text, `graven-compile --cpu=native` and `flags`; kept between
        runs as long as text, flags and compiler are the same. Raises peers.Unavailable."""
        if not self.compiler.exists():
            raise peers.Unavailable(f"no graven-compile in {self.build}/bin (build it, or --build)")
        source = self.folder / "models" / f"{name.replace(':', '_')}.mlir"
        output, mark = source.with_suffix(".so"), source.with_suffix(".made")
        program = self.compiler.stat()
        wanted = hashlib.sha256(repr((text, flags, program.st_mtime_ns, program.st_size)).encode())
        if output.exists() and mark.exists() and mark.read_text() == wanted.hexdigest():
            return output
        source.write_text(text)
        done = subprocess.run([str(self.compiler), str(source), "-o", str(output), "--cpu=native",
                               *map(str, flags)], capture_output=True, text=True)
        if done.returncode:
            raise peers.Unavailable("graven-compile: " + peers.last_line(done.stderr or done.stdout))
        mark.write_text(wanted.hexdigest())
        return output

    # --- contenders -----------------------------------------------------------------------------

    def start(self, name, command, threads):
        """A contender bound to `threads` processors; raises peers.Unavailable or measure.Failed."""
        available = sorted(os.sched_getaffinity(0))
        command = [str(c) for c in command()] + ["--threads", str(threads)]
        count = str(threads)
        environment = {
            "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count,
            "NPROC": count, "KMP_BLOCKTIME": "0", "PYTHONDONTWRITEBYTECODE": "1",
            "TORCHINDUCTOR_CACHE_DIR": str((self.folder / "inductor").resolve()),
            # What a peer frees it gets back without page faults: results of its own making cost no more
            # than results in memory that the caller keeps.
            "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 36),
            "CUDA_VISIBLE_DEVICES": "", "TORCHINDUCTOR_COMPILE_THREADS": "1", **self.settings}
        contender = measure.Contender(name, command, set(available[:threads]), environment,
                                      self.folder / f"{name.replace(' ', '_')}.log")
        try:
            contender.version = contender.answer(timeout=180)["version"]
        except measure.Failed:
            contender.close()
            raise
        self.versions[name] = contender.version
        return contender

    def start_all(self, commands, threads):
        """Contenders of {name: command maker}; those that cannot be started are noted."""
        started = []
        for name, command in commands.items():
            if self.options.contenders and name not in self.options.contenders:
                continue
            try:
                started.append(self.start(name, command, threads))
            except (measure.Failed, peers.Unavailable) as reason:
                self.skipped[name] = str(reason)
                say(f"skipped: {name}: {reason}")
        return started

    def python(self, module, worker, *more):
        """The command of a Python worker that needs `module`, to be made when it is started."""
        def command():
            self.environment.require(module)
            return [self.environment.python, HERE / "workers" / worker, *more]
        return command

    def graven_case(self):
        return [self.cc("graven_case", "workers/graven_case.c", self.core_archive())]

    def onednn_case(self):
        if not pathlib.Path("/usr/include/dnnl.hpp").exists():
            raise peers.Unavailable("no dnnl.hpp: apt-get install libdnnl-dev")
        return [self.cc("onednn_case", "workers/onednn_case.cc", "-std=c++20", "-ldnnl",
                        compiler="c++")]

    def quiet(self, *contenders):
        return measure.Quiet(contenders, self.options.lock, self.options.realtime)

    # --- tables ---------------------------------------------------------------------------------

    def prepare(self, contenders, rows):
        """Prepares every row; {label: {name: facts}} and {label: {name: reason}}."""
        facts, skipped = {}, {}
        for row in rows:
            facts[row.label], skipped[row.label] = {}, {}
            for c in contenders:
                if row.contenders and c.name not in row.contenders:
                    continue
                words = [*row.words, *(row.own_words if c.name == "graven" else ())]
                try:
                    words = [w() if callable(w) else w for w in words]
                    facts[row.label][c.name] = c.ask("prepare", row.kind, row.batch, *words)
                except (measure.Failed, peers.Unavailable) as reason:
                    skipped[row.label][c.name] = str(reason)
                    say(f"skipped: {row.label}: {c.name}: {reason}")
        return facts, skipped

    def compare_results(self, contenders, rows, facts):
        """Digests of the results against Graven's, where contenders can tell them."""
        for row in rows:
            found = {}
            for c in contenders:
                try:
                    if c.name in facts[row.label]:
                        found[c.name] = c.ask("digest", row.kind, row.batch)["digests"]
                except measure.Failed:
                    continue
            for name, digests in found.items():
                if name != "graven" and "graven" in found and digests and found["graven"]:
                    worst = measure.digests_differ(found["graven"], digests)
                    if worst is not None:
                        self.disagreements.append(f"{row.label}: {name} differs by {worst:.1e}")
                        say(f"WRONG: {self.disagreements[-1]}")

    def table(self, part, title, contenders, rows, threads, digests=True, sample=None,
              unit="µs"):
        """Measures rows by all contenders; a table that is not sound again, up to --again times.

        sample(row, contenders, ceilings, facts, skipped) -> [results] measures a row in another way
        than by bursts.
        """
        rows = [r for r in rows if not self.options.match or self.options.match.search(r.label)]
        if not rows or not contenders:
            return None
        say(f"preparing {title}")
        facts, skipped = self.prepare(contenders, rows)
        if digests:
            self.compare_results(contenders, rows, facts)
        if self.options.prepare_only:
            return None
        best = None
        for attempt in range(1 + self.options.again):
            measure.wait_until_idle(self.options.wait)
            say(f"measuring {title}")
            table = self.measured(contenders, rows, threads, facts, skipped, sample or self.bursts)
            if best is None or table["moved"] < best["moved"]:
                best = table
            if best["sound"]:
                break
        best.update(part=part, title=title, threads=threads, attempts=attempt + 1, unit=unit)
        for row in rows:
            for name in facts[row.label]:
                contender = next(c for c in contenders if c.name == name)
                try:
                    contender.ask("drop", row.kind, row.batch)
                except measure.Failed:
                    continue
        self.add(best)
        return best

    def cost(self, what, value, unit, at_most=None):
        """Notes a figure; `at_most` is its target."""
        self.costs.append({"what": what, "value": value, "unit": unit, "target": at_most,
                           "met": None if at_most is None else value <= at_most})

    def add(self, table):
        self.tables.append(table)
        self.options.show(table)

    def bursts(self, row, contenders, ceilings, facts, skipped):
        samples, failed = measure.interleave(contenders, row.kind, row.batch, self.options.repeats,
                                             self.options.burst_ms / 1000, 0.008)
        return [row_result(row, samples, {**skipped, **failed}, facts, ceilings)]

    def measured(self, contenders, rows, threads, facts, skipped, sample):
        processors = set(sorted(os.sched_getaffinity(0))[:threads])
        idle_before = [c.cpu_seconds() - c.own_cpu for c in contenders]
        with self.quiet():
            before = measure.probe(self.probe_program, threads, processors, self.settings)
        started, found = time.perf_counter(), []
        for row in rows:
            ready = [c for c in contenders if c.name in facts[row.label]]
            with self.quiet(*ready):
                found += sample(row, ready, before, facts[row.label], skipped[row.label])
        wall, load = time.perf_counter() - started, os.getloadavg()[0]
        with self.quiet():
            after = measure.probe(self.probe_program, threads, processors, self.settings)
        idle = [c.cpu_seconds() - c.own_cpu - b for c, b in zip(contenders, idle_before)]
        used = {r["ceiling"] for r in found if "ceiling" in r} | {"gflops", "triad_gbs"}
        moved = measure.moved({k: before[k] for k in used}, after)
        return {"before": before, "after": after, "moved": moved, "sound": moved <= 0.05,
                "load": load, "idle_share": max(0.0, sum(idle) / wall), "rows": found}


def row_result(row, samples, skipped, facts, ceilings):
    """What a row's samples say: medians, ratios, shares of a ceiling, and whether targets are met."""
    result = {"label": row.label, "kind": row.kind, "batch": row.batch, "unit": row.unit,
              "flops": row.flops, "bytes": row.bytes, "skipped": skipped, "results": {},
              "checks": []}
    for name, values in samples.items():
        entry = {**measure.summary(values), "chosen": facts[name].get("chosen", ""),
                 "candidates": facts[name].get("candidates", {}),
                 "candidates_failed": facts[name].get("failed", {}),
                 "prepare_seconds": facts[name].get("prepare_seconds", 0)}
        if "graven" in samples and name != "graven":
            entry["ratio"] = measure.paired_ratio(values, samples["graven"])
        result["results"][name] = entry
    if "graven" not in samples:
        return result
    rivals = [n for n in samples if n != "graven" and n not in row.references]
    if rivals:
        best = min(rivals, key=lambda n: result["results"][n]["median"])
        bound = result["results"][best]["ratio"]["lower"]
        result["best_peer"], result["bound"] = best, bound
        if row.target:
            result["checks"].append({"what": "best peer", "value": bound, "target": row.target,
                                     "met": measure.reached(bound, row.target)})
    if row.ceiling:
        name, target = row.ceiling
        amount = row.flops if name == "gflops" else row.bytes
        share = amount / result["results"]["graven"]["median"] / 1e9 / ceilings[name]
        result["ceiling"], result["share"] = name, share
        if target:
            result["checks"].append({"what": f"share of {name}", "value": share, "target": target,
                                     "met": measure.reached(share, target)})
    return result
