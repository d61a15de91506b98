"""Hold each claim against the export, on its own population and period: compatible, contradicted or uncheckable.

The days of the claim are held against the same calendar days one year earlier: a summer against an autumn would find a
season. Where the file does not hold those days the claim is uncheckable. It is compatible if every value it gives lies
in the 95 % interval of its estimate, no interval is wider than `Widest` says, and the interval of the change excludes
"no change", at a fixed mix of services too; contradicted if a value lies outside; otherwise the file cannot tell. A
claimed mean is held against the mean restricted to 30 days with equal follow-up, since the mean over answered reviews
moves without effect.

What is restricted is smaller than the mean, and its ratio nearer to 1: where every wait is halved, a lognormal one of
median 10 days goes from 13.2 to 8.6 days within 30, a ratio of 1.5. So a claimed mean above the interval is refuted
only if those who still wait after 30 days cannot explain it; and a claimed ratio r is also held against 30 days before
and 30 / r after, which have the ratio r if every wait was divided by r.
"""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from eval.stats.studentised import DRAWS
from eval.time.claims import of_study
from eval.time.claims.held import Held, Scaled, show
from eval.time.claims.published import Claim, Widest
from eval.time.claims.quantities import CLAIMABLE, WRITING
from eval.time.effects.before_after import Comparison, compare
from eval.time.effects.common_shocks import LEAST_MONTHS, seen, widened
from eval.time.measurement import LEAST_RECORDS, LEAST_STRUCTURES, MAIN, Window
from eval.time.minutes.from_study import StudyMinutes
from eval.time.waits.from_export import Waits
from eval.time.waits.periods import HOLE, LONGEST, follow_up, spans, values, within, year_earlier
from plume.page.numbers import day

COMPATIBLE, CONTRADICTED, UNCHECKABLE = "compatible", "contradicted", "uncheckable"
CANNOT_SAY = "On ne peut pas le dire : "


@dataclass(frozen=True)
class JudgedClaim:
    """Holds a row of time.json's "claims"; evaluators read `why` and the answer in a few words, `said`, in French."""

    id: str
    outcome: str
    why: str
    said: str = ""


@dataclass(frozen=True)
class _Pair:
    """Holds the waits of two periods (masks), and the half-width that common shocks add to a change."""

    waits: Waits
    groups: tuple[np.ndarray, np.ndarray]
    share: bool
    shocks: float
    draws: int

    def compare(self, value: np.ndarray, *, fixed_mix: bool = True) -> Comparison:
        found = compare(self.waits, value, self.groups, share=self.share, fixed_mix=fixed_mix, draws=self.draws)
        changed = "difference" if self.share else "log_ratio"
        return replace(found, **{changed: widened(getattr(found, changed), self.shocks)})


def check(
    claim: Claim,
    waits: Waits,
    draws: int = DRAWS,
    *,
    widest: Widest = Widest(),  # noqa: B008 - frozen
    started_on: dt.date | None = None,
    study: StudyMinutes | None = None,
) -> JudgedClaim:
    """Say what the export tells of one claim; "before" holds nothing from the pilot's first day, `started_on`, on.

    A claim of the time that writing takes is held against the `study`, no other is.
    """
    if claim.quantity == WRITING:
        return _of_study(claim, study, widest)
    quantity = CLAIMABLE[claim.quantity]
    tau = quantity.tau
    if reason := _out_of_reach(claim, waits, tau):
        return _uncheckable(claim, reason)
    first, last = claim.window.first, claim.window.last
    holds = np.array([claim.population.holds(network) for network, _ in waits.names], dtype=bool)
    its = holds[waits.structure]
    windows = year_earlier(waits, first, last, tau)
    if windows and not all(spans(waits.where(its), window) for window in windows):
        windows = None
    if reason := _without_year(windows, started_on):
        return _uncheckable(claim, reason)
    usable = its & quantity.usable(waits)
    before, after = (within(waits, window) & usable for window in windows)
    if not quantity.of_waits:  # a reply of the pilot to an earlier review is none of "before"
        before &= (waits.reply == 0) | (waits.reply < first.toordinal())
    whose = "des réseaux nommés" if claim.population.networks else "de toutes les structures du fichier"
    scope = f"Avis {whose}, publiés {_span(windows[0])} et, un an plus tard, {_span(windows[1])}"
    if reason := _too_few(waits, (before, after), quantity.records):
        return _uncheckable(claim, reason, scope)
    value = quantity.read(waits)
    until = min(first, started_on or first) - dt.timedelta(days=tau)
    shocks = seen(waits, value, usable, until, share=quantity.share)
    if shocks is None:
        reason = f"il faut {LEAST_MONTHS} mois avant la période pour savoir ce qui varie d'un mois à l'autre pour tous"
        return _uncheckable(claim, reason, scope)
    both = _Pair(waits, (before, after), quantity.share, shocks.half(windows), draws)
    # A published figure is of each period's own mix of services; so is what it is held against.
    found = both.compare(value, fixed_mix=False)
    held = (_held_shares if quantity.share else _held_days)(claim, found, both, widest)
    refuted = any(one.agrees() is False for one in held)
    reason = None if refuted else _undecided(held) or _of_the_mix(held, both, value)
    return _judged(
        claim, held, reason, scope, "les valeurs annoncées sont dans les intervalles ; cela n'établit pas la cause"
    )


