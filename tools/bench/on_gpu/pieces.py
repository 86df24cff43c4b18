"""The folder that is carried to a machine with a GPU: how it is made, and how it is read there."""
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import struct
import subprocess

import mlp
from session import HERE, ROOT, say

import computations

MANIFEST = "pieces.json"
MOST_BYTES = 48 << 20
# Programs whose launches on the emulator are recorded, and the largest launch that is kept.
RECORDED = {"gpu_emulator_*_test": 640 << 10, "gpu_*_kernels_test": 64 << 10}
BATCHES = [1, 32, 128]
# Everything else is on any machine with a driver.
SYSTEM_LIBRARIES = re.compile(r"^(linux-vdso|ld-linux|libc\.|libm\.|libdl\.|libpthread\.|librt\.)")
SMALLEST = "nn.model @smallest {\n  input(shape = [1])\n  dense(units = 1)\n}\n"
ENQUEUE = ("graph.state @count : tensor<f32> role(control) init = zeros\n"
           "graph.func @call() {\n  %one = constant(1.0)\n  %count = read(@count)\n"
           "  %next = add(%count, %one)\n  write(@count, %next)\n  return()\n}\n")


class Failed(Exception):
    """Why pieces cannot be made or used."""


def checksum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def case_records(content):
    """(module, record) of each case of a file; test/gpu_cases/case_file.cc writes them."""
    at = 0

    def number(form):
        nonlocal at
        (value,) = struct.unpack_from(form, content, at)
        at += struct.calcsize(form)
        return value

    def text():
        nonlocal at
        size = number("<Q")
        at += size
        return content[at - size:at]

    while at < len(content):
        begin = at
        at += 8 + 4  # magic, kind
        _, module, _ = text(), text(), text()
        at += 4 * 7  # grid, block, shared memory
        for _ in range(number("<I")):
            text()
            number("<d")
            text()
            text()
        parameters = number("<I")
        at += 12 * parameters
        yield module.decode(), content[begin:at]


