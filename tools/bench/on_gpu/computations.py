"""What is measured on a GPU: a row here is a model text, its work, and who else can do it.

To add one, add a row to `table()`; to have a contender compute it, add a line to the families of its
worker (workers/torch_gpu.py, workers/jax_gpu.py). Operands are state, so that nothing crosses the bus:
parameters hold random numbers, slots the results.
"""
import dataclasses
import math

# Contenders of each part: torch.compile leaves products to cuBLAS as eager PyTorch does, and kernels
# without products know no tf32.
GEMM_PEERS = ("graven", "torch eager, tf32 off", "torch eager, tf32 on", "jax.jit, tf32 off")
MEMORY_PEERS = ("graven", "torch eager, tf32 off", "torch.compile, tf32 off", "jax.jit, tf32 off")
# Bytes that must move for each element of the (largest) operand.
BYTES = {"scale": 8, "add_relu": 12, "gelu": 12, "softmax": 8, "layernorm": 8, "crossentropy": 8,
         "sum": 4, "columns": 4, "transpose": 8, "adam": 28}
TICK = "graph.state @tick : tensor<f32> role(control) init = zeros\n"  # little to read, to wait for


@dataclasses.dataclass
class Computation:
    """A row of the tables. `kind` is family:what:AxBxC:precision, which workers take apart."""
    part: str            # of the tables: gemm, memory
    label: str
    kind: str
    text: str            # of the model
    flags: tuple = ()    # of graven-compile, beside --device=cuda
    flops: float = 0
    bytes: float = 0
    fill: tuple = (-1, 1)
    peer_target: float = 0       # the lower bound of peer / Graven that is asked for
    share_target: float = 0      # of the copy bandwidth
    contenders: tuple = ()       # () is everybody
    references: tuple = ()       # contenders that do another work: shown, not counted
    tolerance: float = 1e-3      # by which contenders' digests may differ; 0: they are not compared

    def file(self):
        return self.kind.replace(":", "_") + ".so"


def state(name, shape, dtype="f32", role="parameter"):
    return (f"graph.state @{name} : tensor<{'x'.join(map(str, shape))}x{dtype}> role({role}) "
            "init = zeros\n")


def model(parameters, results, body):
    """Text of a model: {name: shape or (shape, dtype)} read before `body` and written after it."""
    text, reads, writes = TICK, "", ""
    for name, shape in parameters.items():
        shape, dtype = shape if isinstance(shape[0], tuple) else (shape, "f32")
        text += state(name, shape, dtype)
        reads += f"  %{name} = read(@{name})\n"
    for name, shape in results.items():
        text += state(f"{name}_out", shape, role="slot") if shape else (
            f"graph.state @{name}_out : tensor<f32> role(slot) init = zeros\n")
        writes += f"  write(@{name}_out, %{name})\n"
    return f"{text}graph.func @call() {{\n{reads}{body}{writes}  return()\n}}\n"


def gemm(orientation, m, k, n, precision="f32", flags=(), target=0.0, references=()):
    a, b = (k, m) if orientation == "tn" else (m, k), (n, k) if orientation == "nt" else (k, n)
    turned = {"nn": ("a", "b", ""), "nt": ("a", "t", "b"), "tn": ("t", "b", "a")}[orientation]
    turn = f"  %t = transpose(%{turned[2]}, permutation = [1, 0])\n" if turned[2] else ""
    sizes = f"{m}x{k}x{n}"
    return Computation(
        part="gemm", label=f"{orientation} {sizes} {precision}",
        kind=f"gemm:{orientation}:{sizes}:{precision}",
        text=model({"a": a, "b": b}, {"c": (m, n)},
                   f"{turn}  %c = matmul(%{turned[0]}, %{turned[1]})\n"),
        flags=tuple(flags), flops=2.0 * m * k * n, peer_target=target, contenders=GEMM_PEERS,
        references=references, tolerance=1e-3 if precision == "f32" else 1e-2)


def memory(what, shape, parameters, results, body, fill=(-2, 2), **more):
    sizes = "x".join(map(str, shape))
    return Computation(
        part="memory", label=f"{what} {sizes}", kind=f"memory:{what}:{sizes}:f32",
        text=model(parameters, results, body), bytes=float(BYTES[what] * math.prod(shape)),
        fill=fill, share_target=0.85, contenders=MEMORY_PEERS, **more)


def softmax(shape):
    return memory("softmax", shape, {"x": shape}, {"y": shape}, "  %y = softmax(%x, axis = 1)\n")


def layernorm(shape):
    return memory("layernorm", shape, {"x": shape, "gain": shape[1:], "offset": shape[1:]},
                  {"y": shape}, """\
  %mean    = mean(%x, axis = 1, keep_dims = true)
  %off     = subtract(%x, %mean)
  %spread  = variance(%x, axis = 1, keep_dims = true)
  %epsilon = constant(0.00001)
  %safe    = add(%spread, %epsilon)
  %rate    = rsqrt(%safe)
  %unit    = multiply(%off, %rate)
  %scaled  = multiply(%unit, %gain)
  %y       = add(%scaled, %offset)
""")


