import datetime as dt

import numpy as np
import pytest
from scipy import stats

from eval.time.effects import before_after
from eval.time.effects.with_help import waiting as associated
from eval.time.waits import levels
from eval.time.waits.periods import Cells, periods, values, within, year_earlier

D = dt.date
PILOT = D(2023, 10, 5)


@pytest.fixture(scope="module")
def waits(world):
    return world(structures=15, n=3000).draw(3).waits()


def find(rows, quantity, comparison, group="all"):
    return next(r for r in rows if (r.quantity, r.comparison, r.group) == (quantity, comparison, group))


def test_periods_are_equal_seen_to_the_end_and_hold_no_reply_of_the_pilot(waits):
    before, after = periods(waits, PILOT, 30)
    assert before.days == after.days
    assert after.first == PILOT
    assert after.last == waits.extracted_on - dt.timedelta(days=30)
    assert before.last == PILOT - dt.timedelta(days=30)
    assert periods(waits, PILOT, 0)[0].last == PILOT - dt.timedelta(days=1)


def test_periods_are_bounded_by_the_shorter_side_and_by_a_year(world):
    long = world(before=900, after=900, n=500).draw(1).waits()
    assert periods(long, PILOT, 30)[0].days == 365
    short = world(before=50, after=300, n=500).draw(1).waits()
    assert periods(short, PILOT, 30)[0].days <= 21
    assert periods(world(before=20, after=300, n=500).draw(1).waits(), PILOT, 30) is None
    assert periods(world(after=20, n=500).draw(1).waits(), PILOT, 30) is None


def test_a_period_is_held_against_the_same_days_a_year_earlier_as_far_as_the_export_sees_both(waits):
    before, after = year_earlier(waits, PILOT, D(2024, 6, 1), 30)
    assert after.last == waits.extracted_on - dt.timedelta(days=30)
    assert (before.first, before.last) == (D(2022, 10, 5), after.last.replace(year=after.last.year - 1))
    assert year_earlier(waits, D(2024, 6, 1), D(2024, 7, 1), 30) is None
    assert year_earlier(waits, D(2023, 9, 1), D(2023, 10, 4), 30) is None  # the export begins on 5 October 2022
    hole = waits.where((waits.start < D(2022, 11, 1).toordinal()) | (waits.start > D(2022, 11, 15).toordinal()))
    assert year_earlier(hole, PILOT, D(2024, 6, 1), 30) is None
    lone = waits.where((waits.start == waits.start.min()) | (waits.start > D(2023, 1, 1).toordinal()))
    assert year_earlier(lone, PILOT, D(2024, 6, 1), 30) is None  # one old date does not make a year


def test_a_period_of_a_year_ends_before_its_replies_reach_into_the_pilot(world):
    long = world(before=800, after=900, n=8000).draw(1).waits()
    before, after = year_earlier(long, D(2024, 2, 29), D(2025, 2, 27), 30)
    assert before.first == D(2023, 2, 28)
    assert before.last.toordinal() + 30 <= after.first.toordinal()


def test_less_than_a_year_on_either_side_is_graded_down(world):
    for days, grade in ((300, "mixes seasons"), (450, "C")):
        rows, differences, _ = before_after.waiting(
            world(n=3000, before=days, after=days).draw(1).waits(), PILOT, draws=200
        )
        assert {r.grade for r in (*rows, *differences) if r.comparison[:6] == "before" and "30" in r.quantity} == {
            grade
        }


def test_every_wait_compared_is_known_to_the_horizon(waits):
    timed = waits.where(waits.timed)
    for window in periods(timed, PILOT, 30):
        inside = timed.where(within(timed, window))
        delay = np.where(inside.reply > 0, inside.reply - inside.start, 10**6)
        assert (np.minimum(delay, 30) == values(inside, "rmst_30")).all()
        assert ((inside.start + 30) <= waits.end).all()


def test_fixed_mix_is_the_mantel_haenszel_mean_of_the_structures():
    # Structure 0: 1 before (mean 10), 3 after (mean 4), weight 3/4. Structure 1: 2 before (mean 6), 2 after (mean 6),
    # weight 1. Structure 2: after only, no weight. Before (0.75*10 + 6) / 1.75, after (0.75*4 + 6) / 1.75.
    structure = np.array([0, 1, 1, 0, 0, 0, 1, 1, 2])
    value = np.array([10, 4, 8, 2, 4, 6, 5, 7, 99.0])
    late = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1], dtype=bool)
    cells = Cells.of(structure, (~late, late), value, 3)
    assert cells.weights == pytest.approx([0.75, 1, 0])
    assert cells.compared.tolist() == [True, True, False]
    before, after = (cells.weights @ cells.means[i] / cells.weights.sum() for i in (0, 1))
    assert before / after == pytest.approx(13.5 / 9)


