"""Row kernels and passes over memory: softmax, cross-entropy with its gradient, layer norm, sum, and
Adam, against PyTorch, JAX and the bandwidth of the triad."""
import re
import subprocess

import peers
from session import HERE, Row

SMALL, LARGE, MANY = (512, 512), (8192, 4096), 1 << 25
BYTES = {"softmax": 8, "crossentropy": 8, "layernorm": 8, "sum": 4, "adam": 28}  # per element
BODIES = {
    "softmax": "  %y = softmax(%x, axis = 1)\n  return(%y)\n",
    "sum": "  %y = sum(%x)\n  return(%y)\n",
    "crossentropy": """\
  %logp  = log_softmax(%x, axis = 1)
  %truth = one_hot(%label, depth = {columns})
  %hits  = multiply(%truth, %logp)
  %each  = sum(%hits, axis = 1)
  %mean  = mean(%each)
  %loss  = negate(%mean)
  %dx    = gradient(%loss, %x)
  return(%loss, %dx)
""",
    "layernorm": """\
  %mean    = mean(%x, axis = 1, keep_dims = true)
  %off     = subtract(%x, %mean)
  %spread  = variance(%x, axis = 1, keep_dims = true)
  %epsilon = constant(0.00001)
  %safe    = add(%spread, %epsilon)
  %scale   = rsqrt(%safe)
  %unit    = multiply(%off, %scale)
  %scaled  = multiply(%unit, %gain)
  %y       = add(%scaled, %offset)
  return(%y)
""",
}
INPUTS = {"crossentropy": ", %label: tensor<{rows}xi32> in [0, {columns})",
          "layernorm": ", %gain: tensor<{columns}xf32>, %offset: tensor<{columns}xf32>"}


def model(what, shape):
    if what == "adam":
        return (HERE / "models/adam.mlir").read_text().replace("COUNT", str(shape[0]))
    if len(shape) == 1:
        return f"graph.func @call(%x: tensor<{shape[0]}xf32>) {{\n{BODIES[what]}}}\n"
    names = {"rows": shape[0], "columns": shape[1]}
    return (f"graph.func @call(%x: tensor<{shape[0]}x{shape[1]}xf32>"
            f"{INPUTS.get(what, '').format(**names)}) {{\n{BODIES[what].format(**names)}}}\n")


def streams(path):
    """Whether the artifact's kernels store past the cache: then so must the ceiling."""
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True,
                          text=True)
    return bool(re.search(r"\bv?movnt", done.stdout))


def row(session, what, shape):
    text = "x".join(map(str, shape))
    kind = f"rows:{what}:{text}"
    count = 1
    for s in shape:
        count *= s
    common = {"label": f"{what} {text}", "kind": kind, "bytes": float(BYTES[what] * count),
              "words": (-2, 2),
              "own_words": (lambda: session.compile_model(kind, model(what, shape)),)}
    if shape == SMALL:
        return Row(**common, target=1.5, references=("jax.jit",))
    try:
        # Kernels store in place through the cache, whatever code they have for other buffers.
        past = what != "adam" and streams(session.compile_model(kind, model(what, shape)))
    except peers.Unavailable:
        past = False
    return Row(**common, ceiling=("stream_gbs" if past else "triad_gbs", 0.9))


# Blocks from the C library's allocator lie in huge pages where they are large enough, as they do for
# every program where a system's pages are set so ("always"): how pages of 4 KiB happen to lie
# changes a copy's time by half from one process to the next.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def run(session):
    options = session.options
    shaped = ["softmax", "crossentropy", "layernorm"]
    commands = {"graven": session.graven_case, "torch": session.python("torch", "torch_case.py"),
                "jax.jit": session.python("jax", "jax_case.py")}
    tables = {"Rows in the cache": ({}, [(what, SMALL) for what in [*shaped, "sum"]])}
    if not options.quick:
        tables["Rows out of the cache"] = (HUGE_PAGES, [
            *((what, LARGE) for what in shaped), ("sum", (MANY,)), ("adam", (MANY,))])
    for threads in options.threads:
        for title, (session.settings, cases) in tables.items():
            contenders = session.start_all(commands, threads)
            try:
                session.table("rows", title, contenders,
                              [row(session, what, shape) for what, shape in cases], threads)
            finally:
                session.settings = {}
                for c in contenders:
                    c.close()
