"""The digits network, 784-128-10 and 784-500-10: training steps against PyTorch and JAX, single
inference calls against ONNX Runtime, and where Graven's step spends its time."""
import array
import math
import random
import re

import measure
import peers
import report
import weights
from session import HERE, Row, row_result, say

HIDDEN = [128, 500]
BATCHES = [1, 32, 128]
ALL_BATCHES = "--batch=" + ",".join(map(str, BATCHES))
TARGETS = {1: 3.0, 32: 2.0, 128: 1.3}
DROPOUT = 0.2
WEIGHTS_APART = "weights as state"  # Graven's predict on the training artifact
FEATURES, CLASSES, ROWS = 784, 10, 1024


def write_common_data(folder, hidden):
    """The weights that all start from (uniform after Glorot) and random rows with labels."""
    draw = random.Random(1)
    folder.mkdir(parents=True, exist_ok=True)

    def floats(name, values):
        with open(folder / name, "wb") as file:
            array.array("f", values).tofile(file)

    floats("rows", [draw.random() for _ in range(ROWS * FEATURES)])
    with open(folder / "labels", "wb") as file:
        array.array("i", [draw.randrange(CLASSES) for _ in range(ROWS)]).tofile(file)
    for layer, (inputs, units) in enumerate(((FEATURES, hidden), (hidden, CLASSES)), 1):
        limit = math.sqrt(6 / (inputs + units))
        floats(f"w{layer}", [draw.uniform(-limit, limit) for _ in range(inputs * units)])
        floats(f"b{layer}", [draw.uniform(-0.05, 0.05) for _ in range(units)])


def model(hidden, dropout=DROPOUT):
    text = (HERE / "models/mlp.mlir").read_text().replace("units = 128", f"units = {hidden}")
    line = f"  dropout(rate = {dropout})\n" if dropout else ""
    return re.sub(r"  dropout\(.*\)\n", line, text)


def step_flops(hidden, batch):
    """Multiplications and additions of the products in one step; no gradient of the input."""
    return 2.0 * batch * (2 * FEATURES * hidden + 3 * hidden * CLASSES)


def data_folder(session, hidden):
    data = session.folder / f"data_{hidden}"
    if not (data / "b2").exists():
        write_common_data(data, hidden)
    return data


def trainer(session, hidden, dropout=DROPOUT):
    """The artifact that trains; it predicts with the weights of its state."""
    return session.compile_model(f"mlp_{hidden}_{dropout}", model(hidden, dropout), ALL_BATCHES)


def predictor(session, hidden):
    """The artifact that predicts, the common weights inside."""
    weights.require_frozen(session)
    data = data_folder(session, hidden)
    shapes = {"dense.kernel": ("w1", (FEATURES, hidden)), "dense.bias": ("b1", (hidden,)),
              "dense_1.kernel": ("w2", (hidden, CLASSES)), "dense_1.bias": ("b2", (CLASSES,))}
    file = weights.write(session.folder / "models" / f"mlp_{hidden}.safetensors", {
        name: (shape, (data / raw).read_bytes()) for name, (raw, shape) in shapes.items()})
    return session.compile_model(f"mlp_{hidden}_frozen", model(hidden), ALL_BATCHES,
                                 f"--weights={file}", "--entries=predict")


def graven(session, hidden, artifact):
    """The command of a contender that runs `artifact()`, to be made when it is started."""
    def command():
        program = session.cc(f"graven_mlp_{hidden}", "workers/graven_mlp.c", f"-DHIDDEN={hidden}",
                             session.core_archive())
        return [program, "--model", artifact(), "--data", data_folder(session, hidden)]
    return command


