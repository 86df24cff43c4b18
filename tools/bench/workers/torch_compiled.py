"""torch.compile of functions that are written once and compiled many times."""
import itertools
import types

import torch

COPIES = itertools.count()


def compiled(function, how):
    """torch.compile of a copy of `function` with a code object of its own.

    Dynamo keeps what it compiled with the code object and walks through it at every call; shared,
    each variant and size would slow down all others.
    """
    code = function.__code__.replace(co_name=f"{function.__name__}_{next(COPIES)}")
    copy = types.FunctionType(code, function.__globals__, code.co_name, function.__defaults__,
                              function.__closure__)
    return torch.compile(copy, fullgraph=True, dynamic=False, **how)
