"""Several challengers: no easier to pass than alone, and ranks that hold together."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom, norm

from eval.gate import decide
from eval.ranking import levels_of, rank
from eval.rule import GateRule
from eval.verdict import Item

RULE = GateRule.model_validate({
    "safety": [{"measure": "check:contacts", "limit": 0.05}],
    "probes": None,
    "guardrails": [{"measure": "check:promises", "margin": 0.05}, {"measure": "check:tone", "margin": 0.05}],
    "primary": {"measure": "pass_all", "worthwhile": 0.05},
    "slices": {"by": []},
})  # fmt: skip
JUDGED = (*(g.measure for g in RULE.guardrails), "pass_all")


def _drawn(rng, n, losses, discordance=0.3):
    """Draw a champion and challengers of n items; `losses` gives each one's true difference on each measure."""
    share = 0.7
    champion = {m: (rng.random(n) < share).astype(float) for m in JUDGED}
    arms = []
    for loss in losses:
        arm = {}
        for m in JUDGED:
            difference = loss.get(m, 0.0)
            gained, lost = (discordance + difference) / 2, (discordance - difference) / 2
            turns = rng.random(n)
            up, down = turns < gained / (1 - share), turns < lost / share
            arm[m] = np.where(champion[m] == 1, 1.0 - down, up * 1.0)
        arms.append(arm | {"check:contacts": np.ones(n)})
    return champion | {"check:contacts": np.ones(n)}, arms


def _outcomes(champion, arms):
    """Judge each challenger among the others, and alone."""
    n = len(champion["pass_all"])
    ids = [f"{i:05d}" for i in range(n)]
    items, clusters = [Item(i, i) for i in ids], ids

    def scores(arm):
        return {m: dict(zip(ids, values.tolist(), strict=True)) for m, values in arm.items()}

    differences = {str(k): arm["pass_all"] - champion["pass_all"] for k, arm in enumerate(arms)}
    levels = levels_of(differences, clusters, RULE.confidence)
    before = scores(champion)
    return [
        (
            decide(RULE, items, before, scores(arm), levels=levels).outcome,
            decide(RULE, items, before, scores(arm)).outcome,
        )
        for arm in arms
    ]


def test_levels_are_at_least_those_of_one_challenger_and_at_most_bonferronis():
    rng = np.random.default_rng(0)
    for k in (2, 3, 6):
        alike = rng.integers(-1, 2, size=300).astype(float)
        for differences in (
            {str(j): rng.integers(-1, 2, size=300).astype(float) for j in range(k)},
            {str(j): alike for j in range(k)},  # copies of one another
            {str(j): np.zeros(300) for j in range(k)},
        ):
            levels = levels_of(differences, [str(i) for i in range(300)], 0.95)
            assert levels.bounds == pytest.approx(1 - 0.05 / k)
            assert max(0.95, 2 * levels.bounds - 1) - 1e-12 <= levels.primary <= 1 - 0.05 / k + 1e-12


def test_who_passes_among_several_would_have_passed_alone():
    rng, passed, lost = np.random.default_rng(1), 0, 0
    for _ in range(10):
        gains = [{"pass_all": gain} for gain in (0.03, 0.05, 0.08)]
        for several, alone in _outcomes(*_drawn(rng, 400, gains, discordance=0.12)):
            assert several != "PASS" or alone == "PASS"
            passed += several == "PASS"
            lost += several != "PASS" and alone == "PASS"
    assert passed > 5  # it is a judgement still
    assert lost > 0  # and a stricter one


UNDESERVING = {
    "no gain": [{}, {}, {}],
    "a loss at the margin": [{"pass_all": 0.25, "check:promises": -0.05}] * 3,
    "each for a reason of its own": [
        {},
        {"pass_all": 0.25, "check:promises": -0.05},
        {"pass_all": 0.25, "check:tone": -0.05},
    ],
}


