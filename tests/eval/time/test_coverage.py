"""Intervals against a known truth, over many simulated exports: how often they hold it, and false effects.

The short form runs FEW simulations of a smaller world and allows for their noise; the long form runs MANY and holds the
figures of the issue: 93 to 97 % of intervals hold the truth, 5.5 % of tests at most see an effect where there is none,
each give or take two standard errors of the simulation itself.
"""

import datetime as dt
from collections import defaultdict
from math import exp

import numpy as np
import pytest

from eval.time.claims.check import COMPATIBLE, check
from eval.time.claims.published import Claim
from eval.time.effects import before_after, satisfaction, with_help
from eval.time.effects.adopters import arms_of, study
from eval.time.effects.difference_in_differences import did
from eval.time.waits import levels
from eval.time.waits.periods import Cells, follow_up, periods, values, within

PILOT = dt.date(2023, 10, 5)
DRAWS = 400
FEW, MANY = 60, 600


def analyse(waits):
    """(what) -> (estimate, lower, upper), of the main rows; those without an interval are left out."""
    timed = waits.where(waits.timed)
    found = {}
    for quantity in ("rmst_30", "answered_7d"):
        masks = tuple(within(timed, window) for window in periods(timed, PILOT, follow_up(quantity)))
        value = values(timed, quantity)
        for mix in (True, False):
            c = before_after.compare(timed, value, masks, share=quantity[0] == "a", fixed_mix=mix, draws=DRAWS)
            found[quantity, "before_after", "fixed" if mix else "own"] = (exp(c.log_ratio.value), *c.ratio_interval())
        if quantity == "rmst_30":
            cells = Cells.of(timed.structure, masks, value, len(timed.names))
            adoption = arms_of(waits, PILOT)
            if (effect := did(cells, adoption.adopted, DRAWS)) is not None and effect.interval():
                found[quantity, "did"] = (effect.effect.value, *effect.interval())
                found["permutation"] = (effect.p, effect.p < 0.05, effect.p < 0.05)
    for row in with_help.waiting(waits, PILOT, flagged_unanswered=adoption.flagged_unanswered, draws=DRAWS):
        if row.quantity == "rmst_30":
            found["rmst_30", "ai_vs_not"] = (row.estimate, row.lower, row.upper)
    for row in levels.describe(timed, "all", DRAWS):
        found[row.quantity, "level"] = (row.estimate, row.lower, row.upper)
    rows, _ = satisfaction.levels(waits, {"all": np.ones(len(waits), dtype=bool)}, DRAWS)
    for row in (*rows, *satisfaction.compared(waits, PILOT, adoption, DRAWS)[0]):
        found["useful_share", row.comparison, row.group] = (row.estimate, row.lower, row.upper)
    naive = before_after.naive(waits, PILOT, DRAWS)[0]
    found["naive"] = (naive.estimate, naive.lower, naive.upper)
    return {key: row for key, row in found.items() if row[1] is not None}


def shares_held(made, truths, runs, first=0):
    """By what: the share of intervals that hold the truth, how many there were, the mean estimate."""
    held, estimates = defaultdict(list), defaultdict(list)
    for seed in range(first, first + runs):
        found = analyse(made.draw(seed).waits())
        for key, truth in truths.items():
            if key in found:
                _, low, high = found[key]
                held[key].append(low - 1e-9 <= truth <= high + 1e-9)
        for key, row in found.items():
            estimates[key].append(row[0])
    rejected = np.mean([p < 0.05 for p in estimates.pop("permutation", [1.0])])
    return {k: (np.mean(v), len(v)) for k, v in held.items()}, {k: np.mean(v) for k, v in estimates.items()}, rejected


def nothing(made):
    """The truths of a world without any effect."""
    return {
        ("rmst_30", "before_after", "fixed"): 1.0,
        ("answered_7d", "before_after", "fixed"): 1.0,
        ("rmst_30", "did"): 0.0,
        ("rmst_30", "ai_vs_not"): 0.0,
        ("useful_share", "before_after", "all"): 1.0,
        ("useful_share", "did", "all"): 0.0,
        ("useful_share", "level", "all"): made.useful,
    }


def level_truths(made):
    return {
        ("rmst_30", "level"): made.rmst(30),
        ("rmst_7", "level"): made.rmst(7),
        ("answered_7d", "level"): made.answered(7),
        ("rmst_30", "before_after", "own"): 1.0,
    }


