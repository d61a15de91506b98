"""Run `plume eval study analyse`: read a study's folder, write study.json and study.html."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.stats.estimate import Estimate
from eval.study.analysis import effects, inputs
from eval.study.analysis.findings import Findings, findings
from eval.study.analysis.inputs import KEPT
from eval.study.analysis.page import render
from eval.study.analysis.times import Timing
from eval.study.records import ARMS
from plume.command import status
from plume.errors import InputError
from plume.files import telling, write
from plume.output import ANALYSIS, building, check_folder

NOT_AS_PLANNED = 10  # exit code: analysed, but by rules that are not those of before


def analyse(folder: str | Path, out: str | Path, *, force: bool = False) -> tuple[dict[str, Any], int]:
    """Analyse a study and write the folder `out`; return what study.json holds, and the exit code.

    The code is NOT_AS_PLANNED where preregistration.json is missing or is not the file with which the study began.
    Raises InputError.
    """
    folder, out = Path(folder), Path(out)
    check_folder(out, ANALYSIS, force=force, reads=(folder,))
    with status("reading the study"):
        read = inputs.read(folder)
    if not read.study.writings:
        raise InputError(f"{folder}: nobody has sent a reply yet; wait for the agents, then analyse")
    found = findings(read)
    document = as_json(found)
    page = render(found)
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    with telling(out, "make room or mend that, or name another folder with --out"), building(out, ANALYSIS) as made:
        write(made / "study.html", page)
        write(made / "study.json", text + "\n")
    return document, 0 if found.rules.state == KEPT else NOT_AS_PLANNED


# --- study.json


def as_json(f: Findings) -> dict[str, Any]:
    """Build study.json; its keys are documented in docs/evaluator.md."""
    rules = f.rules
    return {
        "estimates": [*_estimates(f)],
        "preregistration": {
            "holds": rules.state == KEPT,
            "state": rules.state,
            "sha256": rules.kept_sha256,
            "now_sha256": rules.sha256,
            "hypotheses": list(rules.plan.hypotheses) if rules.plan else [],
            "split": rules.plan.split if rules.plan else None,
        },
        "answer": {
            "time": time_answer(f.ratio),
            "quality": f.judged,
            "margin": f.margin,
            "confidence": f.confidence,
            "method": f.ratio.method,
            "told": f.ratio.told,
        },
        "model": {"p": f.ratio.p, "degrees": f.ratio.degrees, "spreads": f.ratio.spreads},
        "confirmation": asdict(f.confirmation),
        "not_said": [*_not_said(f)],
        "carry_over_detectable": list(f.carry_over.detectable or ()),
        "habits": {arm: asdict(one) for arm, one in f.habits.items()},
        "outcomes": dict(f.outcomes),
        "harms": [
            {name: getattr(h, name) for name in ("check", "shown", "drafts", "removed", "reached", "added")}
            for h in f.harms
        ],
        "reasons": dict(f.reasons),
        "ranking": [{"system": name, "won": share, "n": n} for name, share, n in f.ranking],
        "flow": asdict(f.flow),
        "idle_seconds": f.idle_seconds,
        "inputs": dict(f.hashes),
    }


def time_answer(ratio: Timing) -> str:
    """Say "saved", "lost", or "open": the interval of the ratio lies below 1, above 1, or holds it."""
    if ratio.lower is None or ratio.upper is None:
        return "open"
    return "saved" if ratio.upper < 1 else "lost" if ratio.lower > 1 else "open"


def timings(f: Findings) -> Iterator[tuple[str, str, Timing]]:
    """Name all comparisons of time: quantity and group."""
    yield "time_ratio", "all", f.ratio
    for name, one in f.minutes.items():
        yield name, "all", one
    for group in (effects.NOVICE, effects.EXPERT):
        yield "time_ratio", group, f.by_experience[group]
        for name, one in f.minutes_by_experience[group].items():
            yield name, group, one
    yield "time_ratio_interaction", "novice_over_expert", f.by_experience["interaction"]
    for name, one in f.learning.items():
        yield f"learning_{name}", "end_over_beginning", one
    yield "carry_over", "blank_after_draft_over_before", f.carry_over.ratio
    yield "time_ratio", "first period", f.carry_over.first_period
    for cap, one in f.at_caps.items():
        yield "time_ratio", f"idle cap {cap:g} s", one


def _estimates(f: Findings) -> Iterator[dict[str, Any]]:
    for quantity, group, one in timings(f):
        yield {**_row(quantity, group, one), "agents": one.agents, "p": one.p}
    yield _row("finals_won", "all", f.won)
    yield _row("agreement", "finals", f.agreement)
    yield _row("left_chosen", "finals", f.sides.left)
    for h in f.harms:
        for arm in ARMS:
            yield _row(f"harm:{h.check}", arm, h.finals[arm])
        yield _row(f"harm:{h.check}", "difference", h.difference)
    for duel in f.duels:
        yield _row("drafts_won", f"{duel.one} over {duel.other}", duel.won)


def _row(quantity: str, group: str, of: Timing | Estimate) -> dict[str, Any]:
    values = {name: getattr(of, name) for name in ("estimate", "lower", "upper")}
    said = {name: None if value is None else float(value) for name, value in values.items()}
    return {"quantity": quantity, "group": group, **said, "n": of.n}


def _not_said(f: Findings) -> Iterator[str]:
    """Tell what has no estimate, no interval, or another method than planned, and why."""
    for quantity, group, one in timings(f):
        if one.told:
            yield f"{quantity}, {group}: {one.told}"
