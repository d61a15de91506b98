"""time.html: one self-contained French page for readers who are no statisticians; no text of any review or reply."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval.time.check import CANNOT, LEAST_RECORDS, LEAST_STRUCTURES, NOT_REPRODUCED, REPRODUCED, Outcome, enough
from eval.time.claims import Baseline
from eval.time.delays import IMPOSSIBLE, PUBLISHED, REPLIED, Waits
from eval.time.estimate import (
    BEFORE_AFTER,
    BIASED,
    DESCRIPTIVE,
    LONGEST,
    Estimate,
    Window,
    replied,
    table_of,
    timed_in,
    voted,
)
from eval.time.plot import still_waiting
from eval.time.survival import DRAWS, survival

SHOWN_DAYS = (0, 1, 3, 7, 15, 30, 60)

QUANTITIES = {
    "rmst_30": "Attente moyenne limitée à 30 jours (j)",
    "rmst_15": "Attente moyenne limitée à 15 jours (j)",
    "rmst_7": "Attente moyenne limitée à 7 jours (j)",
    "median_days": "Attente médiane (j)",
}
OUTCOMES = {REPRODUCED: "reproduit", NOT_REPRODUCED: "non reproduit", CANNOT: "non vérifiable"}
STATUSES = {"announced": "annonce officielle", "press": "presse", "target": "objectif"}
GRADES = {
    DESCRIPTIVE: "description : ce que montre le fichier, sans comparaison",
    BEFORE_AFTER: "C : comparaison avant/après sans groupe témoin ; n'établit pas la cause",
    BIASED: "biaisé : montré pour mémoire, à ne pas citer",
}
COLUMNS = {PUBLISHED: "date de publication", REPLIED: "date de première réponse"}
COUNTED = {
    "experiences": "Expériences lues",
    "waits": "Attentes (une par expérience et par structure saisie)",
    "replied": "… avec une réponse",
    "placeholder": "… avec le seul message d'attente de la plateforme, compté comme sans réponse",
    "unanswered": "… sans réponse",
    "from_publication": "Attentes comptées depuis la publication",
    "from_writing": "Attentes comptées depuis l'écriture, faute de date de publication",
    "undated_reply": "Réponses sans date, exclues des délais",
    "shared_date": "Réponses d'expériences à plusieurs réponses, qui portent la date de la première (délai minimal)",
    "date_without_reply": "Expériences datées d'une réponse qui n'y figure pas, comptées comme sans réponse",
    "no_start": "Date impossible : ni publication ni écriture lisible",
    "unreadable_reply": "Date impossible : première réponse illisible",
    "reply_before_start": "Date impossible : réponse antérieure au départ de l'attente",
    "after_extraction": "Date impossible : postérieure à l'extraction",
}


@dataclass(frozen=True)
class Findings:
    """All that the page shows. `windows` is None where the file holds nothing on one side of the pilot's start."""

    export: str
    baseline: Baseline
    pilot_start: dt.date
    waits: Waits
    windows: tuple[Window, Window] | None
    estimates: Sequence[Estimate]
    outcomes: Sequence[Outcome]
    inputs: dict[str, str]


def render(findings: Findings) -> str:
    """The whole page."""
    folder = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder.filters |= {**UNITS, "day": _day, "published": _published, "typography": _typography, "span": _interval}
    waits, windows = findings.waits, findings.windows
    rows = _by_quantity(findings.estimates)
    return folder.get_template("time.html.j2").render(
        f=findings,
        waits=waits,
        windows=windows,
        answer=_answer(findings, rows),
        missing=[COLUMNS[column] for column in waits.missing],
        waiting=[(label, rows[name]) for name, label in QUANTITIES.items() if _estimated(rows, name)],
        naive=rows["naive_mean_days"] if _estimated(rows, "naive_mean_days") else None,
        useful=rows.get("useful_share"),
        votes=[(len(voted(waits.records, w)), len(replied(waits.records, w))) for w in windows or ()],
        curves=_curves(findings, rows),
        claims=list(zip(findings.baseline.claims, findings.outcomes, strict=True)),
        labels=OUTCOMES,
        statuses=STATUSES,
        grades=GRADES,
        counted=[(label, waits.counts[name]) for name, label in COUNTED.items()],
        impossible=sum(waits.counts[name] for name in IMPOSSIBLE),
        least=LEAST_RECORDS,
        same_seasons=bool(windows) and windows[1].days == LONGEST,
        draws=DRAWS,
    )


