"""Compare before and after the pilot's start, with equal follow-up and a fixed mix of services; and the naive figure.

A ratio is always before / after: 2 means "divided by 2". Rows of the group "all" hold the mix of services fixed; those
of "all, own mix" let each period have its own, as a pooled figure does, so that both can be seen.
"""

import datetime as dt
from dataclasses import dataclass, replace
from math import exp

import numpy as np

from eval.stats.studentised import DRAWS, Inference, infer, log_ratio_of_sums, ratio_moments, ratio_of_sums, two_arms
from eval.time.measurement import BIASED, DESCRIPTIVE, LEAST_RECORDS, SEASONAL, WAITING, Measurement, Window, make
from eval.time.waits.from_export import Waits
from eval.time.waits.levels import networks
from eval.time.waits.periods import Cells, follow_up, grade_of, periods, values, within
from eval.time.waits.survival import median, median_interval, tally

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Comparison:
    """Holds levels, ratio (on the log scale) and difference (after - before) of a value in two periods."""

    n: tuple[int, int]
    structures: int  # compared with themselves
    left_out: int  # waits of structures that are in one period only
    levels: tuple[Inference, Inference]
    log_ratio: Inference
    difference: Inference
    share: bool

    @property
    def enough(self) -> bool:
        return min(self.n) >= LEAST_RECORDS

    def ratio_interval(self) -> Interval:
        return self.log_ratio.interval(exp) if self.enough else None

    def difference_interval(self) -> Interval:
        return self.difference.interval() if self.enough else None

    def level_interval(self, side: int) -> Interval:
        level = self.levels[side]
        if self.n[side] < LEAST_RECORDS:
            return None
        if self.share:
            return level.share_interval()
        span = level.interval()
        return span and (max(0.0, span[0]), span[1])


def compare(
    waits: Waits,
    value: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
    *,
    share: bool,
    fixed_mix: bool = True,
    draws: int = DRAWS,
) -> Comparison:
    """Compare a value of two groups of waits (masks); structures are resampled, or the weeks of the only one."""
    cells = Cells.of(waits.structure, groups, value, len(waits.names))
    kept = cells.compared if fixed_mix else cells.n.sum(axis=0) > 0
    left_out = int(cells.n[:, ~kept].sum())
    n = (int(cells.n[0, kept].sum()), int(cells.n[1, kept].sum()))
    top = 1.0 if share else max(1.0, *(float(value[mask].max(initial=0.0)) for mask in groups))
    by_week = kept.sum() < 2
    if by_week:
        weeks = waits.start // 7
        weeks = weeks - (weeks.min() if len(weeks) else 0)
        keep = np.isin(waits.structure, np.flatnonzero(kept))
        cells = Cells.of(weeks, tuple(mask & keep for mask in groups), value, int(weeks.max(initial=0)) + 1)
    of_structures = fixed_mix and not by_week
    weights, sums = (
        (np.array([cells.weights] * 2), cells.weights * cells.means) if of_structures else (cells.n, cells.sums)
    )
    least = cells.least((weights[0], weights[1]), top)
    apart = float(np.hypot(*least))
    levels = tuple(ratio_of_sums(s, w, draws, least=one) for s, w, one in zip(sums, weights, least, strict=True))
    if by_week:
        difference = two_arms((sums[1], weights[1]), (sums[0], weights[0]), draws, least=apart)
        ratio = _delta(levels, difference)
    else:
        in_logs = float(
            np.hypot(*(x / level.value if level.value > 0 else np.nan for x, level in zip(least, levels, strict=True)))
        )
        if fixed_mix:
            ratio = log_ratio_of_sums(sums[0], sums[1], weights[0], draws, least=in_logs)
            difference = ratio_of_sums(sums[1] - sums[0], weights[0], draws, least=apart)
        else:
            ratio, difference = _own_mix(sums, weights, draws, (in_logs, apart))
    return Comparison(n, int(kept.sum()), left_out, levels, ratio, difference, share)


def _delta(levels: tuple[Inference, ...], difference: Inference) -> Inference:
    """Estimate log(before / after) of two independent levels by the delta method."""
    before, after = levels
    if not (before.value > 0 and after.value > 0):
        return Inference(np.nan, np.nan, np.nan, 0)
    se = float(np.hypot(before.se / before.value, after.se / after.value))
    least = float(np.hypot(before.least / before.value, after.least / after.value))
    return Inference(float(np.log(before.value / after.value)), se, difference.quantile, difference.clusters, least)


