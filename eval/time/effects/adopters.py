"""Compare structures that adopted AI help with those that did not, with placebo leads.

Volunteers may be faster or slower from the start, so changes are compared, not levels. It rests on parallel trends;
the leads look for what it forbids, a difference before there was anything to adopt. The adopters are those of the whole
period after the start, whatever share of their replies was helped (intention).
"""

import datetime as dt
from dataclasses import dataclass
from math import comb

import numpy as np

from eval.stats.studentised import DRAWS, SEED, Inference, student_quantile
from eval.time.effects.counterfactual import carried
from eval.time.effects.difference_in_differences import PERMUTATIONS, Did, did, labels_of, studentised_difference
from eval.time.measurement import BEFORE_AFTER, LEAST_STRUCTURES, MAIN, QUASI, WAITING, Measurement, Window, make
from eval.time.waits.from_export import Waits
from eval.time.waits.periods import LONGEST, Cells, follow_up, periods, values, within, year_earlier
from eval.time.waits.survival import reach

LEAST_ANSWERED = 3  # replies after the start from which a structure is known to use AI help, or not to
MARGINAL = 0.1  # helped in fewer of its replies, but in some: neither adopter nor other
LEAD_DAYS, LEADS = 30, 6
FLAT = 0.05  # the leads are flat if their joint p-value is above


@dataclass(frozen=True)
class Arms:
    """Says which structures adopted (1), did not (0) or cannot be told (-1), and if unanswered reviews are flagged."""

    adopted: np.ndarray
    flagged_unanswered: bool

    @property
    def sizes(self) -> tuple[int, int]:
        return int((self.adopted == 1).sum()), int((self.adopted == 0).sum())


