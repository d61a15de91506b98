"""Estimate all that an analysed study tells, from its records and the rules that were fixed before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.stats.estimate import Estimate
from eval.study.analysis import effects, harms, quality, systems
from eval.study.analysis.confirm import Confirmation, confirm
from eval.study.analysis.flow import Flow, flow_of
from eval.study.analysis.inputs import Inputs, Rules
from eval.study.analysis.minutes import minutes
from eval.study.analysis.times import Timing, time_ratio
from eval.study.records import Item, Study
from plume.command import progress, status

CONFIDENCE, CAPS = 0.95, (30.0, 120.0)  # where no rules tell others


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
