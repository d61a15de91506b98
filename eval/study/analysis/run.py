"""Run `plume eval study analyse`: read a study's folder, write study.json and study.html."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.stats.estimate import Estimate
from eval.study.analysis import effects, harms, inputs, quality, systems
from eval.study.analysis.confirm import Confirmation, confirm
from eval.study.analysis.flow import Flow, flow_of
from eval.study.analysis.inputs import KEPT, Inputs, Rules
from eval.study.analysis.minutes import minutes
from eval.study.analysis.times import Timing, time_ratio
from eval.study.records import ARMS, Item, Study
from plume.command import progress, status
from plume.errors import InputError
from plume.files import telling, write
from plume.output import ANALYSIS, building, check_folder

CONFIDENCE, CAPS = 0.95, (30.0, 120.0)  # where no rules tell others
NOT_AS_PLANNED = 10  # exit code: analysed, but by rules that are not those of before


@dataclass(frozen=True)
class Findings:
    """Holds all that study.json and study.html say. `judged` is of quality, None where no margin was fixed."""

    rules: Rules
    confidence: float
    margin: float | None
    flow: Flow
    ratio: Timing
    confirmation: Confirmation
    minutes: Mapping[str, Timing]
    by_experience: Mapping[str, Timing]
    minutes_by_experience: Mapping[str, Mapping[str, Timing]]
    learning: Mapping[str, Timing]
    carry_over: effects.CarryOver
    at_caps: Mapping[float, Timing]
    habits: Mapping[str, effects.Habits]
    won: Estimate
    judged: quality.Judged | None
    bounded: Estimate | None
    agreement: Estimate
    sides: quality.Sides
    reasons: Mapping[str, int]
    outcomes: Mapping[str, int]
    harms: Sequence[harms.Harm]
    ranking: Sequence[tuple[str, float, int]]
    duels: Sequence[systems.Duel]
    idle_seconds: float
    hashes: Mapping[str, str]


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
    from eval.study.analysis.page import render

    page = render(found)
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    with telling(out, "make room or mend that, or name another folder with --out"), building(out, ANALYSIS) as made:
        write(made / "study.html", page)
        write(made / "study.json", text + "\n")
    return document, 0 if found.rules.state == KEPT else NOT_AS_PLANNED


def findings(read: Inputs) -> Findings:
    """Estimate all that is told of a study."""
    study, plan = read.study, read.rules.plan
    confidence = plan.confidence if plan else CONFIDENCE
    with status("comparing times"):
        timed = _timed(study, confidence, plan.sensitivity if plan else CAPS)
    finals = [r for r in study.ratings if r.kind == "finals"]
    judged, bounded = quality.non_inferior(finals, plan.quality.margin, confidence) if plan else (None, None)
    ranking, duels = systems.ranked(study.ratings, confidence=confidence)
    return Findings(
        rules=read.rules,
        confidence=confidence,
        margin=plan.quality.margin if plan else None,
        flow=flow_of(study),
        **timed,
        won=quality.finals_won(finals, confidence=confidence),
        judged=judged,
        bounded=bounded,
        agreement=quality.agreement(finals, confidence=confidence),
        sides=quality.sides(finals, confidence=confidence),
        reasons=quality.reasons(finals),
        outcomes={name: sum(w.outcome == name for w in study.writings) for name in ("accepted", "edited", "rejected")},
        harms=_harms(study, read.items),
        ranking=ranking,
        duels=duels,
        idle_seconds=study.writings[0].idle_seconds,
        hashes=read.hashes,
    )


def _timed(study: Study, confidence: float, caps: Sequence[float]) -> dict[str, Any]:
    given = {"confidence": confidence}
    ratio = time_ratio(study.writings, **given)
    return {
        "ratio": ratio,
        "confirmation": confirm(study.writings, ratio),
        "minutes": minutes(study.writings, **given),
        "by_experience": effects.by_experience(study.writings, study.agents, **given),
        "minutes_by_experience": {
            group: minutes(effects.of_experience(study.writings, study.agents, group), **given)
            for group in (effects.NOVICE, effects.EXPERT)
        },
        "learning": effects.learning(study.writings, **given),
        "carry_over": effects.carry_over(study.writings, **given),
        "at_caps": effects.at_caps(study.writings, caps, **given),
        "habits": effects.habits(study.writings),
    }


def _harms(study: Study, items: Sequence[Item]) -> list[harms.Harm]:
    with progress() as bar:
        task = bar.add_task("checks", total=len(study.writings), unit="replies")
        return harms.harms(study.writings, items, lambda: bar.advance(task))


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
