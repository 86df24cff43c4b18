"""PyTorch as a contender in the tables of single computations: eager into outputs made before, or
torch.compile, whichever is quicker."""
import sys
import time

import pipe
import torch_compiled
import values

import torch
import torch.nn.functional as F

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "gelu": F.gelu}
UNARY = {"logistic": torch.sigmoid}


def gemm(case, tensors):
    a, b = tensors
    a, b = a.T if case.what == "tn" else a, b.T if case.what == "nt" else b
    out = torch.empty(a.shape[0], b.shape[1])
    return {"torch.mm": lambda: torch.mm(a, b, out=out)}, lambda: [out]


def compiled(function, tensors, **how):
    function = torch_compiled.compiled(function, how)
    return lambda: function(*tensors)


def epilogue(case, tensors):
    activate = ACTIVATIONS[case.what]

    def forward(x, w, b):
        return activate(torch.addmm(b, x, w))

    def pair(x, w, b, dy):
        y, pull = torch.func.vjp(forward, x, w, b)
        return y, *pull(dy)

    def eager():
        x, w, b, dy = tensors
        leaves = [t.detach().requires_grad_() for t in (x, w, b)]
        y = forward(*leaves)
        return y, *torch.autograd.grad(y, leaves, dy)

    if case.family == "epilogue":
        return {"eager": lambda: forward(*tensors),
                "torch.compile": compiled(forward, tensors),
                "torch.compile, max-autotune": compiled(forward, tensors, mode="max-autotune")}, None
    return {"eager": eager, "torch.compile": compiled(pair, tensors),
            "torch.compile, max-autotune": compiled(pair, tensors, mode="max-autotune")}, None


def adam(case, tensors):
    gradient = tensors[0]
    parameter = torch.nn.Parameter(torch.zeros_like(gradient))
    parameter.grad = gradient
    ready = {}
    for name in ("fused", "foreach"):
        optimizer = torch.optim.Adam([parameter], lr=1e-3, eps=1e-7, **{name: True})
        ready[f"Adam {name}"] = optimizer.step
    return ready, lambda: []


def rows(case, tensors):
    if case.what == "adam":
        return adam(case, tensors)
    if case.what == "crossentropy":
        tensors[1] = tensors[1].long()

        def function(x, label):
            gradient, loss = torch.func.grad_and_value(F.cross_entropy)(x, label)
            return loss, gradient

        def eager():
            x = tensors[0].detach().requires_grad_()
            loss = F.cross_entropy(x, tensors[1])
            return loss, torch.autograd.grad(loss, x)[0]
    elif case.what == "layernorm":
        def function(x, gain, offset):
            return F.layer_norm(x, x.shape[1:], gain, offset, 1e-5)
        eager = None
    elif case.what == "softmax":
        def function(x):
            return torch.softmax(x, 1)
        eager = None
    else:
        def function(x):
            return torch.sum(x)
        eager = None
    return {"eager": eager or (lambda: function(*tensors)),
            "torch.compile": compiled(function, tensors)}, None


def elementary(case, tensors):
    function = UNARY.get(case.what) or getattr(torch, {"power": "pow"}.get(case.what, case.what))
    out = torch.empty_like(tensors[0])
    ready = {f"torch.{function.__name__}": lambda: function(*tensors, out=out)}

    def compute(*arguments):
        return function(*arguments)

    ready["torch.compile"] = compiled(compute, tensors)
    return ready, None


FAMILIES = {"gemm": gemm, "epilogue": epilogue, "epilogue_pair": epilogue, "rows": rows,
            "map": elementary}


class TorchCase(pipe.Contender):
    version = torch.__version__

    def __init__(self, options):
        super().__init__(options)
        torch.set_num_threads(options.threads)
        self.results = {}

    def build(self, kind, batch, lo, hi, *_):
        case = values.Case(kind, lo, hi)
        if case.family not in FAMILIES:
            raise NotImplementedError(f"{case.family} is not written for PyTorch")
        tensors = [torch.from_numpy(a) for a in case.inputs()]
        start = time.perf_counter()
        candidates, outputs = FAMILIES[case.family](case, tensors)
        ready, failed = [], {}
        with torch.no_grad() if case.what == "adam" else torch.inference_mode(False):
            for name, function in candidates.items():
                try:
                    function()
                    function()
                    ready.append((name, function))
                except Exception as error:
                    failed[name] = f"{type(error).__name__}: {error}".split("\n")[0][:160]
        if not ready:
            raise RuntimeError(f"no way to write {kind} works: {failed}")
        name, function, medians = pipe.fastest(ready, budget=0.05) if len(ready) > 1 else (
            *ready[0], {})
        self.results[kind] = outputs or (lambda: function())
        return function, {"chosen": name, "prepare_seconds": time.perf_counter() - start,
                          "candidates": medians, "failed": failed}

    def drop(self, kind, batch):
        self.results.pop(kind, None)
        return super().drop(kind, batch)

    def digest(self, kind, batch):
        made = self.results[kind]()
        made = made if isinstance(made, (tuple, list)) else [made]
        return {"digests": [values.digest(t.detach().numpy()) for t in made]}


if __name__ == "__main__":
    sys.exit(pipe.serve(TorchCase))
