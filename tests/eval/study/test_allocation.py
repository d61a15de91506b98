"""The design of a study: seats balanced exactly, comparisons within stated bounds, for any number of people."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.study.allocation import RATERS, Placed, draft_pairs, final_pairs, next_comparison, seat
from eval.study.records import Item

NETWORKS = st.lists(st.sampled_from(["CAF", "Préfectures", "CPAM", None]), min_size=2, max_size=24)
SEEDS = st.integers(0, 2**32 - 1)


def items_of(networks, systems=("v1",)):
    drafts = dict.fromkeys(systems, "Bonjour.")
    feelings = ("Négatif", "Positif", None)
    return [Item(f"{i}-1", net, None, feelings[i % 3], None, "Avis.", drafts) for i, net in enumerate(networks)]


def differ(one, other):
    """Give the largest difference of two counts by key."""
    return max((abs(one[key] - other[key]) for key in one | other), default=0)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(2, 100), NETWORKS, SEEDS)
def test_seats_are_balanced_exactly(agents, networks, seed):
    items = items_of(networks)
    network = {item.id: item.network for item in items}
    seats = [seat(number, items, seed) for number in range(agents)]
    cells, arms, orders = Counter(), Counter(), Counter(s.order for s in seats)
    for one in seats:
        # each review once; in two blocks of one arm each, the first as the order says
        assert sorted(p.item for p in one.plan) == sorted(network)
        first = one.order.split()[0]
        assert all((p.arm == first) == (p.period == 1) for p in one.plan)
        assert [p.period for p in one.plan] == sorted(p.period for p in one.plan)
        # within a seat and each of its networks, arms differ by at most one
        draft, blank = ([p for p in one.plan if p.arm == arm] for arm in ("draft", "blank"))
        assert abs(len(draft) - len(blank)) <= 1
        assert differ(*(Counter(network[p.item] for p in arm) for arm in (draft, blank))) <= 1
        cells.update((p.item, p.arm, p.period) for p in one.plan)
        arms.update((p.item, p.arm) for p in one.plan)
    assert abs(orders["draft first"] - orders["blank first"]) <= 1
    for item in network:  # written as often in both arms, once more in one if the agents are odd
        assert abs(arms[item, "draft"] - arms[item, "blank"]) == agents % 2
    if agents % 4 == 0:
        assert set(cells.values()) == {agents // 4}


@settings(derandomize=True, max_examples=20, deadline=None)
@given(st.integers(0, 99), NETWORKS, SEEDS)
def test_a_seat_depends_on_its_number_and_the_seed_alone(number, networks, seed):
    items = items_of(networks)
    assert seat(number, items, seed) == seat(number, items[::-1], seed)
    if len(items) > 12:
        assert seat(number, items, seed) != seat(number, items, seed + 1)


def test_who_comes_first_is_drawn():
    """Neither the order of the first agent nor where a review stands follows from its number."""
    items = items_of(["CAF"] * 8)
    seats = [seat(number, items, seed) for seed in range(200) for number in (0, 1)]
    assert 70 < sum(s.order == "draft first" for s in seats[::2]) < 130  # 4 sd of a coin tossed 200 times: 28
    firsts = Counter(s.plan[0].item for s in seats)
    assert max(firsts.values()) < 85  # of 400, an eighth each: 50, and 5 sd of 6.6
    assert min(firsts.values()) > 17


def judge(raters, pairs, turns, *, seen, seed):
    """Let raters judge in the order `turns`; give what was placed."""
    placed = []
    for rater in turns:
        found = next_comparison(raters[rater % len(raters)], pairs, placed, seen=seen, seed=seed)
        placed += [found] if found else []
    return placed


def leaning(placed, key):
    found = Counter()
    for each in placed:
        found[key(each)] += 1 if each.one_left else -1
    return max(map(abs, found.values()), default=0)


TURNS = st.lists(st.integers(0, 11), min_size=1, max_size=90)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(2, 3), TURNS, SEEDS)
def test_drafts_are_compared_with_sides_and_systems_in_balance(raters, n, systems, turns, seed):
    """Sides are at most 2 apart on a review and with a rater, in any order of turns; systems at most 1 with one."""
    raters = [f"A{i}" for i in range(raters)]
    pairs = draft_pairs(items_of(["CAF"] * n, [f"v{i}" for i in range(systems)]))
    placed = judge(raters, pairs, turns, seen=(), seed=seed)
    assert leaning(placed, lambda p: (p.pair.item, p.pair.labels)) <= 2
    assert leaning(placed, lambda p: (p.rater, p.pair.labels)) <= 2
    labels = {pair.labels for pair in pairs}
    for rater in raters:
        mine = [p.pair for p in placed if p.rater == rater]
        assert len(set(mine)) == len(mine)
        if len(mine) <= n:  # else nothing is left of a label
            counts = [sum(pair.labels == label for pair in mine) for label in labels]
            assert max(counts) - min(counts) <= 1
    # Everything is judged as long as a rater is left who has not.
    turned = Counter(raters[turn % len(raters)] for turn in turns)
    assert len(placed) == sum(min(times, len(pairs)) for times in turned.values())


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(2, 8), TURNS, SEEDS)
def test_finals_are_rated_by_neither_writer_and_twice_before_others_are_begun(agents, n, turns, seed):
    items, raters = items_of(["CAF"] * n), [f"A{i}" for i in range(agents)]
    written = [(raters[a], p.item, p.arm) for a in range(agents) for p in seat(a, items, seed).plan]
    pairs = final_pairs((number, *each) for number, each in enumerate(written))
    assert len(pairs) == agents // 2 * n
    assert len({text for pair in pairs for text in pair.texts}) == 2 * len(pairs)
    placed = judge(raters, pairs, turns, seen=(), seed=seed)
    for each in placed:
        assert each.rater not in each.pair.writers
        one, other = (written[number] for number in each.pair.texts)
        assert (one[1], one[2], other[1], other[2]) == (each.pair.item, "draft", each.pair.item, "blank")
    assert leaning(placed, lambda p: p.pair.item) <= 2
    assert leaning(placed, lambda p: p.rater) <= 2


@pytest.mark.long
@pytest.mark.parametrize("seed", range(30))
def test_sides_of_a_large_study_are_in_balance(seed):
    """100 raters of 10 each, who come in any order: nearly all of them, and all reviews, at most 1 apart."""
    raters = [f"A{i}" for i in range(100)]
    pairs = draft_pairs(items_of(["CAF"] * 24, ("v1", "v2", "v3")))
    turns = [number for number in range(100) for _ in range(10)]
    random.Random(seed).shuffle(turns)
    placed = judge(raters, pairs, turns, seen=(), seed=seed)
    assert leaning(placed, lambda p: (p.pair.item, p.pair.labels)) <= 1
    assert leaning(placed, lambda p: (p.rater, p.pair.labels)) <= 2


def test_each_pair_is_judged_twice_and_a_review_seen_with_its_draft_comes_last():
    """12 raters of 10 each, of 20 reviews times 3 pairs of systems: 60 pairs, 120 judgements."""
    items = items_of(["CAF", "CPAM"] * 10, ("v1", "v2", "v3"))
    raters, pairs, placed = [f"A{i}" for i in range(12)], draft_pairs(items), []
    seen = [{p.item for p in seat(number, items, 1).plan if p.arm == "draft"} for number in range(12)]
    for _ in range(10):
        for number, rater in enumerate(raters):
            placed.append(next_comparison(rater, pairs, placed, seen=seen[number], seed=1))
    assert not any(p.pair.item in seen[raters.index(p.rater)] for p in placed)
    times = Counter(Counter(p.pair for p in placed).values())
    assert times[RATERS] >= 54  # of 60: sides, and systems with each rater, come before
    assert set(times) <= {1, 2, 3}


def test_what_somebody_leaves_undone_goes_to_others():
    """Of 4 pairs, A0 left 2 undone, which are in no list of what was placed: two others judge each."""
    pairs = draft_pairs(items_of(["CAF"] * 4, ("v1", "v2")))
    placed = [Placed("A0", pairs[0], one_left=True), Placed("A0", pairs[1], one_left=False)]
    for rater in ("A1", "A2"):
        for _ in range(4):
            placed.append(next_comparison(rater, pairs, placed))
        assert next_comparison(rater, pairs, placed) is None
    assert {pair: sum(p.pair == pair for p in placed) for pair in pairs} == dict(zip(pairs, (3, 3, 2, 2), strict=True))


@pytest.mark.parametrize("later", [0, 1, 5])
def test_a_later_reply_moves_no_couple(later):
    items = items_of(["CAF"] * 3)
    written = [(f"A{a}", p.item, p.arm) for a in range(8) for p in seat(a, items, 1).plan]
    rows = [(number, *each) for number, each in enumerate(written)]
    before = final_pairs(rows[: len(rows) - later])
    assert set(before) <= set(final_pairs(rows))