def _judged(claim: Claim, held: list[Held], undecided: str | None, scope: str, agreed: str) -> JudgedClaim:
    """Say what values held beside their estimates make of a claim: `undecided` says why they do not decide."""
    outside = [one for one in held if one.agrees() is False]
    if outside:
        outcome, ending = CONTRADICTED, "au moins une valeur annoncée est hors de l'intervalle"
        said = f"Non : {outside[-1].in_words()}"  # of a change, if one was announced
    elif undecided:
        outcome, ending, said = UNCHECKABLE, undecided, f"{CANNOT_SAY}{undecided}"
    else:
        outcome, ending = COMPATIBLE, agreed
        said = f"Compatible : {held[-1].in_words(agrees=True)}"
    return JudgedClaim(claim.id, outcome, f"{scope}. {' ; '.join(map(str, held))}. {_sentence(ending)}", said)


def _of_study(claim: Claim, study: StudyMinutes | None, widest: Widest) -> JudgedClaim:
    if claim.status == "target":
        return _uncheckable(claim, "c'est un objectif annoncé, non une mesure")
    if reason := claim.uncheckable or of_study.obstacle(claim, study):
        return _uncheckable(claim, reason)
    held = of_study.held_minutes(claim, study, widest)
    scope = "Étude chronométrée, brouillon ou page vide tirés au sort"
    return _judged(claim, held, _undecided(held), scope, "les valeurs annoncées sont dans les intervalles de l'étude")


def _uncheckable(claim: Claim, reason: str, scope: str = "") -> JudgedClaim:
    return JudgedClaim(
        claim.id, UNCHECKABLE, f"{scope} : {reason}." if scope else _sentence(reason), f"{CANNOT_SAY}{reason}"
    )


def _out_of_reach(claim: Claim, waits: Waits, tau: int) -> str | None:
    if claim.status == "target":
        return "c'est un objectif annoncé, non une mesure"
    if claim.uncheckable:
        return claim.uncheckable
    if CLAIMABLE[claim.quantity].of_waits and not waits.has_delays:
        return f"l'export ne contient pas {' ni '.join(waits.missing)} : aucun délai ne peut être calculé"
    if claim.window.first is None or claim.window.last is None:
        return "la période de la mesure n'est pas publiée"
    if claim.window.last > waits.extracted_on:
        return f"l'export s'arrête au {day(waits.extracted_on)}, la période finit le {day(claim.window.last)}"
    if waits.extracted_on - dt.timedelta(days=tau) < claim.window.first:
        return f"l'export s'arrête au {day(waits.extracted_on)} : aucun avis de la période n'est suivi {tau} jours"
    if (claim.window.last - claim.window.first).days > LONGEST:
        return "la période dure plus d'un an : les mêmes jours un an plus tôt en font partie"
    return None


def _without_year(windows: tuple[Window, Window] | None, started_on: dt.date | None) -> str | None:
    """Say why the same days one year earlier cannot stand for "before"; None if they can."""
    if windows is None:
        return (
            "l'export ne couvre pas la période et les mêmes jours un an plus tôt (il y manque au moins "
            f"{HOLE} jours de suite) : deux saisons différentes ne se comparent pas"
        )
    if started_on and windows[0].last >= started_on:
        return "un an plus tôt, le pilote avait déjà commencé"
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


