"""trend.html: one self-contained French page on the versions in service over time. It decides nothing."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import plume
from eval import measures
from eval.stats.estimate import Estimate
from plume.page import Table
from plume.page import render as render_page
from plume.page.numbers import UNKNOWN, day, number, percent

TEMPLATE = Path(__file__).with_name("trend.html.j2")
_HOW = {"initial": "premier système", "verdict": "sur verdict", "override": "malgré le verdict"}
_LEFT, _RIGHT, _TOP, _BASE = 70, 780, 16, 270  # of the figure, in SVG units
_BESIDE = 9  # how far the two systems of one verdict stand from their date
_MOST = 12  # dates that the axis names


def render(document: dict[str, Any]) -> str:
    """Render the page of what trend.json holds."""
    promotions = document["promotions"]
    return render_page(
        TEMPLATE,
        told=document,
        last=promotions[-1],
        rows=[_row(one) for one in promotions],
        decided=_decided(promotions),
        digests=_digests(promotions),
        plot=plot(promotions),
        version=plume.__version__,
        written=datetime.now(UTC).date(),
    )


def _row(one: dict[str, Any]) -> dict[str, Any]:
    measure = measures.find(one["measure"] or measures.PRIMARY)
    row = {
        "version": one["version"],
        "at": day(one["at"][:10]),
        "how": _HOW.get(one["how"], one["how"] or UNKNOWN) + ", qui est d’un autre modèle" * one["of_another"],
        "former": f"version {one['former']}" if one["former"] else "aucune",
        "measure": measure.label if one["measure"] else UNKNOWN,
        "n": number(one["difference"]["n"], 0) if one["difference"] and one["difference"]["n"] else UNKNOWN,
        "same": {True: "", False: "autres avis, règle ou code", None: ""}[one["same_as_before"]],
    }
    for key in ("before", "after", "difference"):
        found, difference = one[key], key == "difference"
        value = Estimate(found["estimate"], found["lower"], found["upper"], 0) if found else None
        row[key] = measure.say(value.estimate, difference=difference) if value else UNKNOWN
        row[f"{key}_interval"] = measure.interval(value, difference=difference) if value else ""
    return row


def _decided(promotions: list[dict[str, Any]]) -> Table:
    columns = {
        "Version": lambda one: f"Version {one['version']}",
        "Décidé par": lambda one: one["by"] or UNKNOWN,
        "Motif": lambda one: one["reason"] or UNKNOWN,
        "Ce que le verdict opposait": lambda one: "un désaccord, levé" if one["objection"] else UNKNOWN,
        "Contrôles désactivés": lambda one: number(len(one["checks_off"].split()), 0) if one["checks_off"] else UNKNOWN,
    }
    return Table.of("Qui a décidé, et pourquoi", promotions, columns)


def _digests(promotions: list[dict[str, Any]]) -> list[tuple[str, list[tuple[str, str | None]]]]:
    labels = {
        "run_id": "Exécution MLflow",
        "outcome": "Issue",
        "verdict_sha256": "Verdict",
        "split_sha256": "Avis",
        "gate_sha256": "Règle",
        "scorer_sha256": "Code qui note",
        "objection": "Désaccord",
    }
    return [
        (f"Version {one['version']}, {day(one['at'][:10])}", [(label, one[key]) for key, label in labels.items()])
        for one in promotions
    ]


def plot(promotions: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Geometry of both systems' shares by promotion, in SVG units; None where no promotion has figures."""
    shown = [one for one in promotions if one["after"] and measures.find(one["measure"]).share]
    if not shown:
        return None
    bounds = [b for one in shown for key in ("before", "after") for b in _bounds(one[key])]
    low = min(0.9, max(0.0, min(bounds) - 0.02) // 0.1 / 10)
    step = (_RIGHT - _LEFT) / len(promotions)

    def y(share: float) -> float:
        return round(_BASE - (share - low) / (1 - low) * (_BASE - _TOP), 1)

    def mark(found: dict[str, Any] | None, x: float) -> dict[str, float] | None:
        if not found:
            return None
        lower, upper = _bounds(found)[1:] or (found["estimate"],) * 2
        return {"x": round(x, 1), "y": y(found["estimate"]), "lower": y(lower), "upper": y(upper)}

    points, lines, every = [], [], -(-len(promotions) // _MOST)
    for place, one in enumerate(promotions):
        x = _LEFT + (place + 0.5) * step
        before, after = (mark(one[key], x + side) for key, side in (("before", -_BESIDE), ("after", _BESIDE)))
        if one["same_as_before"] is False:
            lines.append(round(x - step / 2, 1))
        named = place % every == 0 or place == len(promotions) - 1
        point = {"x": round(x, 1), "before": before, "after": after if one["after"] else None, "named": named}
        points.append(point | {"version": one["version"], "at": day(one["at"][:7])})
    ticks = [
        low + i * (0.1 if 1 - low > 0.2 else 0.05)
        for i in range(round((1 - low) / (0.1 if 1 - low > 0.2 else 0.05)) + 1)
    ]
    return {
        "points": points,
        "lines": lines,
        "ticks": [(y(tick), percent(tick, 0)) for tick in ticks],
        "left": _LEFT,
        "right": _RIGHT,
        "top": _TOP,
        "base": _BASE,
    }


def _bounds(found: dict[str, Any] | None) -> list[float]:
    """Give an estimate and its bounds, as far as they are known."""
    if not found:
        return []
    known = [found[key] for key in ("estimate", "lower", "upper")]
    return known if None not in known else known[:1]
