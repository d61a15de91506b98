"""No interval is a point: where all votes, waits or drafts are alike, or structures agree by chance."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from eval.stats.studentised import least_half, ratio_of_sums
from eval.time.claims.published import Baseline
from eval.time.effects import before_after
from eval.time.minutes import draft_reuse, timed_decisions
from eval.time.minutes.model import Prior
from eval.time.run import CLAIMS, document, estimate
from plume.paths import in_clone

PILOT = dt.date(2023, 10, 5)


def alike(waits, **columns):
    """The same waits with some columns given; replies come `delay` days after."""
    delay = columns.pop("delay", None)
    if delay is not None:
        columns |= {"reply": waits.start + delay, "replied": np.ones(len(waits), dtype=bool)}
    return dataclasses.replace(waits, **columns)


@pytest.fixture(scope="module")
def made(world):
    return world(structures=12, n=900, before=400, after=200, flagged_unanswered=True).draw(5).waits()


@pytest.fixture(scope="module")
def baseline():
    return Baseline.load(in_clone(CLAIMS))


def two(waits):
    """Two structures of one mean in both periods, an adopter and another; a third of the waits last 1, 2, 3 days."""
    number = np.arange(len(waits))
    spaced = alike(waits, start=PILOT.toordinal() - 390 + number // 6 * 6 * 560 // len(waits))
    return alike(
        spaced, structure=number % 2, names=waits.names[:2], delay=1 + number // 2 % 3, offered=(number % 2).astype(int)
    )


KINDS = {
    "all votes useful": lambda w: alike(w, vote=np.ones(len(w), dtype=int)),
    "all votes useless": lambda w: alike(w, vote=np.zeros(len(w), dtype=int)),
    "all waits over the horizon": lambda w: alike(w, delay=100),
    "nobody was answered": lambda w: alike(w, reply=np.zeros(len(w), dtype=int), replied=np.zeros(len(w), dtype=bool)),
    "all answered on the day": lambda w: alike(w, delay=0),
    "all waits of ten days": lambda w: alike(w, delay=10),
    "structures of one mean": lambda w: alike(w, structure=np.arange(len(w)) % 12, delay=np.arange(len(w)) // 12 % 20),
    "two structures of one mean": two,
    "each structure always alike": lambda w: alike(w, delay=9 + w.structure % 5),
    "one structure": lambda w: alike(w, structure=np.zeros(len(w), dtype=int), names=w.names[:1], delay=3),
    "all drafts kept": lambda w: alike(w, similarity=np.full(len(w), 100.0)),
    "all drafts discarded": lambda w: alike(w, similarity=np.zeros(len(w))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_interval_has_a_width(made, baseline, kind):
    waits = KINDS[kind](made)
    result = document(estimate(waits, PILOT, baseline, Prior.of(), draws=200))
    rows = [*result["estimates"], *result["differences"], *result["voting"], *result["reuse"]["shares"]]
    seen = [row for row in rows if row["lower"] is not None]
    assert seen
    for row in seen:
        assert row["lower"] < row["upper"], row
        assert row["lower"] - 1e-9 <= row["estimate"] <= row["upper"] + 1e-9, row
        if row.get("quantity") == "useful_share" and row["comparison"] == "level":
            assert 0 <= row["lower"] < row["upper"] <= 1, row
    for measure, found in result["did"]["in_proportion"].items():
        assert found["lower"] is None or found["upper"] - found["lower"] > 1e-6, measure


@pytest.mark.parametrize("sd", [3, 6, 10, 14])
def test_clusters_of_one_item_have_the_spread_of_their_items(sd):
    """One review of each experience: Student's interval, not what could be said had nothing varied."""
    draw = np.random.default_rng(1)
    values = np.clip(draw.normal(60, sd, 71), 0, 100)
    ones = np.ones(len(values))
    least = least_half(ones, values, values**2, ones, 100.0)
    half = ratio_of_sums(values, ones, least=least).half
    student = 1.994 * values.std(ddof=1) / np.sqrt(len(values))
    assert half == pytest.approx(student, rel=0.15)
    alike = np.full(71, 60.0)
    assert least_half(ones, alike, alike**2, ones, 100.0) > 1


def test_all_useful_reaches_as_far_down_as_so_many_structures_cannot_exclude(made):
    useful = (np.ones(len(made)), made.where(np.ones(len(made), dtype=bool)))
    late = made.start >= PILOT.toordinal()
    found = before_after.compare(useful[1], useful[0], (~late, late), share=True)
    low, high = found.level_interval(0)
    assert 0.6 < low < 0.85  # twelve structures: 1 - 0.025^(1/12) is 0.26, Wilson's 0.24
    assert high == 1
    assert found.ratio_interval()[0] < 1 < found.ratio_interval()[1]


def test_drafts_and_minutes_that_are_all_alike(made):
    kept = alike(made, similarity=np.full(len(made), 100.0))
    row = draft_reuse.similarity(kept, 200)[0]
    assert 60 < row.lower < row.upper == 100
    done = timed_decisions.Decisions(
        tuple(f"{i}-1" for i in range(30)),
        np.array(["edited"] * 30),
        np.full(30, 60.0),
        np.zeros((30, 8)),
        np.ones(30, dtype=bool),
    )
    row = timed_decisions.measured(done, 200)[0]
    assert 0.8 < row["lower"] < row["estimate"] == 1 < row["upper"] < 1.2
