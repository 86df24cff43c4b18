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
import weights
from session import HERE, ROOT, Row, say


def text_bytes(path):
    """Code and constants of a program or, summed, of an archive."""
    done = subprocess.run(["size", "-t", str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1].split()[0])


def calls(session):
    """The smallest model, through the checked and the raw call, beside ONNX Runtime."""
    data = session.folder / f"data_{mlp.HIDDEN[0]}"
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


def frozen(session, hidden):
    """predict of a network with its weights inside."""
    weights.require_frozen(session)
    data = session.folder / f"data_{hidden}"
    shapes = {"dense.kernel": ("w1", (784, hidden)), "dense.bias": ("b1", (hidden,)),
              "dense_1.kernel": ("w2", (hidden, 10)), "dense_1.bias": ("b2", (10,))}
    file = weights.write(session.folder / "models" / f"mlp_{hidden}.safetensors", {
        name: (shape, (data / raw).read_bytes()) for name, (raw, shape) in shapes.items()})
    return session.compile_model(f"mlp_{hidden}_frozen", mlp.model(hidden), "--batch=1",
                                 f"--weights={file}", "--entries=predict")


def loading(session):
    graven = session.start("graven", session.graven_case, 1)
    try:
        for hidden in mlp.HIDDEN:
            name = f"784-{hidden}-10"
            opening(session, graven, f"the training artifact of {name}", session.compile_model(
                f"mlp_{hidden}_{mlp.DROPOUT}", mlp.model(hidden), "--batch=1,32,128"))
            try:
                opening(session, graven, f"the predict artifact of {name}, weights inside",
                        frozen(session, hidden))
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
    session.cost("core runtime, all of libgraven_core.a, code and constants",
                 text_bytes(archive) / 1024, "KiB", 64)
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


def peer_memory(session, hidden, batch):
    """{peer: bytes} of a training step, by each peer's own account."""
    found, makers = {}, mlp.commands(session, hidden, mlp.DROPOUT)
    for name in ("torch eager", "torch.compile", "jax.jit"):
        for contender in session.start_all({name: makers[name]}, 1):
            try:
                found[name] = contender.ask("plan", "train", batch)["bytes"]
            except measure.Failed as reason:
                say(f"memory of {name}: {reason}")
            contender.close()
    return found


def arena_over_bound(session, hidden):
    """The training arena over the least that any placement of its values could take."""
    source = session.folder / "models" / "timed.mlir"
    source.write_text(mlp.model(hidden))
    done = subprocess.run([str(session.compiler), str(source), "-o", "-", "--emit", "plan",
                           "--cpu=native", "--batch=128"], capture_output=True, text=True, check=True)
    line = next(s for s in done.stdout.splitlines() if "plan.program @train_step" in s)
    found = [int(re.search(name + r" = (\d+)", line)[1])
             for name in ("arena_bytes", "liveness_bound")]
    return found[0] / found[1]


def networks(session):
    for hidden in mlp.HIDDEN:
        name = f"784-{hidden}-10"
        for batches in ("1", "32", "128", "1,32,128"):
            seconds, stats, size = compiling(session, hidden, batches)
            session.cost(f"compile {name}, batch {batches}", seconds, "s",
                         1 if "," not in batches else None)
        session.cost(f"artifact of {name}, batch 1,32,128", size / 1024, "KiB")
        _, stats, _ = compiling(session, hidden, "128")
        own = stats["training_bytes"]
        session.cost(f"training memory of {name}, batch 128: state, arena, inputs, results",
                     own / 1024, "KiB")
        session.cost(f"arena of {name}, batch 128, over the liveness bound",
                     arena_over_bound(session, hidden), "", 1.02)
        peers_bytes = peer_memory(session, hidden, 128)
        for peer, total in peers_bytes.items():
            session.cost(f"training memory of {name}, batch 128: {peer}", total / 1024, "KiB")
        if peers_bytes:
            session.cost(f"training memory of {name}, batch 128, over the best peer's",
                         own / min(peers_bytes.values()), "", 0.7)


def run(session):
    if session.options.prepare_only or session.options.match:
        return
    say("measuring costs")
    for hidden in mlp.HIDDEN:
        folder = session.folder / f"data_{hidden}"
        if not (folder / "b2").exists():
            mlp.write_common_data(folder, hidden)
    for part in (calls, loading, sizes, *(() if session.options.quick else (networks,))):
        try:
            part(session)
        except (measure.Failed, peers.Unavailable) as reason:
            session.skipped[f"cost: {part.__name__}"] = str(reason)
        except subprocess.CalledProcessError as error:
            session.skipped[f"cost: {part.__name__}"] = (
                f"{error.cmd[0]}: {peers.last_line(str(error.stderr))}")
    print(report.costs_text(session.costs), flush=True)
