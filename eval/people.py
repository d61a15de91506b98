"""Describe people's choices between two systems: their estimates, how far they agree, and what the gate is given."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eval import measures
from eval.measures import PREFERRED
from eval.ratings import WON, Ratings
from eval.stats import bootstrap
from eval.stats.agreement import alpha
from eval.stats.estimate import Estimate
from eval.stats.win_rate import difference_of_choices, win_rate
from eval.verdict import Choices, Line
from plume.corpus.split import experience_of
from plume.page.numbers import count, number, percent
from plume.shares import clopper_pearson

MOST_TO_A_SIDE = 0.6  # of the choices the challenger's draft may stand on one side, or the side may be what was chosen
LEFT_OUT = {
    "other_systems": "entre d’autres systèmes",
    "other_reviews": "sur des avis hors de la partie jugée",
    "other_drafts": "sur d’autres brouillons que ceux-ci",
    "earlier": "que la même personne a refait sur le même avis",
}


def choices_of(found: Ratings | None) -> Choices:
    """Give the gate what it judges people's choice by."""
    return Choices(found.raters, len(found.people), tuple(_faults(found))) if found else Choices({}, 0)


def scores_of(found: Ratings | None, reviews: Sequence[str]) -> dict[str, dict[str, float]]:
    """Give both arms' shares of choices for each review, NaN where nobody chose."""
    none = dict.fromkeys(reviews, np.nan)
    return {arm: none | (found.shares(arm) if found else {}) for arm in ("champion", "challenger")}


def _faults(found: Ratings) -> Iterator[str]:
    """Say in French what the choices may show instead of a preference."""
    left, n = sum(row.left for row in found.rows), len(found.rows)
    low, high = clopper_pearson(left, n, 0.99)
    if not low <= 0.5 <= high and not 1 - MOST_TO_A_SIDE <= left / n <= MOST_TO_A_SIDE:
        yield (
            f"le brouillon du candidat était à gauche dans {percent(left / n, 0)} des {count(n, 'choix')} : le côté "
            "peut avoir décidé ; refaire comparer les brouillons, les côtés tirés au sort (plume eval study)."
        )


def lines_of(found: Ratings, words: Mapping[str, float], *, judged: bool) -> tuple[Line, ...]:
    """Estimate both systems' shares of the choices, their difference unless it is `judged`, and it at equal length.

    `words`: of each review, how many words more the challenger's draft has; NaN where one is missing.
    """
    ids = list(found.raters)
    clusters = [experience_of(i) for i in ids]
    lines = []
    for arm in ("champion", "challenger"):
        shares = found.shares(arm)
        lines.append(Line(PREFERRED, None, arm, bootstrap.mean([shares[i] for i in ids], clusters=clusters)))
    preferred = found.balance()
    balance = np.array([preferred[i] for i in ids])
    raters = [found.raters[i] for i in ids]
    if not judged:
        lines.append(Line(PREFERRED, None, "difference", difference_of_choices(balance, raters, clusters=clusters)))
    extra = np.array([words[i] for i in ids])
    wins = np.where(np.isnan(extra), np.nan, (1 + balance) / 2)
    equal = win_rate(wins, extra_words=extra, clusters=clusters)
    return *lines, Line("preferred_equal_length", None, "challenger", equal)


def agreement(found: Ratings) -> Estimate:
    """Give Krippendorff's alpha of the choices, from the champion over neither to the challenger (ordinal)."""
    units: dict[str, list[int]] = {}
    for row in found.rows:
        units.setdefault(row.id, []).append(WON.get(row.chosen, 0))
    return alpha(units.values(), (-1, 0, 1), scale="ordinal")


def summary(found: Ratings) -> dict[str, Any]:
    """Give what verdict.json says of the choices beside their estimates."""
    agreed, sided = agreement(found), [row for row in found.rows if row.chosen in WON]
    return {
        "ratings": len(found.rows),
        "raters": len(found.people),
        "items": len(found.raters),
        "chosen": dict(Counter(row.chosen for row in found.rows)),
        "challenger_on_the_left": sum(row.left for row in found.rows),
        "left_chosen": sum(_chose_left(row) for row in sided),
        "sided": len(sided),
        "alpha": {"estimate": agreed.estimate, "lower": agreed.lower, "upper": agreed.upper, "n": agreed.n},
        "without_one_rater": without_one(found),
        "left_out": found.left_out,
        "tied_to_drafts": found.tied,
    }


def without_one(found: Ratings) -> tuple[float, float] | None:
    """Give the least and the most that the difference would be without any one person; None with only one."""
    gaps = []
    for person in found.people:
        others = replace(found, rows=tuple(row for row in found.rows if row.rater != person))
        if others.rows:
            gaps.append(float(np.mean([*others.balance().values()])))
    return (min(gaps), max(gaps)) if len(gaps) > 1 else None


def _chose_left(row: Any) -> bool:
    return row.left == (row.chosen == "challenger")


def remarks(found: Ratings, lines: Sequence[Line], *, judged: bool) -> Iterator[str]:
    """Say in French, for the reasons, what an evaluator must know of the choices."""
    by = f"{count(len(found.rows), 'choix')} de {count(len(found.people), 'personne')}"
    by += f" sur {count(len(found.raters), 'avis')}"
    if not judged:
        value = next(x.value for x in lines if (x.measure, x.arm) == (PREFERRED, "difference"))
        measure = measures.find(PREFERRED)
        seen = f"{measure.say(value.estimate, difference=True)}, {measure.interval(value, difference=True)}"
        yield f"Choix des personnes, pour information ({by}) : {seen} ; la règle n’en juge pas."
    elif found.left_out:
        yield f"Choix des personnes : {by} comptés, {said_left_out(found)}."


def said_left_out(found: Ratings) -> str:
    """List what was left out, and why."""
    told = [f"{number(n, 0)} {LEFT_OUT[why]}" for why, n in found.left_out.items()]
    n = sum(found.left_out.values())
    return f"{count(n, 'écarté')} ({', '.join(told)})" if told else "aucun écarté"