def arms_of(waits: Waits, start: dt.date) -> Arms:
    """Find the adopters by the flag "an AI draft was proposed" after the start.

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
class Lead:
    """Compares a stretch of days with the last one before the start: `offset` days from the start to its first day."""

    offset: int
    window: Window
    found: Did


@dataclass(frozen=True)
class Placebo:
    """Holds what was seen before there was anything to adopt, and whether a return to the mean could be the effect.

    `trend` compares the earlier with the later half of the days before the start; `given_level` is the effect among
    structures that were equally slow before it, None where that cannot be fitted.
    """

    trend: Did | None
    given_level: Inference | None


# Why a difference is no better than a comparison before and after, in the order in which it is asked.
SEASON, UNSEEN, TREND, POWER, REVERSION = "season", "unseen", "trend", "power", "reversion"


@dataclass(frozen=True)
class Study:
    """Holds the difference-in-differences of every measure, and the event study of the main one."""

    arms: Arms
    effects: dict[str, Did]
    windows: dict[str, tuple[Window, Window]]
    placebos: dict[str, Placebo]
    leads: tuple[Lead, ...]  # before the start (placebo) and after it, in order
    leads_p: float | None  # joint, of those before

    @property
    def flat(self) -> bool | None:
        return None if self.leads_p is None else self.leads_p > FLAT

    def weakness(self, quantity: str) -> str | None:
        """Say what forbids grade B; None if nothing does.

        Flat leads are not enough, as few reviews make any leads flat: the interval of the trend before the start must
        exclude one as large as the effect found; where none is found, one as large as the interval still allows.
        """
        found, placebo = self.effects.get(quantity), self.placebos.get(quantity)
        if found is None or (interval := found.interval()) is None or placebo is None or self.flat is None:
            return UNSEEN
        if not same_season(self.windows[quantity]):
            return SEASON
        if not self.flat:
            return TREND
        seen = interval[0] > 0 or interval[1] < 0
        size = abs(found.effect.value) if seen else max(map(abs, interval))
        trend = placebo.trend.interval() if placebo.trend else None
        if trend is None or not -size < trend[0] <= trend[1] < size:
            return POWER
        if seen and placebo.given_level is None:
            return UNSEEN
        given = placebo.given_level.interval() if placebo.given_level else None
        same_side = given is not None and (given[0] > 0 if interval[0] > 0 else given[1] < 0)
        return REVERSION if seen and not same_side else None

    def grade(self, quantity: str = MAIN) -> str:
        """Grade it B where nothing speaks against it; else no better than before and after."""
        return BEFORE_AFTER if self.weakness(quantity) else QUASI

    def rows(self) -> list[Measurement]:
        rows = []
        for quantity in WAITING:
            if (d := self.effects.get(quantity)) is None:
                rows.append(make(quantity, "all", "did", None, None, 0, BEFORE_AFTER))
            else:
                rows.append(make(quantity, "all", "did", d.effect.value, d.interval(), d.n, self.grade(quantity)))
        for lead in self.leads:
            group = f"{'lead' if lead.offset < 0 else 'lag'}: {lead.window}"
            rows.append(
                make(MAIN, group, "did", lead.found.effect.value, lead.found.interval(), lead.found.n, self.grade())
            )
        return rows


def same_season(windows: tuple[Window, Window]) -> bool:
    """Say whether both periods are of the same calendar days."""
    return (windows[1].first - windows[0].first).days >= LONGEST


def study(waits: Waits, start: dt.date, draws: int = DRAWS, quantities: tuple[str, ...] = WAITING) -> Study:
    """Study every measure that the export allows; none where nobody, or everybody, adopted.

    The days since the start against the same days one year earlier: their season is the same, and a slow spell for
    which structures volunteered lies in neither. Where the file does not hold them, against the days just before.
    """
    arms = arms_of(waits, start)
    timed = waits.where(waits.timed)
    effects, windows, placebos = {}, {}, {}
    for quantity in quantities if waits.has_delays else ():
        tau = follow_up(quantity)
        pair = year_earlier(timed, start, timed.extracted_on, tau) or periods(timed, start, tau)
        if pair is None:
            continue
        contrast = Contrast.of(timed, pair, quantity, arms.adopted)
        if (found := contrast.did(draws, permuted=True)) is not None:
            effects[quantity], windows[quantity] = found, pair
            placebos[quantity] = _placebo(timed, start, quantity, contrast, draws)
    leads, p = event_study(timed, start, arms, draws) if effects else ((), None)
    return Study(arms, effects, windows, placebos, leads, p)


@dataclass(frozen=True)
class Contrast:
    """Holds two periods of both arms: waits of the first as the others' change would have made them."""

    cells: Cells
    adopted: np.ndarray
    lever: float
    top: float

    @classmethod
    def of(cls, timed: Waits, windows: tuple[Window, Window], quantity: str, adopted: np.ndarray) -> "Contrast":
        masks = within(timed, windows[0]), within(timed, windows[1])
        value, lever = carried(timed, masks, quantity, adopted)
        days, area = reach(quantity)
        return cls(Cells.of(timed.structure, masks, value, len(timed.names)), adopted, lever, days if area else 1.0)

    def did(self, draws: int = DRAWS, *, permuted: bool = False) -> Did | None:
        return did(self.cells, self.adopted, draws, top=self.top, lever=self.lever, permuted=permuted)

    @property
    def change(self) -> np.ndarray:
        """Give each structure's change, the others' with the spread that it has in the effect."""
        return np.where(self.adopted == 1, self.cells.differences, self.lever * self.cells.differences)


def _placebo(timed: Waits, start: dt.date, quantity: str, contrast: Contrast, draws: int) -> Placebo:
    last = start.toordinal() - max(follow_up(quantity), 1)
    first = max(int(timed.start.min()), start.toordinal() - LONGEST)
    half = (last - first + 1) // 2
    if half < LEAD_DAYS:
        return Placebo(None, None)
    early, late = (
        Window(dt.date.fromordinal(last - n * half + 1), dt.date.fromordinal(last - (n - 1) * half)) for n in (2, 1)
    )
    trend = Contrast.of(timed, (early, late), quantity, contrast.adopted).did(draws)
    whole = within(timed, Window(early.first, late.last))
    level = Cells.of(timed.structure, (whole,), values(timed, quantity), len(timed.names))
    kept = contrast.cells.compared & (contrast.adopted >= 0) & (level.n[0] > 0)
    columns = contrast.change, contrast.cells.weights, level.means[0], contrast.adopted == 1
    return Placebo(trend, given_level(*(column[kept] for column in columns)))


