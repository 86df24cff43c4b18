"""JAX as a contender: one jitted function a step, its state donated.

The quickest of XLA's random number generators is taken where there is dropout.
"""
import os
import time

import pipe

OPTIONS = pipe.arguments()
# XLA sizes its pools by the processors that it may use; the parent has set them. For one thread
# the flags say it again.
if OPTIONS.threads == 1:
    os.environ["XLA_FLAGS"] = (os.environ.get("XLA_FLAGS", "")
                               + " --xla_cpu_multi_thread_eigen=false").strip()
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

EPSILON = 1e-7


def mask_of(generator, step, shape, rate):
    key = jax.random.fold_in(jax.random.key(0, impl=generator), step)
    return jax.random.bernoulli(key, 1 - rate, shape)


def loss_of(p, x, label, step, rate, generator):
    hidden = jax.nn.relu(x @ p[0] + p[1])
    if rate:
        keep = mask_of(generator, step, hidden.shape, rate)
        hidden = jnp.where(keep, hidden / (1 - rate), 0)
    logits = hidden @ p[2] + p[3]
    row = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(row, label[:, None], axis=1))


def make_step(rate, generator):
    def step(p, m, v, count, x, label):
        loss, gradients = jax.value_and_grad(loss_of)(p, x, label, count, rate, generator)
        count = count + 1
        t = count.astype(jnp.float32)
        scale = 1e-3 * jnp.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
        m = [0.9 * a + 0.1 * g for a, g in zip(m, gradients)]
        v = [0.999 * a + 0.001 * g * g for a, g in zip(v, gradients)]
        p = [a - scale * b / (jnp.sqrt(c) + EPSILON) for a, b, c in zip(p, m, v)]
        return p, m, v, count, loss

    return jax.jit(step, donate_argnums=(0, 1, 2, 3))


class Training:
    """The state between steps, and the rows in a ring."""

    def __init__(self, weights, ring, rate, generator):
        self.state = ([jnp.array(w) for w in weights], [jnp.zeros(w.shape) for w in weights],
                      [jnp.zeros(w.shape) for w in weights], jnp.zeros((), jnp.int32))
        self.step = make_step(rate, generator)
        self.ring = ring
        self.at = 0
        self.loss = None

    def __call__(self):
        self.at = self.at + 1 if self.at + 1 < len(self.ring) else 0
        x, label = self.ring[self.at - 1]
        *self.state, self.loss = self.step(*self.state, x, label)
        return self.loss


class Jax(pipe.Contender):
    version = jax.__version__

    def __init__(self, options):
        super().__init__(options)
        read = pipe.read_floats
        self.weights = [np.array(read(options.data, name), np.float32).reshape(shape)
                        for name, shape in (("w1", (784, -1)), ("b1", -1), ("w2", (-1, 10)),
                                            ("b2", 10))]
        self.labels = np.array(pipe.read_ints(options.data, "labels"), np.int32)
        self.rows = np.array(read(options.data, "rows"), np.float32).reshape(-1, 784)
        self.last = None

    def ring(self, batch):
        return [(jnp.array(self.rows[i:i + batch]), jnp.array(self.labels[i:i + batch]))
                for i in range(0, len(self.labels) - batch + 1, batch)]

    def candidates(self, kind, batch):
        if kind == "train":
            rate = self.options.dropout
            generators = ("threefry2x32", "rbg") if rate else ("threefry2x32",)
            return [(name if rate else "jit", Training(self.weights, self.ring(batch), rate, name))
                    for name in generators]
        weights = [jnp.array(w) for w in self.weights]
        rows = [x for x, _ in self.ring(batch)]
        forward = jax.jit(lambda p, x: jax.nn.relu(x @ p[0] + p[1]) @ p[2] + p[3])
        constant = jax.jit(lambda x: forward(weights, x))
        at = [0]

        def next_row():
            at[0] = at[0] + 1 if at[0] + 1 < len(rows) else 0
            return rows[at[0] - 1]

        def with_arguments():
            self.last = forward(weights, next_row())

        def with_constants():
            self.last = constant(next_row())

        return [("weights as arguments", with_arguments), ("weights as constants", with_constants)]

    def finish(self):
        if self.last is not None:
            self.last.block_until_ready()

    def build(self, kind, batch, *_):
        ready, took = [], {}
        for name, step in self.candidates(kind, batch):
            def run(step=step):
                loss = step()
                if loss is not None:
                    self.last = loss
            start = time.perf_counter()
            run()
            self.finish()
            took[name] = time.perf_counter() - start
            ready.append((name, run))
        name, function, medians = pipe.fastest(ready, self.finish)
        return function, {"chosen": name, "prepare_seconds": took[name], "candidates": medians,
                          "failed": {}}

    def plan(self, kind, batch):
        """XLA's own account of a training step: arguments, results that are no arguments, scratch."""
        training = Training(self.weights, self.ring(int(batch)), self.options.dropout,
                            "threefry2x32")
        found = training.step.lower(*training.state, *training.ring[0]).compile().memory_analysis()
        return {"bytes": found.argument_size_in_bytes + found.output_size_in_bytes
                - found.alias_size_in_bytes + found.temp_size_in_bytes}

    def losses(self, batch, steps):
        training = Training(self.weights, self.ring(int(batch)), self.options.dropout,
                            "threefry2x32")
        return {"losses": [float(training()) for _ in range(int(steps))]}


if __name__ == "__main__":
    Jax(OPTIONS).serve()