def assert_held(held, runs, most=0.97):
    for key, (share, n) in held.items():
        if n < runs / 2:
            continue
        noise = 2 * np.sqrt(0.05 * 0.95 / n)
        assert 0.93 - noise <= share <= most + noise, f"{key}: {share:.3f} of {n}"
        if ("before_after" in key or "did" in key or "ai_vs_not" in key) and runs == MANY:
            assert 1 - share <= 0.055 + noise, f"{key}: false effects {1 - share:.3f} of {n}"


WORLDS = {
    "unchanged": {},
    "few structures": {"structures": 8, "n": 1500},
    "much censored": {"after": 45, "n": 5000, "never": 0.15},
    "unequal structures that drift": {"sizes": 1.0, "shock": 0.2},
    "mix that shifts": {"shift": 1.0, "spread": 0.6},
    "faster volunteers": {"volunteers_faster": 0.7},
    "votes that differ by structure": {"useful_spread": 0.12, "votes": 0.3},
    "short delays, many ties": {"median": 1.5, "sigma": 0.8},
}


@pytest.mark.long
@pytest.mark.parametrize("name", WORLDS)
def test_intervals_hold_the_truth_where_there_is_no_effect(world, name):
    made = world(**WORLDS[name])
    truths = nothing(made)
    if name not in ("mix that shifts", "faster volunteers"):
        truths |= level_truths(made)
    held, means, rejected = shares_held(made, truths, MANY)
    # Of eight structures four volunteer: the interval for so few is rather too wide (shares of votes: .988 of 592).
    assert_held(held, MANY, most=0.99 if name == "few structures" else 0.97)
    assert rejected <= 0.055 + 2 * np.sqrt(0.05 * 0.95 / MANY)
    assert means["naive"] > 1.15 or name == "short delays, many ties"


@pytest.mark.long
def test_intervals_hold_an_effect_on_every_structure(world):
    made = world(effect=0.5, helped=1.0, volunteers=1.0)
    truths = {("rmst_30", "before_after", mix): made.rmst(30) / made.rmst(30, 0.5) for mix in ("fixed", "own")}
    held, _, _ = shares_held(made, truths, MANY)
    assert_held(held, MANY)


@pytest.mark.long
def test_intervals_hold_an_effect_on_half_of_the_structures(world):
    made = world(effect=0.5, helped=1.0, flagged_unanswered=True)
    moved = made.rmst(30, 0.5) - made.rmst(30)
    ratio = made.rmst(30) / (0.5 * made.rmst(30) + 0.5 * made.rmst(30, 0.5))
    truths = {("rmst_30", "did"): moved, ("rmst_30", "before_after", "fixed"): ratio}
    held, means, rejected = shares_held(made, truths, MANY)
    # Which structures adopt is chance for the ratio, which resamples all of them, and fixed in this world: too wide.
    share, _ = held.pop(("rmst_30", "before_after", "fixed"))
    assert share >= 0.93
    assert_held(held, MANY)
    assert rejected > 0.8
    assert means["rmst_30", "did"] == pytest.approx(moved, rel=0.05)


@pytest.mark.long
def test_intervals_hold_the_true_difference_of_helped_replies(world):
    made = world(effect=0.5, helped=0.5, flagged_unanswered=True)
    moved = made.rmst(30, 0.5) - made.rmst(30)
    truths = {("rmst_30", "ai_vs_not"): moved, ("rmst_30", "did"): moved / 2}
    held, _, _ = shares_held(made, truths, MANY)
    assert_held(held, MANY)


def test_intervals_hold_the_truth_in_a_few_exports_and_the_naive_mean_does_not(world):
    made = world(structures=20, n=2000)
    held, means, _ = shares_held(made, nothing(made) | level_truths(made) | {"naive": 1.0}, FEW)
    share, n = held.pop("naive")
    assert share < 0.5
    assert n == FEW
    assert means["naive"] > 1.3
    for key, (share, n) in held.items():
        if n == FEW:
            assert share >= 0.86, f"{key}: {share:.2f}"  # 0.95 less three standard errors