def _wrong(seed, runs, losses):
    """Count the trials in which at least one challenger passes, that must not: among several, and each alone."""
    rng, found = np.random.default_rng(seed), [0, 0]
    for _ in range(runs):
        outcomes = _outcomes(*_drawn(rng, 400, losses))
        for side in (0, 1):
            found[side] += any(pair[side] == "PASS" for pair in outcomes)
    sys.stdout.write(f"{runs} trials: at least one PASS in {found[0]} among several, in {found[1]} if judged alone\n")
    return found


def test_undeserving_challengers_pass_together_no_more_often_than_one_may():
    several, alone = _wrong(2, 20, UNDESERVING["each for a reason of its own"])
    assert several <= binom.ppf(0.999, 20, 0.05)
    assert several <= alone


@pytest.mark.long
@pytest.mark.parametrize("why", UNDESERVING)
def test_the_type_one_error_of_the_family_is_that_of_one_comparison(why):
    runs = 1500
    several, alone = _wrong(3, runs, UNDESERVING[why])
    assert several <= binom.ppf(0.999, runs, 0.05)
    assert several < alone  # uncorrected, the family errs more often


def _systems(rng, n, shares):
    common = rng.random(n)
    return {f"s{k}": ((0.5 * common + 0.5 * rng.random(n)) < share).astype(float) for k, share in enumerate(shares)}


def test_ranks_and_what_is_told_apart():
    rng = np.random.default_rng(4)
    found = rank(_systems(rng, 600, (0.3, 0.6, 0.61)), [str(i) for i in range(600)], 0.95)
    last = found.systems[-1]
    assert (last.name, last.rank, last.best, last.worst) == ("s0", 3, 3, 3)
    assert {(one.best, one.worst) for one in found.systems[:2]} == {(1, 2)}
    assert [gap.told_apart for gap in found.gaps] == [False, True, True]
    assert all(a.share.estimate >= b.share.estimate for a, b in pairwise(found.systems))
    assert 0.95 < found.confidence < 2 * norm.cdf(norm.ppf(1 - 0.05 / 6)) - 1 + 1e-12

    lacking = _systems(rng, 60, (0.5, 0.5)) | {"none": np.full(60, np.nan)}
    found = rank(lacking, [str(i) for i in range(60)], 0.95)
    assert found.systems[-1].name == "none"
    assert (found.systems[-1].best, found.systems[-1].worst) == (1, 3)  # nothing is known of it
    assert found.systems[-1].share.estimate is None


def _covered(seed, runs, shares):
    rng, whole = np.random.default_rng(seed), 0
    truth = {f"s{k}": share for k, share in enumerate(shares)}
    for _ in range(runs):
        found = rank(_drawn_systems(rng, 400, truth), [str(i) for i in range(400)], 0.95)
        gaps = all(g.value.lower <= truth[g.first] - truth[g.second] <= g.value.upper for g in found.gaps)
        ranks = all(
            one.best <= 1 + sum(t > truth[one.name] for t in truth.values())
            and one.worst >= sum(t >= truth[one.name] for t in truth.values())
            for one in found.systems
        )
        whole += gaps and ranks
    sys.stdout.write(f"all intervals and ranks hold in {whole} of {runs}\n")
    return whole


def _drawn_systems(rng, n, truth):
    kept, common = rng.random(n) < 0.5, rng.random(n)  # half of the items fare alike in all systems
    return {name: (np.where(kept, common, rng.random(n)) < share).astype(float) for name, share in truth.items()}


def test_all_differences_and_ranks_hold_together():
    assert _covered(5, 15, (0.6, 0.6, 0.65, 0.8)) >= binom.ppf(0.001, 15, 0.95)


@pytest.mark.long
@pytest.mark.parametrize("shares", [(0.6, 0.6, 0.65, 0.8), (0.5, 0.5, 0.5, 0.5), (0.9, 0.92, 0.95)])
def test_all_differences_and_ranks_hold_together_in_95_of_100(shares):
    assert _covered(6, 1000, shares) >= binom.ppf(0.001, 1000, 0.95)
