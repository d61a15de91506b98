"""report.html: one self-contained French page that an evaluator reads and signs. It decides nothing.

Texts in it are the dataset's, thus pseudonymised. Colour is never the only sign; the plot repeats a table.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import plume
from eval import wording
from eval.drafts import Drafts
from eval.gate import Line, Verdict
from eval.information import MINUTES
from eval.references import chrf_signature
from eval.rule import Rule
from eval.score import NO_DRAFT, REFERENCES, Row
from plume.checks import GATING

REGRESSIONS = 20
ALIKE = 0.35  # below this share of common words, marking differences word by word would mark nearly everything

OUTCOMES = {
    "PASS": ("Remplacement possible", "Toutes les règles sont respectées."),
    "FAIL": ("Remplacement refusé", "Au moins une règle est enfreinte avec certitude."),
    "INCONCLUSIVE": ("Sans conclusion", "Les preuves ne suffisent pas : le système en service reste en place."),
}
# FAIL where the primary measure alone failed: nothing is worse, nothing is certainly better by enough.
NO_GAIN = (
    "Pas d’intérêt à remplacer",
    "Aucune autre règle n’est enfreinte, mais un gain utile est exclu : le système en service reste en place.",
)
_HOLDS = {True: ("●", "respectée"), False: ("■", "enfreinte"), None: ("◇", "sans conclusion")}
_TIERS = {"safety": "Sécurité", "non-inferiority": "Garde-fou", "superiority": "Mesure principale"}
_TEXT, _DEL, _INS = Markup("{}"), Markup("<del>{}</del>"), Markup("<ins>{}</ins>")  # format() escapes


@dataclass(frozen=True)
class Side:
    """One system's draft in a regression: its text (marked), and what the checks say of it."""

    text: Markup
    error: str | None
    failed: list[tuple[str, str]]
    chrf: str


