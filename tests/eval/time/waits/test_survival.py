import lifelines
import numpy as np
import pytest
from lifelines.utils import restricted_mean_survival_time
from statsmodels.duration.survfunc import SurvfuncRight

from eval.stats.studentised import clustered_score_interval
from eval.time.waits.survival import (
    HORIZON,
    influence,
    measure,
    median,
    median_interval,
    of_curve,
    shorten,
    survival,
    tally,
)


def rmst(table, tau):
    return of_curve(survival(table), f"rmst_{tau}")


# Five citizens: answered after 1, 2 and 5 days, last seen waiting after 2 and 4.
# At risk 5, 5, 4, 2, 2, 1 on days 0..5; S = 1, 4/5, 4/5*3/4 = 0.6, 0.6, 0.6, 0.
DAYS, ANSWERED = [1, 2, 2, 4, 5], [True, False, True, False, True]


def one_group(days, answered):
    return tally(days, answered, [0] * len(days), 1)[0]


def drawn(seed, n=400, never=0.1):
    random = np.random.default_rng(seed)
    delays = np.where(random.random(n) < never, 10**6, random.lognormal(2.2, 1.1, n)).astype(int)
    ends = random.integers(0, 90, n)
    return np.minimum(delays, ends), delays <= ends


def test_kaplan_meier_matches_hand_computation():
    assert survival(one_group(DAYS, ANSWERED))[:6] == pytest.approx([1, 0.8, 0.6, 0.6, 0.6, 0])


def test_restricted_mean_is_the_area_under_the_curve():
    table = one_group(DAYS, ANSWERED)
    assert rmst(table, 3) == pytest.approx(1 + 0.8 + 0.6)
    assert rmst(table, 5) == pytest.approx(3.6)
    assert rmst(table, 6) == pytest.approx(3.6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_agrees_with_lifelines_and_statsmodels(seed):
    days, answered = drawn(seed)
    table = one_group(days, answered)
    theirs = lifelines.KaplanMeierFitter().fit(days, answered)
    assert survival(table)[:60] == pytest.approx(theirs.predict(np.arange(60)).to_numpy(), abs=1e-12)
    for tau in (7, 15, 30, 60):
        assert rmst(table, tau) == pytest.approx(restricted_mean_survival_time(theirs, t=tau), abs=1e-9)
    assert median(table) == theirs.median_survival_time_
    curve = SurvfuncRight(days, answered.astype(int))
    assert survival(table)[curve.surv_times.astype(int)] == pytest.approx(curve.surv_prob)


@pytest.mark.parametrize("day", [3, 7, 15])
def test_error_of_a_share_is_greenwoods_where_every_review_is_a_cluster(day):
    days, answered = drawn(4, n=800)
    theirs = SurvfuncRight(days, answered.astype(int))
    greenwood = theirs.surv_prob_se[theirs.surv_times <= day][-1]
    found = measure(tally(days, answered, np.arange(len(days)), len(days)), f"answered_{day}d")
    assert found.se == pytest.approx(greenwood, rel=0.01)
    assert found.quantile == pytest.approx(1.96, abs=0.15)


def test_restricted_mean_without_censoring_is_the_mean_of_the_capped_delays():
    days = [0, 0, 3, 4, 9, 20]
    assert rmst(one_group(days, [True] * 6), 7) == pytest.approx(np.minimum(days, 7).mean())


def test_restricted_mean_beyond_follow_up_is_undefined():
    table = one_group([2, 3], [True, False])
    assert rmst(table, 4) == pytest.approx(1 + 1 + 0.5 + 0.5)
    assert measure(table[None], "rmst_5") is None
    assert measure(table[None], "rmst_7") is None


def test_median_is_the_first_day_at_whose_end_half_are_answered():
    assert median(one_group(DAYS, ANSWERED)) == 5
    assert median(one_group([1, 2, 3, 4], [True] * 4)) == 2
    assert np.isnan(median(one_group([1, 2, 3], [True, False, False])))


def test_reply_counts_before_the_end_of_observation_on_the_same_day():
    # Both leave on day 2; the one censored was still at risk when the other was answered: S(2) = 1/2, not 0.
    assert survival(one_group([2, 2], [True, False]))[2] == 0.5


def test_waits_beyond_the_horizon_are_still_waiting_on_its_last_day():
    table = one_group([HORIZON + 500, 3], [True, True])
    assert table[0].sum() == 1
    assert survival(table)[-1] == 0.5


def test_shortened_tables_have_the_same_measures():
    table = one_group(*drawn(5))
    for quantity, days in (("rmst_30", 30), ("answered_7d", 8)):
        assert of_curve(survival(shorten(table, days)), quantity) == pytest.approx(of_curve(survival(table), quantity))


def test_influence_is_the_change_when_a_cluster_counts_slightly_more():
    days, answered = drawn(6)
    clusters = tally(days, answered, np.arange(len(days)) % 9, 9)
    total, more = clusters.sum(axis=0), 1e-5
    for quantity in ("rmst_30", "answered_7d"):
        moved = influence(total[None], clusters, quantity)[0]
        exact = [
            (of_curve(survival(total + more * c), quantity) - of_curve(survival(total), quantity)) / more
            for c in clusters
        ]
        assert moved == pytest.approx(exact, rel=1e-2, abs=1e-6)


def test_interval_does_not_narrow_when_every_citizen_is_counted_twice():
    days, answered = drawn(7, n=300)
    table = tally(days, answered, np.arange(300) % 12, 12)
    once, twice = (measure(t, "rmst_15").interval() for t in (table, 2 * table))
    assert once == pytest.approx(twice)
    assert once[0] < rmst(table.sum(axis=0), 15) < once[1]


def test_one_cluster_has_a_value_and_no_interval():
    found = measure(one_group([1, 5, 9, 40], [True] * 4)[None], "rmst_7")
    assert found.value == pytest.approx((1 + 5 + 7 + 7) / 4)
    assert found.interval() is None


def test_score_interval_is_wilsons_for_independent_items():
    from statsmodels.stats.proportion import proportion_confint

    expected = proportion_confint(37, 50, method="wilson")
    assert clustered_score_interval(0.74, np.sqrt(0.74 * 0.26 / 50), 1.959964, 50) == pytest.approx(expected, abs=1e-6)
    low, high = clustered_score_interval(1.0, 0.0, 1.959964, 50)
    assert (low, high) == pytest.approx(proportion_confint(50, 50, method="wilson"), abs=1e-6)


def test_median_interval_holds_the_median_and_is_open_where_half_are_never_answered():
    days, answered = drawn(8, n=600, never=0.0)
    tables = tally(days, answered, np.arange(600) % 30, 30)
    low, high = median_interval(tables)
    assert low <= median(tables.sum(axis=0)) <= high
    assert high - low < 8
    never = tally([3, 50, 60, 70], [True, False, False, False], [0, 1, 2, 3], 4)
    assert median_interval(never) is None
