"""`plume eval compare`: the drafts of two systems, the rule, and out comes verdict.json with its report."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from eval import report, wording
from eval.drafts import Drafts, read_drafts, read_pairs
from eval.gate import Item, Line, Verdict, decide
from eval.rule import Rule
from eval.score import MEASURES, Row, by_measure, kept_scores, score_drafts, scorer_sha256, summarise
from eval.stats import bootstrap, proportions
from plume.checks.text import count_words
from plume.corpus.dataset import file_sha256, sha256, to_jsonl
from plume.corpus.split import experience_of
from plume.errors import InputError
from plume.paths import check_output, claim_output


def compare(
    champion_drafts: str | Path,
    challenger_drafts: str | Path,
    data: str | Path,
    gate: str | Path,
    out: str | Path,
    *,
    force: bool = False,
) -> Verdict:
    """May the challenger replace the champion?

    Writes into `out` verdict.json, report.html and the scores of both arms (those beside the drafts are used if they
    are of these very drafts by this very code). Drafts under different conditions are compared, never passed. Raises
    InputError if the drafts answer another dataset than `data`.
    """
    rule = Rule.load(gate)
    arms = {"champion": read_drafts(champion_drafts), "challenger": read_drafts(challenger_drafts)}
    split = arms["champion"].meta["data"]["split"]
    for drafts in arms.values():
        pairs = read_pairs(data, drafts, split=split)
    if not pairs:
        raise InputError(f"{data}: {split}.jsonl holds no pair; build the dataset from a larger export")
    out = Path(out)
    check_output(out, force=force)

    rows = {arm: kept_scores(d) or score_drafts(d, pairs) for arm, d in arms.items()}
    scores = {arm: by_measure(found) for arm, found in rows.items()}
    there = {
        arm: {m: {i: v for i, v in values.items() if not np.isnan(v)} for m, values in found.items()}
        for arm, found in scores.items()
    }
    judged = decide(rule, items_of(pairs), **there, faults=_faults(rule, **arms))
    verdict = Verdict(
        judged.outcome, judged.reasons, judged.needs_items, (*judged.estimates, *_information(judged, rows, scores))
    )
    files = {f"{arm}.scores.jsonl": to_jsonl(found) for arm, found in rows.items()}
    inputs = _inputs(arms, gate, files)
    document = {
        "outcome": verdict.outcome,
        "reasons": list(verdict.reasons),
        "needs_items": verdict.needs_items,
        "estimates": [line.as_dict() for line in verdict.estimates],
        "inputs": inputs,
    }
    files["report.html"] = report.render(verdict, rule, arms, pairs, rows, inputs).encode()
    files["verdict.json"] = (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
    claim_output(out, force=force, holds=tuple(files))
    for name, content in files.items():
        (out / name).write_bytes(content)
    return verdict


def items_of(pairs: list[dict[str, Any]]) -> list[Item]:
    """Pairs as the gate sees them: the replies to one review are one cluster; slices by terciles of review length."""
    lengths = [count_words(pair["review"]) for pair in pairs]
    short, long = np.quantile(lengths, (1 / 3, 2 / 3))
    items = []
    for pair, length in zip(pairs, lengths, strict=True):
        slices = {key: pair[key] for key in ("network", "sentiment") if pair.get(key)}
        slices["review_length"] = "court" if length <= short else "moyen" if length <= long else "long"
        items.append(Item(pair["id"], experience_of(pair["id"]), slices))
    return items


def _faults(rule: Rule, champion: Drafts, challenger: Drafts) -> list[str]:
    """In French, what makes the arms not comparable."""
    faults = []
    if champion.meta["data"]["split"] != "test":
        faults.append("les brouillons ne répondent pas au jeu de test ; refaire les deux avec --split test.")
    if champion.meta["decoding"] != challenger.meta["decoding"]:
        faults.append("les brouillons n’ont pas été générés avec les mêmes réglages ; refaire ceux d’un des systèmes.")
    elif champion.meta["fingerprint"] != challenger.meta["fingerprint"] and not rule.integrity.prompts_may_differ:
        prompts = " et ".join(f"« {d.meta['system']['prompt']} »" for d in (champion, challenger))
        faults.append(f"les deux systèmes n’ont pas lu la même consigne ({prompts}), ce que la règle exige.")
    return faults


def _information(
    judged: Verdict, rows: dict[str, list[Row]], scores: dict[str, dict[str, dict[str, float]]]
) -> list[Line]:
    """Every measure of either arm, and the paired differences that the rule does not judge. Never decides."""
    lines = []
    for arm, found in rows.items():
        lines += [Line(m, None, arm, estimate) for m, estimate in summarise(found).estimates.items()]
    known = {line.measure for line in judged.estimates if line.arm == "difference"}
    for measure in (m for m in MEASURES if m not in known):
        pair = scores["champion"][measure], scores["challenger"][measure]
        difference = proportions if wording.is_share(measure) else bootstrap
        estimate = difference.paired_difference(
            *(list(values.values()) for values in pair), clusters=[experience_of(i) for i in pair[0]]
        )
        lines.append(Line(measure, None, "difference", estimate))
    return lines


def _inputs(arms: dict[str, Drafts], gate: str | Path, files: dict[str, bytes]) -> dict[str, Any]:
    """Hashes of all that the verdict rests on; `promote` compares the adapters' with the registered version's."""
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
            f"{arm}_adapter_sha256": system.get("adapter_sha256"),
            f"{arm}_prompt": system.get("prompt"),
            f"{arm}_system_sha256": sha256(json.dumps(system, sort_keys=True).encode()),
            f"{arm}_fingerprint": drafts.meta["fingerprint"],
        }
    return inputs
