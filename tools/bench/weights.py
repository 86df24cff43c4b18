"""Weights in safetensors files, for artifacts that carry theirs."""
import json
import math
import struct
import subprocess

import peers
from session import HERE


def write(path, tensors):
    """A safetensors file of f32 tensors, {name: (shape, bytes)}."""
    header, at = {}, 0
    for name, (shape, data) in tensors.items():
        if len(data) != 4 * math.prod(shape):
            raise ValueError(f"{name}: {len(data)} bytes for the shape {shape}")
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, data in tensors.values():
            file.write(data)
    return path


def uniform(session, index, shape, lo, hi):
    """The bytes of the tensor that all contenders fill as their input number `index`."""
    script = ("import sys, values; sys.stdout.buffer.write(values.uniform("
              f"{index}, {tuple(shape)}, {lo}, {hi}).tobytes())")
    done = subprocess.run([str(session.environment.python.absolute()), "-c", script],
                          cwd=HERE / "workers", capture_output=True)
    if done.returncode:
        raise peers.Unavailable("numpy is needed in the peers' environment: "
                                + peers.last_line(done.stderr.decode()))
    return done.stdout


def require_frozen(session):
    """Raises peers.Unavailable where graven-compile cannot freeze weights."""
    done = subprocess.run([str(session.compiler), "--help"], capture_output=True, text=True)
    if "--weights" not in done.stdout:
        raise peers.Unavailable("graven-compile has no --weights: nothing can be frozen")
