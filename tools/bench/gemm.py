"""Tables of f32 matrix products: in three orientations against oneDNN and PyTorch, and with constant
weights against oneDNN's weights reordered before."""
import weights
from session import Row

SHAPES = ["64x64x64", "128x128x128", "256x256x256", "512x512x512", "1024x1024x1024",
          "2048x2048x2048", "128x784x512", "64x256x256", "32x1024x4096", "512x64x512", "8x512x512",
          "1x512x512", "127x250x500", "63x65x67"]
PACKED = ["64x256x256", "128x784x512", "512x512x512", "32x1024x4096", "8x512x512", "1x512x512"]
QUICK = ["64x64x64", "512x512x512", "8x512x512", "63x65x67"]


def sizes(shape):
    return [int(s) for s in shape.split("x")]


def model(orientation, shape):
    """One entry: the product of two inputs, one of them transposed."""
    m, k, n = sizes(shape)
    a, b = (k, m) if orientation == "tn" else (m, k), (n, k) if orientation == "nt" else (k, n)
    turned = {"nn": ("a", "b", ""), "nt": ("a", "t", "b"), "tn": ("t", "b", "a")}[orientation]
    turn = f"  %t = transpose(%{turned[2]}, permutation = [1, 0])\n" if turned[2] else ""
    return (f"graph.func @call(%a: tensor<{a[0]}x{a[1]}xf32>, %b: tensor<{b[0]}x{b[1]}xf32>) {{\n"
            f"{turn}  %c = matmul(%{turned[0]}, %{turned[1]})\n  return(%c)\n}}\n")


def row(session, orientation, shape):
    m, k, n = sizes(shape)
    kind = f"gemm:{orientation}:{shape}"
    return Row(
        label=f"{orientation} {shape}", kind=kind, flops=2.0 * m * k * n, target=0.95,
        ceiling=("gflops", 0.92 if min(m, k, n) >= 256 else None), words=(-1, 1),
        own_words=(lambda: session.compile_model(kind, model(orientation, shape)),))


def packed_row(session, shape):
    """A product with a constant matrix: a layer without bias whose weights are frozen."""
    m, k, n = sizes(shape)
    kind = f"packed:nn:{shape}"

    def artifact():
        weights.require_frozen(session)
        file = session.folder / "models" / f"packed_{k}x{n}.safetensors"
        weights.write(file, {"dense.kernel": ((k, n), weights.uniform(session, 1, (k, n), -1, 1))})
        text = (f"nn.model @packed {{\n  input(shape = [{k}])\n"
                f"  dense(units = {n}, use_bias = false)\n}}\n")
        return session.compile_model(kind, text, f"--batch={m}", f"--weights={file}",
                                     "--entries=predict")

    return Row(label=f"constant weights {shape}", kind=kind, flops=2.0 * m * k * n, target=1.0,
               ceiling=("gflops", None), words=(-1, 1), own_words=(artifact,),
               contenders=("graven", "oneDNN"))


def run(session):
    options = session.options
    shapes = QUICK if options.quick else SHAPES
    commands = {"graven": session.graven_case, "oneDNN": session.onednn_case,
                "torch": session.python("torch", "torch_case.py")}
    for threads in options.threads:
        contenders = session.start_all(commands, threads)
        try:
            for orientation in ("nn", "nt", "tn"):
                session.table("gemm", f"Products {orientation.upper()}, MxKxN", contenders,
                              [row(session, orientation, s) for s in shapes], threads)
            session.table("gemm", "Products with constant weights, MxKxN", contenders,
                          [packed_row(session, s) for s in PACKED], threads)
        finally:
            for c in contenders:
                c.close()