def _of_the_mix(held: list[Held], both: _Pair, value: np.ndarray) -> str | None:
    """Say why a change may be one of the mix of services, not of any service; else None."""
    if all(one.neutral is None for one in held):  # no change was announced
        return None
    fixed = both.compare(value)
    interval = fixed.difference_interval() if both.share else fixed.ratio_interval()
    if interval is None:
        return "aucune structure, ou trop peu, n'est des deux périodes : le changement peut venir des services présents"
    if not interval[0] <= (0.0 if both.share else 1.0) <= interval[1]:
        return None
    unit, what = ("points", "écart") if both.share else ("", "rapport")
    point = fixed.difference.value if both.share else fixed.log_ratio.ratio
    return (
        "à services égaux, aucun changement ne se voit ({} {} [{} ; {}]) : il peut venir des services présents".format(
            what, *(show(x, unit) for x in (point, *interval))
        )
    )


def _undecided(held: list[Held]) -> str | None:
    """Say why an announced value is neither held nor refuted; None if all are held."""
    unsure = [one for one in held if one.agrees() is None]
    if not unsure:
        return None
    if any(one.neutral is None and one.interval and one.claimed > one.interval[1] for one in unsure):
        return (
            f"une moyenne annoncée dépasse l'attente limitée à {follow_up(MAIN)} jours, mais ceux qui attendent encore "
            "après ces jours peuvent l'expliquer"
        )
    if any(one.too_wide() for one in unsure):
        return "un intervalle est plus large que ce qui est admis pour dire qu'une valeur est retrouvée"
    return "ces données vont avec la valeur annoncée comme avec l'absence de changement"


def _held_days(claim: Claim, found: Comparison, both: _Pair, widest: Widest) -> list[Held]:
    claimed, tau = claim.values, follow_up(MAIN)
    ratio = claimed.ratio or (claimed.before / claimed.after if claimed.before and claimed.after else None)
    what = CLAIMABLE[claim.quantity].what
    waiting = values(both.waits, MAIN) >= tau
    # At most: all who still waited were answered a year after they wrote.
    unseen = tuple(float(waiting[mask].mean()) * (LONGEST - tau) for mask in both.groups)
    held = _held_levels(claim, found, what, "days", widest.days, unseen)
    if ratio is not None:
        interval, scaled = found.ratio_interval(), _scaled(ratio, tau, both)
        held.append(
            Held("rapport avant / après", ratio, found.log_ratio.ratio, interval, 1.0, "", widest.ratio, scaled=scaled)
        )
    return held


def _scaled(ratio: float, tau: int, both: _Pair) -> Scaled | None:
    """Compare two horizons that have the claimed `ratio`; None where they are one, or there is no interval."""
    if ratio >= 1:
        after = max(1, int(tau / ratio + 1e-9))
        before = min(tau, round(after * ratio))
    else:
        before = max(1, int(tau * ratio + 1e-9))
        after = min(tau, round(before / ratio))
    if before == after:
        return None
    long, short = (values(both.waits, f"rmst_{days}") for days in (before, after))
    found = both.compare(np.where(both.groups[1], short, long), fixed_mix=False)
    interval, unchanged = found.ratio_interval(), float(short[both.groups[0]].mean())
    if interval is None or not unchanged > 0:
        return None
    neutral = float(long[both.groups[0]].mean()) / unchanged
    return Scaled((before, after), found.log_ratio.ratio, interval, neutral)


def _held_shares(claim: Claim, found: Comparison, _: _Pair, widest: Widest) -> list[Held]:
    held = _held_levels(claim, found, CLAIMABLE[claim.quantity].what, "%", widest.share, (0.0, 0.0))
    if (claimed := claim.values.difference) is not None:
        interval = found.difference_interval()
        held.append(Held("écart", claimed, found.difference.value, interval, 0.0, "points", widest.share))
    return held


def _held_levels(
    claim: Claim, found: Comparison, what: str, unit: str, widest: float, unseen: tuple[float, float]
) -> list[Held]:
    return [
        Held(f"{what}, {side}", claimed, found.levels[i].value, found.level_interval(i), None, unit, widest, unseen[i])
        for i, (side, claimed) in enumerate((("avant", claim.values.before), ("après", claim.values.after)))
        if claimed is not None
    ]


def _span(window: Window) -> str:
    return f"du {day(window.first)} au {day(window.last)}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
