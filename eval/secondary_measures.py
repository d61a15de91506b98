"""Estimate what a verdict shows beside what its rule judges: all measures, p-values, the gain at equal length.

None of it decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from eval import measures, people
from eval.ratings import Ratings
from eval.rule import GateRule
from eval.score import ScoreRow, summarise
from eval.stats import bootstrap, proportions
from eval.stats.multiplicity import holm
from eval.stats.paired_tests import mcnemar_mid_p, sign_flip
from eval.stats.win_rate import win_rate
from eval.verdict import Line, Verdict
from plume.corpus.split import experience_of
from plume.page.numbers import number, percent

Scored = Mapping[str, Mapping[str, Mapping[str, float]]]  # arm -> measure -> id -> value, NaN for an error


def estimate_secondary(
    judged: Verdict,
    rule: GateRule,
    rows: Mapping[str, Iterable[ScoreRow]],
    scores: Scored,
    ratings: Ratings | None = None,
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """Give the judged estimates p-values, estimate all others, and write remarks in French for the reasons.

    Both arms of `scores` must hold the same ids in the same order.
    """
    lines = [*judged.estimates]
    for arm, found in rows.items():
        lines += [Line(m, None, arm, estimate) for m, estimate in summarise(found).estimates.items()]
    known = {line.measure for line in judged.estimates if line.arm == "difference"}
    there = (m for m in measures.OF_SOME if _paired(scores, m)[1])  # a draft without facts has none to ground
    for measure in (m for m in (*measures.OF_DRAFTS, *there) if m not in known):
        arms, clusters = _paired(scores, measure)
        difference = proportions if measures.find(measure).share else bootstrap
        lines.append(Line(measure, None, "difference", difference.paired_difference(*arms, clusters=clusters)))
    told: list[str] = []
    if ratings:
        lines += (chosen := people.lines_of(ratings, _extra_words(scores), judged=rule.asks_people))
        told += people.remarks(ratings, chosen, judged=rule.asks_people)
    rates = _win_rates(rule, scores)
    lines = _with_p_values(lines, rule, scores)
    return (*lines, *rates), (*told, *_longer(lines, rates, rule))


def _paired(scores: Scored, measure: str) -> tuple[list[np.ndarray], list[str]]:
    arms = [scores[arm].get(measure, {}) for arm in ("champion", "challenger")]
    ids = [i for i in arms[0] if i in arms[1]]
    return [np.array([arm[i] for i in ids]) for arm in arms], [experience_of(i) for i in ids]


def _with_p_values(lines: list[Line], rule: GateRule, scores: Scored) -> list[Line]:
    """Add p-values of "no difference" on the whole split; those of the guardrails by Holm too, as they are a family."""
    p = {x.measure: _p_value(scores, x.measure) for x in lines if x.arm == "difference" and not x.slice}
    family = [g.measure for g in rule.guardrails]
    adjusted = dict(zip(family, holm([p[measure] for measure in family]), strict=True))
    return [
        replace(x, p=p[x.measure], p_holm=adjusted.get(x.measure)) if x.arm == "difference" and not x.slice else x
        for x in lines
    ]


def _p_value(scores: Scored, measure: str) -> float:
    """Test by McNemar's mid-p where items are independent and shares, else by sign flips, one a review."""
    arms, clusters = _paired(scores, measure)
    differences = arms[1] - arms[0]
    if measures.find(measure).share and measure != measures.PREFERRED and len(set(clusters)) == len(clusters):
        return mcnemar_mid_p(int(np.sum(differences > 0)), int(np.sum(differences < 0)))
    return sign_flip(differences, clusters=clusters)


def _win_rates(rule: GateRule, scores: Scored) -> tuple[Line, Line]:
    """Estimate how often the challenger wins on the primary measure, ties as half: plainly, and at equal length."""
    arms, clusters = _paired(scores, rule.primary.measure)
    wins, extra = (1 + arms[1] - arms[0]) / 2, np.array(list(_extra_words(scores).values()))
    wins[np.isnan(extra)] = np.nan
    plain, equal = win_rate(wins, clusters=clusters), win_rate(wins, extra_words=extra, clusters=clusters)
    return Line("win_rate", None, "challenger", plain), Line("win_rate_equal_length", None, "challenger", equal)


def _extra_words(scores: Scored) -> dict[str, float]:
    """Count, by item, the words of the challenger's draft less those of the champion's."""
    words, _ = _paired(scores, "draft_words")
    return dict(zip(scores["champion"]["draft_words"], words[1] - words[0], strict=True))


def _longer(lines: list[Line], rates: tuple[Line, Line], rule: GateRule) -> Iterable[str]:
    """Say if drafts are longer but no better, or better only by length, which is easily taken for quality."""
    found = {x.measure: x.value for x in lines if x.arm == "difference" and not x.slice}
    words, gain = found["draft_words"], found[rule.primary.measure]
    plain, equal = (rate.value for rate in rates)
    if None in (words.lower, gain.lower, plain.lower, equal.lower) or words.lower <= 0:
        return
    seen = f"Longueur : {number(words.estimate, 0)} mots de plus par brouillon"
    if gain.lower <= 0:
        yield f"{seen}, sans gain établi sur la mesure principale."
    elif equal.lower <= 0.5:
        at_equal = f"{percent(equal.estimate)} des avis, {measures.MEASURES['win_rate'].interval(equal)}"
        yield f"{seen} ; à longueur égale le gain n’est plus établi (le candidat l’emporterait sur {at_equal})."
