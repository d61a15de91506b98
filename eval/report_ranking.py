"""ranking.html: one self-contained French page on several systems, with a link to each challenger's verdict."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import plume
from eval import measures
from eval.report import OUTCOMES, forest
from eval.stats.estimate import Estimate
from eval.verdict import Line, say_level
from plume.page import Table
from plume.page import render as render_page
from plume.page.numbers import count, number, percent

TEMPLATE = Path(__file__).with_name("ranking.html.j2")
_ROOM = 17
_STATES = {"PASS": "holds", "FAIL": "broken", "INCONCLUSIVE": "open"}
_SUMMARY = {
    "PASS": (
        "Au moins un candidat peut remplacer le système en service",
        "Un seul peut être promu : celui dont le verdict, signé, le permet.",
    ),
    "FAIL": ("Aucun candidat ne peut remplacer le système en service", "Chacun enfreint une règle avec certitude."),
    "INCONCLUSIVE": (
        "Sans conclusion",
        "Les preuves manquent pour un candidat au moins, et aucun ne réussit : le système en service reste en place.",
    ),
}


def render(document: dict[str, Any]) -> str:
    """Render the page of what ranking.json holds."""
    names = _names(document["systems"])
    measure = measures.find(document["measure"])
    title, meaning = _SUMMARY[document["outcome"]]
    return render_page(
        TEMPLATE,
        told=document,
        title=title,
        meaning=meaning,
        state=_STATES[document["outcome"]],
        measure=measure.label,
        systems=[_system(one, names) for one in document["systems"]],
        gaps=_gaps(document["differences"], names, measure),
        plot=forest([*_lines(document["differences"])], lambda line: _short(names[line.slice], names[line.rule])),
        text=" ".join(
            f"{row[0]} : {row[1]}, {row[2]}, {row[3]}." for row in _rows(document["differences"], names, measure)
        ),
        level=say_level,
        version=plume.__version__,
        written=datetime.now(UTC).date(),
    )


def _short(first: str, second: str) -> str:
    """Label a row of the plot, which has room for so many characters; the table holds the whole names."""
    return " − ".join(name if len(name) <= _ROOM else f"{name[: _ROOM - 1]}…" for name in (first, second))


def _names(systems: list[dict[str, Any]]) -> dict[str, str]:
    """Call each system by its name, and by its folder too where two have one name."""
    all_names = [one["system"] for one in systems]
    return {
        one["id"]: one["system"] + (f" ({one['id']})" if all_names.count(one["system"]) > 1 else "") for one in systems
    }


def _system(one: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    lower, upper = one["lower"], one["upper"]
    among = (
        f"{one['best_rank']} à {one['worst_rank']}" if one["best_rank"] < one["worst_rank"] else number(one["rank"], 0)
    )
    role = "en service" if one["role"] == "champion" else "candidat"
    return {
        "rank": number(one["rank"], 0),
        "ranks": among,
        "name": names[one["id"]],
        "role": role + (", brouillons importés" if one["imported"] else ""),
        "share": percent(one["estimate"]),
        "interval": "–" if lower is None else f"de {percent(lower)} à {percent(upper)}",
        "n": number(one["n"], 0) + (f" sur {number(one['n'] + one['n_error'], 0)}" if one["n_error"] else ""),
        "outcome": OUTCOMES[one["outcome"]][0] if one["outcome"] else "–",
        "needs": count(one["needs_items"], "avis") if one["needs_items"] else "",
        "state": _STATES.get(one["outcome"], ""),
        "report": one["verdict"] and one["verdict"].replace("verdict.json", "report.html"),
    }


def _rows(differences: list[dict[str, Any]], names: dict[str, str], measure: measures.Measure) -> list[list[str]]:
    rows = []
    for one in differences:
        value = Estimate(*(one[key] for key in ("estimate", "lower", "upper", "n", "n_error")))
        rows.append([
            f"{names[one['first']]} − {names[one['second']]}",
            measure.say(value.estimate, difference=True),
            measure.interval(value, difference=True),
            "se distinguent" if one["told_apart"] else "ne se distinguent pas",
        ])  # fmt: skip
    return rows


def _gaps(differences: list[dict[str, Any]], names: dict[str, str], measure: measures.Measure) -> Table:
    heads = ("Systèmes", "Écart", "Intervalle", "Constat")
    return Table(f"Écarts deux à deux sur « {measure.label} »", heads, _rows(differences, names, measure))


def _lines(differences: list[dict[str, Any]]) -> list[Line]:
    """Give the differences as lines of a plot, whose two systems stand where a verdict has slice and rule."""
    found = []
    for one in differences:
        value = Estimate(*(one[key] for key in ("estimate", "lower", "upper", "n", "n_error")))
        line = Line("pass_all", one["first"], "difference", value, one["second"], True if one["told_apart"] else None)
        found.append(line)
    return found
