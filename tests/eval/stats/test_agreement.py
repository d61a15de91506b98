"""Krippendorff's alpha: his own example, its edges, and its interval."""

import numpy as np
import pytest

from eval.stats.agreement import alpha

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C: 4 observers, 12 units, 5 values.
EXAMPLE = [
    (1, 1, 1),
    (2, 2, 3, 2),
    (3, 3, 3, 3),
    (3, 3, 3, 3),
    (2, 2, 2, 2),
    (1, 2, 3, 4),
    (4, 4, 4, 4),
    (1, 1, 2, 1),
    (2, 2, 2, 2),
    (5, 5, 5),
    (1, 1),
    (3,),
]


@pytest.mark.parametrize(("scale", "told"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_example_that_krippendorff_works_out(scale, told):
    found = alpha(EXAMPLE, (1, 2, 3, 4, 5), scale=scale, draws=200)
    assert found.estimate == pytest.approx(told, abs=5e-4)
    assert (found.n, found.n_error) == (11, 1)
    assert found.lower < found.estimate < found.upper


def test_what_cannot_be_said_is_none():
    assert alpha([], "ab").estimate is None
    assert alpha(["a", "b"], "ab").estimate is None  # one rating each
    assert alpha(["aa", "aa"], "ab").estimate is None  # one level alone
    same = alpha(["aa", "bb", "aa"], "ab")
    assert (same.estimate, same.lower, same.upper) == (1.0, None, None)


def test_two_who_never_agree_are_below_chance():
    assert alpha(["ab"] * 20, "ab", draws=50).estimate < -0.9


def coverage(trials, seed=0):
    """Share of the intervals that hold the true alpha: raters who guess in half of the cases, two levels, 0.25."""
    rng, held = np.random.default_rng(seed), 0
    for _ in range(trials):
        truth = rng.integers(2, size=120)
        seen = np.where(rng.random((120, 3)) < 0.5, truth[:, None], rng.integers(2, size=(120, 3)))
        found = alpha(seen.tolist(), (0, 1), draws=500, seed=int(rng.integers(2**31)))
        held += found.lower <= 0.25 <= found.upper
    return held / trials


def test_the_interval_holds_the_true_alpha():
    assert coverage(100) >= 0.88


@pytest.mark.long
def test_the_interval_holds_the_true_alpha_in_many_trials():
    assert 0.93 <= coverage(1000, 1) <= 0.97
