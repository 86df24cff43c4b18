"""Products with bias and activation, forward alone and with all gradients, against oneDNN's
post-ops, PyTorch and JAX."""
from gemm import sizes
from session import Row

SHAPES = ["64x256x256", "128x784x512", "512x512x512"]
ACTIVATIONS = ["relu", "gelu", "tanh"]


def model(activation, shape, backward):
    m, k, n = sizes(shape)
    inputs = [f"%x: tensor<{m}x{k}xf32>", f"%w: tensor<{k}x{n}xf32>", f"%b: tensor<{n}xf32>"]
    body = ["%p = matmul(%x, %w)", "%z = add(%p, %b)", f"%y = {activation}(%z)"]
    results = "%y"
    if backward:
        inputs.append(f"%dy: tensor<{m}x{n}xf32>")
        body += ["%hit = multiply(%y, %dy)", "%s = sum(%hit)",
                 "%dx, %dw, %db = gradient(%s, %x, %w, %b)"]
        results = "%y, %dx, %dw, %db"
    return (f"graph.func @call({', '.join(inputs)}) {{\n  " + "\n  ".join(body)
            + f"\n  return({results})\n}}\n")


def row(session, activation, shape, backward):
    m, k, n = sizes(shape)
    kind = f"epilogue{'_pair' if backward else ''}:{activation}:{shape}"
    return Row(label=f"{activation} {shape}", kind=kind, target=1.1,
               flops=2.0 * m * k * n * (3 if backward else 1), ceiling=("gflops", None),
               words=(-0.1, 0.1),
               own_words=(lambda: session.compile_model(kind, model(activation, shape, backward)),))


def run(session):
    options = session.options
    shapes = SHAPES[:1] if options.quick else SHAPES
    commands = {"graven": session.graven_case, "oneDNN": session.onednn_case,
                "torch": session.python("torch", "torch_case.py"),
                "jax.jit": session.python("jax", "jax_case.py")}
    for threads in options.threads:
        contenders = session.start_all(commands, threads)
        try:
            for backward in (False, True):
                session.table(
                    "epilogue", "Product, bias, activation" + (", and gradients of all three inputs"
                                                                if backward else ""),
                    contenders, [row(session, a, s, backward) for a in ACTIVATIONS for s in shapes],
                    threads)
        finally:
            for c in contenders:
                c.close()
