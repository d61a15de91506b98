"""Structures that adopted AI help against those that did not: difference-in-differences, with placebo leads.

Each structure is compared with itself (mean after less mean before, equal follow-up) and what remains is compared
between the two arms: volunteers may be faster or slower from the start, and whatever changed for all cancels out. It
rests on parallel trends; the leads look for what it forbids, a difference before there was anything to adopt.
The adopters are those of the whole period after the start, whatever share of their replies was helped (intention).
"""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb, exp

import numpy as np
from scipy.stats import t as student

from eval.time.cohorts import Cells, follow_up, periods, values, within
from eval.time.delays import Waits
from eval.time.resample import DRAWS, LEVEL, SEED, Inference, kish, log_ratio_of_sums, two_arms
from eval.time.rows import BEFORE_AFTER, LEAST_STRUCTURES, MAIN, QUASI, WAITING, Estimate, Window, make

PERMUTATIONS = 4999
LEAST_ANSWERED = 3  # replies after the start from which a structure is known to use AI help, or not to
MARGINAL = 0.1  # helped in fewer of its replies, but in some: neither adopter nor other
LEAD_DAYS, LEADS = 30, 6
FLAT = 0.05  # the leads are flat if their joint p-value is above


@dataclass(frozen=True)
class Arms:
    """Which structures adopted (1), did not (0), or cannot be told (-1), and whether unanswered reviews are flagged."""

    adopted: np.ndarray
    flagged_unanswered: bool

    @property
    def sizes(self) -> tuple[int, int]:
        return int((self.adopted == 1).sum()), int((self.adopted == 0).sum())


def arms_of(waits: Waits, start: dt.date) -> Arms:
    """Adopters by the flag "an AI draft was proposed" after the start.

    Where only answered reviews carry the flag, a slow structure would pass for one without help just because little is
    answered yet: then both arms keep only structures with LEAST_ANSWERED replies.
    """
    late = waits.start >= start.toordinal()
    flagged = bool((late & ~waits.replied & (waits.offered == 1)).any())
    known = late & (waits.offered >= 0) & (waits.replied | flagged)
    size = len(waits.names)
    n = np.bincount(waits.structure[known], minlength=size)
    helped = np.bincount(waits.structure[known & (waits.offered == 1)], minlength=size)
    share = np.divide(helped, n, out=np.zeros(size), where=n > 0)
    adopted = np.where(share >= MARGINAL, 1, np.where(helped > 0, -1, 0))
    return Arms(np.where(n >= (1 if flagged else LEAST_ANSWERED), adopted, -1), flagged)


@dataclass(frozen=True)
class Did:
    """Adopters' change less the others', its permutation p-value, and how many structures and waits stand behind it."""

    effect: Inference
    p: float | None
    structures: tuple[int, int]
    n: int
    relative: Inference  # the same in proportion: log(after / before) of the adopters less that of the others

    def interval(self) -> tuple[float, float] | None:
        return self.effect.interval() if min(self.structures) >= 2 else None

    def relative_interval(self) -> tuple[float, float] | None:
        return self.relative.interval(exp) if min(self.structures) >= 2 else None

    @property
    def of_the_scale(self) -> bool:
        """Whether there is a difference in days and none, or the contrary one, in proportion.

        Where all waits shrink by the same share, slow structures gain more days than quick ones (Roth and Sant'Anna
        2023), so volunteers who were quicker all along would seem to lose.
        """
        days, share = self.interval(), self.relative.interval()
        if days is None or share is None or days[0] <= 0 <= days[1]:
            return False
        return share[0] <= 0 <= share[1] or (share[0] > 0) != (days[0] > 0)


def did(cells: Cells, adopted: np.ndarray, draws: int = DRAWS) -> Did | None:
    """Of two periods; None if an arm has no structure that is in both."""
    kept = cells.compared & (adopted >= 0)
    weights, change, treated = cells.weights[kept], cells.differences[kept], adopted[kept] == 1
    sizes = int(treated.sum()), int((~treated).sum())
    if not all(sizes):
        return None
    sums = weights * change
    effect = two_arms((sums[treated], weights[treated]), (sums[~treated], weights[~treated]), draws)
    p = permutation_p(change, weights, treated)
    before, after = (weights * side[kept] for side in cells.means)
    relative = _relative(before, after, weights, treated)
    return Did(effect, p, sizes, int(cells.n[:, kept].sum()), relative)


