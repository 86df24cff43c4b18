"""JAX as a contender in the tables of single computations: one jitted function."""
import os
import sys
import time

import pipe
import values

if __name__ == "__main__" and "--threads" in sys.argv:
    if sys.argv[sys.argv.index("--threads") + 1] == "1":
        os.environ["XLA_FLAGS"] = (os.environ.get("XLA_FLAGS", "")
                                   + " --xla_cpu_multi_thread_eigen=false").strip()
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh,
               "gelu": lambda z: jax.nn.gelu(z, approximate=False)}


def epilogue(case):
    def forward(x, w, b):
        return ACTIVATIONS[case.what](x @ w + b)

    def pair(x, w, b, dy):
        y, pull = jax.vjp(forward, x, w, b)
        return y, *pull(dy)

    return forward if case.family == "epilogue" else pair


def crossentropy(x, label):
    row = jax.nn.log_softmax(x)
    return -jnp.mean(jnp.take_along_axis(row, label[:, None], axis=1))


def layernorm(x, gain, offset):
    mean = x.mean(1, keepdims=True)
    variance = ((x - mean) ** 2).mean(1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * gain + offset


ROWS = {"softmax": lambda x: jax.nn.softmax(x, axis=1), "layernorm": layernorm, "sum": jnp.sum,
        "crossentropy": jax.value_and_grad(crossentropy)}


class Adam:
    """The state between steps, donated."""

    def __init__(self, gradient):
        zero = lambda: jnp.zeros(gradient.shape, jnp.float32)  # noqa: E731
        self.state, self.gradient = (zero(), zero(), zero(), jnp.zeros((), jnp.int32)), gradient

        def step(p, m, v, count, g):
            count = count + 1
            t = count.astype(jnp.float32)
            scale = 1e-3 * jnp.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            return p - scale * m / (jnp.sqrt(v) + 1e-7), m, v, count

        self.step = jax.jit(step, donate_argnums=(0, 1, 2, 3))

    def __call__(self):
        self.state = self.step(*self.state, self.gradient)
        return self.state[3]


class JaxCase(pipe.Contender):
    version = jax.__version__
    last = None

    def build(self, kind, batch, lo, hi, *_):
        case = values.Case(kind, lo, hi)
        inputs = [jnp.array(a) for a in case.inputs()]
        start = time.perf_counter()
        if case.what == "adam":
            step = Adam(inputs[0])
        elif case.family == "rows":
            function = jax.jit(ROWS[case.what])
            step = lambda: function(*inputs)  # noqa: E731
        elif case.family in ("epilogue", "epilogue_pair"):
            function = jax.jit(epilogue(case))
            step = lambda: function(*inputs)  # noqa: E731
        else:
            raise NotImplementedError(f"{case.family} is not written for JAX")

        def run():
            self.last = step()

        run()
        self.finish()
        return run, {"chosen": "jit", "prepare_seconds": time.perf_counter() - start,
                     "candidates": {}, "failed": {}}

    def finish(self):
        jax.block_until_ready(self.last)

    def digest(self, kind, batch):
        if ":adam:" in kind:
            return {"digests": []}
        self.functions[kind, int(batch)]()
        return {"digests": [values.digest(a) for a in jax.tree.leaves(self.last)]}


if __name__ == "__main__":
    pipe.serve(JaxCase)