class Pieces:
    """A folder that was made before."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        try:
            self.made = json.loads((self.folder / MANIFEST).read_text())
        except OSError:
            raise Failed(f"{folder} holds no {MANIFEST}; make it with tools/bench/gpu --prepare "
                         f"{folder} where Graven is built") from None
        for path in (self.folder / "bin").iterdir():
            if not os.access(path, os.X_OK):  # carrying may have lost it
                path.chmod(0o755)

    def file(self, name):
        return self.folder / name

    def program(self, name):
        return self.folder / "bin" / name

    def files(self, part):
        """The files of cases below `part`."""
        return sorted((self.folder / part).glob("*.cases"))

    def check(self):
        """Names of files that are not what was made."""
        return [name for name, digest in self.made["files"].items()
                if not self.file(name).is_file() or checksum(self.file(name)) != digest]


@dataclasses.dataclass
class Maker:
    """Makes pieces in `folder` out of a build tree."""
    folder: pathlib.Path
    build: pathlib.Path
    tiny: bool
    left_out: dict = dataclasses.field(default_factory=dict)

    def run(self, *words, env=None, timeout=1800):
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True,
                              env={**os.environ, **(env or {})}, timeout=timeout)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise Failed(f"{pathlib.Path(str(words[0])).name}: {lines[-1] if lines else 'failed'}")
        return done.stdout

    def tool(self, name):
        path = self.build / "bin" / name
        if not path.exists():
            raise Failed(f"there is no {name} in {self.build}/bin: ninja -C {self.build} {name}")
        return path

    def programs(self):
        bin, lib = self.folder / "bin", self.folder / "lib"
        for name in ("graven-run", "gpu_cases"):
            shutil.copy(self.tool(name), bin / name)
            self.run("strip", bin / name)
            # A linker's padding, which would be the folder that the program is called from.
            whole = (bin / name).read_bytes()
            (bin / name).write_bytes(whole.replace(b"$ORIGIN/../lib:\0", b"$ORIGIN/../lib\0\0"))
        for line in self.run("ldd", self.tool("graven-run")).splitlines():
            name, _, path = line.strip().partition(" => ")
            if path.startswith("/") and not SYSTEM_LIBRARIES.match(name):
                shutil.copy(path.split()[0], lib / name)
        archive = self.build / f"lib/{platform.machine()}-linux-gnu/libgraven_core.a"
        include = ["-I", ROOT, "-I", self.build / "include"]
        libraries = [archive, "-Wl,-u,graven1_device_cuda", "-s", "-lm", "-lpthread", "-ldl"]
        self.run("c++", "-std=c++20", "-O2", *include, "-static-libstdc++", "-static-libgcc", "-o",
                 bin / "graven_gpu", HERE / "workers/graven_gpu.cc", *libraries)
        self.run("cc", "-O2", *include, "-o", bin / "graven_mlp", HERE / "workers/graven_mlp.c",
                 *libraries)

    def compile(self, text, output, *flags):
        source = output.with_suffix(".mlir")
        source.write_text(text)
        self.run(self.tool("graven-compile"), source, "-o", output, *flags)
        return output

    def models(self):
        """Artifacts of the tables; the rows whose model does not compile are left out."""
        folder, rows = self.folder / "models", []
        gpu = "--device=cuda"
        for one in computations.table(self.tiny):
            try:
                self.compile(one.text, folder / one.file(), gpu, *one.flags)
                rows.append({**dataclasses.asdict(one), "file": one.file(), "text": None})
            except Failed as reason:
                self.left_out[one.label] = str(reason)
                say(f"left out: {one.label}: {reason}")
        self.compile(mlp.model(128, 0), folder / "mlp.so", gpu, "--batch=" + ",".join(map(str, BATCHES)))
        self.compile(SMALLEST, folder / "smallest.so", gpu, "--batch=1")
        self.compile(ENQUEUE, folder / "enqueue.so", gpu)
        iris = ROOT / "docs/examples/iris"
        for device in ("cpu", "cuda"):
            self.compile((iris / "iris.mlir").read_text(), folder / f"iris_{device}.so", f"--device={device}")
        shutil.copy(iris / "iris.csv", folder / "iris.csv")
        mlp.write_common_data(self.folder / "data", 128)
        return rows

    def kernels(self):
        """Launches that the emulator has run for its tests."""
        folder = self.folder / "kernels"
        for pattern, limit in RECORDED.items():
            for program in sorted((self.build / "bin").glob(pattern)):
                # A stand-in driver takes launches of one dimension only, and a tiny run is quick.
                if self.tiny and program.name != "gpu_emulator_elementwise_test":
                    continue
                say(f"recording {program.name}")
                try:
                    self.run(program, env={"GRAVEN_RECORD_CASES": str(folder),
                                           "GRAVEN_RECORD_LIMIT": str(limit)})
                except Failed as reason:
                    self.left_out[program.name] = str(reason)
        self.assemble(folder)

    def assemble(self, folder):
        """Leaves out cases whose text ptxas refuses: the emulator takes more than that."""
        assembler = shutil.which("ptxas", path=os.environ["PATH"] + ":/usr/local/cuda/bin")
        if not assembler or self.tiny:
            return
        for path in sorted(folder.glob("*.ptx")):
            try:
                self.run(assembler, "-arch=sm_90", "-o", "/dev/null", path)
            except Failed as reason:
                self.left_out[f"kernels/{path.name}"] = str(reason)
                path.unlink()
        for path in folder.glob("*.cases"):
            path.write_bytes(b"".join(case for module, case in case_records(path.read_bytes())
                                      if (folder / module).exists()))

    def ops(self):
        """Rows of all ops as artifacts, with values and gradients of the interpreter in f64."""
        say("compiling rows of ops")
        try:
            some = ["^(add|softmax|prod_with_zero)_f32$"] if self.tiny else []
            self.run(self.tool("ops_write_cases"), self.folder / "ops", *some)
        except Failed as reason:
            self.left_out["some rows of ops"] = str(reason)

    def scripts(self):
        """This command itself, so that the folder is all that is needed."""
        to = self.folder / "tools/bench"
        for path in [*HERE.glob("*.py"), HERE / "gpu", *(HERE / "on_gpu").glob("*.py"),
                     *(HERE / "workers").glob("*.py"), *(HERE / "models").glob("*.mlir")]:
            target = to / path.relative_to(HERE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

    def make(self):
        if self.folder.exists() and any(self.folder.iterdir()) and not (self.folder / MANIFEST).exists():
            raise Failed(f"{self.folder} holds other things than pieces; name a new folder")
        whole, self.folder = self.folder, self.folder.with_name(self.folder.name + ".part")
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("bin", "lib", "models", "kernels", "ops", "data"):
            (self.folder / name).mkdir(parents=True)
        self.programs()
        rows = self.models()
        self.kernels()
        self.ops()
        self.scripts()
        files = {str(p.relative_to(self.folder)): checksum(p)
                 for p in sorted(self.folder.rglob("*")) if p.is_file()}
        made = {"made": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                "source": self.source(), "tiny": self.tiny, "computations": rows,
                "mlp_batches": BATCHES[:2] if self.tiny else BATCHES, "mlp_batch": 1 if self.tiny else 32,
                "left_out": self.left_out, "files": files}
        (self.folder / MANIFEST).write_text(json.dumps(made, indent=1) + "\n")
        size = sum((self.folder / name).stat().st_size for name in files)
        shutil.rmtree(whole, ignore_errors=True)
        self.folder = self.folder.rename(whole)
        say(f"{self.folder}: {len(files)} files, {size / 1e6:.1f} MB, {len(self.left_out)} left out")
        if size > MOST_BYTES:
            raise Failed(f"{size} bytes are more than the {MOST_BYTES} that are carried well; lower the "
                         "limits of RECORDED")

    def source(self):
        done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                              capture_output=True, text=True)
        return done.stdout.strip() or "unknown"
