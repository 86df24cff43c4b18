#!/usr/bin/env python3
"""Writes docs/walkthrough.md: one model through every phase, the IR after each made by running it.

usage: generate.py BIN [--check]     BIN: the folder of graven-compile
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "docs/examples/linear_regression/line.mlir"
PAGE = ROOT / "docs/walkthrough.md"
PHASES = [
    ("expand", "Calls are inlined, `?` is the batch size, every value has a type, and writes have become "
               "operands of `return`. The entry takes the number of valid `rows`, and the mean over the "
               "batch counts only those. The request for gradients still stands."),
    ("differentiate", "The request is gone: the gradient ops follow the forward ops, and are ops like any other."),
    ("simplify", "Rules are written for readers; what they leave is folded, shared and dropped here, and "
                 "transposes move into the contractions that read them."),
    ("fuse", "Ops stand in kernels: isolated regions around a hero. The updates of both parameters are one."),
    ("strategy", "Each kernel has a name, a strategy with its parameters, and a grid of workgroups; entries "
                 "call them."),
    ("schedule", "Entries have become plans: launches over byte ranges of state, arena, inputs and outputs. "
                 "Weights are updated in place."),
]


def after(tools, phase):
    """The IR after `phase`, only what belongs to train_step where that can be told."""
    text = subprocess.run([tools / "graven-compile", MODEL, f"--compile-to={phase}", "--batch=40",
                           "--entries=train_step", "-o", "-"],
                          check=True, capture_output=True, text=True).stdout
    return re.sub(r"^(#loc.*\n)+", "", text, flags=re.MULTILINE).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    args = parser.parse_args()
    page = ["# One model through every phase", "",
            "Made by `tools/walkthrough/generate.py`, which runs `graven-compile --compile-to=<phase>` on "
            "[linear_regression](examples/linear_regression/line.mlir); do not edit.", "",
            "## The model", "", "```mlir", MODEL.read_text().strip(), "```", ""]
    for phase, sentence in PHASES:
        page += [f"## {phase}", "", sentence, "", "```mlir", after(args.bin, phase), "```", ""]
    page += ["## codegen and package", "",
             "Each `kernel.func` becomes a function `void name(void *const *buffers, int64_t lo, int64_t hi)` "
             "of machine code (`--emit=asm` shows it); plan, signature and constants become the artifact's "
             "table (`graven-run info` shows it).", ""]
    text = "\n".join(page)
    if args.check:
        if PAGE.exists() and PAGE.read_text() == text:
            return 0
        print("docs/walkthrough.md is not what the compiler gives; run tools/walkthrough/generate.py")
        return 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
