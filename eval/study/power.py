"""Find by simulation how many agents and reviews show an effect, with the very estimators of the analysis.

Every simulated study is kept, under <home>/study-power: the same command goes on where it was interrupted.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import nct, norm, t

from eval.study.analysis.quality import non_inferior
from eval.study.analysis.times import Timing, time_ratio
from eval.study.config import StudyConfig
from eval.study.simulate import Truth, simulate
from plume.command import progress
from plume.files import append, code_sha256, json_sha256, locked, make_folder, whole_lines
from plume.paths import home
from plume.shares import clopper_pearson

_CODE = ("eval/study/simulate.py", "eval/study/allocation.py", "eval/study/analysis/*.py", "eval/stats/*.py")
SEARCH, CONFIRM = "search", "confirm"  # the design that was found is simulated anew: the best of several looks too good


@dataclass(frozen=True)
class Power:
    """Holds in how many of n simulated studies the effect on time was shown, and quality shown to be no worse."""

    agents: int
    items: int
    time: int
    quality: int
    ratings: float  # pairs of finals judged in a study, on average
    n: int

    @property
    def writings(self) -> int:
        return self.agents * self.items

    def share(self, of: str) -> tuple[float, float, float]:
        """Give the power for "time" or "quality", with its 95 % Monte-Carlo interval (exact)."""
        hits = getattr(self, of)
        return (hits / self.n, *clopper_pearson(hits, self.n))


def truth_of(config: StudyConfig, agents: int, items: int) -> Truth:
    """Give what a simulated study holds, as the config assumes it, with the effect that is to be shown."""
    assumed = config.assumed.model_dump()
    return Truth(
        agents=agents,
        items=items,
        effect=config.effect,
        finals=config.finals,
        idle_seconds=config.idle_seconds,
        thinking=0,
        interruptions=0,
        **assumed,
    )


def shows_time(ratio: Timing) -> bool:
    """Tell whether an interval says that drafts save time."""
    return ratio.upper is not None and bool(ratio.upper < 1)


def judged(config: StudyConfig, truth: Truth, seed: int) -> tuple[bool, bool, int]:
    """Simulate a study and analyse it: is the effect on time shown, is quality shown, how many finals were rated?"""
    study = simulate(truth, seed)
    ratio = time_ratio(study.writings, confidence=config.confidence)
    quality, _ = non_inferior(study.ratings, config.quality_margin, config.confidence)
    finals = sum(rating.kind == "finals" for rating in study.ratings)
    return shows_time(ratio), quality == "not inferior", finals


def find_designs(config: StudyConfig) -> list[Power]:
    """Find, for each number of reviews, the fewest agents that reach the power; the largest design where none does."""
    if config.agents and config.items:
        return [power(config, config.agents, config.items)]
    reviews = (config.items,) if config.items else config.item_choices
    return [_fewest(config, _numbers(config), items) for items in reviews]


def chosen(config: StudyConfig, found: Sequence[Power]) -> Power | None:
    """Choose the design with the fewest replies that reaches the power, also when it is simulated anew; None if none.

    A design that does not reach it again gives way to the next number of agents. Where agents and reviews are both
    given, that design is taken, whatever its power.
    """
    if config.agents and config.items:
        return power(config, config.agents, config.items, stage=CONFIRM)
    waiting = [(d.writings, d.agents, d.items) for d in found if _reaches(d, config)]
    while waiting:
        waiting.sort()
        _, agents, items = waiting.pop(0)
        again = power(config, agents, items, stage=CONFIRM)
        if _reaches(again, config):
            return again
        more = next((n for n in _numbers(config) if n > agents), None)
        waiting += [(more * items, more, items)] if more else []
    return None


def _numbers(config: StudyConfig) -> Sequence[int]:
    return (config.agents,) if config.agents else config.agent_choices


def _fewest(config: StudyConfig, numbers: Sequence[int], items: int) -> Power:
    """Walk from where a formula expects the power to be reached, down while it is, else up until it is."""
    expected = (at for at, n in enumerate(numbers) if expected_power(config, n, items) >= config.power)
    at = next(expected, len(numbers) - 1)
    design = power(config, numbers[at], items)
    while _reaches(design, config) and at:
        fewer = power(config, numbers[at - 1], items)
        if not _reaches(fewer, config):
            return design
        design, at = fewer, at - 1
    while not _reaches(design, config) and at + 1 < len(numbers):
        at += 1
        design = power(config, numbers[at], items)
    return design


def _reaches(design: Power, config: StudyConfig) -> bool:
    return design.share("time")[0] >= config.power


def expected_power(config: StudyConfig, agents: int, items: int) -> float:
    """Approximate the power for time, to know where to look: agents' own mean differences, by the t test."""
    assumed = config.assumed
    replies = items * (1 - assumed.drop_out / 2)
    error = math.sqrt((assumed.effect_between_agents**2 + 4 * assumed.residual**2 / replies) / agents)
    critical = t.ppf((1 + config.confidence) / 2, agents - 1)
    return float(nct.cdf(-critical, agents - 1, math.log(config.effect) / error))


