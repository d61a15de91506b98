"""memory.html: the French page on what a shadow run retained, for the data-protection officer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import plume
from eval.memory.exposure import ADAPTER, BASE
from plume.canaries import PLACES
from plume.page import render as render_page
from plume.page.numbers import count, interval, number

TEMPLATE = Path(__file__).with_name("memory.html.j2")
NAMES = {"review": "Dans les avis (lus seulement)", "reply": "Dans les réponses (apprises)"}
_LEFT, _RIGHT, _TOP, _BASE = 90, 760, 20, 260  # of the figure, in SVG units


def render(document: dict[str, Any]) -> str:
    """Render the page of what memory.json holds."""
    return render_page(
        TEMPLATE,
        told=document,
        sentences=[*sentences(document)],
        names=NAMES,
        rows=[*_rows(document)],
        plot=_plot(document),
        version=plume.__version__,
        written=datetime.now(UTC).date(),
    )


def sentences(document: dict[str, Any]) -> Iterator[str]:
    """Say in French, for each place, from how many repetitions on secrets are retained, and how many are written."""
    for place in PLACES:
        cells = [row for row in _rows(document) if row["place"] == place]
        if not cells:
            continue
        kept = [str(cell["repetitions"]) for cell in cells if (cell["gain"]["lower"] or 0) > 0]
        hits, n = (sum(cell[key] for cell in cells) for key in ("hits", "n"))
        seen = (
            f"trace mesurable à {' et '.join((', '.join(kept[:-1]), kept[-1]) if kept[1:] else kept)} répétition(s)"
            if kept
            else f"aucune trace mesurable, jusqu’à {cells[-1]['repetitions']} répétitions"
        )
        yield f"{NAMES[place]} : {seen} ; restitués mot pour mot : {hits} sur {count(n, 'secret')}."

    yield _of_control(document["control"], document["chance_bits"])


def _of_control(base: dict[str, Any], chance: float) -> str:
    lower, upper = (base["estimate"] if base[key] is None else base[key] for key in ("lower", "upper"))
    seen = f"Témoin (modèle de base) : {number(base['estimate'], 2)} bits en moyenne, {interval(lower, upper, number)}"
    if lower <= chance <= upper:
        return f"{seen}, pour {number(chance, 2)} au hasard : conforme."
    return f"{seen} ; le hasard ({number(chance, 2)}) n’y est pas : refaire la mesure avec d’autres secrets (seed)."


def _rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a row for each cell: exposures of both systems, the gain, what is extracted."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for line in document["estimates"]:
        cell = found.setdefault((line["place"], line["repetitions"]), {})
        cell[line["quantity"] if line["quantity"] == "gain" else f"{line['quantity']}_{line['system']}"] = line
    for (place, times), cell in found.items():
        share = cell[f"extracted_{ADAPTER}"]
        hits = {name: round(cell[f"extracted_{system}"]["estimate"] * share["n"]) for name, system in _HITS.items()}
        yield {"place": place, "repetitions": times, "n": share["n"], **hits, **cell}


_HITS = {"hits": ADAPTER, "base_hits": BASE}


def _plot(document: dict[str, Any]) -> dict[str, Any]:
    """Geometry of mean exposure by repetitions, in SVG units."""
    rows, most = [*_rows(document)], document["most_bits"]
    repetitions = sorted({row["repetitions"] for row in rows})
    step = (_RIGHT - _LEFT) / max(1, len(repetitions) - 1)

    def y(bits: float) -> float:
        return round(_BASE - (bits / most) * (_BASE - _TOP), 1)

    lines = []
    for shift, place in zip((-5, 5), PLACES, strict=True):
        points = []
        for row in (row for row in rows if row["place"] == place):
            value = row[f"exposure_{ADAPTER}"]
            low, high = (value["estimate"] if value[key] is None else value[key] for key in ("lower", "upper"))
            x = round(_LEFT + repetitions.index(row["repetitions"]) * step + shift, 1)
            points.append({"x": x, "y": y(value["estimate"]), "low": y(max(low, 0)), "high": y(min(high, most))})
        lines.append({"place": place, "points": points})
    return {
        "lines": lines,
        "chance": y(document["chance_bits"]),
        "ticks": [(y(bits), number(bits, 0)) for bits in range(int(most) + 1)],
        "at": [(round(_LEFT + i * step, 1), times) for i, times in enumerate(repetitions)],
        "left": _LEFT - 20,
        "right": _RIGHT + 20,
        "base": _BASE,
    }
