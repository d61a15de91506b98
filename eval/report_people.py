"""Says, in French and for report.html, what people preferred: their choices, sides, agreement, reasons and remarks."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eval import measures
from eval.measures import PREFERRED
from eval.people import agreement, choices_of, said_left_out, summary, without_one
from eval.ratings import Rating, Ratings
from eval.stats.estimate import Estimate
from eval.study.server.words import REASONS
from eval.verdict import Line, Verdict
from plume.page import Table
from plume.page.numbers import count, interval, number, percent, points
from plume.shares import clopper_pearson

CHOSEN = {
    "challenger": "Brouillon du candidat",
    "champion": "Brouillon du système en service",
    "equal": "Aussi bons l’un que l’autre",
    "neither": "Aucun des deux ne convient",
}
WORST = 20  # reviews listed on which the system in service was preferred, and remarks
FEW = 3  # people, below whom a preference may be that of one person
Passed = Mapping[str, Mapping[str, float]]  # arm -> id -> whether the draft passes every gating check
# Krippendorff (2004): from 0.667 on conclusions are tentative, from 0.8 on they are sound.
GOOD, FAIR = 0.8, 0.667


@dataclass(frozen=True)
class PeopleSaid:
    """Holds the section's sentences and tables; what is empty is not shown."""

    seen: str
    chosen: Table
    how: str
    said: tuple[str, ...]
    warnings: tuple[str, ...]
    reasons: Table | None
    by_person: Table
    lost: tuple[tuple[str, str, str], ...]
    notes: tuple[tuple[str, str], ...]


def people_said(found: Ratings | None, verdict: Verdict, passed: Passed) -> PeopleSaid | None:
    """Describe the choices for the page, beside which drafts `passed` all checks; None where none were given."""
    if not found:
        return None
    estimates = {(line.measure, line.arm): line for line in verdict.estimates if not line.slice}
    balance = found.balance()
    return PeopleSaid(
        f"{count(len(found.rows), 'choix')} de {count(len(found.people), 'personne')}, sur "
        f"{count(len(found.raters), 'avis')} ; {said_left_out(found)}. Seuls ces avis comptent ici.",
        _chosen(found),
        "Écart : part des choix pour le candidat moins part des choix pour le système en service, les personnes d’un "
        "même avis en moyenne (intervalle de Tango, au nombre effectif d’avis). Il vaut pour ces personnes : d’autres "
        "peuvent préférer autre chose.",
        tuple(_said(found, estimates, passed)),
        tuple(_warnings(found)),
        _reasons(found),
        _by_person(found),
        tuple((i, points(balance[i], 0), number(found.raters[i], 0)) for i in least_preferred(found)),
        tuple((row.id, row.note) for row in found.rows if row.note)[:WORST],
    )


def _chosen(found: Ratings) -> Table:
    """Count the choices, by the side on which the candidate's draft stood."""
    columns = {"Choix": list(found.rows)}
    for name, left in (("Candidat à gauche", True), ("Candidat à droite", False)):
        columns[name] = [row for row in found.rows if row.left is left]
    rows = [[label, *(_share(of, chosen) for of in columns.values())] for chosen, label in CHOSEN.items()]
    heads = ["Choisi", *(f"{name} ({number(len(of), 0)})" for name, of in columns.items())]
    return Table("Ce que les personnes ont choisi, sans savoir de quel système venait chaque brouillon", heads, rows)


def _share(rows: list[Rating], chosen: str) -> str:
    n = sum(row.chosen == chosen for row in rows)
    return f"{number(n, 0)} ({percent(n / len(rows), 0)})" if rows else "–"