def test_a_moving_mix_moves_the_pooled_figure_only(world):
    waits = world(shift=1.0, spread=0.6, n=20_000).draw(2).waits()
    rows, differences, _ = before_after.waiting(waits, PILOT, draws=200)
    pooled, fixed = (find(rows, "rmst_30", "before_after", g) for g in ("all, own mix", "all"))
    assert pooled.estimate > 1.25
    assert fixed.lower < 1 < fixed.upper < 1.15
    assert find(differences, "rmst_30", "before_after_difference").lower < 0


def test_rows_are_ratio_first_then_the_levels_that_it_divides(waits):
    rows, _, _ = before_after.waiting(waits, PILOT, draws=200)
    ratio, before, after = (r for r in rows[:3])
    assert (ratio.comparison, before.group, after.group) == ("before_after", "before", "after")
    assert ratio.estimate == pytest.approx(before.estimate / after.estimate)
    assert ratio.grade == "mixes seasons"
    assert before.grade == "descriptive"


def test_one_structure_is_judged_by_its_weeks(world):
    waits = world(structures=1, n=3000, spread=0).draw(1).waits()
    timed = waits.where(waits.timed)
    masks = tuple(within(timed, w) for w in periods(timed, PILOT, 30))
    value = values(timed, "rmst_30")
    found = before_after.compare(timed, value, masks, share=False)
    low, high = found.difference_interval()
    plain = stats.ttest_ind(value[masks[1]], value[masks[0]], equal_var=False).confidence_interval()
    assert found.difference.value == pytest.approx(value[masks[1]].mean() - value[masks[0]].mean())
    assert high - low == pytest.approx(plain.high - plain.low, rel=0.5)


def test_too_few_reviews_have_an_estimate_and_no_interval(world):
    rows, _, _ = before_after.waiting(world(structures=3, n=60).draw(1).waits(), PILOT, draws=200)
    row = find(rows, "rmst_7", "before_after")
    assert row.estimate is not None
    assert row.lower is None


def test_naive_mean_takes_only_the_answered_and_is_marked_biased(world):
    waits = world(n=6000, after=60).draw(4).waits()
    rows = before_after.naive(waits, PILOT, draws=200)
    answered = waits.reply > 0
    late = waits.start >= PILOT.toordinal()
    assert rows[1].estimate == pytest.approx((waits.reply - waits.start)[answered & ~late].mean())
    assert rows[2].censored == int((~answered & late).sum())
    assert {row.grade for row in rows} == {"biased"}
    assert rows[0].lower > 1.2  # there is no effect


def test_medians_of_the_two_curves(world):
    waits = world(n=6000, trend=0.5).draw(5).waits()
    rows = before_after.medians(before_after.curves(waits, before_after.mirrored(waits, PILOT)), "C")
    ratio = rows[0]
    assert (ratio.quantity, ratio.comparison) == ("median_days", "before_after")
    assert 1 < ratio.lower < 2.25 < ratio.upper  # whole days: 9 over 4


def test_levels_by_network_month_use_of_ai_and_structure(waits):
    rows = levels.waiting(waits, PILOT, flagged_unanswered=False, draws=200)
    groups = list(dict.fromkeys(row.group for row in rows))
    assert groups[:2] == ["all", "network: CAF"]
    assert {"month: 2023-01", "ai: offered", "ai: not offered", "structure: CAF / CAF 1"} <= set(groups)
    helped = find(rows, "rmst_30", "level", "ai: offered")
    assert helped.censored == 0  # only answered reviews carry the flag
    assert find(rows, "rmst_30", "level").censored == int((~waits.replied).sum())


def test_help_is_compared_within_structure_and_month_and_among_the_answered(world):
    # Helped replies come from faster structures; within a structure there is no difference.
    waits = world(volunteers_faster=1.0, n=20_000, after=300).draw(6).waits()
    late = (waits.start >= PILOT.toordinal()) & (waits.reply > 0)
    delay = waits.reply - waits.start
    across = delay[late & (waits.offered == 1)].mean() - delay[late & (waits.offered == 0)].mean()
    row = find(associated(waits, PILOT, flagged_unanswered=False), "rmst_30", "ai_vs_not")
    assert across < -3
    assert row.lower < 0 < row.upper
    assert row.grade == "association"
    assert row.upper - row.lower < 3


@pytest.mark.parametrize("helped", [0.0, 1.0])
def test_no_comparison_where_nobody_or_everybody_has_help(world, helped):
    waits = world(volunteers=1.0, helped=helped, flagged_unanswered=True, n=800).draw(1).waits()
    row = find(associated(waits, PILOT, flagged_unanswered=True), "rmst_30", "ai_vs_not")
    assert (row.estimate, row.lower, row.n) == (None, None, 0)