def _by_quantity(estimates: Sequence[Estimate]) -> dict[str, list[Estimate]]:
    """quantity -> [before, after, ratio]."""
    rows: dict[str, list[Estimate]] = {}
    for row in estimates:
        rows.setdefault(row.quantity, []).append(row)
    return rows


def _estimated(rows: dict[str, list[Estimate]], quantity: str) -> bool:
    return any(row.estimate is not None for row in rows.get(quantity, ()))


def _curves(findings: Findings, rows: dict[str, list[Estimate]]) -> dict | None:
    """The plot, and its data as (day, share before, share after)."""
    if not findings.windows or not any(_estimated(rows, name) for name in QUANTITIES):
        return None
    before, after = (survival(table_of(findings.waits.records, window)) for window in findings.windows)
    return {
        "image": still_waiting(before, after),
        "table": [(day, before[day], after[day]) for day in SHOWN_DAYS if day < len(before)],
    }


def _answer(findings: Findings, rows: dict[str, list[Estimate]]) -> str:
    """The page's first sentence: what the file says of the wait, with its interval."""
    if not findings.waits.has_delays:
        return (
            "Ce fichier ne permet de mesurer aucun délai : il ne contient pas "
            + " ni ".join(f"la {COLUMNS[column]}" for column in findings.waits.missing)
            + "."
        )
    if not findings.windows:
        return "Ce fichier ne couvre pas les deux côtés du lancement : aucune comparaison n'est possible."
    name = next((name for name in QUANTITIES if rows[name][2].lower is not None), None)
    if name is None or not enough(*(timed_in(findings.waits.records, window) for window in findings.windows)):
        return (
            f"Ce fichier contient trop peu d'avis pour comparer : il en faut au moins {LEAST_RECORDS}, "
            f"de {LEAST_STRUCTURES} structures, de chaque côté du lancement."
        )
    before, after, ratio = rows[name]
    label = QUANTITIES[name].removesuffix(" (j)").replace("Attente", "l'attente")
    levels = f"{label} passe de {_number(before.estimate)} à {_number(after.estimate)} jours"
    bounds = _interval(ratio, "ratio")
    if ratio.lower <= 1 <= ratio.upper:
        return (
            f"Sur deux périodes de même durée, {levels} ; l'intervalle du rapport avant / après, {bounds}, "
            "contient 1 : ces données ne distinguent pas un changement de l'absence de changement."
        )
    change, factor = ("divisée", ratio.estimate) if ratio.estimate > 1 else ("multipliée", 1 / ratio.estimate)
    return (
        f"Sur deux périodes de même durée, {levels}. "
        f"Elle est {change} par {_ratio(factor)} (rapport avant / après : {bounds}). "
        "Rien dans ce fichier ne dit si l'aide par IA en est la cause."
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}".replace(".", ",")


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace(".", ",")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f}\N{NO-BREAK SPACE}%"


def _day(value: dt.date) -> str:
    return f"{value:%d/%m/%Y}"


def _published(date: str) -> str:
    """YYYY, YYYY-MM or YYYY-MM-DD as it is written in French."""
    return "/".join(reversed(date.split("-")))


def _typography(page: Markup) -> Markup:
    """French no-break spaces, so that no line starts with a punctuation mark."""
    page = re.sub(r"(?<=\S) (?=[;:!?»%])", "\N{NO-BREAK SPACE}", page)
    return Markup(page.replace("« ", "«\N{NO-BREAK SPACE}"))  # noqa: S704 - already escaped: the rendered template


def _interval(row: Estimate, unit: str = "days") -> str:
    show = UNITS[unit]
    return "intervalle non estimable" if row.lower is None else f"[{show(row.lower)} ; {show(row.upper)}]"


UNITS = {"days": _number, "ratio": _ratio, "share": _share}