def _said(found: Ratings, estimates: dict[tuple[str, str], Line], passed: Passed) -> Iterator[str]:
    measure = measures.find(PREFERRED)
    value = estimates[PREFERRED, "difference"].value
    yield f"Écart : {measure.say(value.estimate, difference=True)} ({measure.interval(value, difference=True)})."
    if spread := without_one(found):
        low, high = (points(gap, unit=False) for gap in spread)
        yield f"Sans l’une ou l’autre personne, cet écart irait de {low} à {high} points."
    equal = measures.find("preferred_equal_length")
    at_equal = estimates[equal.name, "challenger"].value
    yield f"{equal.label} : {equal.say(at_equal.estimate)} ({equal.interval(at_equal)}) ; 50 % : aucun avantage."
    counted = summary(found)
    if counted["sided"]:
        low, high = clopper_pearson(counted["left_chosen"], counted["sided"])
        share = counted["left_chosen"] / counted["sided"]
        told = "aucun effet du côté ne se voit" if low <= 0.5 <= high else "le côté compte un peu dans les choix"
        yield (
            f"Brouillon de gauche choisi dans {percent(share, 0)} des {number(counted['sided'], 0)} choix d’un côté "
            f"({interval(low, high, lambda bound: percent(bound, 0))}) : {told}. Celui du candidat était à gauche "
            f"{count(counted['challenger_on_the_left'], 'fois')} sur {number(counted['ratings'], 0)}."
        )
    yield _agreed(agreement(found))
    yield from _beside_checks(found, passed)


def _beside_checks(found: Ratings, passed: Passed) -> Iterator[str]:
    """Say how often people prefer the draft that the checks prefer, where both prefer one."""
    balance = found.balance()
    seen = [i for i in found.raters if all(i in of_arm for of_arm in passed.values())]
    gaps = {i: passed["challenger"][i] - passed["champion"][i] for i in seen}
    both = [(gaps[i], balance[i]) for i in seen if gaps[i] and balance[i]]
    if both:
        n, same = len(both), sum((gap > 0) == (preferred > 0) for gap, preferred in both)
        low, high = clopper_pearson(same, n)
        yield (
            "Là où les contrôles ne laissent passer qu’un des deux brouillons, et où les personnes en préfèrent un, "
            f"c’est le même dans {number(same, 0)} avis sur {number(n, 0)} ({percent(same / n, 0)}, "
            f"{interval(low, high, lambda bound: percent(bound, 0))})."
        )


def _agreed(found: Estimate) -> str:
    """Say how far people agree, and what that is worth."""
    if found.estimate is None:
        return "Accord entre personnes : non estimable, trop peu d’avis ont été comparés par plusieurs personnes."
    told = (
        "bon"
        if found.estimate >= GOOD
        else "moyen"
        if found.estimate >= FAIR
        else "faible : les personnes ne voient pas la même chose, ou les brouillons se valent"
    )
    bounds = interval(found.lower, found.upper, lambda bound: number(bound, 2))
    return (
        f"Accord entre personnes (alpha de Krippendorff, ordinal) : {number(found.estimate, 2)} ({bounds}), sur "
        f"{count(found.n, 'avis')} comparés par plusieurs ; {told}."
    )


def _warnings(found: Ratings) -> Iterator[str]:
    yield from (f"{fault[:1].upper()}{fault[1:]}" for fault in choices_of(found).faults)
    if len(found.people) < FEW:
        yield f"{count(len(found.people), 'personne')} seulement : cette préférence peut n’être que la leur."
    if not found.tied:
        yield (
            "Ces choix nomment les systèmes, sans l’empreinte des brouillons montrés : s’assurer que ce sont bien ceux "
            "qui sont comparés ici."
        )


def _reasons(found: Ratings) -> Table | None:
    """Count the reasons that were ticked, by what was chosen."""
    by_choice = {chosen: Counter[str]() for chosen in CHOSEN}
    for row in found.rows:
        by_choice[row.chosen].update(row.reasons)
    total = sum(by_choice.values(), Counter())
    heads = ["Raison", *CHOSEN.values()]
    rows = [
        [REASONS.get(reason, reason), *(number(by_choice[c][reason], 0) for c in CHOSEN)]
        for reason, _ in total.most_common()
    ]
    return Table("Raisons cochées, selon le choix", heads, rows) if rows else None


def _by_person(found: Ratings) -> Table:
    rows = []
    for at, person in enumerate(found.people, 1):
        own = [row for row in found.rows if row.rater == person]
        rows.append([number(at, 0), number(len(own), 0), *(_share(own, chosen) for chosen in CHOSEN)])
    return Table("Choix de chaque personne", ["Personne", "Choix", *CHOSEN.values()], rows)


def least_preferred(found: Ratings | None) -> list[str]:
    """List the reviews on which the system in service was preferred most, those of many people first; WORST of them."""
    if not found:
        return []
    balance = found.balance()
    lost = sorted((i for i, value in balance.items() if value < 0), key=lambda i: (balance[i], -found.raters[i], i))
    return lost[:WORST]