# What is no effect and looks like one: seasons, shocks that all structures share, structures that volunteer when slow.
LUCK = {
    "season": {"season": 0.35},
    "shared shocks, slow adopters": {"season": 0.35, "common": 0.3, "volunteers_faster": -0.7},
    "shared shocks, quick adopters": {"season": 0.35, "common": 0.3, "volunteers_faster": 0.7},
    "short waits": {"season": 0.35, "common": 0.3, "volunteers_faster": -0.7, "median": 3.0, "sigma": 0.8},
    "few structures": {"season": 0.35, "common": 0.3, "volunteers_faster": -0.7, "structures": 12, "n": 1500},
    "slow for three months": {"season": 0.35, "common": 0.2, "own": 0.3, "selected": 90},
    "slow for a year": {"season": 0.35, "common": 0.2, "selected": 365},
    "an effect": {
        "season": 0.35,
        "common": 0.3,
        "volunteers_faster": -0.5,
        "effect": 0.5,
        "helped": 1.0,
        "flagged_unanswered": True,
    },
}


def studied(made, runs):
    """Of so many exports: whether the interval of `did` holds the truth, excludes 0, and is of grade B; (runs, 3)."""
    rows = []
    for seed in range(runs):
        drawn = made.draw(seed)
        waits = drawn.waits()
        found = study(waits, PILOT, DRAWS, ("rmst_30",))
        truth = drawn.on_adopters(waits, found.windows["rmst_30"], found.arms.adopted, 30)
        low, high = found.effects["rmst_30"].interval()
        rows.append((low <= truth <= high, not low <= 0 <= high, found.grade() == "B"))
    return np.array(rows, dtype=float)


def halved(**values_):
    return Claim.model_validate(
        {
            "id": "c",
            "quantity": "mean_response_days",
            "statement": "x",
            "values": values_,
            "population": {"description": "x"},
            "window": {"description": "x", "first": PILOT, "last": PILOT + dt.timedelta(days=60)},
            "source": {"publisher": "x", "date": 2023, "title": None},
            "status": "announced",
        }
    )


def compatible(made, runs, claim):
    return [check(claim, made.draw(s).waits(), DRAWS, started_on=PILOT).outcome == COMPATIBLE for s in range(runs)]


@pytest.mark.long
@pytest.mark.parametrize("name", LUCK)
def test_did_holds_the_truth_whatever_else_moves_the_waits(world, name):
    rows = studied(world(**LUCK[name]), MANY)
    noise = 2 * np.sqrt(0.05 * 0.95 / MANY)
    covered, apart, good = rows.mean(axis=0)
    # A year of slowness that made structures volunteer cannot be told from what they always were: nearly covered.
    assert (0.90 if name == "slow for a year" else 0.93) - noise <= covered <= 0.97 + noise
    if name == "an effect":
        assert good >= 0.5
    else:
        assert (rows[:, 1] * rows[:, 2]).mean() <= 0.045, "false effects of grade B"
        assert apart <= (0.10 if name == "slow for a year" else 0.07) + noise


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in LUCK if name != "an effect"])
def test_no_effect_is_compatible_with_no_claim(world, name):
    for claim in (halved(ratio=2), halved(ratio=1.5)):
        assert np.mean(compatible(world(**LUCK[name]), MANY, claim)) <= 0.05


@pytest.mark.long
def test_waits_that_were_halved_are_compatible_with_it_in_any_season(world):
    made = world(season=0.35, effect=0.5, helped=1.0, volunteers=1.0)
    assert np.mean(compatible(made, MANY, halved(ratio=2))) >= 0.8


def test_a_season_and_shocks_are_no_effect_in_a_few_exports(world):
    made = world(structures=20, n=2000, season=0.35, common=0.3, volunteers_faster=-0.7)
    covered, _, _ = studied(made, 30).mean(axis=0)
    assert covered >= 0.83  # 0.95 less three standard errors
    assert np.mean(compatible(made, 30, halved(ratio=2))) <= 0.05 + 0.12
    truly = world(structures=20, n=4000, season=0.35, effect=0.5, helped=1.0, volunteers=1.0)
    assert np.mean(compatible(truly, 10, halved(ratio=2))) >= 0.6


def test_structures_that_volunteer_when_slow_show_no_effect_of_grade_b(world):
    rows = studied(world(structures=30, n=2000, season=0.35, own=0.3, selected=90), 20)
    assert rows[:, 0].mean() >= 0.80
    assert (rows[:, 1] * rows[:, 2]).mean() <= 0.1
