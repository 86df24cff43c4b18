"""What Graven costs: a call, opening an artifact, sizes, compile time, memory while training."""
import json
import re
import statistics
import subprocess
import time

import measure
import mlp
import peers
import report
from session import HERE, ROOT, Row, say


def text_bytes(path, counts=lambda member: True):
    """Code and constants of a program or, summed, of an archive's members that count."""
    done = subprocess.run(["size", str(path)], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    return sum(int(fields[0]) for fields in lines if counts(fields[5]))


def calls(session):
    """The smallest model, through the checked and the raw call, beside ONNX Runtime."""
    data = mlp.data_folder(session, mlp.HIDDEN[0])
    contenders = session.start_all(
        {"graven": session.graven_case,
         "onnxruntime": session.python("onnxruntime", "onnxruntime_mlp.py", "--data", data)}, 1)
    row = Row("smallest model", "smallest", 1, words=(-1, 1), own_words=(
        lambda: session.compile_model("smallest", (HERE / "models/smallest.mlir").read_text(),
                                      "--batch=1"),))
    try:
        table = session.table("cost", "A checked call of the smallest model", contenders, [row], 1,
                              digests=False)
        graven = next((c for c in contenders if c.name == "graven"), None)
        if not table or not graven or "graven" not in table["rows"][0]["results"]:
            return
        session.cost("checked call of the smallest model",
                     table["rows"][0]["results"]["graven"]["median"] * 1e9, "ns", 250)
        graven.ask("prepare", "smallest", 1, *row.words, row.own_words[0]())
        with session.quiet(graven):
            took = [graven.ask("raw", "smallest", 1, 200000)["seconds"] / 200000 for _ in range(7)]
        session.cost("raw call of the smallest model", statistics.median(took) * 1e9, "ns", 100)
    finally:
        for c in contenders:
            c.close()


def opening(session, graven, what, path):
    graven.ask("prepare", "opened", 1, -1, 1, path)
    with session.quiet(graven):
        seconds = graven.ask("load", "opened", 1, 51)["seconds"]
    session.cost(f"open {what}", seconds * 1e3, "ms", 1)
    graven.ask("drop", "opened", 1)


def loading(session):
    graven = session.start("graven", session.graven_case, 1)
    try:
        for hidden in mlp.HIDDEN:
            name = f"784-{hidden}-10"
            opening(session, graven, f"the training artifact of {name}",
                    mlp.trainer(session, hidden))
            try:
                opening(session, graven, f"the predict artifact of {name}, weights inside",
                        mlp.predictor(session, hidden))
            except peers.Unavailable as reason:
                session.skipped[f"opening {name} with weights inside"] = str(reason)
    finally:
        graven.close()


def compiling(session, hidden, batches):
    """Median seconds of compiling a network, and what the compiler says of it."""
    source, output = (session.folder / "models" / f"timed.{end}" for end in ("mlir", "so"))
    source.write_text(mlp.model(hidden))
    command = [str(session.compiler), str(source), "-o", str(output), "--cpu=native",
               f"--batch={batches}", "--stats", "json"]
    took = []
    with session.quiet():
        for _ in range(3):
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            took.append(time.perf_counter() - start)
    found = (done.stdout + done.stderr).strip().splitlines()
    stats = json.loads(next(line for line in found if line.startswith("{")))
    return statistics.median(took), stats, output.stat().st_size


def sizes(session):
    archive = session.core_archive()
    gpu = lambda member: member.startswith("cuda_")  # noqa: E731
    session.cost("core runtime, libgraven_core.a, code and constants",
                 text_bytes(archive, lambda member: not gpu(member)) / 1024, "KiB", 64)
    session.cost("the device for GPUs in it, linked into programs that use one",
                 text_bytes(archive, gpu) / 1024, "KiB")
    folder = session.folder / "trainer"
    folder.mkdir(exist_ok=True)
    (folder / "mlp.mlir").write_text(mlp.model(mlp.HIDDEN[0]))
    subprocess.run([str(session.compiler), str(folder / "mlp.mlir"), "-o", str(folder / "mlp.a"),
                    "--cpu=native"], check=True, capture_output=True)
    subprocess.run(["cc", "-O2", "-I", str(folder), "-I", str(session.build / "include"), "-I",
                    str(ROOT), "-o", str(folder / "trainer"), str(HERE / "models/trainer.c"),
                    str(folder / "mlp.a"), "-lm", "-lpthread"], check=True, capture_output=True)
    session.cost("program that trains 784-128-10, core and kernels inside, code and constants",
                 text_bytes(folder / "trainer") / 1024, "KiB", 200)


def peer_memory(session, hidden):
    """{batch: {peer: bytes}} of a training step, by each peer's own account."""
    found, makers = {batch: {} for batch in mlp.BATCHES}, mlp.commands(session, hidden, mlp.DROPOUT)
    for name in ("torch eager", "torch.compile", "jax.jit"):
        for contender in session.start_all({name: makers[name]}, 1):
            for batch in mlp.BATCHES:
                try:
                    found[batch][name] = contender.ask("plan", "train", batch)["bytes"]
                except measure.Failed as reason:
                    say(f"memory of {name}: {reason}")
            contender.close()
    return found


def training_plan(session, hidden, batch):
    """Bytes of the training step's arena, and the least that any placement of its values takes."""
    source = session.folder / "models" / "timed.mlir"
    source.write_text(mlp.model(hidden))
    done = subprocess.run([str(session.compiler), str(source), "-o", "-", "--emit", "plan",
                           "--cpu=native", f"--batch={batch}"],
                          capture_output=True, text=True, check=True)
    line = next(s for s in done.stdout.splitlines() if "plan.program @train_step" in s)
    return [int(re.search(name + r" = (\d+)", line)[1]) for name in ("arena_bytes", "liveness_bound")]


def memory(session, hidden, batch, stats, peers_bytes):
    """A row of the table of training memory. What is neither state, constants nor arena belongs to
    the caller (inputs, results) or to the metrics."""
    arena, bound = training_plan(session, hidden, batch)
    own, kept = stats["training_bytes"], stats["state_bytes"] + stats["constant_bytes"]
    row = {"label": f"784-{hidden}-10, batch {batch}", "state": kept, "io": own - kept - arena,
           "arena": arena, "own": own, "peers": peers_bytes}
    session.cost(f"arena of {row['label']}, over the liveness bound", arena / bound, "", 1.02)
    if peers_bytes:
        session.cost(f"training memory of {row['label']}, over the best peer's",
                     own / min(peers_bytes.values()), "", 0.7)
    session.memory.append(row)


def networks(session):
    for hidden in mlp.HIDDEN:
        name = f"784-{hidden}-10"
        stats = {}
        for batch in mlp.BATCHES:
            seconds, stats[batch], _ = compiling(session, hidden, batch)
            session.cost(f"compile {name}, batch {batch}", seconds, "s", 1)
        batches = ",".join(map(str, mlp.BATCHES))
        seconds, _, size = compiling(session, hidden, batches)
        session.cost(f"compile {name}, batch {batches}", seconds, "s")
        session.cost(f"artifact of {name}, batch {batches}", size / 1024, "KiB")
        peers_bytes = peer_memory(session, hidden)
        for batch in mlp.BATCHES:
            memory(session, hidden, batch, stats[batch], peers_bytes[batch])


def run(session):
    if session.options.prepare_only or session.options.match:
        return
    say("measuring costs")
    for part in (calls, loading, sizes, *(() if session.options.quick else (networks,))):
        try:
            part(session)
        except (measure.Failed, peers.Unavailable) as reason:
            session.skipped[f"cost: {part.__name__}"] = str(reason)
        except subprocess.CalledProcessError as error:
            session.skipped[f"cost: {part.__name__}"] = (
                f"{error.cmd[0]}: {peers.last_line(str(error.stderr))}")
    print(report.costs_text(session.costs), flush=True)
    print(report.memory_text(session.memory), flush=True)