def _relative(before: np.ndarray, after: np.ndarray, weights: np.ndarray, treated: np.ndarray) -> Inference:
    """Difference of the arms' log ratios: jackknife errors, Student's t with Welch and Satterthwaite's degrees."""
    arms = [log_ratio_of_sums(after[arm], before[arm], weights[arm], 0) for arm in (treated, ~treated)]
    value, se = arms[0].value - arms[1].value, float(np.hypot(arms[0].se, arms[1].se))
    if not (np.isfinite(value) and se > 0):
        return Inference(value, np.nan, np.nan, len(weights))
    effective = [max(kish(weights[arm]) - 1, 1.0) for arm in (treated, ~treated)]
    degrees = se**4 / sum(one.se**4 / e for one, e in zip(arms, effective, strict=True))
    return Inference(value, se, float(student.ppf((1 + LEVEL) / 2, degrees)), len(weights))


def permutation_p(change: np.ndarray, weights: np.ndarray, treated: np.ndarray, seed: int = SEED) -> float | None:
    """How often shuffled labels give a statistic as large: exact where there are few ways, else PERMUTATIONS of them.

    The statistic is studentised where each arm has two structures, so that arms of unequal spread do not mislead
    (Janssen 1997; Chung and Romano 2013).
    """
    labels = _labels(len(treated), int(treated.sum()), seed)
    observed, shuffled = (abs(_statistic(change, weights, x)) for x in (treated[None], labels))
    if not np.isfinite(observed[0]):
        return None
    as_large = float(np.sum(shuffled >= observed[0] - 1e-12))
    exact = len(labels) == comb(len(treated), int(treated.sum()))
    return as_large / len(labels) if exact else (as_large + 1) / (len(labels) + 1)


@lru_cache(maxsize=2)
def _labels(n: int, chosen: int, seed: int) -> np.ndarray:
    if comb(n, chosen) <= PERMUTATIONS:
        labels = np.zeros((comb(n, chosen), n), dtype=bool)
        for row, picked in enumerate(combinations(range(n), chosen)):
            labels[row, list(picked)] = True
        return labels
    order = np.random.default_rng(seed).random((PERMUTATIONS, n)).argpartition(chosen - 1, axis=1)[:, :chosen]
    labels = np.zeros((PERMUTATIONS, n), dtype=bool)
    np.put_along_axis(labels, order, values=True, axis=1)
    return labels


