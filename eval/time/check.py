"""Each claim re-estimated on its own population and window: reproduced, not reproduced, or cannot be checked, and why.

A claim is reproduced if every value it gives lies in the 95 % interval of its estimate and the interval of the change
excludes "no change"; not reproduced if a value lies outside; otherwise the file cannot tell. A claimed mean is held
against the mean restricted to 30 days on equal windows, since the mean over answered reviews moves without any effect.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from eval.stats.proportions import newcombe
from eval.time.claims import Claim
from eval.time.delays import Wait, Waits
from eval.time.estimate import Estimate, Window, count_structures, mirrored, satisfaction, timed_in, voted, waiting

REPRODUCED, NOT_REPRODUCED, CANNOT = "reproduced", "not reproduced", "cannot be checked"

# Below these, per window, a percentile interval is not to be trusted, and no outcome is given.
LEAST_RECORDS = 20
LEAST_STRUCTURES = 10
MEASURE = "rmst_30"


@dataclass(frozen=True)
class Outcome:
    """A row of time.json's "claims"; `why` is read by evaluators, in French."""

    id: str
    outcome: str
    why: str


@dataclass(frozen=True)
class _Held:
    """One claimed value beside its estimate. `neutral`: the value that would mean "no change", None for a level."""

    what: str
    claimed: float
    estimate: float | None
    interval: tuple[float, float] | None
    neutral: float | None
    unit: str

    def agrees(self) -> bool | None:
        """True, False, or None where the file cannot tell."""
        if self.interval is None:
            return None
        low, high = self.interval
        if not low <= self.claimed <= high:
            return False
        return True if self.neutral is None or not low <= self.neutral <= high else None

    def __str__(self) -> str:
        if self.estimate is None or self.interval is None:
            return f"{self.what} : non estimable"
        shown = [_show(value, self.unit) for value in (self.estimate, *self.interval, self.claimed)]
        return "{} : {} [{} ; {}], annoncé {}".format(self.what, *shown)


def check(claim: Claim, waits: Waits) -> Outcome:
    """What the export says of one claim."""
    if reason := _out_of_reach(claim, waits):
        return Outcome(claim.id, CANNOT, _sentence(reason))
    records = [wait for wait in waits.records if claim.population.holds(wait.network)]
    before, after = mirrored(claim.window.first, claim.window.last)
    scope = f"Fenêtres {_span(before)} et {_span(after)}"
    timed = claim.quantity == "mean_response_days"
    counted = [(timed_in if timed else voted)(records, window) for window in (before, after)]
    if reason := _too_few(counted, "délais observables" if timed else "votes"):
        return Outcome(claim.id, CANNOT, f"{scope} : {reason}.")
    held = (_held_days if timed else _held_shares)(claim, records, before, after)
    verdicts = [one.agrees() for one in held]
    if False in verdicts:
        outcome, ending = NOT_REPRODUCED, "au moins une valeur annoncée est hors de l'intervalle"
    elif None in verdicts:
        outcome, ending = CANNOT, "ces données vont avec la valeur annoncée comme avec l'absence de changement"
    else:
        outcome, ending = REPRODUCED, "les valeurs annoncées sont dans les intervalles ; cela n'établit pas la cause"
    return Outcome(claim.id, outcome, f"{scope}. {' ; '.join(str(one) for one in held)}. {_sentence(ending)}")


def _out_of_reach(claim: Claim, waits: Waits) -> str | None:
    if claim.status == "target":
        return "c'est un objectif annoncé, non une mesure"
    if claim.uncheckable:
        return claim.uncheckable
    if claim.quantity == "mean_response_days" and not waits.has_delays:
        return f"l'export ne contient pas {' ni '.join(waits.missing)} : aucun délai ne peut être calculé"
    if claim.window.first is None or claim.window.last is None:
        return "la période de la mesure n'est pas publiée"
    if claim.window.last > waits.extracted_on:
        return f"l'export s'arrête au {_day(waits.extracted_on)}, la période finit le {_day(claim.window.last)}"
    return None


def enough(*groups: Sequence[Wait]) -> bool:
    """Whether every group holds enough waits, of enough structures, for an interval to be trusted."""
    return all(len(group) >= LEAST_RECORDS and count_structures(group) >= LEAST_STRUCTURES for group in groups)


def _too_few(counted: list[list[Wait]], noun: str) -> str | None:
    if enough(*counted):
        return None
    sizes, structures = [len(group) for group in counted], [count_structures(group) for group in counted]
    return (
        f"trop peu de données dans l'export pour cette population ({noun} : {sizes[0]} avant et {sizes[1]} après, "
        f"structures : {structures[0]} et {structures[1]} ; il faut au moins {LEAST_RECORDS} et {LEAST_STRUCTURES} "
        "dans chaque fenêtre)"
    )


def _held_days(claim: Claim, records: Sequence[Wait], before: Window, after: Window) -> list[_Held]:
    rows = [row for row in waiting(records, before, after) if row.quantity == MEASURE]
    values = claim.values
    ratio = values.ratio or (values.before / values.after if values.before and values.after else None)
    wanted = (
        ("attente moyenne limitée à 30 jours, avant", values.before, None, "days"),
        ("attente moyenne limitée à 30 jours, après", values.after, None, "days"),
        ("rapport avant / après", ratio, 1.0, ""),
    )
    return [
        _Held(what, claimed, row.estimate, _interval(row), neutral, unit)
        for (what, claimed, neutral, unit), row in zip(wanted, rows, strict=True)
        if claimed is not None
    ]


def _held_shares(claim: Claim, records: Sequence[Wait], before: Window, after: Window) -> list[_Held]:
    levels = [row for row in satisfaction(records, before, after) if row.comparison == "level"]
    votes = [voted(records, window) for window in (before, after)]
    pairs = [(sum(wait.vote == "utile" for wait in group), len(group)) for group in votes]
    difference = pairs[1][0] / pairs[1][1] - pairs[0][0] / pairs[0][1]
    values = claim.values
    held = [
        _Held(what, claimed, row.estimate, _interval(row), None, "%")
        for what, claimed, row in zip(
            ("votes « utile » avant", "votes « utile » après"), (values.before, values.after), levels, strict=True
        )
        if claimed is not None
    ]
    if values.difference is not None:
        held.append(_Held("écart", values.difference, difference, newcombe(*pairs), 0.0, "points"))
    return held


def _interval(row: Estimate) -> tuple[float, float] | None:
    return (row.lower, row.upper) if row.lower is not None and row.upper is not None else None


def _show(value: float, unit: str) -> str:
    if unit in ("%", "points"):
        sign = "+" if unit == "points" else ""
        return f"{value * 100:{sign}.0f} {unit}"
    text = f"{value:.2f}" if unit == "" else f"{value:.1f}"
    return text.replace(".", ",") + (" j" if unit == "days" else "")


def _day(day: dt.date) -> str:
    return f"{day:%d/%m/%Y}"


def _span(window: Window) -> str:
    return f"du {_day(window.first)} au {_day(window.last)}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