def commands(session, hidden, dropout):
    """How each contender is started, {name: command maker}."""
    common = ["--data", data_folder(session, hidden), "--dropout", dropout]

    def plain():
        return [session.cc(f"plain_c_{hidden}", "workers/plain_c_mlp.c", f"-DHIDDEN={hidden}",
                           "-ffast-math"), *common]

    return {"graven": graven(session, hidden, lambda: trainer(session, hidden, dropout)),
            "plain C": plain,
            "torch eager": session.python("torch", "torch_mlp.py", "eager", *common),
            "torch.compile": session.python("torch", "torch_mlp.py", "compile", *common),
            "jax.jit": session.python("jax", "jax_mlp.py", *common),
            "onnxruntime": session.python("onnxruntime", "onnxruntime_mlp.py", *common)}


def check_losses(session, hidden):
    """All contenders without dropout from the same weights: their losses must agree."""
    makers, found = commands(session, hidden, 0.0), {}
    makers.pop("onnxruntime")
    for contender in session.start_all(makers, 1):
        try:
            found[contender.name] = contender.ask("losses", 32, 6)["losses"]
        except measure.Failed as reason:
            say(f"losses of {contender.name}: {reason}")
        contender.close()
    if "graven" not in found:
        return
    for name, losses in found.items():
        worst = max(abs(a - b) / abs(b) for a, b in zip(losses, found["graven"]))
        say(f"losses of {name} without dropout: within {worst:.1e} of Graven's")
        if not worst <= 1e-3:
            session.disagreements.append(f"losses of {name} differ by {worst:.1e}")


def latencies(session):
    """Measures a row as two: the median and the 99th percentile of single calls."""
    def sample(row, contenders, ceilings, facts, skipped):
        calls = 1000 if row.batch < 100 else 300
        found, failed = measure.latencies(contenders, row.kind, row.batch, session.options.repeats,
                                          calls, 0.005)
        results = []
        for key in ("p50", "p99"):
            one = Row(f"{row.label}, {key}", row.kind, row.batch, target=row.target,
                      references=row.references)
            results.append(row_result(one, {n: v[key] for n, v in found.items()},
                                      {**skipped, **failed}, facts, ceilings))
        return results
    return sample


def profile(session, graven, hidden, batch, threads):
    found = graven.ask("profile", "train", batch, 1000)
    session.profiles.append({"title": f"784-{hidden}-10, batch {batch}", "threads": threads, **found})
    print(report.profile_text(session.profiles[-1]), flush=True)


def run_network(session, hidden, threads, batches):
    contenders = session.start_all(commands(session, hidden, DROPOUT), threads)
    name = f"784-{hidden}-10"
    try:
        trainers = tuple(c.name for c in contenders if c.name != "onnxruntime"
                         and not (c.name == "plain C" and threads > 1))
        session.table("mlp", f"Training step {name}", contenders, [
            Row(f"{name}, batch {b}", "train", b, flops=step_flops(hidden, b), target=TARGETS[b],
                ceiling=("gflops", None), contenders=trainers) for b in batches],
            threads, digests=False)
        own = next((c for c in contenders if c.name == "graven"), None)
        if own and not session.options.prepare_only and not session.options.match:
            for batch in batches:
                profile(session, own, hidden, batch, threads)
        peers_left = [c for c in contenders if c.name not in ("graven", "torch.compile")
                      and not (c.name == "plain C" and threads > 1)]
        for c in contenders:
            if c not in peers_left:
                c.close()
        contenders = [*session.start_all({
            "graven": graven(session, hidden, lambda: predictor(session, hidden)),
            WEIGHTS_APART: graven(session, hidden, lambda: trainer(session, hidden))}, threads),
            *peers_left]
        session.table("inference", f"Inference {name}, single calls", contenders, [
            Row(f"{name}, batch {b}", "predict", b, target=1.0,
                references=("plain C", WEIGHTS_APART)) for b in batches],
            threads, digests=False, sample=latencies(session))
    finally:
        for c in contenders:
            c.close()


def run(session):
    options = session.options
    if not options.match:
        check_losses(session, HIDDEN[0])
    for hidden in HIDDEN[:1] if options.quick else HIDDEN:
        for threads in options.threads:
            try:
                run_network(session, hidden, threads, [32] if options.quick else BATCHES)
            except (measure.Failed, peers.Unavailable) as reason:
                say(f"network of {hidden}: {reason}")
