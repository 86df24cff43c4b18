"""Input tensors that all contenders fill alike, and digests of their outputs: tensors.h in Python."""
import numpy as np


def uniform(index, shape, lo, hi):
    """Floats in [lo, hi) for input number `index`."""
    with np.errstate(over="ignore"):
        x = (np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(2654435761)
             + np.uint32((index + 1) * 0x9E3779B9 & 0xFFFFFFFF))
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
    unit = (x >> np.uint32(8)).astype(np.float64) / 16777216.0
    return (lo + (hi - lo) * unit).astype(np.float32).reshape(shape)


def integers(index, shape, lo, hi):
    return (lo + uniform(index, shape, 0, 1).astype(np.float64) * (hi - lo)).astype(np.int32)


def digest(array):
    """[mean, mean of squares, mean weighted by position]."""
    flat = np.asarray(array, np.float64).ravel()
    weights = (np.arange(flat.size) % 1021) / 1021.0
    return [float(flat.mean()), float((flat * flat).mean()), float((flat * weights).mean())]


class Case:
    """A kind taken apart: family:what:AxBxC, e.g. gemm:nt:128x784x512."""

    def __init__(self, kind, lo, hi):
        self.kind = kind
        self.family, self.what, sizes = kind.split(":")
        self.sizes = [int(s) for s in sizes.split("x")]
        self.lo, self.hi = float(lo), float(hi)

    def input_shapes(self):
        """Shapes of the float inputs, in order."""
        if self.family in ("gemm", "packed"):
            m, k, n = self.sizes
            return [(k, m) if self.what == "tn" else (m, k), (n, k) if self.what == "nt" else (k, n)]
        if self.family in ("epilogue", "epilogue_pair"):
            m, k, n = self.sizes
            return [(m, k), (k, n), (n,)] + ([(m, n)] if self.family == "epilogue_pair" else [])
        if self.family == "map":
            return [tuple(self.sizes)] * (2 if self.what == "power" else 1)
        if self.family == "memory" and self.what in ("add_relu", "gelu"):
            whole = tuple(self.sizes)
            return [whole, whole] if self.what == "add_relu" else [whole, whole[1:], whole]
        if self.what == "layernorm":
            return [tuple(self.sizes), (self.sizes[1],), (self.sizes[1],)]
        return [tuple(self.sizes)]

    def inputs(self):
        made = [uniform(i, shape, self.lo, self.hi) for i, shape in enumerate(self.input_shapes())]
        if self.what == "crossentropy":
            most = 2 if self.family == "memory" else self.sizes[1]
            made.append(integers(1, (self.sizes[0],), 0, most))
        return made