def render(
    verdict: Verdict,
    rule: Rule,
    drafts: dict[str, Drafts],
    pairs: list[dict[str, Any]],
    rows: dict[str, list[Row]],
    inputs: dict[str, Any],
    contaminated: Mapping[str, str] | None = None,
) -> str:
    """The page. `drafts` and `rows` (of scores) hold "champion" and "challenger"; `pairs` is the split in its order.

    `contaminated`: ids of test items -> the training item that each is near.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    ruled = [line for line in verdict.estimates if line.rule and not line.slice]
    ruled.sort(key=lambda line: list(_TIERS).index(_tier(line)))
    failed = {_tier(line) for line in verdict.estimates if line.rule and line.holds is False}
    no_gain = verdict.outcome == "FAIL" and failed == {"superiority"}
    title, meaning = NO_GAIN if no_gain else OUTCOMES[verdict.outcome]
    cells = {arm: _cells(found) for arm, found in rows.items()}
    regressions, total = _regressions(pairs, drafts, cells)
    return environment.get_template("report.html.j2").render(
        title=title,
        meaning=meaning,
        verdict=verdict,
        rule=rule,
        wording=wording,
        drafts=drafts,
        pairs=pairs,
        ruled=[_judged(line) for line in ruled],
        plot=forest([line for line in ruled if line.arm == "difference"], rule),
        passing=_arms(verdict, ["pass_all", *(f"check:{name}" for name in GATING)]),
        signals=_arms(verdict, _measures(verdict, "signal:")),
        likeness=_arms(verdict, [*REFERENCES, "draft_words"]),
        minutes=_arms(verdict, [MINUTES]),
        wins=[_judged(line) for line in verdict.estimates if line.measure.startswith("win_rate")],
        contaminated=sorted((contaminated or {}).items()),
        slices=[_judged(line) for line in verdict.estimates if line.slice],
        unsafe=_unsafe(rule, cells["challenger"]),
        regressions=regressions,
        regressions_total=total,
        inputs=inputs,
        signature=chrf_signature(),
        version=plume.__version__,
        written=datetime.now(UTC).strftime("%d/%m/%Y"),
    )


def _tier(line: Line) -> str:
    return line.rule.partition(":")[0]


def _judged(line: Line) -> dict[str, Any]:
    difference = line.arm == "difference"
    mark, told = _HOLDS[line.holds] if line.rule else ("", "trop peu d’avis")
    if line.holds is False and _tier(line) == "superiority":
        told = "gain utile exclu"
    if line.slice and line.rule:
        mark, told = ("●", "pas de veto") if line.holds else ("■", "veto")
    return {
        "tier": _TIERS.get(_tier(line)) if line.rule else None,
        "label": wording.slice_(line.slice) if line.slice else wording.measure(line.measure),
        "value": wording.value(line.measure, line.value.estimate, difference=difference),
        "interval": wording.interval(line.measure, line.value, difference=difference),
        "limit": _limit(line),
        "p": _p(line),
        "n": line.value.n,
        "n_error": line.value.n_error,
        "mark": mark,
        "told": told,
        "state": {True: "holds", False: "broken", None: "open"}[line.holds],
    }


def _p(line: Line) -> str:
    text = wording.p_value(line.p)
    return text if line.p_holm is None else f"{text} (Holm : {wording.p_value(line.p_holm)})"


def _limit(line: Line) -> str:
    """The rule's number, in French: it stands last in the rule's text."""
    if not line.rule:
        return "–"
    number = float(line.rule.rsplit(" ", 1)[1])
    if _tier(line) == "safety":
        return f"aucun échec, et au moins {wording.percent(1 - number)} de réussite"
    return f"perte de moins de {wording.points(-number, signed=False)}" if number else "gain"


def _measures(verdict: Verdict, prefix: str) -> list[str]:
    return list(dict.fromkeys(line.measure for line in verdict.estimates if line.measure.startswith(prefix)))


def _arms(verdict: Verdict, measures: Iterable[str]) -> list[dict[str, str]]:
    """One table row per measure: both arms and their difference."""
    found = {
        (line.measure, line.arm): line
        for line in verdict.estimates
        if not line.slice and (line.arm == "difference" or not line.rule)
    }
    table = []
    for measure in measures:
        row = {"label": wording.measure(measure)}
        for arm in ("champion", "challenger", "difference"):
            line = found.get((measure, arm))
            difference = arm == "difference"
            row[arm] = wording.value(measure, line.value.estimate, difference=difference) if line else "–"
            row[f"{arm}_interval"] = wording.interval(measure, line.value, difference=difference) if line else ""
        table.append(row)
    return table


def forest(lines: list[Line], rule: Rule) -> dict[str, Any] | None:
    """Geometry of the forest plot of differences of shares, in SVG units; None if there is nothing to plot."""
    lines = [line for line in lines if line.value.lower is not None and line.value.upper is not None]
    if not lines:
        return None
    margins = {g.measure: -g.margin for g in rule.guardrails}
    bounds = [b for line in lines for b in (line.value.lower, line.value.upper)] + [-0.06, 0.06]
    step = next(s for s in (0.02, 0.05, 0.1, 0.2, 0.5) if (max(bounds) - min(bounds)) / s <= 9)
    low = step * (min(bounds) // step)
    high = -step * (-max(bounds) // step)
    left, right, top, row = 300, 780, 16, 28

    def x(share: float) -> float:
        return round(left + (share - low) / (high - low) * (right - left), 1)

    ticks = [low + i * step for i in range(round((high - low) / step) + 1)]
    return {
        "height": top + row * len(lines) + 50,
        "base": top + row * len(lines) + 6,
        "top": top - 8,
        "zero": x(0),
        "left": left,
        "right": right,
        "ticks": [(x(t), wording.number(100 * t, 0, signed=True)) for t in ticks],
        "rows": [
            {
                "y": top + row * i + row / 2,
                "label": wording.measure(line.measure),
                "lower": x(line.value.lower),
                "upper": x(line.value.upper),
                "at": x(line.value.estimate),
                "margin": x(margins[line.measure]) if _tier(line) == "non-inferiority" else None,
                "state": {True: "holds", False: "broken", None: "open"}[line.holds],
            }
            for i, line in enumerate(lines)
        ],
    }


def _cells(rows: list[Row]) -> dict[str, dict[str, Row]]:
    cells: dict[str, dict[str, Row]] = {}
    for row in rows:
        cells.setdefault(row["id"], {})[row["measure"]] = row
    return cells


def _failed(cells: dict[str, Row]) -> dict[str, str]:
    return {m: row["detail"] or "" for m, row in cells.items() if m.startswith("check:") and row.get("value") == 0}


def _unsafe(rule: Rule, cells: dict[str, dict[str, Row]]) -> list[tuple[str, str, str]]:
    """Every failure of a safety measure: id, measure, what was found."""
    return [
        (i, wording.measure(s.measure), found[s.measure]["detail"] or "")
        for i, found in sorted(cells.items())
        for s in rule.safety
        if found[s.measure].get("value") == 0
    ]


def _regressions(
    pairs: list[dict[str, Any]], drafts: dict[str, Drafts], cells: dict[str, dict[str, dict[str, Row]]]
) -> tuple[list[dict[str, Any]], int]:
    """The worst regressions (checks newly failed, then chrF lost), side by side, and how many there are."""
    worse = []
    for pair in pairs:
        before, after = (cells[arm][pair["id"]] for arm in ("champion", "challenger"))
        lost = [m for m in _failed(after) if before[m].get("value") == 1]
        missing = "error" in after["pass_all"] and "error" not in before["pass_all"]
        chrf = [found["chrf_fr"].get("value") for found in (after, before)]
        gain = None if None in chrf else chrf[0] - chrf[1]
        if missing or lost or (gain or 0) < 0:
            worse.append((not missing, -len(lost), gain or 0, pair["id"], pair, lost, gain))
    worse.sort(key=lambda w: w[:4])
    shown = []
    for *_, pair, lost, gain in worse[:REGRESSIONS]:
        texts = {arm: d.rows.get(pair["id"], {}).get("draft") or "" for arm, d in drafts.items()}
        marked = mark_differences(texts["champion"], texts["challenger"])
        sides = {}
        for arm, text in zip(("champion", "challenger"), marked or map(_TEXT.format, texts.values()), strict=True):
            found = cells[arm][pair["id"]]
            failed = [(wording.measure(m), detail) for m, detail in _failed(found).items()]
            chrf = wording.value("chrf_fr", found["chrf_fr"].get("value"))
            error = found["pass_all"].get("error")
            sides[arm] = Side(text, "aucun brouillon" if error == NO_DRAFT else error, failed, chrf)
        shown.append(
            {
                "pair": pair,
                "sides": sides,
                "lost": [wording.measure(m) for m in lost],
                "gain": "sans note" if gain is None else wording.value("chrf_fr", gain, difference=True),
                "alike": marked is not None if all(texts.values()) else None,
            }
        )
    return shown, len(worse)


def mark_differences(before: str, after: str) -> tuple[Markup, Markup] | None:
    """Both texts with what only one of them says in <del> and <ins>; None where they have too little in common."""
    left, right = (re.findall(r"\S+\s*", text) for text in (before, after))
    matcher = difflib.SequenceMatcher(None, [w.strip() for w in left], [w.strip() for w in right], autojunk=False)
    if matcher.ratio() < ALIKE:
        return None
    sides: tuple[list[Markup], list[Markup]] = ([], [])
    for kind, i, j, k, m in matcher.get_opcodes():
        for marked, out, words in ((_DEL, sides[0], left[i:j]), (_INS, sides[1], right[k:m])):
            if words:
                out.append((_TEXT if kind == "equal" else marked).format("".join(words)))
    return Markup("").join(sides[0]), Markup("").join(sides[1])
