"""What machine a run is on: GPU, driver, clocks, processor."""
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess

FIELDS = ["name", "driver_version", "memory.total", "clocks.sm", "clocks.mem", "clocks.max.sm",
          "temperature.gpu", "power.draw"]


def query(fields=FIELDS):
    """nvidia-smi's answers for the first GPU; {} where it is not at hand."""
    program = shutil.which("nvidia-smi")
    if not program:
        return {}
    try:
        done = subprocess.run([program, "-i", "0", "--query-gpu=" + ",".join(fields),
                               "--format=csv,noheader,nounits"], capture_output=True, text=True,
                              timeout=15)
    except subprocess.TimeoutExpired:
        return {}
    values = [v.strip() for v in done.stdout.strip().split("\n")[0].split(",")]
    return dict(zip(fields, values)) if done.returncode == 0 and len(values) == len(fields) else {}


def driver():
    """The driver's version as the kernel tells it, or "unknown"."""
    try:
        text = pathlib.Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return "unknown"
    found = re.search(r"Module\S*\s+(?:for \S+\s+)?(\d+\.[\d.]+)", text)
    return found[1] if found else "unknown"


def clocks():
    """{"sm": MHz, "memory": MHz} at this moment, or {}."""
    found = query(["clocks.sm", "clocks.mem"])
    try:
        return {"sm": float(found["clocks.sm"]), "memory": float(found["clocks.mem"])}
    except (KeyError, ValueError):
        return {}


def processor():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    name = re.search(r"^model name\s*: (.*)$", text, re.M)
    return f"{name[1] if name else platform.processor()}, {len(os.sched_getaffinity(0))} cores"


def devices(runner, environment):
    """What graven-run says of the machine's devices."""
    done = subprocess.run([str(runner), "info", "--devices", "--json"], capture_output=True, text=True,
                          env=environment, timeout=60)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[:400])
    return json.loads(done.stdout)["devices"]
