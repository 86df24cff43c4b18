"""Elementary functions: a graph of one op over 65536 floats, against SLEEF, libmvec and PyTorch."""
import pathlib

import peers
from session import Row

COUNT = 65536
RANGES = {"exp": (-10, 10), "log": (0.01, 100), "tanh": (-5, 5), "erf": (-3, 3), "erfc": (-3, 3),
          "logistic": (-10, 10), "sin": (-10, 10), "cos": (-10, 10), "power": (0.1, 4),
          "sqrt": (0.01, 100), "rsqrt": (0.01, 100), "log1p": (-0.5, 10), "expm1": (-5, 5)}


def model(function):
    kind = f"tensor<{COUNT}xf32>"
    if function == "power":
        return (f"graph.func @call(%x: {kind}, %e: {kind}) {{\n  %y = power(%x, %e)\n"
                "  return(%y)\n}\n")
    return f"graph.func @call(%x: {kind}) {{\n  %y = {function}(%x)\n  return(%y)\n}}\n"


def row(session, function):
    kind = f"map:{function}:{COUNT}"
    return Row(label=function, kind=kind, target=1.0, words=RANGES[function], unit=COUNT / 1000,
               own_words=(lambda: session.compile_model(kind, model(function)),),
               references=("libmvec", "torch"))


def run(session):
    def library(name):
        def command():
            if not any(pathlib.Path("/usr/include").glob("**/sleef.h")):
                raise peers.Unavailable("no sleef.h: apt-get install libsleef-dev")
            return [session.cc("vector_math_case", "workers/vector_math_case.c", "-lsleef",
                               "-lmvec"), name]
        return command

    contenders = session.start_all(
        {"graven": session.graven_case, "SLEEF u10": library("sleef_u10"),
         "SLEEF u35": library("sleef_u35"), "libmvec": library("libmvec"),
         "torch": session.python("torch", "torch_case.py")}, 1)
    try:
        functions = list(RANGES)[:4] if session.options.quick else list(RANGES)
        session.table("functions", f"Elementary functions over {COUNT} floats", contenders,
                      [row(session, f) for f in functions], 1, unit="ns/element")
    finally:
        for c in contenders:
            c.close()
