"""The models whose kernels are compiled for a GPU and looked at: all examples, benchmarks and end-to-end
tests, and digits networks in many sizes.

PTX is made of each, and machine code where there is a ptxas (of the CUDA toolkit): on PATH, in
$CUDA_HOME/bin or in /usr/local/cuda/bin.
"""
import collections
import dataclasses
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "models"))
import freeze_test  # noqa: E402
import many_parameters_test  # noqa: E402
import mixed_precision_test  # noqa: E402
import report_test  # noqa: E402
import strict_test  # noqa: E402
import tools  # noqa: E402

ARCHITECTURES = ("sm_80", "sm_90")

# The digits network with products of a narrow type, and with all gradients clipped to a common norm.
MIXED_DIGITS = """
nn.layer @hidden(%x) {{
  %w  = parameter(%x, shape = [-1, {units}], init = glorot_uniform)
  %b  = parameter(shape = [{units}], init = zeros)
  %xh = convert(%x, dtype = {dtype})
  %wh = convert(%w, dtype = {dtype})
  %xw = matmul(%xh, %wh, dtype = f32)
  %y  = add(%xw, %b)
  %z  = relu(%y)
  return(%z)
}}
nn.layer @scores(%x) {{
  %w  = parameter(%x, shape = [-1, 10], init = glorot_uniform)
  %b  = parameter(shape = [10], init = zeros)
  %xh = convert(%x, dtype = {dtype})
  %wh = convert(%w, dtype = {dtype})
  %xw = matmul(%xh, %wh, dtype = f32)
  %y  = add(%xw, %b)
  return(%y)
}}
nn.model @digits {{
  %x = input(shape = [784])
  %s = rescaling(%x, scale = 0.00392156862745098)
  %h = apply(@hidden, %s)
  %d = dropout(%h, rate = 0.2)
  %y = apply(@scores, %d)
}} train {{
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.002)
  accuracy()
}}
"""


@dataclasses.dataclass
class Model:
    name: str
    text: str
    flags: tuple = ()


def models():
    found = []

    def add(name, text, *flags):
        found.append(Model(" ".join([name, *flags]), text, flags))

    for path in sorted([*tools.EXAMPLES.glob("*/*.mlir"), *(tools.SOURCE / "tools/bench/models").glob("*.mlir"),
                        *pathlib.Path(__file__).parent.glob("*.mlir")]):
        # A number that its benchmark fills in.
        add(str(path.relative_to(tools.SOURCE)), path.read_text().replace("COUNT", "100003"))
    iris = (tools.EXAMPLES / "iris/iris.mlir").read_text()
    digits = (tools.EXAMPLES / "digits_mlp/digits.mlir").read_text()
    for units in (128, 500):
        text = digits.replace("units = 128", f"units = {units}")
        add(f"digits 784-{units}-10", text, "--batch=1,7,32,100,128,1024")
        add(f"digits 784-{units}-10", text, "--batch=1,32,128", "--matmul=tf32")
        add(f"digits 784-{units}-10", text, "--batch=32", "--numerics=strict")
        for dtype in ("bf16", "f16"):
            add(f"digits 784-{units}-10 in {dtype}", MIXED_DIGITS.format(units=units, dtype=dtype),
                "--batch=1,32,128")
    clipped = digits.replace("learning_rate = 0.002", "learning_rate = 0.002, clip_norm = 1.0")
    assert clipped != digits
    add("digits, clip_norm", clipped)
    add("digits, clip_value", clipped.replace("clip_norm", "clip_value"))
    add("iris", iris, "--matmul=tf32")
    add("iris", iris, "--numerics=strict")
    for dtype in ("bf16", "f16"):
        add(f"iris, products of {dtype}", mixed_precision_test.MIXED.format(dtype))
        add(f"iris in {dtype}", mixed_precision_test.NARROW.format(dtype))
        add(f"kept {dtype}", mixed_precision_test.KEPT.format(dtype))
    add("130 parameters with a common norm", many_parameters_test.scaled_by_many(many_parameters_test.COUNT),
        "--batch=16")
    add("80 layers", many_parameters_test.deep(80), "--batch=16")
    add("wide", freeze_test.WIDE)
    add("two layers", report_test.HOSTILE)
    add("kernels of random shapes", strict_test.kernels())
    add("kernels of random shapes", strict_test.kernels(), "--numerics=strict")
    return found