def given_level(change: np.ndarray, weights: np.ndarray, level: np.ndarray, treated: np.ndarray) -> Inference | None:
    """Estimate the effect among structures of one `level` before the start, (K,); None where it cannot be fitted.

    Structures that volunteer when they are slow come back to their mean with or without help. Where volunteering goes
    by the level seen, this is the effect, and the difference in changes is not; where it goes by what structures always
    were, the other way round (Ding and Li 2019). Weighted least squares with HC3 errors.
    """
    design = np.column_stack([np.ones(len(level)), treated, level - level.mean()])
    free = len(level) - design.shape[1]
    if free < 2 or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    root = np.sqrt(weights)
    inverse = np.linalg.inv((design * weights[:, None]).T @ design)
    fitted = inverse @ (design * weights[:, None]).T @ change
    leverage = np.minimum(np.einsum("ij,jk,ik->i", design, inverse, design) * weights, 1 - 1e-9)
    errors = root * (change - design @ fitted) / (1 - leverage)
    spread = inverse @ (design * (root * errors)[:, None]).T
    se = float(np.sqrt(np.sum(spread[1] ** 2)))
    return Inference(float(fitted[1]), se, student_quantile(free), len(level))


def event_study(timed: Waits, start: dt.date, arms: Arms, draws: int = DRAWS) -> tuple[tuple[Lead, ...], float | None]:
    """Compare stretches of LEAD_DAYS with the last one seen whole before the start; the placebo's joint p-value."""
    tau = follow_up(MAIN)
    first = int(timed.start.min()) if len(timed) else 0
    begin, day = start.toordinal(), dt.date.fromordinal

    def stretch(opening: int) -> Window:
        return Window(day(opening), day(opening + LEAD_DAYS - 1))

    reference = stretch(begin - tau - LEAD_DAYS + 1)
    openings = [begin - tau - (k + 1) * LEAD_DAYS + 1 for k in range(LEADS, 0, -1)]
    openings = [o for o in openings if o >= first]
    openings += [o for k in range(LEADS) if (o := begin + k * LEAD_DAYS) + LEAD_DAYS - 1 + tau <= timed.end]
    leads, placebo = [], []
    for opening in openings:
        contrast = Contrast.of(timed, (reference, stretch(opening)), MAIN, arms.adopted)
        if (found := contrast.did(draws)) is not None:
            leads.append(Lead(opening - begin, stretch(opening), found))
            if opening < begin:
                placebo.append(contrast)
    return tuple(leads), _joint_p(placebo, arms.adopted)


def _joint_p(placebo: list[Contrast], adopted: np.ndarray) -> float | None:
    """Find the p-value of the largest |t| among the leads, labels shuffled for all at once (Westfall and Young 1993).

    None where so few structures are there that no difference could be seen: flat leads would then mean nothing.
    """
    if not placebo:
        return None
    seen = np.any([contrast.cells.compared for contrast in placebo], axis=0)
    known = np.flatnonzero((adopted >= 0) & seen)
    treated = adopted[known] == 1
    sizes = int(treated.sum()), int((~treated).sum())
    ways = comb(len(known), sizes[0])
    least = (2 if sizes[0] == sizes[1] else 1) / ways  # swapping equal arms gives the same |t|
    if min(sizes) < 2 or len(known) < LEAST_STRUCTURES or least > FLAT:
        return None
    labels = np.vstack([treated[None], labels_of(len(known), sizes[0], SEED)])
    largest = np.zeros(len(labels))
    for contrast in placebo:
        weights, change = contrast.cells.weights[known], contrast.change[known]
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.abs(studentised_difference(change, weights, labels))
        largest = np.maximum(largest, np.nan_to_num(statistic, nan=0.0, posinf=0.0))
    if not largest[0] > 0:
        return None
    as_large = float(np.sum(largest[1:] >= largest[0] - 1e-12))
    return as_large / ways if ways <= PERMUTATIONS else (as_large + 1) / len(labels)
