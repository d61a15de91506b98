"""Lay out the figures of study.html as numbers of an SVG: ratios with their intervals, the flow of who did what."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from eval.study.analysis.flow import Flow
from eval.study.analysis.times import Timing
from plume.page.numbers import count, number

_LEFT, _RIGHT, _ROW, _TOP = 300, 770, 34, 34
_TICKS = (0.1, 0.2, 0.25, 0.33, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 10.0)
_LEAST_APART = 40  # of two ticks, so that their numbers do not touch
_WIDE, _HIGH, _GAP = 340, 62, 34  # of a box of the flow


@dataclass(frozen=True)
class Bar:
    label: str
    y: int
    at: float
    low: float
    high: float
    open_left: bool
    open_right: bool
    main: bool


@dataclass(frozen=True)
class Forest:
    """Holds bars on a logarithmic scale; `one` is where nothing differs."""

    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]
    one: float
    left: int
    right: int
    bottom: int
    height: int


def forest(rows: Sequence[tuple[str, Timing]]) -> Forest | None:
    """Lay out ratios; those without an interval are left to the table. The first is the study's answer."""
    told = [(label, r) for label, r in rows if None not in (r.estimate, r.lower, r.upper)]
    if not told:
        return None
    low = max(min(0.8, *(r.lower for _, r in told)) / 1.05, 0.1)
    high = min(max(1.25, *(r.upper for _, r in told)) * 1.05, 10.0)

    def x(ratio: float) -> float:
        inside = min(max(ratio, low), high)
        return round(
            _LEFT + (math.log(inside) - math.log(low)) / (math.log(high) - math.log(low)) * (_RIGHT - _LEFT), 1
        )

    bars = [
        Bar(label, _TOP + i * _ROW, x(r.estimate), x(r.lower), x(r.upper), r.lower < low, r.upper > high, main=i == 0)
        for i, (label, r) in enumerate(told)
    ]
    bottom = _TOP + (len(bars) - 1) * _ROW + 20
    return Forest(bars, _ticks(low, high, x), x(1.0), _LEFT, _RIGHT, bottom, bottom + 52)


def _ticks(low: float, high: float, x) -> list[tuple[float, str]]:
    """Choose round ratios that lie apart, 1 among them."""
    kept = [1.0]
    for tick in sorted((t for t in _TICKS if low <= t <= high), key=lambda t: abs(math.log(t))):
        if all(abs(x(tick) - x(other)) >= _LEAST_APART for other in kept):
            kept.append(tick)
    return [(x(tick), number(tick, 2)) for tick in sorted(kept)]


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    width: int
    height: int
    lines: Sequence[str]


@dataclass(frozen=True)
class Chart:
    """Holds boxes and arrows (x1, y1, x2, y2) of the flow."""

    boxes: Sequence[Box]
    arrows: Sequence[tuple[int, int, int, int]]
    height: int


def chart(flow: Flow) -> Chart:
    """Lay out the flow: the way down in the middle, who and what fell away beside it."""
    middle, aside = 190, 560
    sent = sum(flow.written.values())
    steps = [
        [
            f"{count(flow.invited, 'agent')} invité{'s' if flow.invited > 1 else ''}"
            if flow.invited is not None
            else "Agents invités : non connu"
        ],
        [
            f"{count(flow.began, 'agent')} {'ont' if flow.began > 1 else 'a'} commencé",
            f"{_first(flow, 'draft')} par les brouillons, {_first(flow, 'blank')} par la page blanche",
        ],
        [
            f"{count(sent, 'réponse')} envoyée{'s' if sent > 1 else ''}",
            f"{number(flow.written['draft'], 0)} avec brouillon, {number(flow.written['blank'], 0)} sans",
        ],
        [
            "Temps comparés : " + count(flow.timed, "réponse"),
            f"de {count(flow.both_arms, 'agent')} ayant écrit avec et sans brouillon",
        ],
        [
            "Jugements à l’aveugle : " + number(flow.finals, 0) + " de réponses,",
            f"{number(flow.drafts, 0)} de brouillons, par {count(flow.raters, 'agent')}",
        ],
    ]
    fell = {
        1: None if flow.left is None else f"{count(flow.left, 'agent')} parti{'s' if flow.left > 1 else ''}",
        2: _unwritten(flow),
        3: None if flow.timed == sent else f"{number(sent - flow.timed, 0)} sans temps",
    }
    boxes = [Box(middle - _WIDE // 2, 10 + i * (_HIGH + _GAP), _WIDE, _HIGH, lines) for i, lines in enumerate(steps)]
    arrows = [(middle, a.y + a.height, middle, b.y) for a, b in pairwise(boxes)]
    for i, text in fell.items():
        if text:
            y = boxes[i].y + _HIGH + _GAP // 2
            boxes.append(Box(aside - 130, y - 21, 330, 42, [text]))
            arrows.append((middle, y, aside - 130, y))
    return Chart(boxes, arrows, boxes[4].y + _HIGH + 12)


def _unwritten(flow: Flow) -> str | None:
    if flow.planned is None:
        return None
    missing = flow.planned - sum(flow.written.values())
    if missing <= 0:
        return None
    many = "s" if missing > 1 else ""
    aside = f", dont {number(flow.left_out, 0)} mise{'s' if flow.left_out > 1 else ''} de côté" if flow.left_out else ""
    return f"{count(missing, 'réponse')} prévue{many} et non envoyée{many}{aside}"


def _first(flow: Flow, arm: str) -> str:
    return number(flow.sequences.get(f"{arm} first", 0), 0)