def crossentropy(shape):
    return memory("crossentropy", shape, {"x": shape, "label": (shape[:1], "i32")},
                  {"loss": (), "dx": shape}, f"""\
  %logp  = log_softmax(%x, axis = 1)
  %truth = one_hot(%label, depth = {shape[1]})
  %hits  = multiply(%truth, %logp)
  %each  = sum(%hits, axis = 1)
  %mean  = mean(%each)
  %loss  = negate(%mean)
  %dx    = gradient(%loss, %x)
""")


def adam(count):
    text = f"""\
{TICK}{state("g", (count,))}{state("p", (count,), role="slot")}{state("m", (count,), role="slot")}\
{state("v", (count,), role="slot")}graph.state @step : tensor<f32> role(control) init = zeros
graph.func @call() {{
  %one    = constant(1.0)
  %count  = read(@step)
  %next   = add(%count, %one)
  write(@step, %next)
  %b1     = constant(0.9)
  %b2     = constant(0.999)
  %p1     = power(%b1, %next)
  %p2     = power(%b2, %next)
  %c1     = subtract(%one, %p1)
  %c2     = subtract(%one, %p2)
  %root   = sqrt(%c2)
  %ratio  = divide(%root, %c1)
  %rate   = constant(0.001)
  %scale  = multiply(%rate, %ratio)
  %g      = read(@g)
  %m      = read(@m)
  %g1     = constant(0.1)
  %mk     = multiply(%b1, %m)
  %mg     = multiply(%g1, %g)
  %mn     = add(%mk, %mg)
  write(@m, %mn)
  %v      = read(@v)
  %g2     = constant(0.001)
  %vk     = multiply(%b2, %v)
  %gg     = multiply(%g, %g)
  %vg     = multiply(%g2, %gg)
  %vn     = add(%vk, %vg)
  write(@v, %vn)
  %p      = read(@p)
  %rv     = sqrt(%vn)
  %eps    = constant(0.0000001)
  %low    = add(%rv, %eps)
  %sm     = multiply(%scale, %mn)
  %move   = divide(%sm, %low)
  %pn     = subtract(%p, %move)
  write(@p, %pn)
  return()
}}
"""
    return Computation(part="memory", label=f"adam {count}", kind=f"memory:adam:{count}:f32", text=text,
                       bytes=float(BYTES["adam"] * count), share_target=0.85, contenders=MEMORY_PEERS,
                       tolerance=0)


def table(tiny=False):
    """All rows, kernels past any cache; `tiny`: the same ones in sizes for the emulator."""
    big, mid, small = (64, 48, 32) if tiny else (4096, 2048, 1024)
    rows, many = ((16, 64), 1 << 12) if tiny else ((8192, 4096), 1 << 25)
    other = ("torch eager, tf32 on",)  # the same product in another precision
    return [
        # The aim is a share of cuBLAS, and a ratio peer / Graven of 0.85 is that.
        gemm("nn", big, big, big, target=0.85, references=other),
        gemm("nt", big, big, big, target=0.85, references=other),
        gemm("tn", big, big, big, target=0.85, references=other),
        # Both sides round their operands to tf32.
        *[gemm(layout, big, big, big, "tf32", ("--matmul=tf32",),
               references=("torch eager, tf32 off", "jax.jit, tf32 off")) for layout in ("nn", "nt", "tn")],
        gemm("nn", mid, mid, mid, references=other),
        gemm("nn", small, small, small, references=other),
        gemm("nn", 33, 65, 17, references=other) if tiny else
        gemm("nn", 128, 784, 512, references=other),
        memory("scale", (many,), {"x": (many,)}, {"y": (many,)},
               "  %k = constant(1.5)\n  %y = multiply(%x, %k)\n"),
        memory("add_relu", (many,), {"a": (many,), "b": (many,)}, {"y": (many,)},
               "  %s = add(%a, %b)\n  %y = relu(%s)\n"),
        memory("gelu", rows, {"x": rows, "bias": rows[1:], "r": rows}, {"y": rows},
               "  %s = add(%x, %bias)\n  %u = gelu(%s)\n  %y = add(%u, %r)\n"),
        softmax(rows), layernorm(rows), crossentropy(rows),
        memory("sum", (many,), {"x": (many,)}, {"y": ()}, "  %y = sum(%x)\n"),
        memory("columns", rows, {"x": rows}, {"y": rows[1:]}, "  %y = sum(%x, axis = 0)\n"),
        memory("transpose", rows, {"x": rows}, {"y": rows[::-1]},
               "  %y = transpose(%x, permutation = [1, 0])\n"),
        adam(many),
    ]
