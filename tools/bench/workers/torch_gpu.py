"""PyTorch as a contender on a GPU: `torch_gpu.py eager|compile --tf32 off|on [--device cuda]`.

eager: kernels launched one by one, products by cuBLAS. compile: torch.compile, and for training
CUDA graphs, of which the quickest of several ways to have them is taken. Operands lie in the GPU's
memory, except that a training step brings its rows from page-locked memory, as Graven's does.
"""
import argparse
import sys
import time

import pipe
import torch_compiled
import values

import torch
import torch.nn.functional as F

EPSILON = 1e-7
TRYING = 40  # seconds after which no further way to write the same is tried


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["eager", "compile"])
    parser.add_argument("--tf32", choices=["off", "on"], default="off")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--no-autotune", action="store_true", help="leave out what times its choices")
    parser.add_argument("--data", help="folder of the common weights and rows")
    parser.add_argument("--dropout", type=float, default=0.0)
    return parser.parse_args()


DTYPES = {"f32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def crossentropy(x, label):
    gradient, loss = torch.func.grad_and_value(F.cross_entropy)(x, label)
    return loss, gradient


MEMORY = {
    "scale": lambda x: x * 1.5,
    "add_relu": lambda a, b: torch.relu(a + b),
    "gelu": lambda x, bias, r: F.gelu(x + bias) + r,
    "softmax": lambda x: torch.softmax(x, 1),
    "layernorm": lambda x, gain, offset: F.layer_norm(x, x.shape[1:], gain, offset, 1e-5),
    "crossentropy": crossentropy,
    "sum": lambda x: torch.sum(x),
    "columns": lambda x: torch.sum(x, 0),
    "transpose": lambda x: x.t().contiguous(),
}


class Network:
    """The common weights with Adam's slots, and the common rows in page-locked memory."""

    def __init__(self, options, batch):
        def tensor(name, *shape):
            return torch.tensor(pipe.read_floats(options.data, name)).reshape(shape).to(options.device)

        self.device, self.rate = options.device, options.dropout
        self.p = [tensor("w1", 784, -1), tensor("b1", -1), tensor("w2", -1, 10), tensor("b2", 10)]
        self.m = [torch.zeros_like(t) for t in self.p]
        self.v = [torch.zeros_like(t) for t in self.p]
        self.count = torch.zeros((), device=self.device)
        labels = torch.tensor(pipe.read_ints(options.data, "labels")).long()
        x = torch.tensor(pipe.read_floats(options.data, "rows")).reshape(len(labels), 784)
        self.ring = [(self.host(x[i:i + batch]), self.host(labels[i:i + batch]))
                     for i in range(0, len(labels) - batch + 1, batch)]
        self.x, self.label = (t.to(self.device) for t in self.ring[0])
        self.at = -1

    def host(self, tensor):
        tensor = tensor.clone()
        return tensor.pin_memory() if self.device != "cpu" else tensor

    def bring(self):
        """The next rows, copied to where the step reads them."""
        self.at = (self.at + 1) % len(self.ring)
        x, label = self.ring[self.at]
        self.x.copy_(x, non_blocking=True)
        self.label.copy_(label, non_blocking=True)

    def loss_of(self, p, x, label):
        hidden = F.relu(torch.addmm(p[1], x, p[0]))
        if self.rate:
            hidden = F.dropout(hidden, self.rate, training=True)
        return F.cross_entropy(torch.addmm(p[3], hidden, p[2]), label)

    def function(self):
        """The step as one function of tensors, which a compiler sees as a whole."""
        loss_of = self.loss_of

        def step(p, m, v, count, x, label):
            gradients, loss = torch.func.grad_and_value(loss_of)(p, x, label)
            count += 1
            scale = 1e-3 * torch.sqrt(1 - 0.999 ** count) / (1 - 0.9 ** count)
            for pi, mi, vi, g in zip(p, m, v, gradients):
                mi.mul_(0.9).add_(g, alpha=0.1)
                vi.mul_(0.999).addcmul_(g, g, value=0.001)
                pi.sub_(scale * mi / (torch.sqrt(vi) + EPSILON))
            return loss

        return step

    def call(self, function):
        return lambda: function(self.p, self.m, self.v, self.count, self.x, self.label)


def captured(call):
    """`call` as a CUDA graph of its own, after warming up beside."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = call()

    def replay():
        graph.replay()
        return result

    return replay


def module_step(network, **adam):
    """forward, backward, optimizer as the manual writes them."""
    layers = [torch.nn.Linear(784, len(network.p[1])), torch.nn.ReLU(),
              *([torch.nn.Dropout(network.rate)] if network.rate else []),
              torch.nn.Linear(len(network.p[1]), 10)]
    net = torch.nn.Sequential(*layers).to(network.device)
    with torch.no_grad():
        for layer, (w, b) in ((net[0], network.p[:2]), (net[-1], network.p[2:])):
            layer.weight.copy_(w.T)
            layer.bias.copy_(b)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=EPSILON, **adam)

    def step():
        network.bring()
        loss = F.cross_entropy(net(network.x), network.label)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return step


class TorchGpu(pipe.Contender):
    def __init__(self, options):
        super().__init__(options)
        torch.manual_seed(0)
        self.on_gpu = options.device != "cpu"
        tf32 = options.tf32 == "on"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        name = torch.cuda.get_device_name() if self.on_gpu else "cpu"
        self.version = f"{torch.__version__}, CUDA {torch.version.cuda}, tf32 {options.tf32}, {name}"
        self.results = {}

    def finish(self):
        if self.on_gpu:
            torch.cuda.synchronize()

    # --- what it can compute ------------------------------------------------------------------

    def gemm(self, case, precision, tensors):
        a, b = (t.to(DTYPES[precision]) for t in tensors)
        a, b = a.T if case.what == "tn" else a, b.T if case.what == "nt" else b
        out = torch.empty(a.shape[0], b.shape[1], device=a.device, dtype=a.dtype)
        return {"torch.mm": lambda: torch.mm(a, b, out=out)}, lambda: [out]

    def adam(self, gradient):
        parameter = torch.nn.Parameter(torch.zeros_like(gradient))
        parameter.grad = gradient
        optimizer = torch.optim.Adam([parameter], lr=1e-3, eps=EPSILON, fused=True,
                                     capturable=self.on_gpu)
        return {"Adam fused": optimizer.step}, None

    def memory(self, case, precision, tensors):
        if case.what == "adam":
            return self.adam(tensors[0])
        if case.what == "crossentropy":
            tensors[1] = tensors[1].long()
        function = MEMORY[case.what]
        if self.options.mode == "eager":
            return {"eager": lambda: function(*tensors)}, None

        def named(*operands):
            return function(*operands)

        return {name: (lambda f=torch_compiled.compiled(named, how): f(*tensors))
                for name, how in (("default", {}), ("max-autotune", {"mode": "max-autotune-no-cudagraphs"}))
                if name == "default" or case.what in ("softmax", "layernorm")}, None

    def train(self, batch):
        if self.options.mode == "eager":
            return {f"Adam {name}": module_step(Network(self.options, batch), **flags)
                    for name, flags in (("fused", {"fused": True}), ("foreach", {"foreach": True}))}
        ready = {}
        for name, how, capture in (("reduce-overhead", {"mode": "reduce-overhead"}, False),
                                   ("default, captured by hand", {}, True),
                                   ("max-autotune, captured by hand",
                                    {"mode": "max-autotune-no-cudagraphs"}, True)):
            network = Network(self.options, batch)

            def make(network=network, how=how, capture=capture):
                call = network.call(torch_compiled.compiled(network.function(), how))
                if capture and self.on_gpu:
                    with torch.no_grad():
                        call = captured(call)

                def step():
                    network.bring()
                    with torch.no_grad():
                        return call()

                return step

            ready[name] = make
        return ready

    def smallest(self):
        """One unit on one number from the host, its result back on the host."""
        weight, bias = torch.ones(1, 1, device=self.options.device), torch.zeros(1, device=self.options.device)
        x, y = torch.zeros(1, 1, device=self.options.device), torch.empty(1, 1)
        host = torch.ones(1, 1)
        if self.on_gpu:
            host, y = host.pin_memory(), y.pin_memory()

        def call():
            return torch.addmm(bias, x, weight)

        inner = captured(call) if self.on_gpu and self.options.mode == "compile" else call

        def roundtrip():
            x.copy_(host, non_blocking=True)
            y.copy_(inner(), non_blocking=True)
            self.finish()

        return {"graph" if inner is not call else "eager": roundtrip}

    # --- the protocol -------------------------------------------------------------------------

    def candidates(self, kind, batch, lo, hi):
        if kind == "train":
            made = self.train(batch)
            return made, None
        if kind == "smallest":
            return self.smallest(), None
        name, _, precision = kind.rpartition(":")
        case = values.Case(name, lo, hi)
        tensors = [torch.from_numpy(a).to(self.options.device) for a in case.inputs()]
        return getattr(self, case.family)(case, precision, tensors)

    def build(self, kind, batch, lo=0, hi=1, *_):
        candidates, outputs = self.candidates(kind, batch, lo, hi)
        ready, failed, start = [], {}, time.perf_counter()
        for name, make in candidates.items():
            if self.options.no_autotune and name.startswith("max-autotune"):
                continue
            if ready and time.perf_counter() - start > TRYING:
                failed[name] = "not tried: those before it took all the time"
                continue
            try:
                step = make() if kind == "train" and self.options.mode == "compile" else make
                for _ in range(3):
                    step()
                self.finish()
                ready.append((name, step))
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {error}".split("\n")[0][:160]
        if not ready:
            raise RuntimeError(f"no way to write {kind} works: {failed}")
        name, function, medians = (pipe.fastest(ready, self.finish, budget=0.05)
                                   if len(ready) > 1 else (*ready[0], {}))
        self.results[kind] = outputs or function
        return function, {"chosen": name, "candidates": medians, "failed": failed}

    def losses(self, batch, steps):
        """From the common weights; eager code, whatever the mode."""
        network = Network(self.options, int(batch))
        call = network.call(network.function())
        found = []
        for _ in range(int(steps)):
            network.bring()
            with torch.no_grad():
                found.append(float(call()))
        return {"losses": found}

    def drop(self, kind, batch):
        self.results.pop(kind, None)
        answer = super().drop(kind, batch)
        if self.on_gpu:
            torch.cuda.empty_cache()
        return answer

    def digest(self, kind, batch):
        made = self.results[kind]()
        made = made if isinstance(made, (tuple, list)) else [made]
        return {"digests": [values.digest(t.detach().float().cpu().numpy()) for t in made]}

    def roundtrip(self, kind, batch, steps):
        return self.latency(kind, batch, steps)


if __name__ == "__main__":
    sys.exit(TorchGpu(arguments()).serve())
