"""Decide who writes what, in which arm and order, and who compares which two texts, on which sides. Pure.

A randomised crossover. Every agent answers every review once, half of them from a draft and half from an empty page, in
two blocks (periods). Four seats make a whole: two halves of the reviews times two orders of the arms. The draw depends
on the seed and on the seat alone, so that a late agent changes nothing for the others.

What holds for any number of seats from 2: within a seat, and within each network of a seat, the arms differ by at most
one review. Among the seats, the orders of the arms differ by at most one. A review is written as often in both arms, or
once more in one if the number of seats is odd. In whole fours it is written as often in each arm and period.

Comparisons are chosen one by one, from what was rated so far: whoever leaves, others go on with what is missing.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from eval.study.records import ARMS, Arm, Item
from eval.study.records import Sequence as Order

RATERS = 2  # people who judge the same two texts, so that their agreement is seen


@dataclass(frozen=True)
class Planned:
    """Says that a review is to be written in an arm and a period."""

    item: str
    arm: Arm
    period: int


@dataclass(frozen=True)
class Seat:
    """Holds the place of one agent in the design: the order of the arms, and the reviews as they come."""

    order: Order
    plan: tuple[Planned, ...]


def seat(number: int, items: Sequence[Item], seed: int) -> Seat:
    """Draw the seat of this number, from 0."""
    four, place = divmod(number, 4)
    pair = place // 2
    first = (place + _draw(seed, "order", four, pair)) % 2  # which order the first of two neighbours has
    arms: tuple[Arm, Arm] = ("blank", "draft") if first else ("draft", "blank")
    half = _half(items, (seed, four))
    with_draft = half if first == pair else {item.id for item in items} - half
    plan = [
        Planned(item, arm, period)
        for period, arm in enumerate(arms, 1)
        for item in sorted((i.id for i in items), key=lambda i: _draw(seed, "position", number, i))
        if (item in with_draft) == (arm == "draft")
    ]
    return Seat("blank first" if first else "draft first", tuple(plan))


def _half(items: Sequence[Item], of: tuple[int, int]) -> set[str]:
    """Draw half of the reviews: every second of a random order in which those of a network stand together.

    In a network, those of a sentiment do.
    """

    def key(item: Item) -> tuple[int, ...]:
        within = (item.network, item.sentiment, item.id)
        return tuple(_draw(*of, *within[:depth]) for depth in (1, 2, 3))

    return {item.id for item in sorted(items, key=key)[_draw(*of) % 2 :: 2]}


# --- comparisons


@dataclass(frozen=True)
class Pair:
    """Names two texts that answer the same review. `one` and `other` are systems, or the arms draft and blank.

    `texts` tells one couple of final replies from another one: the numbers of the two writings, which `writers` wrote.
    """

    item: str
    one: str
    other: str
    texts: tuple[int, ...] = ()
    writers: tuple[str, ...] = field(default=(), compare=False, repr=False)  # repr: what is drawn depends on it

    @property
    def labels(self) -> tuple[str, str]:
        return self.one, self.other


@dataclass(frozen=True)
class Placed:
    """Says who judges a pair, and whether its `one` stands on the left."""

    rater: str
    pair: Pair
    one_left: bool


def draft_pairs(items: Iterable[Item]) -> list[Pair]:
    """List all pairs of two systems' drafts of a review."""
    return [
        Pair(item.id, one, other)
        for item in items
        for number, one in enumerate(sorted(item.drafts))
        for other in sorted(item.drafts)[number + 1 :]
    ]


def final_pairs(written: Iterable[tuple[int, str, str, Arm]]) -> list[Pair]:
    """Couple the replies to each review, one of each arm, in the order in which they came.

    `written` are number, agent, review and arm of each reply, in that order: a later reply moves no couple.
    """
    texts: dict[str, dict[str, list[tuple[int, str]]]] = defaultdict(lambda: {arm: [] for arm in ARMS})
    for number, agent, item, arm in written:
        texts[item][arm].append((number, agent))
    return [
        Pair(item, *ARMS, writers=(one[1], other[1]), texts=(one[0], other[0]))
        for item, arms in texts.items()
        for one, other in zip(*(arms[arm] for arm in ARMS), strict=False)
    ]


def next_comparison(
    rater: str, pairs: Iterable[Pair], placed: Collection[Placed], *, seen: Collection[str] = (), seed: int = 0
) -> Placed | None:
    """Choose what a rater judges next; None if there is nothing that they did not write or judge before.

    Reviews whose draft the rater was shown (`seen`) come last. Then come the two labels that the rater judged least,
    then what another one judged and RATERS did not, then what was judged least. A label stands on the left as often as
    on the right, or once more, on each review and with each rater; twice more where both cannot be had.
    """
    times = Counter(p.pair for p in placed)
    mine = [p for p in placed if p.rater == rater]
    judged, labels = {p.pair for p in mine}, Counter(p.pair.labels for p in mine)
    by_item, by_rater = (
        _leanings(placed, lambda p: (p.pair.item, *p.pair.labels)),
        _leanings(mine, lambda p: p.pair.labels),
    )

    def key(pair: Pair) -> tuple:
        wanted = by_item[pair.item, *pair.labels] * by_rater[pair.labels] < 0  # two wishes that cannot both be met
        done = times[pair]
        stage = 0 if 0 < done < RATERS else done + 1
        return pair.item in seen, labels[pair.labels], wanted, stage

    open_to = [pair for pair in pairs if pair not in judged and rater not in pair.writers]
    if not open_to:
        return None
    keys = list(map(key, open_to))
    best = min(keys)
    pair = min((p for p, k in zip(open_to, keys, strict=True) if k == best), key=lambda p: _draw(seed, rater, p))
    items, raters = by_item[pair.item, *pair.labels], by_rater[pair.labels]
    leaning = raters if abs(raters) > abs(items) else items
    return Placed(rater, pair, leaning < 0 if leaning else _draw(seed, rater, pair) % 2 == 0)


def _leanings(placed: Iterable[Placed], of) -> Counter:
    """Count how much more often `one` stood on the left than `other`, by a key."""
    found: Counter = Counter()
    for each in placed:
        found[of(each)] += 1 if each.one_left else -1
    return found


def _draw(*of: object) -> int:
    """Draw a number of 64 bits, the same on every machine for the same arguments."""
    return int.from_bytes(hashlib.sha256(repr(of).encode()).digest()[:8], "big")
