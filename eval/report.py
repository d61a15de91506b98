"""report.html: one self-contained French page that an evaluator reads and signs. It decides nothing.

Its first page is what is signed: the decision, the systems, the boxes, the reasons. The evidence follows. Texts in it
are the dataset's, thus pseudonymised. Colour is never the only sign; the plot repeats a table.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import plume
from eval import browse, evidence, measures, slices
from eval.drafts import Drafts
from eval.probes import Probed
from eval.ratings import Ratings
from eval.reply_similarity import chrf_signature
from eval.report_checks import tables
from eval.report_drafts import WORST, ScoreTable, cells_of, copied_most, failures, probe_failures, probe_kinds, to_read
from eval.report_people import least_preferred, people_said
from eval.rule import ARMS, GateRule
from eval.score import ScoreRow
from eval.verdict import Levels, Line, Verdict, say_level
from plume.checks.registry import CHECKS
from plume.page import Table
from plume.page import render as render_page
from plume.page.numbers import number, percent, points

TEMPLATE = Path(__file__).with_name("report.html.j2")

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
_SAID = {  # of some tiers otherwise
    "superiority": _HOLDS | {False: ("■", "gain utile exclu")},
    "slice veto": _HOLDS | {True: ("●", "pas de veto"), False: ("■", "veto")},
    "": dict.fromkeys(_HOLDS, ("", "trop peu d’avis")),  # no rule: only shown
}
_TIERS = {
    "safety": "Sécurité",
    "probes": "Avis piégés",
    "non-inferiority": "Garde-fous",
    "superiority": "Mesure principale",
}


def render(
    verdict: Verdict,
    rule: GateRule,
    drafts: dict[str, Drafts],
    pairs: list[dict[str, Any]],
    rows: dict[str, list[ScoreRow]],
    inputs: dict[str, Any],
    contaminated: Mapping[str, str] | None = None,
    probed: Probed | None = None,
    swapped: tuple[Table | None, tuple[str, ...]] = (None, ()),
    ratings: Ratings | None = None,
    levels: Levels | None = None,
) -> str:
    """The page. `drafts` and `rows` (of scores) hold "champion" and "challenger"; `pairs` is the split in its order.

    `contaminated`: ids of test items -> the training item that each is near; `probed`: the drafts of the probes.
    `swapped`: the differences by writer, and which arms have none. `ratings`: what people chose. `levels`: of
    the rule's intervals, where the challenger is one of several.
    """
    ruled = [line for line in verdict.estimates if _tier(line) in _TIERS]
    ruled.sort(key=lambda line: list(_TIERS).index(_tier(line)))
    failed = {_tier(line) for line in verdict.estimates if line.rule and line.holds is False}
    no_gain = verdict.outcome == "FAIL" and failed == {"superiority"}
    title, meaning = NO_GAIN if no_gain else OUTCOMES[verdict.outcome]
    off = {CHECKS[name].measure for name in rule.checks_off}
    cells = {arm: cells_of(row for row in found if row["measure"] not in off) for arm, found in rows.items()}
    failed_by_check = failures(rule, cells["champion"], cells["challenger"])
    shown, worse = to_read(rule, pairs, drafts, cells["champion"], cells["challenger"], least_preferred(ratings))
    return render_page(
        TEMPLATE,
        title=title,
        meaning=meaning,
        verdict=verdict,
        rule=rule,
        levels=levels or Levels(rule.confidence, rule.confidence),
        level=say_level,
        primary=measures.find(rule.primary.measure).label,
        arms=[(arm, label.capitalize()) for arm, label in ARMS.items()],
        drafts=drafts,
        pairs=pairs,
        tiers=[(tier, [_judged(line) for line in ruled if _tier(line) == key]) for key, tier in _TIERS.items()],
        plot=forest([line for line in ruled if line.arm == "difference"]),
        slices=[_judged(line) for line in verdict.estimates if line.slice and _tier(line) not in _TIERS],
        failures=failed_by_check,
        shown=shown,
        numbered={one.pair["id"]: number for number, one in enumerate(shown, 1)},
        worse=worse,
        most=WORST,
        passing=_passing(verdict, rule),
        signals=_arms(verdict, measures.of_table("signals")),
        copying=_arms(verdict, measures.of_table("copying")),
        copied=copied_most(cells["challenger"]),
        runs=_by_length(cells),
        grounded=_arms(verdict, _estimated(verdict, measures.of_table("sources"))),
        with_facts=_with_facts(verdict),
        likeness=_arms(verdict, measures.of_table("likeness")),
        wins=[_judged(line) for line in verdict.estimates if line.measure in measures.of_table("wins")],
        probed=probed,
        probe_kinds=probe_kinds(probed),
        probe_failures=probe_failures(probed),
        contaminated=sorted((contaminated or {}).items()),
        split=inputs["split"],
        inputs=[(evidence.label(name), value) for name, value in inputs.items()],
        signature=chrf_signature(),
        seen_by_checks=tables(),
        swapped=swapped[0],
        not_swapped=swapped[1],
        people=people_said(ratings, verdict, {arm: _passes(found) for arm, found in cells.items()}),
        link=browse.link,
        version=plume.__version__,
        written=datetime.now(UTC).date(),
    )


def _passes(cells: ScoreTable) -> dict[str, float]:
    """Give whether each draft passes every gating check, by id, where it could be scored."""
    rows = ((i, of.get(measures.PRIMARY, {}).get("value")) for i, of in cells.items())
    return {i: value for i, value in rows if value is not None}


def _tier(line: Line) -> str:
    return (line.rule or "").partition(":")[0]


def _judged(line: Line) -> dict[str, Any]:
    difference = line.arm == "difference"
    mark, told = _SAID.get(_tier(line), _HOLDS)[line.holds]
    measure = measures.find(line.measure)
    return {
        "measure": line.measure,
        "label": _label(line),
        "value": measure.say(line.value.estimate, difference=difference),
        "interval": measure.interval(line.value, difference=difference),
        "limit": _limit(line),
        "n": line.value.n,
        "n_error": line.value.n_error,
        "mark": mark,
        "told": told,
        "state": {True: "holds", False: "broken", None: "open"}[line.holds],
    }


def _label(line: Line) -> str:
    """Name the measure, the slice, or both: the table of slices is of the primary measure alone."""
    measure = measures.find(line.measure).label
    if not line.slice:
        return measure
    return f"{measure}, {slices.label(line.slice)}" if _tier(line) in _TIERS else slices.label(line.slice)


def _number(line: Line) -> float:
    """Read the rule's number: it stands last in the rule's text."""
    return float(line.rule.rsplit(" ", 1)[1])


def _limit(line: Line) -> str:
    if not line.rule:
        return "–"
    limit = _number(line)
    if _tier(line) in ("safety", "probes"):
        return f"aucun échec, et au moins {percent(1 - limit)} de réussite"
    return f"perte de moins de {points(-limit, signed=False)}" if limit else "gain"


def _arms(verdict: Verdict, names: Iterable[str]) -> list[dict[str, str]]:
    """One table row per measure: both arms and their difference."""
    found = {
        (line.measure, line.arm): line
        for line in verdict.estimates
        if not line.slice and (line.arm == "difference" or not line.rule)
    }
    table = []
    for measure in map(measures.find, names):
        row = {"label": measure.label}
        for arm in (*ARMS, "difference"):
            line = found.get((measure.name, arm))
            difference = arm == "difference"
            row[arm] = measure.say(line.value.estimate, difference=difference) if line else "–"
            row[f"{arm}_interval"] = measure.interval(line.value, difference=difference) if line else ""
        table.append(row)
    return table


def _estimated(verdict: Verdict, names: Iterable[str]) -> list[str]:
    """Name the measures of which there is an estimate at all: those of some drafts may have none."""
    there = {line.measure for line in verdict.estimates}
    return [name for name in names if name in there]


def _with_facts(verdict: Verdict) -> list[str]:
    """Say of how many drafts each measure of facts is."""
    told = []
    for name in _estimated(verdict, measures.of_table("sources")):
        n = {line.arm: number(line.value.n, 0) for line in verdict.estimates if line.measure == name}
        told.append(" et ".join(f"{n.get(arm, '0')} ({label})" for arm, label in ARMS.items()))
    return told


def _passing(verdict: Verdict, rule: GateRule) -> list[dict[str, str]]:
    """Make the table of gating checks; those that the rule switches off are shown, and said to be off."""
    off, names = [CHECKS[name].measure for name in rule.checks_off], measures.of_table("checks")
    table = _arms(verdict, names)
    for measure, row in zip(names, table, strict=True):
        row["label"] += " (désactivé par la règle)" * (measure in off)
    return table


_LENGTHS = (0, 5, 10, 20, 40)  # words of the longest run that is copied: up to each, and beyond


def _by_length(cells: Mapping[str, ScoreTable]) -> list[list[str]]:
    """Count each system's drafts by the length of the longest run that they share with a training reply."""
    lengths = [f"{low + 1} à {high}" for low, high in pairwise(_LENGTHS)]
    found = {}
    for arm, of_arm in cells.items():
        runs = (row.get(measures.COPIED, {}).get("value") for row in of_arm.values())
        found[arm] = Counter(sum(run > length for length in _LENGTHS) for run in runs if run is not None)
    names = ("aucun", *lengths, f"plus de {_LENGTHS[-1]}")
    return [[name, *(number(found[arm][i], 0) for arm in ARMS)] for i, name in enumerate(names)]


def forest(lines: list[Line], name: Callable[[Line], str] | None = None) -> dict[str, Any] | None:
    """Geometry of the forest plot of differences of shares, in SVG units; None if there is nothing to plot.

    `name` labels a line, by default by its measure.
    """
    lines, name = (
        [line for line in lines if line.value.lower is not None and line.value.upper is not None],
        name or _label,
    )
    if not lines:
        return None
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
        "ticks": [(x(t), points(t, 0, unit=False)) for t in ticks],
        "rows": [
            {
                "y": top + row * i + row / 2,
                "label": name(line),
                "lower": x(line.value.lower),
                "upper": x(line.value.upper),
                "at": x(line.value.estimate),
                "margin": x(_number(line)) if _tier(line) == "non-inferiority" else None,
                "state": {True: "holds", False: "broken", None: "open"}[line.holds],
            }
            for i, line in enumerate(lines)
        ],
    }
