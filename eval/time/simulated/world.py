"""A simulated platform with a known truth: structures that differ, delays, a pilot that quickens some of them."""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import lognorm

from eval.time.waits.from_export import COUNTS, Waits
from eval.time.waits.periods import Cells, within

PILOT = dt.date(2023, 10, 5)


@dataclass(frozen=True)
class World:
    """A simulated platform with a known truth: lognormal delays in days, structures that differ, a pilot on PILOT.

    `effect` multiplies the delays of the reviews that an AI draft helps with: a share `helped` of those that volunteers
    receive after the start. `trend` multiplies everybody's after the start. Never answered: a share `never`. `shift`
    is how strongly the mix moves to fast structures after the start; `volunteers_faster` by how much (log) volunteers
    were faster all along. The export is made `after` days after the start. `shock` is what a structure's delays change
    by between the periods, on its own (log, standard deviation).

    What makes an effect seem to be there: `season` multiplies all delays by 1 + season at the height of summer and by
    1 - season in winter; `common` is a shock that all structures share (log, standard deviation), anew every 30 days;
    `own` is one of each structure, anew every 90 days. With `selected`, the volunteers are the structures that were
    slowest over so many days before the start, as the file shows them.
    """

    structures: int = 40
    n: int = 4000
    before: int = 365
    after: int = 120
    median: float = 10.0
    sigma: float = 1.2
    spread: float = 0.4  # of structures' log medians
    sizes: float = 0.5  # of structures' log sizes
    shock: float = 0.0
    shift: float = 0.0
    volunteers: float = 0.5
    volunteers_faster: float = 0.0
    helped: float = 0.5
    effect: float = 1.0
    trend: float = 1.0
    never: float = 0.0
    votes: float = 0.1
    useful: float = 0.7
    useful_helped: float = 0.7
    useful_spread: float = 0.0
    flagged_unanswered: bool = False
    season: float = 0.0
    common: float = 0.0
    own: float = 0.0
    selected: int = 0

    def draw(self, seed: int) -> "Drawn":
        random = np.random.default_rng(seed)
        k = self.structures
        log_median = np.log(self.median) + random.normal(0, self.spread, k)
        volunteer = random.permutation(k) < round(self.volunteers * k)
        log_median = log_median - self.volunteers_faster * volunteer
        size = np.exp(random.normal(0, self.sizes, k))
        fast = -(log_median - log_median.mean()) / max(self.spread, 1e-9)
        share = [size / size.sum(), size * np.exp(self.shift * fast)]
        share[1] /= share[1].sum()
        day = random.integers(-self.before, self.after, self.n)
        late = day >= 0
        structure = np.where(late, random.choice(k, self.n, p=share[1]), random.choice(k, self.n, p=share[0]))
        shock = random.normal(0, self.shock, (2, k))[late.astype(int), structure]
        assisted = random.random(self.n) < self.helped
        delay = np.where(late, self.trend, 1.0) * random.lognormal(log_median[structure] + shock, self.sigma)
        delay = np.where(random.random(self.n) < self.never, 1e6, delay) * self._luck(seed, structure, day)
        if self.selected:
            seen = (day >= -self.selected) & ~late
            pace = np.bincount(structure[seen], np.log1p(delay[seen]), k) / np.maximum(
                np.bincount(structure[seen], minlength=k), 1
            )
            volunteer = np.argsort(np.argsort(-pace)) < round(self.volunteers * k)
        helped = late & volunteer[structure] & assisted
        without, delay = delay.astype(int), (delay * np.where(helped, self.effect, 1.0)).astype(int)
        # Extraction the day before `after`, as the last review may be of that day.
        answered = day + delay < self.after
        rate = self.useful + random.normal(0, self.useful_spread, k)[structure]
        useful = random.random(self.n) < np.where(helped, rate + self.useful_helped - self.useful, rate)
        vote = np.where(answered & (random.random(self.n) < self.votes), useful.astype(int), -1)
        return Drawn(self, structure, day, delay, without, answered, helped, vote)

    def _luck(self, seed: int, structure: np.ndarray, day: np.ndarray) -> np.ndarray:
        """What multiplies each delay and is no effect: the season, and the shocks of all and of each structure."""
        random = np.random.default_rng([seed, 1])
        of_all = random.normal(0, self.common, 1000)[day // 30]  # days before the start count from the end
        of_each = random.normal(0, self.own, (self.structures, 400))[structure, day // 90]
        summer = np.cos(2 * np.pi * (day + PILOT.timetuple().tm_yday - 213) / 365.25)  # at its height on 1 August
        return (1 + self.season * summer) * np.exp(of_all + of_each)

    def rmst(self, tau: int, scale: float = 1.0, faster: float = 0.0) -> float:
        """Mean of min(whole days waited, tau) over all structures there could be: what intervals must hold."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(61)
        spread = np.hypot(self.spread, self.shock)
        medians = self.median * scale * np.exp(spread * nodes - faster)
        tails = sum(lognorm.sf(day, self.sigma, scale=medians) for day in range(1, tau + 1))
        return float(weights @ (self.never * tau + (1 - self.never) * tails) / weights.sum())

    def answered(self, days: int, scale: float = 1.0) -> float:
        """Share answered after at most so many whole days."""
        return 1 - (self.rmst(days + 1, scale) - self.rmst(days, scale))

    def but(self, **changes) -> "World":
        return replace(self, **changes)


@dataclass(frozen=True)
class Drawn:
    """One sample of a World, as waits for the statistics and as rows for the command."""

    world: World
    structure: np.ndarray
    day: np.ndarray
    delay: np.ndarray
    without: np.ndarray  # the delay that would have been without help
    answered: np.ndarray
    helped: np.ndarray
    vote: np.ndarray

    def on_adopters(self, waits: Waits, windows, adopted: np.ndarray, tau: int) -> float:
        """The true effect in days, within `tau`, on the adopters' waits of the second period, as `did` weighs them."""
        timed = waits.timed
        gained = (np.minimum(self.delay, tau) - np.minimum(self.without, tau))[timed].astype(float)
        waits = waits.where(timed)
        cells = Cells.of(waits.structure, tuple(within(waits, w) for w in windows), gained, len(waits.names))
        weights = np.where(adopted == 1, cells.weights, 0)
        return float(weights @ cells.means[1] / weights.sum())

    @property
    def offered(self) -> np.ndarray:
        flag = self.helped.astype(int)
        return flag if self.world.flagged_unanswered else np.where(self.answered, flag, 0)

    def waits(self) -> Waits:
        n, start = len(self.day), PILOT.toordinal() + self.day
        return Waits(
            start=start,
            reply=np.where(self.answered, start + self.delay, 0),
            replied=self.answered,
            structure=self.structure,
            vote=self.vote,
            offered=self.offered,
            agent_vote=np.full(n, -1),
            similarity=np.full(n, np.nan),
            review_words=np.full(n, 80),
            reply_words=np.full(n, 90),
            reply_facts=np.full(n, 2),
            names=tuple(("CAF", f"CAF {i}") for i in range(self.world.structures)),
            extracted_on=PILOT + dt.timedelta(days=self.world.after - 1),
            extraction_given=True,
            counts=dict.fromkeys(COUNTS, 0),
            missing=(),
            review_words_of={},
        )
