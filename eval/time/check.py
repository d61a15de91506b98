"""Each claim re-estimated on its own population and window: reproduced, not reproduced, or cannot be checked, and why.

A claim is reproduced if every value it gives lies in the 95 % interval of its estimate and the interval of the change
excludes "no change"; not reproduced if a value lies outside; otherwise the file cannot tell. A claimed mean is held
against the mean restricted to 30 days with equal follow-up, since the mean over answered reviews moves without effect.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from eval.time.claims import Claim
from eval.time.cohorts import around, follow_up, values, within
from eval.time.delays import Waits
from eval.time.effects import Comparison, compare
from eval.time.resample import DRAWS
from eval.time.rows import LEAST_RECORDS, LEAST_STRUCTURES, MAIN, Window
from eval.time.satisfaction import voted

REPRODUCED, NOT_REPRODUCED, CANNOT = "reproduced", "not reproduced", "cannot be checked"


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
    estimate: float
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
        if not np.isfinite(self.estimate) or self.interval is None:
            return f"{self.what} : non estimable"
        shown = [_show(value, self.unit) for value in (self.estimate, *self.interval, self.claimed)]
        return "{} : {} [{} ; {}], annoncé {}".format(self.what, *shown)


def check(claim: Claim, waits: Waits, draws: int = DRAWS) -> Outcome:
    """What the export says of one claim."""
    if reason := _out_of_reach(claim, waits):
        return Outcome(claim.id, CANNOT, _sentence(reason))
    timed = claim.quantity == "mean_response_days"
    tau = follow_up(MAIN) if timed else 0
    windows = around(waits, claim.window.first, claim.window.last, tau)  # type: ignore[arg-type]
    if windows is None:
        reason = f"l'export s'arrête au {_day(waits.extracted_on)} : aucun avis de la période n'est suivi {tau} jours"
        return Outcome(claim.id, CANNOT, _sentence(reason))
    before, after = windows
    holds = np.array([claim.population.holds(network) for network, _ in waits.names], dtype=bool)
    usable = holds[waits.structure] & (waits.timed if timed else voted(waits))
    groups = tuple(within(waits, window) & usable for window in windows)
    if not timed:  # a reply of the pilot to an earlier review is none of "before"
        early = (waits.reply == 0) | (waits.reply < claim.window.first.toordinal())  # type: ignore[union-attr]
        groups = groups[0] & early, groups[1]
    scope = f"Avis publiés {_span(before)} et {_span(after)}"
    if reason := _too_few(waits, groups, "délais observables" if timed else "votes"):
        return Outcome(claim.id, CANNOT, f"{scope} : {reason}.")
    value = values(waits, MAIN) if timed else (waits.vote == 1).astype(float)
    # A published figure is of each period's own mix of services; so is what it is held against.
    found = compare(waits, value, groups, share=not timed, fixed_mix=False, draws=draws)
    held = _held_days(claim, found) if timed else _held_shares(claim, found)
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


def _too_few(waits: Waits, groups: tuple[np.ndarray, np.ndarray], noun: str) -> str | None:
    sizes = [int(mask.sum()) for mask in groups]
    structures = [len(np.unique(waits.structure[mask])) for mask in groups]
    if min(sizes) >= LEAST_RECORDS and min(structures) >= LEAST_STRUCTURES:
        return None
    return (
        f"trop peu de données dans l'export pour cette population ({noun} : {sizes[0]} avant et {sizes[1]} après, "
        f"structures : {structures[0]} et {structures[1]} ; il faut au moins {LEAST_RECORDS} et {LEAST_STRUCTURES} "
        "dans chaque période)"
    )


def _held_days(claim: Claim, found: Comparison) -> list[_Held]:
    claimed = claim.values
    ratio = claimed.ratio or (claimed.before / claimed.after if claimed.before and claimed.after else None)
    what = "attente moyenne limitée à 30 jours"
    held = _held_levels(claim, found, what, "days")
    if ratio is not None:
        estimate = float(np.exp(found.log_ratio.value))
        held.append(_Held("rapport avant / après", ratio, estimate, found.ratio_interval(), 1.0, ""))
    return held


def _held_shares(claim: Claim, found: Comparison) -> list[_Held]:
    held = _held_levels(claim, found, "votes « utile »", "%")
    if (claimed := claim.values.difference) is not None:
        held.append(_Held("écart", claimed, found.difference.value, found.difference_interval(), 0.0, "points"))
    return held


def _held_levels(claim: Claim, found: Comparison, what: str, unit: str) -> list[_Held]:
    return [
        _Held(f"{what}, {side}", claimed, found.levels[i].value, found.level_interval(i), None, unit)
        for i, (side, claimed) in enumerate((("avant", claim.values.before), ("après", claim.values.after)))
        if claimed is not None
    ]


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
