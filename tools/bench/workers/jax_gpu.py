"""JAX as a contender on a GPU: one jitted function a step, its state donated. `--tf32 off` asks XLA for
products in full f32. Operands lie in the GPU's memory; a training step brings its rows from the host."""
import argparse
import os
import sys

import pipe
import values

PARSER = argparse.ArgumentParser()
PARSER.add_argument("--tf32", choices=["off", "on"], default="off")
PARSER.add_argument("--device", default="cuda")
PARSER.add_argument("--data")
PARSER.add_argument("--dropout", type=float, default=0.0)
OPTIONS = PARSER.parse_args()
os.environ["JAX_PLATFORMS"] = OPTIONS.device
os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the others need memory too

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

jax.config.update("jax_default_matmul_precision", "highest" if OPTIONS.tf32 == "off" else "tensorfloat32")
EPSILON = 1e-7
DTYPES = {"f32": jnp.float32, "tf32": jnp.float32, "bf16": jnp.bfloat16, "f16": jnp.float16}


def layernorm(x, gain, offset):
    off = x - x.mean(1, keepdims=True)
    return off * jax.lax.rsqrt((off * off).mean(1, keepdims=True) + 1e-5) * gain + offset


def crossentropy(x, label):
    def loss_of(x):
        row = jax.nn.log_softmax(x)
        return -jnp.mean(jnp.take_along_axis(row, label[:, None], axis=1))
    return jax.value_and_grad(loss_of)(x)


MEMORY = {
    "scale": lambda x: x * 1.5,
    "add_relu": lambda a, b: jax.nn.relu(a + b),
    "gelu": lambda x, bias, r: jax.nn.gelu(x + bias, approximate=False) + r,
    "softmax": lambda x: jax.nn.softmax(x, 1),
    "layernorm": layernorm,
    "crossentropy": crossentropy,
    "sum": jnp.sum,
    "columns": lambda x: jnp.sum(x, 0),
    "transpose": lambda x: x.T,
}


def adam_update(p, m, v, count, gradients):
    count = count + 1
    t = count.astype(jnp.float32)
    scale = 1e-3 * jnp.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
    m = [0.9 * a + 0.1 * g for a, g in zip(m, gradients)]
    v = [0.999 * a + 0.001 * g * g for a, g in zip(v, gradients)]
    p = [a - scale * b / (jnp.sqrt(c) + EPSILON) for a, b, c in zip(p, m, v)]
    return p, m, v, count


def network_step(rate):
    def loss_of(p, x, label, count):
        hidden = jax.nn.relu(x @ p[0] + p[1])
        if rate:
            keep = jax.random.bernoulli(jax.random.fold_in(jax.random.key(0, impl="rbg"), count),
                                        1 - rate, hidden.shape)
            hidden = jnp.where(keep, hidden / (1 - rate), 0)
        row = jax.nn.log_softmax(hidden @ p[2] + p[3])
        return -jnp.mean(jnp.take_along_axis(row, label[:, None], axis=1))

    def step(p, m, v, count, x, label):
        loss, gradients = jax.value_and_grad(loss_of)(p, x, label, count)
        return *adam_update(p, m, v, count, gradients), loss

    return jax.jit(step, donate_argnums=(0, 1, 2, 3))


class Training:
    """The state between steps, and the rows in a ring on the host."""

    def __init__(self, options, batch):
        read = pipe.read_floats
        weights = [jnp.array(np.array(read(options.data, name), np.float32).reshape(shape))
                   for name, shape in (("w1", (784, -1)), ("b1", -1), ("w2", (-1, 10)), ("b2", 10))]
        zeros = lambda: [jnp.zeros(w.shape) for w in weights]  # noqa: E731
        self.state = (weights, zeros(), zeros(), jnp.zeros((), jnp.int32))
        labels = np.array(pipe.read_ints(options.data, "labels"), np.int32)
        rows = np.array(read(options.data, "rows"), np.float32).reshape(-1, 784)
        self.ring = [(rows[i:i + batch], labels[i:i + batch])
                     for i in range(0, len(labels) - batch + 1, batch)]
        self.step, self.at, self.loss = network_step(options.dropout), -1, None

    def __call__(self):
        self.at = (self.at + 1) % len(self.ring)
        *self.state, self.loss = self.step(*self.state, *self.ring[self.at])
        return self.loss


class JaxGpu(pipe.Contender):
    def __init__(self, options):
        super().__init__(options)
        self.version = f"{jax.__version__}, tf32 {options.tf32}, {jax.devices()[0].device_kind}"
        self.last = None

    def finish(self):
        jax.block_until_ready(self.last)

    def gemm(self, case, precision, tensors):
        turn = {"nn": lambda a, b: a @ b, "nt": lambda a, b: a @ b.T, "tn": lambda a, b: a.T @ b}
        tensors = [t.astype(DTYPES[precision]) for t in tensors]
        function = jax.jit(turn[case.what])
        return lambda: function(*tensors)

    def adam(self, gradient):
        zeros = lambda: [jnp.zeros_like(gradient)]  # noqa: E731
        held = [(zeros(), zeros(), zeros(), jnp.zeros((), jnp.int32))]
        update = jax.jit(adam_update, donate_argnums=(0, 1, 2, 3))

        def step():
            held[0] = update(*held[0], [gradient])
            return held[0]

        return step

    def memory(self, case, precision, tensors):
        if case.what == "adam":
            return self.adam(tensors[0])
        function = jax.jit(MEMORY[case.what])
        return lambda: function(*tensors)

    def smallest(self):
        weight, bias, x = jnp.ones((1, 1)), jnp.zeros(1), np.ones((1, 1), np.float32)
        function = jax.jit(lambda x: x @ weight + bias)
        return lambda: np.asarray(function(x))

    def build(self, kind, batch, lo=0, hi=1, *_):
        if kind == "train":
            step = Training(self.options, batch)
        elif kind == "smallest":
            step = self.smallest()
        else:
            name, _, precision = kind.rpartition(":")
            case = values.Case(name, lo, hi)
            step = getattr(self, case.family)(case, precision, [jnp.array(a) for a in case.inputs()])

        def run():
            self.last = step()
            return self.last

        for _ in range(3):
            run()
        self.finish()
        return run, {"chosen": "jit", "candidates": {}, "failed": {}}

    def losses(self, batch, steps):
        training = Training(self.options, int(batch))
        return {"losses": [float(training()) for _ in range(int(steps))]}

    def drop(self, kind, batch):
        self.last = None
        return super().drop(kind, batch)

    def digest(self, kind, batch):
        made = self.functions[kind, int(batch)]()
        made = made if isinstance(made, (tuple, list)) else [made]
        return {"digests": [values.digest(np.asarray(t, np.float32)) for t in made]}

    def roundtrip(self, kind, batch, steps):
        return self.latency(kind, batch, steps)


if __name__ == "__main__":
    sys.exit(JaxGpu(OPTIONS).serve())
