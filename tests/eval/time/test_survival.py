import numpy as np
import pytest

from eval.time.survival import interval, mean_of, median, resample, rmst, survival, tally

# Five citizens: answered after 1, 2 and 5 days, last seen waiting after 2 and 4.
# At risk 5, 5, 4, 2, 2, 1 on days 0..5; S = 1, 4/5, 4/5*3/4 = 0.6, 0.6, 0.6, 0.
DAYS, ANSWERED = [1, 2, 2, 4, 5], [True, False, True, False, True]


def one_group(days, answered, horizon):
    return tally(days, answered, [0] * len(days), (1, horizon))[0]


def test_kaplan_meier_matches_hand_computation():
    assert survival(one_group(DAYS, ANSWERED, 6)) == pytest.approx([1, 0.8, 0.6, 0.6, 0.6, 0])


def test_restricted_mean_is_the_area_under_the_curve():
    table = one_group(DAYS, ANSWERED, 6)
    assert rmst(table, 3) == pytest.approx(1 + 0.8 + 0.6)
    assert rmst(table, 5) == pytest.approx(3.6)
    assert rmst(table, 6) == pytest.approx(3.6)


def test_restricted_mean_without_censoring_is_the_mean_of_the_capped_delays():
    days = [0, 0, 3, 4, 9, 20]
    assert rmst(one_group(days, [True] * 6, 30), 7) == pytest.approx(np.minimum(days, 7).mean())


def test_restricted_mean_beyond_follow_up_is_undefined():
    table = one_group([2, 3], [True, False], 40)
    assert rmst(table, 4) == pytest.approx(1 + 1 + 0.5 + 0.5)
    assert np.isnan(rmst(table, 5))
    assert np.isnan(rmst(table, 41))


def test_median_is_the_first_day_at_whose_end_half_are_answered():
    assert median(one_group(DAYS, ANSWERED, 6)) == 5
    assert median(one_group([1, 2, 3, 4], [True] * 4, 6)) == 2
    assert np.isnan(median(one_group([1, 2, 3], [True, False, False], 6)))


def test_reply_counts_before_the_end_of_observation_on_the_same_day():
    # Both leave on day 2; the one censored was still at risk when the other was answered: S(2) = 1/2, not 0.
    assert survival(one_group([2, 2], [True, False], 4))[2] == 0.5


def test_agrees_with_the_geometric_law_under_censoring():
    # Daily chance h of a reply: S(d) = (1 - h)^(d + 1), whatever the censoring.
    random, h, n = np.random.default_rng(1), 0.1, 40_000
    delays, ends = random.geometric(h, n) - 1, random.integers(0, 60, n)
    table = one_group(np.minimum(delays, ends), delays <= ends, 60)
    truth = sum((1 - h) ** (day + 1) for day in range(30))
    assert rmst(table, 30) == pytest.approx(truth, rel=0.015)
    naive = delays[delays <= ends].mean()
    assert naive < 0.85 * delays.mean()


def test_resampling_takes_structures_whole_and_together():
    tables = [np.eye(4) * 10, np.eye(4)]
    first, second = resample(tables, draws=50, seed=3)
    assert first.shape == (50, 4)
    assert (first == 10 * second).all()
    assert (second.sum(axis=1) == 4).all()


def test_interval_does_not_narrow_when_every_citizen_is_counted_twice():
    random = np.random.default_rng(2)
    days, answered, structure = random.integers(0, 30, 200), random.random(200) < 0.7, random.integers(0, 12, 200)
    table = tally(days, answered, structure, (12, 30))
    once, twice = (interval(rmst(resample([t], 500)[0], 15)) for t in (table, 2 * table))
    assert once == pytest.approx(twice)
    assert once[0] < rmst(table.sum(axis=0), 15) < once[1]


def test_same_seed_gives_the_same_interval_and_another_does_not():
    table = tally([1, 5, 9, 2], [True] * 4, [0, 1, 2, 3], (4, 12))
    draws = [interval(rmst(resample([table], 300, seed)[0], 7)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_interval_is_refused_when_too_many_draws_are_undefined():
    values = np.arange(100.0)
    assert interval(values) == pytest.approx((2.475, 96.525))
    values[:6] = np.nan
    assert interval(values) is None
    assert interval(np.array([])) is None


def test_mean_of_nothing_is_undefined_not_zero():
    assert mean_of(np.array([[6.0, 3.0], [0.0, 0.0]])) == pytest.approx([2.0, np.nan], nan_ok=True)