def finals_wanted(config: StudyConfig, found: Power) -> int | None:
    """Estimate how many pairs of finals an agent should rate for the power for quality; None if more do not help.

    The standard error is read from the simulated power, and falls with the root of the number of ratings.
    """
    gap = config.assumed.preferred - 0.5 + config.quality_margin
    got, limit = found.share("quality")[0], norm.ppf(config.confidence)
    if gap <= 0 or not 0 < got < 1 or limit + norm.ppf(got) <= 0:
        return None
    factor = ((limit + norm.ppf(config.power)) / (limit + norm.ppf(got))) ** 2
    wanted = math.ceil(found.ratings * factor / found.agents)
    # Each pair is judged by two: an agent finds no more of them than there are reviews.
    return wanted if config.finals < wanted <= found.items else None


# --- simulated studies, kept


def power(config: StudyConfig, agents: int, items: int, *, stage: str = SEARCH) -> Power:
    """Simulate studies of one design, or read what was kept of them. Raises InputError if another process does it."""
    truth = truth_of(config, agents, items)
    kept, n = _kept(config, truth, stage), config.simulations // (1 if stage == CONFIRM else 2)
    seeds = np.random.SeedSequence([config.seed, agents, items, stage == CONFIRM]).generate_state(n)
    busy = f"{kept}: another process simulates this very design; wait for it, the same command then goes on"
    with locked(kept, busy, wait=0), progress() as bar:
        done = _read(kept)[:n]
        told = f"power: {agents} agents, {items} reviews each" + " (again)" * (stage == CONFIRM)
        task = bar.add_task(told, total=n, completed=len(done), unit="studies")
        for seed in seeds[len(done) :]:
            row = judged(config, truth, int(seed))
            append(kept, {"time": row[0], "quality": row[1], "ratings": row[2]})
            done.append(row)
            bar.advance(task)
    time, quality, ratings = (sum(column) for column in zip(*done, strict=True))
    return Power(agents, items, time, quality, ratings / len(done), len(done))


def _kept(config: StudyConfig, truth: Truth, stage: str) -> Path:
    """Name the file of a design's simulated studies, by all that they depend on."""
    decided: dict[str, Any] = {key: getattr(config, key) for key in ("confidence", "quality_margin", "seed")}
    key = json_sha256({**asdict(truth), **decided, "stage": stage, "code": code_sha256(*_CODE)})
    return make_folder(home() / "study-power") / f"{key}.jsonl"


def _read(kept: Path) -> list[tuple[bool, bool, int]]:
    """Read whole lines: what a kill cut off is simulated again."""
    lines, torn = whole_lines(kept)
    if torn:
        with kept.open("r+b") as file:
            file.truncate(kept.stat().st_size - len(torn))
    rows = (json.loads(line) for line in lines if line)
    return [(row["time"], row["quality"], row["ratings"]) for row in rows]
