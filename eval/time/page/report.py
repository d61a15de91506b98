"""time.html: one self-contained French page for readers who are no statisticians; no text of any review or reply."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.time.claims.check import UNCHECKABLE, Outcome
from eval.time.claims.published import Baseline
from eval.time.effects.adopters import Study
from eval.time.measurement import LEAST_RECORDS, MAIN, QUASI, SEASONAL, Measurement, Window
from eval.time.minutes.model import Modelled, Prior
from eval.time.page import tables as t
from eval.time.page import wording as w
from eval.time.waits.from_export import COUNTS, IMPOSSIBLE, Waits
from plume.page import Table
from plume.page import render as render_page
from plume.page.numbers import interval, number

TEMPLATE = Path(__file__).with_name("time.html.j2")


@dataclass(frozen=True)
class Findings:
    """Holds all that the page shows; `windows` is None where the file holds nothing on one side of the start."""

    export: str
    baseline: Baseline
    pilot_start: dt.date
    waits: Waits
    windows: tuple[Window, Window] | None
    curves: Sequence[np.ndarray] | None
    periods: dict[str, tuple[Window, Window] | None]
    estimates: Sequence[Measurement]
    differences: Sequence[Measurement]
    voting: Sequence[dict]
    study: Study
    reuse: dict
    modelled: dict[str, Modelled]
    prior: Prior
    calibrated: bool
    active: Sequence[dict]
    decided: Sequence[dict]
    outcomes: Sequence[Outcome]
    draws: int
    inputs: dict[str, str]


def render(f: Findings) -> str:
    """Render the whole page."""
    rows, moved = t.Rows(f.estimates), t.Rows(f.differences)
    delays = f.waits.has_delays
    modelled = f.modelled.get("decisions") or f.modelled.get("export")
    return render_page(
        TEMPLATE,
        f=f,
        w=w,
        rows=rows,
        answer=answer(f, rows),
        missing=[w.COLUMNS[column] for column in f.waits.missing],
        main=f.periods.get(MAIN),
        before_after=t.before_after(rows, moved) if delays and f.windows else None,
        curves=t.waiting_curves(f.curves or ()),
        months=t.months(rows, f"{f.pilot_start:%Y-%m}"),
        networks=t.by_group(rows, "network", "Par réseau, sur tout le fichier", "Réseau"),
        structures=t.by_group(rows, "structure", "Par structure, sur tout le fichier", "Structure"),
        by_ai=t.by_group(rows, "ai", "Selon l'aide par IA, depuis le lancement", "Aide par IA", _ai),
        event_study=t.event_study(rows),
        did=[row for row in f.estimates if row.comparison == "did" and row.group == "all" and row.estimate is not None],
        associated=[row for row in f.estimates if row.comparison == "ai_vs_not" and row.estimate is not None],
        satisfaction=t.satisfaction(rows, f.voting),
        reused=t.shares("Ce que sont devenus les brouillons de la plateforme", f.reuse["shares"], w.FATES),
        decided=t.shares("Décisions des agents", f.decided, w.DECIDED) if f.decided else None,
        similar=t.similarity(f.estimates),
        timed=t.timed(f.active) if f.active and f.active[0]["n"] else None,
        modelled=modelled,
        minutes=t.minutes(modelled) if modelled else None,
        constants=t.constants(f.prior),
        claims=list(zip(f.baseline.claims, f.outcomes, strict=True)),
        counted=Table("Ce qui a été lu", ["Compte", "Nombre"], _counted(f.waits)),
        impossible=sum(f.waits.counts[name] for name in IMPOSSIBLE),
        least=LEAST_RECORDS,
        structures_seen=len(np.unique(f.waits.structure)),
    )


def _ai(name: str) -> str:
    return {"offered": "proposée", "not offered": "non proposée"}[name]


def _counted(waits: Waits) -> list[list[str]]:
    read = [[label, number(waits.counts[name], 0)] for name, label in COUNTS.items()]
    return read + [[f"Valeurs non comprises, colonne {name}", number(n, 0)] for name, n in waits.misread.items()]


def answer(f: Findings, rows: t.Rows) -> str:
    """Say what the file says of the wait: first, in words, of a claim that it can check; then before and after."""
    return _of_claims(f) + _of_the_wait(f, rows)


def _of_claims(f: Findings) -> str:
    """Answer "Non : −19 %, pas de moitié" of the first claim of a wait that can be checked, or why none can."""
    if not f.waits.has_delays:
        return ""
    pairs = zip(f.baseline.claims, f.outcomes, strict=True)
    timed = [
        (claim, one) for claim, one in pairs if claim.quantity == "mean_response_days" and claim.status != "target"
    ]
    if not timed:
        return ""
    claim, outcome = next((pair for pair in timed if pair[1].outcome != UNCHECKABLE), timed[0])
    return f"{outcome.said} (annonce : « {claim.statement} » {w.OUTCOMES[outcome.outcome].capitalize()}). "


def _of_the_wait(f: Findings, rows: t.Rows) -> str:
    if not f.waits.has_delays:
        return (
            "Ce fichier ne permet de vérifier aucun délai : il ne contient pas "
            + " ni ".join(f"la {w.COLUMNS[column]}" for column in f.waits.missing)
            + "."
        )
    if not f.windows:
        return "Ce fichier ne couvre pas les deux côtés du lancement : aucune comparaison n'est possible."
    names = (MAIN, "rmst_15", "rmst_7")
    found = ((name, rows.get(name, "before_after")) for name in names)
    name, ratio = next(((n, r) for n, r in found if r and r.lower is not None), (None, None))
    if name is None or ratio is None:
        return (
            "Ce fichier contient trop peu d'avis pour comparer : il faut, de chaque côté du lancement, au moins "
            f"{LEAST_RECORDS} avis suivis une semaine, de structures présentes des deux côtés."
        )
    before, after = rows.get(name, "level", "before"), rows.get(name, "level", "after")
    label = w.QUANTITIES[name].removesuffix(" (j)").replace("Attente", "l'attente")
    levels = f"{label} passe de {number(before.estimate)} à {number(after.estimate)} jours"  # type: ignore[union-attr]
    bounds = interval(ratio.lower, ratio.upper, lambda bound: number(bound, 2))
    mixed = " Ces périodes de moins d'un an mêlent les saisons." if ratio.grade == SEASONAL else ""
    if ratio.lower <= 1 <= ratio.upper:  # type: ignore[operator]
        return (
            f"Sur deux périodes de même durée et à services égaux, {levels} ; l'intervalle du rapport avant / après, "
            f"{bounds}, contient 1 : ces données ne distinguent pas un changement de l'absence de changement."
            + mixed
            + _adopters(rows)
        )
    change, factor = ("divisée", ratio.estimate) if ratio.estimate > 1 else ("multipliée", 1 / ratio.estimate)
    return (
        f"Sur deux périodes de même durée et à services égaux, {levels}. Elle est {change} par {number(factor, 2)} "
        f"(rapport avant / après : {bounds}). Cela ne dit pas que l'aide par IA en est la cause."
        + mixed
        + _adopters(rows)
    )


def _adopters(rows: t.Rows) -> str:
    """Say what the better-graded comparison adds to the answer, if it is there and better graded."""
    found = rows.get(MAIN, "did")
    if found is None or found.lower is None or found.grade != QUASI:
        return ""
    none = " ; cet intervalle contient 0, aucun écart ne se voit" if found.lower <= 0 <= found.upper else ""  # type: ignore[operator]
    return (
        " Dans les structures qui se servent de l'aide, par rapport à l'évolution des autres, elle change, "
        f"en jours, de {w.with_interval(found)}, niveau B{none}."
    )
