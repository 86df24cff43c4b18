"""PyTorch as a contender: `torch_mlp.py eager ...` or `torch_mlp.py compile ...`.

Of several ways to write the same step the quickest is taken, for each batch size anew; the answer
to `prepare` names it and tells how the others fared.
"""
import json
import os
import sys
import time

import pipe
from torch_compiled import compiled

import torch
import torch.nn.functional as F

EPSILON = 1e-7
# torch.optim.Adam divides √v by √(1 - 0.999^t) before it adds epsilon, the others do not: what they
# call 1e-7 it would call 1e-7 / √(1 - 0.999^t), which is 1e-6 in the tenth step.
OPTIMIZER_EPSILON = 1e-6


class Weights:
    """The common weights, once as a module and once as plain tensors with Adam's slots."""

    def __init__(self, folder, dropout):
        def tensor(name, *shape):
            return torch.tensor(pipe.read_floats(folder, name)).reshape(shape)

        self.w1, self.b1 = tensor("w1", 784, -1), tensor("b1", -1)
        self.w2, self.b2 = tensor("w2", -1, 10), tensor("b2", 10)
        self.dropout = dropout

    def module(self):
        hidden = len(self.b1)
        layers = [torch.nn.Linear(784, hidden), torch.nn.ReLU(),
                  *([torch.nn.Dropout(self.dropout)] if self.dropout else []),
                  torch.nn.Linear(hidden, 10)]
        net = torch.nn.Sequential(*layers)
        with torch.no_grad():
            net[0].weight.copy_(self.w1.T)
            net[0].bias.copy_(self.b1)
            net[-1].weight.copy_(self.w2.T)
            net[-1].bias.copy_(self.b2)
        return net

    def tensors(self):
        return [t.clone() for t in (self.w1, self.b1, self.w2, self.b2)]


class Rows:
    """The common rows, cut into batches that follow one another in a ring."""

    def __init__(self, folder, batch):
        labels = torch.tensor(pipe.read_ints(folder, "labels"))
        x = torch.tensor(pipe.read_floats(folder, "rows")).reshape(len(labels), 784)
        self.ring = [(x[i:i + batch].clone(), labels[i:i + batch].long().clone())
                     for i in range(0, len(labels) - batch + 1, batch)]
        self.at = 0

    def next(self):
        self.at = self.at + 1 if self.at + 1 < len(self.ring) else 0
        return self.ring[self.at - 1]


def module_step(weights, rows, compile=None, **adam):
    """forward, backward, optimizer as the manual writes them."""
    net = weights.module()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=OPTIMIZER_EPSILON, **adam)

    def loss_of(x, label):
        return F.cross_entropy(net(x), label)

    if compile:
        loss_of = compiled(loss_of, compile)

    def step():
        loss = loss_of(*rows.next())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return step


def whole_step(weights, rows, compile):
    """The step as one function of tensors, so that the compiler sees all of it at once."""
    p = weights.tensors()
    m = [torch.zeros_like(t) for t in p]
    v = [torch.zeros_like(t) for t in p]
    count = torch.zeros(())
    rate = weights.dropout

    def loss_of(p, x, label):
        hidden = F.relu(torch.addmm(p[1], x, p[0]))
        if rate:
            hidden = F.dropout(hidden, rate, training=True)
        return F.cross_entropy(torch.addmm(p[3], hidden, p[2]), label)

    def function(p, m, v, count, x, label):
        gradients, loss = torch.func.grad_and_value(loss_of)(p, x, label)
        count += 1
        scale = 1e-3 * torch.sqrt(1 - 0.999 ** count) / (1 - 0.9 ** count)
        for pi, mi, vi, g in zip(p, m, v, gradients):
            mi.mul_(0.9).add_(g, alpha=0.1)
            vi.mul_(0.999).addcmul_(g, g, value=0.001)
            pi.sub_(scale * mi / (torch.sqrt(vi) + EPSILON))
        return loss

    function = compiled(function, compile)

    def step():
        with torch.no_grad():
            return function(p, m, v, count, *rows.next())

    return step


MODES = {
    "default": {},
    "max-autotune": {"mode": "max-autotune"},
    "max-autotune, C++ wrapper": {"options": {"max_autotune": True, "cpp_wrapper": True}},
}


class Torch(pipe.Contender):
    version = torch.__version__

    def __init__(self, options):
        super().__init__(options)
        self.compiles = MODE == "compile"
        torch.set_num_threads(options.threads)
        torch.manual_seed(0)
        self.weights = Weights(options.data, options.dropout)

    def candidates(self, kind, batch):
        rows = Rows(self.options.data, batch)
        if kind == "train":
            return self.train_candidates(rows)
        return self.predict_candidates(self.weights.module().eval(), rows)

    def train_candidates(self, rows):
        if not self.compiles:
            return [(f"Adam {name}", lambda flags=flags: module_step(self.weights, rows, **flags))
                    for name, flags in (("foreach", {"foreach": True}), ("fused", {"fused": True}))]
        return [(f"one graph, {mode}", lambda how=how: whole_step(self.weights, rows, how))
                for mode, how in MODES.items()]

    def predict_candidates(self, net, rows):
        def caller(function):
            def call():
                with torch.inference_mode():
                    return function(rows.next()[0])
            return call

        return [("inference_mode", lambda: caller(net))]

    def build(self, kind, batch, *_):
        ready, failed, took = [], {}, {}
        for name, make in self.candidates(kind, batch):
            start = time.perf_counter()
            try:
                step = make()
                for _ in range(3):
                    step()
                took[name] = time.perf_counter() - start
                ready.append((name, step))
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {error}".split("\n")[0][:160]
        if not ready:
            raise RuntimeError(f"no way to write {kind} works: {failed}")
        name, function, medians = pipe.fastest(ready)
        return function, {"chosen": name, "prepare_seconds": took[name], "candidates": medians,
                          "failed": failed}

    def plan(self, kind, batch):
        """Storage bytes of a training step: what lives between steps, and the peak of what one
        allocates beyond, as the profiler of the processor's allocator tells."""
        rows = Rows(self.options.data, int(batch))
        step = (whole_step(self.weights, rows, {}) if self.compiles
                else module_step(self.weights, rows, fused=True))
        for _ in range(3):
            step()
        trace = os.path.join(self.options.data, f"torch_memory_{MODE}.json")
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU],
                                    profile_memory=True) as profile:
            step()
        profile.export_chrome_trace(trace)
        with open(trace) as file:
            events = json.load(file)["traceEvents"]
        totals = [e["args"]["Total Allocated"] for e in events if e["name"] == "[memory]"]
        parameters = sum(t.numel() for t in self.weights.tensors())
        x, label = rows.ring[0]
        kept = 4 * 3 * parameters + x.numel() * 4 + label.numel() * 8
        return {"bytes": kept + max([0, *totals])}

    def losses(self, batch, steps):
        rows = Rows(self.options.data, int(batch))
        step = (whole_step(self.weights, rows, {}) if self.compiles
                else module_step(self.weights, rows))
        return {"losses": [float(step()) for _ in range(int(steps))]}


if __name__ == "__main__":
    MODE = sys.argv.pop(1)
    pipe.serve(Torch)
