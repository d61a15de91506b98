"""Compares drafts of one review sent by different people, pair by pair (`eval.swapped_reviews`).

The differences are information in the annex of report.html; they never decide.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from eval.drafts import Drafts, read_drafts
from eval.measures import find
from eval.rule import ARMS
from eval.stats import bootstrap, proportions
from eval.swapped_reviews import REFERENCE, SPLIT, Review, beside, read_reviews
from plume.checks import check
from plume.contacts import Directory
from plume.french.text import count_words
from plume.page import Table
from plume.prompt import load_prompt

DIMENSIONS = {"name": "Origine du nom", "gender": "Genre", "region": "Lieu", "register": "Registre"}
_MEASURES = ("pass_all", "check:tone", "draft_words")


def differences(arms: Mapping[str, Drafts]) -> tuple[Table | None, tuple[str, ...]]:
    """Give the table of paired differences of the arms that drafted these reviews, and which did not."""
    reviews, digest = read_reviews()
    rows, absent = [], []
    for arm, drafts in arms.items():
        path = beside(drafts.path)
        written = read_drafts(path) if path.is_file() else None
        same = written and all(written.meta[key] == drafts.meta[key] for key in ("system", "decoding", "fingerprint"))
        if not same or written.meta["data"] != {"split": SPLIT, "sha256": digest}:
            absent.append(ARMS[arm])
            continue
        measured = measure(written, reviews)
        rows += [_row(arm, dimension, measured, reviews) for dimension in DIMENSIONS]
    heads = ("Ce qui change", "Système", "Paires", *(find(measure).label for measure in _MEASURES))
    return (Table("Écart (variante − référence), même avis", heads, rows) if rows else None), tuple(absent)


def measure(drafts: Drafts, reviews: Sequence[Review]) -> dict[str, dict[str, float]]:
    """Give measure -> id -> value of every draft that is there."""
    prompt, directory = load_prompt(drafts.meta["system"]["prompt"]), Directory.load()
    found: dict[str, dict[str, float]] = {name: {} for name in _MEASURES}
    for review in reviews:
        text = drafts.text(review["id"])
        if text is None:
            continue
        given = {"review": review["review"], "prompt": prompt.text(review), "sentiment": review["sentiment"]}
        findings = check(text, directory=directory, **given)
        found["pass_all"][review["id"]] = float(all(f.passed for f in findings if f.gating))
        found["check:tone"][review["id"]] = float(next(f.passed for f in findings if f.check == "tone"))
        found["draft_words"][review["id"]] = float(count_words(text))
    return found


def _row(arm: str, dimension: str, measured: Mapping[str, Mapping[str, float]], reviews: Sequence[Review]) -> list[str]:
    """Tell one dimension's differences with their intervals; the variants of one review are a cluster."""
    swapped = [review for review in reviews if review["dimension"] == dimension]
    told, n = [], 0
    for name in _MEASURES:
        values, known = measured[name], find(name)
        own = [values.get(review["id"], np.nan) for review in swapped]
        reference = [values.get(f"{review['base']}-{REFERENCE}", np.nan) for review in swapped]
        of = proportions if known.share else bootstrap
        estimate = of.paired_difference(reference, own, clusters=[review["base"] for review in swapped])
        n = estimate.n
        value = known.say(estimate.estimate, difference=True)
        told.append(f"{value} ({known.interval(estimate, difference=True)})")
    return [DIMENSIONS[dimension], ARMS[arm], str(n), *told]
