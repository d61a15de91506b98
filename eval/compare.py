"""Run `plume eval compare`: judge the drafts of two systems by a rule, write verdict.json and its report."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval import fairness, people, probes, report
from eval.evidence import evidence
from eval.gate import decide
from eval.inputs import Compared, to_compare
from eval.integrity import LookUp, checks_off_remark, examine, rule_remark, sources_remarks
from eval.measures import PREFERRED
from eval.rule import GateRule
from eval.score import ScoreRow, by_measure, judged_by, kept_scores, score_drafts, training_replies
from eval.secondary_measures import estimate_secondary
from eval.slices import slices_of
from eval.verdict import Item, Levels, ProbeScores, Verdict
from plume.corpus.split import experience_of
from plume.files import telling, to_jsonl, write
from plume.output import VERDICT, building


def compare(
    champion_drafts: str | Path,
    challenger_drafts: str | Path,
    data: str | Path,
    gate: str | Path,
    out: str | Path,
    *,
    ratings: Sequence[str | Path] = (),
    trained_on: Iterable[str | Path] = (),
    look_up: LookUp | None = None,
    force: bool = False,
) -> Verdict:
    """Judge whether the challenger may replace the champion.

    Writes into `out` verdict.json, report.html and the scores of both arms (those beside the drafts are used if they
    are of these very drafts by this very code). Drafts under different conditions, or of a system that may have learnt
    what it is asked, are compared, never passed. `ratings` are files of people's choices between the two; `trained_on`
    and `look_up` as for `eval.integrity.examine`. Raises InputError if the drafts answer another dataset than `data`.
    """
    trained_on = [*trained_on]
    more = {"ratings": ratings, "trained_on": trained_on, "force": force}
    case = scored(to_compare(champion_drafts, challenger_drafts, data, gate, out, **more), [data, *trained_on])
    return judge(case, data, gate, out, trained_on=trained_on, look_up=look_up)


@dataclass(frozen=True)
class Scored:
    """A comparison whose drafts have scores: rows of scores.jsonl, and measure -> id -> value, by arm."""

    given: Compared
    rows: Mapping[str, list[ScoreRow]]
    scores: Mapping[str, Mapping[str, Mapping[str, float]]]


def scored(given: Compared, folders: Iterable[str | Path], known: dict[str, list[ScoreRow]] | None = None) -> Scored:
    """Score both arms. `folders` hold training replies; `known` keeps the scores of drafts by their digest."""
    rule, pairs, heard, known = given.rule, given.pairs, given.ratings, {} if known is None else known
    copies = training_replies(folders), rule.copying.replies
    for drafts in given.arms.values():
        if drafts.sha256 not in known:
            known[drafts.sha256] = kept_scores(drafts, *copies, pairs) or score_drafts(drafts, pairs, *copies)
    off, copied = rule.checks_off, rule.copying.words
    rows = {arm: judged_by(known[drafts.sha256], off, copied) for arm, drafts in given.arms.items()}
    scores = {arm: by_measure(found) for arm, found in rows.items()}
    if heard or rule.asks_people:
        chosen = people.scores_of(heard, [pair["id"] for pair in pairs])
        scores = {arm: found | {PREFERRED: chosen[arm]} for arm, found in scores.items()}
    return Scored(given, rows, scores)


def judge(
    case: Scored,
    data: str | Path,
    gate: str | Path,
    out: str | Path,
    *,
    trained_on: Sequence[str | Path] = (),
    look_up: LookUp | None = None,
    levels: Levels | None = None,
    remark: str = "",
    more: Mapping[str, Any] | None = None,
) -> Verdict:
    """Judge scored drafts and write the verdict's folder.

    `levels`, a `remark` and `more` keys of verdict.json are for one of several challengers.
    """
    rule, arms, pairs, heard = case.given.rule, case.given.arms, case.given.pairs, case.given.ratings
    rows, scores, out = case.rows, case.scores, Path(out)
    there = {
        arm: {m: {i: v for i, v in values.items() if not np.isnan(v)} for m, values in found.items()}
        for arm, found in scores.items()
    }
    sound = examine(rule, **arms, data=data, pairs=pairs, trained_on=trained_on, look_up=look_up)
    probed = probes.examine(rule, arms)
    told = {
        "faults": sound.faults,
        "contaminated": tuple(sound.contaminated),
        "probes": probed and _scored(rule, probed),
        "choices": people.choices_of(heard),
    }
    judged = decide(rule, items_of(pairs), **there, **told, levels=levels)
    kept = {arm: to_jsonl(found) for arm, found in rows.items()}
    inputs = evidence(arms, gate, kept, probed, heard)
    estimates, remarks = estimate_secondary(judged, rule, rows, scores, heard)
    remarks = (*remarks, *sources_remarks(arms), rule_remark(inputs["gate_sha256"], arms["challenger"]))
    if not rule.probes:
        remarks = ("Avis piégés : la règle n’en juge aucun.", *remarks)
    if remark:
        remarks = (remark, *remarks)
    if rule.checks_off:
        remarks = (checks_off_remark(rule.checks_off), *remarks)
    verdict = replace(judged, reasons=(*judged.reasons, *remarks), estimates=estimates)
    document = {
        "outcome": verdict.outcome,
        "reasons": list(verdict.reasons),
        "needs_items": verdict.needs_items,
        "estimates": [line.as_dict() for line in verdict.estimates],
        "inputs": inputs,
        "checks_off": list(rule.checks_off),
        "files": _places({arm: drafts.path for arm, drafts in arms.items()} | {"data": Path(data)}, out),
    }
    if heard:
        document["people"] = people.summary(heard)
    document |= more or {}
    swapped = fairness.differences(arms)
    files = {f"{arm}.scores.jsonl": content for arm, content in kept.items()}
    page = report.render(verdict, rule, arms, pairs, rows, inputs, sound.contaminated, probed, swapped, heard, levels)
    files["report.html"] = page.encode()
    files["verdict.json"] = (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
    with telling(out, "make room or mend that, or name another folder with --out"), building(out, VERDICT) as made:
        for name, content in files.items():
            write(made / name, content)
    return verdict


def _places(paths: dict[str, Path], out: Path) -> dict[str, str]:
    """Say where the drafts and the dataset lie, from the verdict's folder: `plume eval browse` finds them there."""
    return {name: os.path.relpath(path.resolve(), out.resolve()) for name, path in paths.items()}


def _scored(rule: GateRule, probed: probes.Probed) -> ProbeScores:
    """Give the gate what the drafts of the probes show."""
    arms = ({m: probed.scores(arm, m) for m in rule.probed} for arm in ("champion", "challenger"))
    return ProbeScores(len(probed.probes), *arms, probed.faults)


def items_of(pairs: list[dict[str, Any]]) -> list[Item]:
    """Describe pairs for the gate: the replies to one review are one cluster."""
    found = zip(pairs, slices_of(pairs), strict=True)
    return [Item(pair["id"], experience_of(pair["id"]), slices) for pair, slices in found]