def _own_mix(sums: np.ndarray, weights: np.ndarray, draws: int, least: tuple[float, float]) -> tuple[Inference, ...]:
    """Estimate log ratio and difference of two pooled means of the same structures, each with its own mix."""
    used = weights.sum(axis=0) > 0
    (s0, s1), (w0, w1) = sums[:, used], weights[:, used]

    def both(s0, s1, w0, w1):
        m0, m1 = s0 / w0, s1 / w1
        return np.log(m0 / m1), m1 - m0

    def drawn(counts: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        (m0, v0), (m1, v1) = ratio_moments(counts, s0, w0), ratio_moments(counts, s1, w1)
        shared = counts @ (s0 * s1) - m1 * (counts @ (s0 * w1)) - m0 * (counts @ (w0 * s1))
        shared = (shared + m0 * m1 * (counts @ (w0 * w1))) / ((counts @ w0) * (counts @ w1))
        logs = np.sqrt(np.maximum(v0 / m0**2 + v1 / m1**2 - 2 * shared / (m0 * m1), 0))
        days = np.sqrt(np.maximum(v0 + v1 - 2 * shared, 0))
        return [(np.log(m0 / m1), logs), (m1 - m0, days)]

    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = both(s0.sum(), s1.sum(), w0.sum(), w1.sum())
        without = both(s0.sum() - s0, s1.sum() - s1, w0.sum() - w0, w1.sum() - w1)
        size = np.minimum(w0, w1) + (w0 + w1) / 4
        return tuple(
            infer(float(pooled[i]), without[i], lambda counts, i=i: drawn(counts)[i], size, draws, least=least[i])
            for i in (0, 1)
        )


def waiting(waits: Waits, start: dt.date, draws: int = DRAWS) -> tuple[list[Measurement], list[Measurement], dict]:
    """Compare every WAITING measure before and after: ratios, differences in days or shares, and the periods."""
    rows, differences, shown = [], [], {}
    timed = waits.where(waits.timed)
    for quantity in WAITING:
        shown[quantity] = windows = periods(timed, start, follow_up(quantity))
        if windows is None:
            rows.append(make(quantity, "all", "before_after", None, None, 0, SEASONAL))
            continue
        grade = grade_of(windows)
        value = values(timed, quantity)
        before, after = (within(timed, window) for window in windows)
        share = "answered" in quantity
        for mix in ("", ", own mix"):
            found = compare(timed, value, (before, after), share=share, fixed_mix=not mix, draws=draws)
            rows += as_rows(found, quantity, mix, grade)
            differences.append(difference_row(found, quantity, f"all{mix}", grade))
        for name, mask in networks(timed):
            found = compare(timed, value, (before & mask, after & mask), share=share, draws=draws)
            if found.enough:
                rows.append(ratio_row(found, quantity, name, grade))
                differences.append(difference_row(found, quantity, name, grade))
    return rows, differences, shown


def as_rows(found: Comparison, quantity: str, mix: str, grade: str) -> list[Measurement]:
    """List the ratio, and the two levels that it compares."""
    sides = [
        make(quantity, f"{name}{mix}", "level", found.levels[i].value, found.level_interval(i), found.n[i], DESCRIPTIVE)
        for i, name in enumerate(("before", "after"))
    ]
    return [ratio_row(found, quantity, f"all{mix}", grade), *sides]


def ratio_row(found: Comparison, quantity: str, group: str, grade: str) -> Measurement:
    return make(quantity, group, "before_after", found.log_ratio.ratio, found.ratio_interval(), sum(found.n), grade)


def difference_row(found: Comparison, quantity: str, group: str, grade: str) -> Measurement:
    point = found.difference.value
    return make(quantity, group, "before_after_difference", point, found.difference_interval(), sum(found.n), grade)


def mirrored(waits: Waits, start: dt.date) -> tuple[Window, Window] | None:
    """Find the widest equal periods that touch at the start, a year at most: what the curves show, or None."""
    return periods(waits, start, 0)


def curves(waits: Waits, windows: tuple[Window, Window]) -> list[np.ndarray]:
    """Count two periods by structure, (structures, 2, HORIZON), each seen from its own last day."""
    tables = []
    for window in windows:
        inside = waits.where(within(waits, window) & waits.timed)
        last = window.ordinals[1]
        answered = (inside.reply > 0) & (inside.reply <= last)
        days = np.where(answered, inside.reply, last) - inside.start
        tables.append(tally(days, answered, inside.structure, len(waits.names)))
    return tables


def medians(tables: list[np.ndarray], grade: str) -> list[Measurement]:
    """Estimate the medians of `curves` and their ratio, by intervals of both (MOVER; Donner and Zou 2012)."""
    sizes = [(int(t.sum()), int(t[:, 1].sum())) for t in tables]
    points = [float(median(t.sum(axis=0))) if t.sum() else np.nan for t in tables]
    spans = [median_interval(t) if n >= LEAST_RECORDS else None for t, (n, _) in zip(tables, sizes, strict=True)]
    ratio, span = np.nan, None
    if points[0] > 0 and points[1] > 0:
        ratio = points[0] / points[1]
        if all(s and s[0] > 0 for s in spans):
            b, a, (bl, bu), (al, au) = *np.log(points), *np.log(np.array(spans))
            span = (exp(b - a - np.hypot(b - bl, au - a)), exp(b - a + np.hypot(bu - b, a - al)))
    n, censored = (sum(column) for column in zip(*sizes, strict=True))
    rows = [make("median_days", "all, own mix", "before_after", ratio, span, n, grade, censored)]
    for name, point, interval, (n, censored) in zip(("before", "after"), points, spans, sizes, strict=True):
        rows.append(make("median_days", f"{name}, own mix", "level", point, interval, n, DESCRIPTIVE, censored))
    return rows


def naive(waits: Waits, start: dt.date, draws: int = DRAWS) -> list[Measurement]:
    """Average the delays of all answered reviews, before and after `start`: what censoring biases."""
    answered, late = waits.reply > 0, waits.start >= start.toordinal()
    if not answered.any():
        return []
    delay = np.where(answered, waits.reply - waits.start, 0).astype(float)
    found = compare(waits, delay, (answered & ~late, answered & late), share=False, fixed_mix=False, draws=draws)
    rows = as_rows(found, "naive_mean_days", "", BIASED)
    unanswered = [int((~waits.replied & side).sum()) for side in (~late, late)]
    censored = {"all": sum(unanswered), "before": unanswered[0], "after": unanswered[1]}
    return [replace(row, grade=BIASED, censored=censored[row.group]) for row in rows]
