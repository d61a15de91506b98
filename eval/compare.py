"""Run `plume eval compare`: judge the drafts of two systems by a rule, write verdict.json and its report."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eval import report, wording
from eval.drafts import Drafts
from eval.gate import Item, Verdict, decide
from eval.inputs import to_compare
from eval.integrity import LookUp, examine, rule_remark
from eval.score import by_measure, judged_by, kept_scores, score_drafts, scorer_sha256
from eval.secondary_measures import estimate_secondary
from plume.corpus.split import experience_of
from plume.files import file_sha256, sha256, telling, to_jsonl, write
from plume.french.text import count_words
from plume.output import VERDICT, building


def compare(
    champion_drafts: str | Path,
    challenger_drafts: str | Path,
    data: str | Path,
    gate: str | Path,
    out: str | Path,
    *,
    trained_on: Iterable[str | Path] = (),
    look_up: LookUp | None = None,
    force: bool = False,
) -> Verdict:
    """Judge whether the challenger may replace the champion.

    Writes into `out` verdict.json, report.html and the scores of both arms (those beside the drafts are used if they
    are of these very drafts by this very code). Drafts under different conditions, or of a system that may have learnt
    what it is asked, are compared, never passed. `trained_on` and `look_up` as for `eval.integrity.examine`. Raises
    InputError if the drafts answer another dataset than `data`.
    """
    trained_on = [*trained_on]
    given = to_compare(champion_drafts, challenger_drafts, data, gate, out, trained_on=trained_on, force=force)
    rule, arms, pairs, out = given.rule, given.arms, given.pairs, Path(out)
    scored = {arm: kept_scores(d) or score_drafts(d, pairs) for arm, d in arms.items()}
    rows = {arm: judged_by(found, rule.checks_off) for arm, found in scored.items()}
    scores = {arm: by_measure(found) for arm, found in rows.items()}
    there = {
        arm: {m: {i: v for i, v in values.items() if not np.isnan(v)} for m, values in found.items()}
        for arm, found in scores.items()
    }
    sound = examine(rule, **arms, data=data, pairs=pairs, trained_on=trained_on, look_up=look_up)
    judged = decide(rule, items_of(pairs), **there, faults=sound.faults, contaminated=tuple(sound.contaminated))
    files = {f"{arm}.scores.jsonl": to_jsonl(found) for arm, found in rows.items()}
    inputs = _inputs(arms, gate, files)
    estimates, remarks = estimate_secondary(judged, rule, rows, scores)
    remarks = (*remarks, rule_remark(inputs["gate_sha256"], arms["challenger"]))
    if rule.checks_off:
        remarks = (wording.checks_off(rule.checks_off), *remarks)
    verdict = replace(judged, reasons=(*judged.reasons, *remarks), estimates=estimates)
    document = {
        "outcome": verdict.outcome,
        "reasons": list(verdict.reasons),
        "needs_items": verdict.needs_items,
        "estimates": [line.as_dict() for line in verdict.estimates],
        "inputs": inputs,
        "checks_off": list(rule.checks_off),
    }
    files["report.html"] = report.render(verdict, rule, arms, pairs, rows, inputs, sound.contaminated).encode()
    files["verdict.json"] = (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
    with telling(out, "make room or mend that, or name another folder with --out"), building(out, VERDICT) as made:
        for name, content in files.items():
            write(made / name, content)
    return verdict


def items_of(pairs: list[dict[str, Any]]) -> list[Item]:
    """Describe pairs for the gate: the replies to one review are one cluster, review lengths are cut in terciles."""
    lengths = [count_words(pair["review"]) for pair in pairs]
    short, long = np.quantile(lengths, (1 / 3, 2 / 3))
    items = []
    for pair, length in zip(pairs, lengths, strict=True):
        slices = {key: pair[key] for key in ("network", "sentiment") if pair.get(key)}
        slices["review_length"] = "court" if length <= short else "moyen" if length <= long else "long"
        items.append(Item(pair["id"], experience_of(pair["id"]), slices))
    return items


def _inputs(arms: dict[str, Drafts], gate: str | Path, files: dict[str, bytes]) -> dict[str, Any]:
    """Hash all that the verdict rests on; `promote` compares the adapters' with the registered version's."""
    described = arms["champion"].meta["data"]
    inputs = {
        "split": described["split"],
        "split_sha256": described["sha256"],
        "gate_sha256": file_sha256(gate),
        "scorer_sha256": scorer_sha256(),
    }
    for arm, drafts in arms.items():
        system = drafts.meta["system"]
        inputs |= {
            f"{arm}_drafts_sha256": drafts.sha256,
            f"{arm}_scores_sha256": sha256(files[f"{arm}.scores.jsonl"]),
            f"{arm}_gate_sha256": drafts.meta.get("gate_sha256"),
            f"{arm}_adapter_sha256": system.get("adapter_sha256"),
            f"{arm}_prompt": system.get("prompt"),
            f"{arm}_examples_sha256": _sha256_of(system["examples"]) if system.get("examples") else None,
            f"{arm}_system_sha256": _sha256_of(system),
            f"{arm}_fingerprint": drafts.meta["fingerprint"],
        }
    return inputs


def _sha256_of(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode())
