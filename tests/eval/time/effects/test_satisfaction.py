import datetime as dt

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from eval.stats.studentised import share
from eval.time.effects.adopters import arms_of
from eval.time.effects.satisfaction import compared, levels, votes

PILOT = dt.date(2023, 10, 5)


def test_share_is_wilsons_where_structures_do_not_differ():
    value = np.tile([1.0, 1, 1, 0], 25)
    cluster = np.repeat(np.arange(10), 10)
    found = share(value, cluster)
    assert found.estimate == 0.75
    assert found.interval == pytest.approx(proportion_confint(75, 100, method="wilson"))


def test_share_is_wider_where_structures_clearly_differ():
    value = np.r_[np.ones(100), np.zeros(100)]  # ten structures all for, ten all against
    cluster = np.repeat(np.arange(20), 10)
    low, high = share(value, cluster).interval
    plain = proportion_confint(100, 200, method="wilson")
    assert high - low > 2 * (plain[1] - plain[0])


def test_share_holds_the_truth_where_a_few_structures_differ_somewhat():
    # Five structures at 68 %, give or take 10 points, 60 votes: Wilson's alone holds it in 85 of 100 samples.
    held, truth = [], 0.68
    for seed in range(500):
        random = np.random.default_rng(seed)
        rate, size = random.normal(truth, 0.1, 5), random.gamma(2, 1, 5) + 0.1
        cluster = random.choice(5, 60, p=size / size.sum())
        low, high = share((random.random(60) < rate[cluster]).astype(float), cluster, 200).interval
        held.append(low <= truth <= high)
    assert np.mean(held) >= 0.92


@pytest.mark.parametrize(("value", "expected"), [([], (None, None)), ([1.0] * 9, (1.0, (0.70, 1.0)))])
def test_share_of_nothing_and_of_all(value, expected):
    found = share(np.array(value), np.arange(len(value)))
    assert found.estimate == expected[0]
    assert found.interval == (pytest.approx(expected[1], abs=0.01) if expected[1] else None)


def test_voting_rate_stands_beside_each_share(world):
    waits = world(n=3000, votes=0.25).draw(1).waits()
    rows, rates = levels(waits, {"all": np.ones(len(waits), dtype=bool)})
    assert rates[0]["n"] == int(waits.replied.sum())
    assert rates[0]["votes"] == rows[0].n == int((waits.vote >= 0).sum())
    assert rates[0]["lower"] < 0.25 < rates[0]["upper"]


def test_before_holds_no_reply_published_after_the_start(world):
    waits = world(n=4000, votes=0.5).draw(2).waits()
    before, after = votes(waits, PILOT)
    assert waits.reply[before].max() < PILOT.toordinal()
    assert waits.start[after].min() >= PILOT.toordinal()


def test_a_gain_of_the_helped_is_found_and_none_where_there_is_none(world):
    made = world(n=20_000, votes=0.5, after=300, helped=1.0, useful=0.5, useful_helped=0.8)
    for gain, drawn in ((True, made), (False, made.but(useful_helped=0.5))):
        waits = drawn.draw(3).waits()
        rows, differences = compared(waits, PILOT, arms_of(waits, PILOT), draws=300)
        ratio = next(r for r in rows if (r.comparison, r.group) == ("before_after", "all"))
        did = next(r for r in rows if r.comparison == "did")
        assert (ratio.upper < 1) is gain
        assert (did.lower > 0) is gain
        if gain:
            assert did.lower < 0.3 < did.upper
            assert differences[0].lower > 0


def test_votes_on_what_is_no_reply_do_not_count(world):
    waits = world(n=500, votes=1.0).draw(4).waits()
    ignored = waits.where(~waits.replied)
    ignored = type(ignored)(**{**vars(ignored), "vote": np.ones(len(ignored), dtype=int)})
    assert levels(ignored, {"all": np.ones(len(ignored), dtype=bool)})[0][0].n == 0
