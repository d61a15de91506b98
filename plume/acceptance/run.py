"""Run the acceptance: its parts in order, each going on after the last one's failure, and a report after each."""

import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from plume.acceptance import base_model, machine, report, serving, tokens, training
from plume.acceptance.point import ENDED, Part, Point
from plume.acceptance.site import Site
from plume.boundary import unexpected
from plume.command import say, stderr
from plume.doctor import GIB, gpus
from plume.errors import EnvironmentMissing, InputError
from plume.files import locked, make_folder, telling
from plume.models import resolve
from plume.output import SITE, check_folder
from plume.paths import home

PARTS: dict[str, Callable[[Site], Iterator[Point]]] = {
    "machine": machine.look,
    "tokens": tokens.look,
    "base": base_model.look,
    "train": training.look,
    "serve": serving.look,
}
COMPUTE = ("base", "train", "serve")  # the parts that load the base
LARGEST_ON_CPU = 2.0  # GiB of weights that are tried without a GPU
NOT_OK = 10  # the exit code of a verdict FAIL, too
_WORK = "work"  # below the report: dataset, run, store; all of it invented


def accept(config: Any, out: Path | None, *, skip: Collection[str], resume: bool, force: bool) -> int:
    """Accept this machine for a training config; write the report, and return the exit code.

    0 if nothing that was checked is wrong, 3 if the machine lacks something, 10 if a point is not ok. Raises InputError
    if the report cannot be written, or if the base is not there.
    """
    if unknown := sorted(set(skip) - set(PARTS)):
        raise InputError(f"--skip {unknown[0]}: no such part; parts: {', '.join(PARTS)}")
    out = out or home() / "site"
    if not resume:
        check_folder(out, SITE, force=force)
    elif not (out / report.JSON).is_file():
        raise InputError(f"{out}: holds no report to go on with; start one without --resume")
    resolve(config.base)  # without a base there is nothing to accept
    work = out / _WORK
    if work.is_dir() and any(work.iterdir()) and not SITE.is_in(out):  # it would be emptied
        raise InputError(f"{work}: holds something that is of no acceptance; name another folder with --out")
    with telling(out, "name another folder with --out"):
        make_folder(work)
    with locked(work, f"{out}: another acceptance writes there; wait for it, or name another --out", wait=0):
        done = report.earlier(out, config) if resume and any(work.iterdir()) else {}
        if not done:  # of another config, or nothing went well, or what it left was removed
            for left in work.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        return _code(_all(Site(config, work.resolve(), frozenset(skip)), out, done))


def _all(site: Site, out: Path, done: dict[str, Part]) -> list[Part]:
    """Run part after part, and write the report after each."""
    parts = {name: done.get(name) or _left(name, "not begun") for name in PARTS}
    try:
        for number, name in enumerate(PARTS, 1):
            stderr.print(f"\n{number} of {len(PARTS)}: {report.TITLES[name]}", style="bold")
            if name not in done:
                why = "left out with --skip" if name in site.skip else _too_slow(name, site)
                parts[name] = _left(name, why or "interrupted")
                if not why:
                    parts[name] = _measured(name, site)
            _tell(parts[name])
            report.save(out, site, list(parts.values()))
    except (KeyboardInterrupt, SystemExit):  # SIGTERM, too
        report.save(out, site, list(parts.values()))
        stderr.print(f"interrupted; continue with --resume; so far: {out / report.PAGE}")
        raise
    said = {"ok": "accepted", "in part": "what was checked holds", "not ok": "not accepted"}
    whole = list(parts.values())
    say(f"\n{said[report.outcome(whole)]}: {out / report.PAGE}\nto send back: {out / report.JSON}")
    return whole


def _measured(name: str, site: Site) -> Part:
    """Run a part; what it raises becomes its last point."""
    began, points, missing = time.monotonic(), [], False
    try:
        points.extend(PARTS[name](site))
    except Exception as error:  # whatever it is, the other parts are measured
        line, code = unexpected(error)
        missing = code == EnvironmentMissing.exit_code
        points.append(Point.judged(ENDED, "", "", holds=False, why=line))
    return Part(name, points, round(time.monotonic() - began, 1), missing)


def _too_slow(name: str, site: Site) -> str:
    """Say why a part is not even begun: without a GPU a large base would take hours, or all memory."""
    size = machine.weights(site) / GIB
    if name not in COMPUTE or size <= LARGEST_ON_CPU or gpus():
        return ""
    return f"no GPU: a base of {size:.0f} GiB takes hours on a CPU"


def _left(name: str, why: str) -> Part:
    return Part(name, [Point.unchecked(ENDED, "", why)])


def _tell(part: Part) -> None:
    colours = {"ok": "green", "not ok": "red", "not checked": "yellow"}
    for point in part.points:
        said = f"{point.name}: {point.measured or point.expected or '–'}" + (f" ({point.why})" if point.why else "")
        stderr.print(f"{point.verdict:<12}", style=colours[point.verdict], end="")
        stderr.print(said)


def _code(parts: Sequence[Part]) -> int:
    if any(part.missing for part in parts):
        return EnvironmentMissing.exit_code
    return NOT_OK if report.outcome(parts) == "not ok" else 0
