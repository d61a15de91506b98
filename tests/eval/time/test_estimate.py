import datetime as dt

import pytest

from eval.time.delays import Wait
from eval.time.estimate import mirrored, naive, satisfaction, voted, waiting, widest

D = dt.date


def wait(start, replied_on=None, structure="S", vote=None):
    return Wait("CAF", structure, start, replied_on is not None, replied_on, vote)


def test_mirrored_windows_have_the_same_length_and_touch():
    before, after = mirrored(D(2023, 10, 5), D(2023, 12, 4))
    assert before.days == after.days == 61
    assert str(before) == "2023-08-05/2023-10-04"


def test_widest_windows_are_bounded_by_the_shorter_side_and_by_a_year():
    start = D(2023, 10, 5)
    short = widest([wait(D(2020, 1, 1))], start, D(2023, 10, 14))
    assert [window.days for window in short] == [10, 10]
    assert [window.days for window in widest([wait(D(2023, 10, 1))], start, D(2024, 10, 1))] == [4, 4]
    assert [window.days for window in widest([wait(D(2020, 1, 1))], start, D(2025, 1, 1))] == [365, 365]
    assert widest([wait(D(2024, 1, 1))], start, D(2025, 1, 1)) is None
    assert widest([], start, D(2025, 1, 1)) is None


def test_each_window_is_seen_from_its_own_last_day():
    # Both wait 8 days for their reply, but it comes after the window's end, 5 days after the start: still waiting.
    before, after = mirrored(D(2023, 1, 11), D(2023, 1, 20))
    late = [wait(D(2023, 1, 5), D(2023, 1, 13)), wait(D(2023, 1, 15), D(2023, 1, 23))]
    row = next(row for row in waiting(late, before, after, draws=10) if row.comparison == "before_after")
    assert (row.n, row.censored) == (2, 2)


def test_ratio_is_before_over_after_and_levels_are_in_days():
    before, after = mirrored(D(2023, 6, 1), D(2023, 7, 30))
    waits = [
        wait(start, start + dt.timedelta(days=delay), structure=f"S{n}")
        for first, delay in ((before.first, 8), (after.first, 4))
        for n in range(12)
        for start in [first + dt.timedelta(days=n)]
    ]
    rows = [row for row in waiting(waits, before, after, draws=50) if row.quantity == "rmst_30"]
    assert [row.estimate for row in rows] == pytest.approx([8, 4, 2])
    assert [row.comparison for row in rows] == ["level", "level", "before_after"]
    assert [row.grade for row in rows] == ["descriptive", "descriptive", "C"]


def test_naive_mean_takes_only_the_answered_and_is_marked_biased():
    start, end = D(2023, 10, 5), D(2023, 10, 20)
    waits = [
        wait(D(2023, 1, 1), D(2023, 1, 11)),
        wait(D(2023, 10, 6), D(2023, 10, 8)),
        wait(D(2023, 10, 6)),
    ]
    rows = naive(waits, start, end, draws=10)
    assert [row.estimate for row in rows] == [10, 2, 5]
    assert [(row.n, row.censored) for row in rows] == [(1, 0), (1, 1), (2, 1)]
    assert {row.grade for row in rows} == {"biased"}


def test_share_of_useful_votes_ignores_replies_without_a_vote():
    before, after = mirrored(D(2023, 6, 1), D(2023, 6, 30))
    votes = ["utile", "utile", "pas utile", None]
    waits = [
        wait(window.first, window.first, f"S{n}", vote) for window in (before, after) for n, vote in enumerate(votes)
    ]
    waits.append(wait(after.first, None, "S9", "utile"))  # a vote on what is no reply
    levels = [row for row in satisfaction(waits, before, after, draws=10) if row.comparison == "level"]
    assert [row.estimate for row in levels] == pytest.approx([2 / 3, 2 / 3])
    assert [row.n for row in levels] == [3, 3]
    assert levels[0].lower < 2 / 3 < levels[0].upper
    assert len(voted(waits, after)) == 3


def test_nothing_to_estimate_gives_rows_without_values_not_zeros():
    before, after = mirrored(D(2023, 6, 1), D(2023, 6, 30))
    rows = [*waiting([], before, after), *satisfaction([], before, after)]
    assert rows
    assert all((row.estimate, row.lower, row.upper) == (None, None, None) for row in rows)
    assert naive([], D(2023, 6, 1), D(2023, 6, 30)) == []