def compile_model(model, *flags):
    done = subprocess.run([str(tools.BIN / "graven-compile"), "-", "-o", "-", "--device=cuda", *model.flags,
                           *flags], input=model.text, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{model.name} {' '.join(flags)}: {done.stderr}")
    return done.stdout


@dataclasses.dataclass
class Entry:
    """A kernel's entry in PTX."""
    comments: list  # lines above it
    parameters: str
    directives: str
    body: str
    text: str  # all of it
    strategy: str = ""
    lanes: int = 1  # elements that a thread takes at a time, where the strategy says so


def entries_of(ptx):
    """name -> Entry of each kernel."""
    found = {}
    pattern = r"((?://[^\n]*\n)*)\.visible \.entry (\w+)\(([^)]*)\)([^{]*)\{(.*?)\n\}"
    for match in re.finditer(pattern, ptx, re.DOTALL):
        comments, name, parameters, directives, body = match.groups()
        found[name] = Entry(comments.splitlines(), parameters, directives, body, match[0])
    return found


def strategies_of(ir):
    """Name of a stage's entry -> (strategy, lanes), of what --compile-to=strategy prints."""
    found = {}
    for name, attributes in re.findall(r"kernel\.func @(\w+) attributes (\{.*\}) \{\n", ir):
        strategy, parameters = re.search(r'#kernel\.strategy<"(\w+)"([^>]*)>', attributes).groups()
        lanes = re.search(r"\blanes = (\d+)", parameters)
        for stage in re.findall(r'#kernel\.stage<"(\w*)"', attributes):
            found[f"{name}_{stage}" if stage else name] = (strategy, int(lanes[1]) if lanes else 1)
    return found


def find_ptxas():
    folders = [os.environ["PATH"], "/usr/local/cuda/bin"]
    if "CUDA_HOME" in os.environ:
        folders.insert(0, os.path.join(os.environ["CUDA_HOME"], "bin"))
    return shutil.which("ptxas", path=os.pathsep.join(folders))


# Opcodes of machine code, sm_70 to sm_90: the low 12 bits of an instruction, which has 16 bytes. No
# document tells them; they are those whose number in machine code is that of mma.sync in PTX.
HMMA = 0x23C


@dataclasses.dataclass
class Resources:
    """What ptxas made of a kernel."""
    registers: int  # of a thread
    shared: int  # bytes of a workgroup that the kernel itself declares; a launch may add to them
    stack: int  # bytes of a thread
    spills: int  # bytes that spilled registers are stored to and loaded from
    instructions: collections.Counter  # opcode -> number


def machine_code(cubin):
    """name -> machine code of each kernel in an ELF file."""
    (sections,), (count, names) = struct.unpack_from("<Q", cubin, 0x28), struct.unpack_from("<HH", cubin, 0x3C)
    headers = [struct.unpack_from("<II16xQQ", cubin, sections + 64 * number) for number in range(count)]
    found = {}
    for name, _, offset, size in headers:
        begin = headers[names][2] + name
        name = cubin[begin:cubin.index(b"\0", begin)].decode()
        if name.startswith(".text."):
            found[name.removeprefix(".text.")] = cubin[offset:offset + size]
    return found


def assemble(ptxas, ptx, architecture, folder):
    """name -> Resources of each kernel."""
    source, cubin = folder / "model.ptx", folder / "model.cubin"
    source.write_text(ptx)
    done = subprocess.run([ptxas, "-v", f"-arch={architecture}", str(source), "-o", str(cubin)],
                          capture_output=True, text=True)
    if done.returncode != 0 or "warning" in done.stderr:
        raise AssertionError(f"ptxas for {architecture}: {done.stderr}")
    code = machine_code(cubin.read_bytes())
    found = {}
    for block in re.split(r"Compiling entry function '", done.stderr + done.stdout)[1:]:
        name = block.split("'")[0]
        number = lambda pattern: int((re.search(pattern, block) or [0, 0])[1])  # noqa: E731
        opcodes = (word & 0xFFF for word, _ in struct.iter_unpack("<QQ", code[name]))
        found[name] = Resources(
            registers=number(r"Used (\d+) registers"), shared=number(r"(\d+) bytes smem"),
            stack=number(r"(\d+) bytes stack frame"),
            spills=number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads"),
            instructions=collections.Counter(opcodes))
    return found


class Compiled:
    """PTX of all models; each kernel that several have is assembled once."""

    def __init__(self):
        self.ptx = {}  # model's name -> text
        self.entries = {}  # model's name -> kernel's name -> Entry
        for model in models():
            ptx = compile_model(model, "--emit=asm")
            # A text that only defines layers or functions has no kernels.
            if ".entry" not in ptx:
                continue
            self.ptx[model.name] = ptx
            self.entries[model.name] = entries_of(ptx)
            strategies = strategies_of(compile_model(model, "--compile-to=strategy"))
            for name, entry in self.entries[model.name].items():
                entry.strategy, entry.lanes = strategies[name]

    def resources(self, ptxas, architecture, folder):
        """model's name -> kernel's name -> Resources."""
        found, known = {}, {}
        for model, entries in self.entries.items():
            rest = self.ptx[model]
            for entry in entries.values():
                rest = rest.replace(entry.text, "", 1)
            # What is declared outside of kernels belongs to each.
            keys = {name: (entry.text, rest) for name, entry in entries.items()}
            new = [name for name, key in keys.items() if key not in known]
            if new:
                made = assemble(ptxas, rest + "".join(entries[name].text + "\n" for name in new),
                                architecture, folder)
                known |= {keys[name]: made[name] for name in new}
            found[model] = {name: known[key] for name, key in keys.items()}
        return found
