"""Installs the peers from PyPI into a virtual environment of the benchmark's own.

PyTorch's wheel on PyPI is the one with CUDA, whose libraries are gigabytes that a processor never
runs but that the wheel refuses to be loaded without. So the wheel is installed without them, and in
their places stand libraries made here that hold the symbols the wheel asks for; each says so and
stops when called. Where that fails, the whole set is installed.
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

PACKAGES = {"jax": ["jax"], "onnxruntime": ["onnxruntime", "onnx"]}
FOLDERS = {"libcudnn": "cudnn", "libcusparseLt": "cusparselt", "libnccl": "nccl",
           "libnvshmem_host": "nvshmem"}


class Unavailable(Exception):
    """Why a peer cannot take part."""


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Environment:
    """A virtual environment in `folder`, filled on demand."""

    def __init__(self, folder, may_install, say):
        self.folder = pathlib.Path(folder)
        self.python = self.folder / "bin/python"
        self.may_install = may_install
        self.say = say

    def _create(self):
        if self.python.exists():
            return
        if not self.may_install:
            raise Unavailable(f"no environment in {self.folder} (run without --no-install)")
        done = subprocess.run([sys.executable, "-m", "venv", str(self.folder)],
                              capture_output=True, text=True)
        if done.returncode:
            raise Unavailable("python3 -m venv failed: " + last_line(done.stdout + done.stderr))

    def _pip(self, *packages):
        self.say(f"installing {' '.join(packages)} ...")
        done = subprocess.run(
            [str(self.python), "-m", "pip", "install", "--quiet", "--no-compile", *packages],
            capture_output=True, text=True)
        if done.returncode:
            raise Unavailable("pip: " + last_line(done.stderr or done.stdout))

    def _imports(self, module):
        return subprocess.run([str(self.python), "-c", f"import {module}"],
                              capture_output=True).returncode == 0

    def require(self, peer):
        """Makes `peer` importable, or raises Unavailable with the reason."""
        self._create()
        if all(self._imports(p) for p in PACKAGES.get(peer, [peer])):
            return
        if not self.may_install:
            raise Unavailable("not installed (run without --no-install)")
        if peer == "torch":
            self._install_torch()
        else:
            self._pip("numpy", *PACKAGES[peer])
        if not self._imports(peer):
            raise Unavailable(f"{peer} is installed but cannot be imported")

    def _install_torch(self):
        self._pip("--no-deps", "torch")
        needs = re.findall(r"^Requires-Dist: (.*)$", next(
            self._site().glob("torch-*.dist-info/METADATA")).read_text(), re.M)
        plain = [n.split(";")[0].strip() for n in needs
                 if "extra ==" not in n and not re.match(r"(nvidia|cuda|triton)", n)]
        runtime = [n.split(";")[0].strip() for n in needs if n.startswith("nvidia-cuda-runtime")]
        toolkit = [re.search(r"==(\d+\.\d+)", n) for n in needs if n.startswith("cuda-toolkit")]
        if not runtime and toolkit and toolkit[0]:
            runtime = [f"nvidia-cuda-runtime=={toolkit[0][1]}.*"]
        self._pip("numpy", *plain)
        if runtime:
            self._pip("--no-deps", *runtime)
            write_stand_ins(self._site())
        if not self._imports("torch"):
            self.say("torch does not load without CUDA's libraries: installing them too (gigabytes)")
            self._pip("torch")

    def _site(self):
        return next(self.folder.glob("lib/python3*/site-packages"))


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else "no message"


def write_stand_ins(site):
    """Writes a library for each one of CUDA's that torch's own libraries need and that is absent."""
    libraries = [str(p) for p in site.glob("torch/lib/*.so*")]
    wanted = collections.defaultdict(set)  # symbol version -> symbols
    for name, version in re.findall(r"^\s+[Uw] (\w+)(?:@+(\S+))?$",
                                    output_of("nm", "-D", "--undefined-only", *libraries), re.M):
        if re.match(r"(cu|nccl|nvrtc|nvshmem|nvtx)", name):
            wanted[version].add(name)
    dump = output_of("objdump", "-p", *libraries)
    versions = collections.defaultdict(set)  # library -> symbol versions asked of it
    for library, block in re.findall(r"required from (\S+):\n((?:\s+0x\S+ 0x\S+ \d+ \S+\n)+)", dump):
        versions[library] |= set(re.findall(r"(\S+)\n", block))
    for library in sorted(set(re.findall(r"NEEDED\s+(lib(?:cu|nccl|nv)\S+)", dump))):
        stem = library.split(".so")[0]
        target = site / "nvidia" / FOLDERS.get(stem, "cu13") / "lib" / library
        if stem == "libcudart" or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        groups = {v: wanted[v] for v in versions[library]} or {"": wanted[""]}
        script = "".join(f"{v} {{ global: {' '.join(s + ';' for s in sorted(symbols)) or '*;'} }};\n"
                         for v, symbols in groups.items())
        source = "#include <stdio.h>\n#include <stdlib.h>\n" + "".join(
            f'int {s}(void) {{ fputs("{s}: CUDA is not installed\\n", stderr); abort(); }}\n'
            for s in sorted(set().union(*groups.values())))
        with tempfile.NamedTemporaryFile("w", suffix=".map") as versions_file:
            versions_file.write(script)
            versions_file.flush()
            subprocess.run(["cc", "-shared", "-fPIC", f"-Wl,--version-script={versions_file.name}",
                            f"-Wl,-soname,{library}", "-o", str(target), "-x", "c", "-"],
                           input=source, text=True, check=True)