def _statistic(change: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Difference of the arms' weighted means by its standard error (by 1 where an arm has one structure): (rows,)."""
    means, variances = [], []
    for arm in (labels.astype(float), (~labels).astype(float)):
        total, n = arm @ weights, arm.sum(axis=1)
        mean = arm @ (weights * change) / total
        squares = (
            arm @ (weights * change) ** 2 - 2 * mean * (arm @ (weights**2 * change)) + mean**2 * (arm @ weights**2)
        )
        means.append(mean)
        variances.append(np.maximum(squares, 0) / total**2 * n / np.maximum(n - 1, 1))
    spread = np.sqrt(variances[0] + variances[1]) if labels[0].sum() >= 2 <= (~labels[0]).sum() else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num((means[0] - means[1]) / spread, nan=0.0, posinf=np.inf, neginf=-np.inf)


@dataclass(frozen=True)
class Lead:
    """A stretch of days against the last one before the start: `offset` days from the start to its first day."""

    offset: int
    window: Window
    found: Did


@dataclass(frozen=True)
class Study:
    """The difference-in-differences of every measure, and the event study of the main one."""

    arms: Arms
    effects: dict[str, Did]
    leads: tuple[Lead, ...]  # before the start (placebo) and after it, in order
    leads_p: float | None  # joint, of those before

    @property
    def flat(self) -> bool | None:
        return None if self.leads_p is None else self.leads_p > FLAT

    def grade(self, found: Did | None = None) -> str:
        """B where the placebo leads are flat and could have been otherwise; else no better than before and after.

        Nor is a difference `found` in days that is none in proportion.
        """
        return QUASI if self.flat and not (found and found.of_the_scale) else BEFORE_AFTER

    def rows(self) -> list[Estimate]:
        rows = []
        for quantity in WAITING:
            if (d := self.effects.get(quantity)) is None:
                rows.append(make(quantity, "all", "did", None, None, 0, self.grade()))
            else:
                rows.append(make(quantity, "all", "did", d.effect.value, d.interval(), d.n, self.grade(d)))
        for lead in self.leads:
            group = f"{'lead' if lead.offset < 0 else 'lag'}: {lead.window}"
            rows.append(
                make(MAIN, group, "did", lead.found.effect.value, lead.found.interval(), lead.found.n, self.grade())
            )
        return rows


def study(waits: Waits, start: dt.date, draws: int = DRAWS) -> Study:
    """Every measure that the export allows; empty where nobody, or everybody, adopted."""
    arms = arms_of(waits, start)
    timed = waits.where(waits.timed)
    effects = {}
    for quantity in WAITING if waits.has_delays else ():
        windows = periods(timed, start, follow_up(quantity))
        if windows is not None:
            masks = tuple(within(timed, window) for window in windows)
            cells = Cells.of(timed.structure, masks, values(timed, quantity), len(timed.names))
            if (found := did(cells, arms.adopted, draws)) is not None:
                effects[quantity] = found
    leads, p = event_study(timed, start, arms, draws) if effects else ((), None)
    return Study(arms, effects, leads, p)


def event_study(timed: Waits, start: dt.date, arms: Arms, draws: int = DRAWS) -> tuple[tuple[Lead, ...], float | None]:
    """Stretches of LEAD_DAYS against the last one seen whole before the start, and the joint p-value of the placebo."""
    tau, value = follow_up(MAIN), values(timed, MAIN)
    first = int(timed.start.min()) if len(timed) else 0
    begin, day = start.toordinal(), dt.date.fromordinal

    def cells_of(window: Window, reference: Window) -> Cells:
        return Cells.of(timed.structure, (within(timed, reference), within(timed, window)), value, len(timed.names))

    def stretch(opening: int) -> Window:
        return Window(day(opening), day(opening + LEAD_DAYS - 1))

    reference = stretch(begin - tau - LEAD_DAYS + 1)
    openings = [begin - tau - (k + 1) * LEAD_DAYS + 1 for k in range(LEADS, 0, -1)]
    openings = [o for o in openings if o >= first]
    openings += [o for k in range(LEADS) if (o := begin + k * LEAD_DAYS) + LEAD_DAYS - 1 + tau <= timed.end]
    leads, placebo = [], []
    for opening in openings:
        cells = cells_of(stretch(opening), reference)
        if (found := did(cells, arms.adopted, draws)) is not None:
            leads.append(Lead(opening - begin, stretch(opening), found))
            if opening < begin:
                placebo.append(cells)
    return tuple(leads), _joint_p(placebo, arms.adopted)


def _joint_p(placebo: list[Cells], adopted: np.ndarray) -> float | None:
    """Of the largest |t| among the leads, labels shuffled once for all of them (Westfall and Young 1993).

    None where so few structures are there that no difference could be seen: flat leads would then mean nothing.
    """
    if not placebo:
        return None
    seen = np.any([cells.compared for cells in placebo], axis=0)
    known = np.flatnonzero((adopted >= 0) & seen)
    treated = adopted[known] == 1
    sizes = int(treated.sum()), int((~treated).sum())
    ways = comb(len(known), sizes[0])
    least = (2 if sizes[0] == sizes[1] else 1) / ways  # swapping equal arms gives the same |t|
    if min(sizes) < 2 or len(known) < LEAST_STRUCTURES or least > FLAT:
        return None
    labels = np.vstack([treated[None], _labels(len(known), sizes[0], SEED)])
    largest = np.zeros(len(labels))
    for cells in placebo:
        weights, change = cells.weights[known], cells.differences[known]
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.abs(_statistic(change, weights, labels))
        largest = np.maximum(largest, np.nan_to_num(statistic, nan=0.0, posinf=0.0))
    if not largest[0] > 0:
        return None
    as_large = float(np.sum(largest[1:] >= largest[0] - 1e-12))
    return as_large / ways if ways <= PERMUTATIONS else (as_large + 1) / len(labels)
