"""Find the longest run of words that each draft shares with a training reply. Pure and exact: nothing is hashed.

Drafts and replies are one row of words, each text closed by a mark of its own. Every place is named by the run of 1,
2, 4 … words that begins there (Karp, Miller and Rosenberg 1972): same name, same run. The last names are ranks, as in
a dictionary, so the replies' places that share most with a draft's place stand right beside it (Manber and Myers 1990).
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import NamedTuple

import numpy as np

from plume.french.text import fold, words


@dataclass(frozen=True)
class Copied:
    """The longest run of a draft that training replies hold: its words, folded text, the first such reply, how many."""

    words: int = 0
    run: str = ""
    reply: str | None = None
    replies: int = 0


class _Row(NamedTuple):
    """Words and marks as numbers (marks lie above the vocabulary), the text of each place, where texts begin."""

    codes: np.ndarray
    text_of: np.ndarray
    begins: np.ndarray
    vocabulary: list[str]


def longest_runs(drafts: Sequence[str], learnt: Sequence[tuple[str, str]], most: int) -> list[Copied]:
    """Find each draft's longest run of folded words that at least one and at most `most` replies hold.

    A run that more replies hold is house style ("vous remercie d'avoir pris le temps de"); it counts as a part of a
    longer run that few hold. `learnt`: ids and texts of the replies that were trained on.
    """
    row = _one_row(chain(drafts, (reply for _, reply in learnt)))
    theirs = row.begins[len(drafts)]  # from this place on: replies
    places = np.flatnonzero(row.codes[:theirs] < len(row.vocabulary))
    if not learnt or not len(places):
        return [Copied() for _ in drafts]
    names = _names(row.codes, int(np.diff(row.begins[: len(drafts) + 1]).max()))
    order = theirs + np.argsort(names[-1, theirs:], kind="stable")
    right = np.searchsorted(names[-1, order], names[-1, places])
    beside = (right - 1, right)
    shared = np.maximum(*(_shared(names, places, order, side) for side in beside))
    first, replies = _holders(names, places, order, beside, shared, row.text_of, most)
    shared[replies > most] = 0  # so do more hold every shorter run from there
    found = [Copied() for _ in drafts]
    longest_first = np.lexsort((places, -shared, row.text_of[places]))
    for draft, at in zip(*_firsts(row.text_of[places][longest_first], longest_first), strict=True):
        if n := int(shared[at]):
            run = " ".join(row.vocabulary[code] for code in row.codes[places[at] :][:n])
            found[draft] = Copied(n, run, learnt[first[at] - len(drafts)][0], int(replies[at]))
    return found


def _firsts(groups: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give each group once, and the first of its items; members of a group stand together."""
    begins = np.flatnonzero(np.diff(groups, prepend=-1))
    return groups[begins], items[begins]


def _one_row(texts: Iterable[str]) -> _Row:
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    flat, lengths = array("i"), []
    for text in texts:
        before = len(flat)
        flat.extend(map(numbers.__getitem__, words(fold(text))))
        lengths.append(len(flat) - before + 1)
    begins = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    codes = np.empty(begins[-1], np.int32)
    is_mark = np.zeros(begins[-1], bool)
    is_mark[begins[1:] - 1] = True
    codes[is_mark] = len(numbers) + np.arange(len(lengths))
    codes[~is_mark] = np.frombuffer(flat, np.intc)
    return _Row(codes, np.repeat(np.arange(len(lengths), dtype=np.int32), lengths), begins, list(numbers))


def _names(codes: np.ndarray, longest: int) -> np.ndarray:
    """Name every place by its run of 2**level words: shape (levels, places); at the last, each draft's name is its own.

    A name is the rank of the first place of its group among all places, in the order of their runs.
    """
    n = len(codes)
    order = np.argsort(codes, kind="stable")
    levels = [_ranks(codes[order], order, np.zeros(n, np.int32), np.arange(n))]
    while 2 ** (len(levels) - 1) < longest:
        names = levels[-1]
        several = np.flatnonzero(np.bincount(names, minlength=n)[names] > 1)  # a run with a mark in it is alone
        if not len(several):
            break
        keys = names[several].astype(np.int64) * n + names[several + 2 ** (len(levels) - 1)]
        sort = np.argsort(keys)
        finer = names.copy()
        finer[several] = _ranks(keys[sort], sort, names[several], np.arange(len(several)))
        levels.append(finer)
    return np.stack(levels)


def _ranks(keys: np.ndarray, order: np.ndarray, names: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Rename places, whose sorted `keys` stand in `order`, within their groups of equal `names`."""
    before = names[order]

    def first(of: np.ndarray) -> np.ndarray:
        return np.maximum.accumulate(np.where(np.diff(of, prepend=-1) != 0, index, 0))

    ranks = np.empty_like(names)
    ranks[order] = before + first(keys) - first(before)
    return ranks


def _at(order: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the replies' places that stand at `side`, and where there is one."""
    return order[np.clip(side, 0, len(order) - 1)], (side >= 0) & (side < len(order))


def _shared(names: np.ndarray, places: np.ndarray, order: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Count the words that each place and the reply's place at `side` both begin with."""
    others, there = _at(order, side)
    same = np.zeros(len(places), np.int64)
    for level in range(len(names) - 1, -1, -1):
        same[names[level, places + same] == names[level, others + same]] += 2**level
    return np.where(there, same, 0)


def _holders(
    names: np.ndarray,
    places: np.ndarray,
    order: np.ndarray,
    beside: tuple[np.ndarray, np.ndarray],
    shared: np.ndarray,
    text_of: np.ndarray,
    most: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Give the first reply that holds each place's run, and how many do, counted up to one more than `most`.

    Replies' places with the run stand together: they are walked from the draft's place, to the left, then to the right.
    """
    level = np.frexp(np.maximum(shared, 1))[1] - 1  # two runs of 2**level words, overlapping, make up the whole
    rest = shared - 2**level
    found = np.full((len(places), most), len(text_of), np.int64)
    replies = np.zeros(len(places), np.int64)
    for side, step in zip(beside, (-1, 1), strict=True):
        cursor, active = side.copy(), np.flatnonzero((shared > 0) & (replies <= most))
        while len(active):
            others, there = _at(order, cursor[active])
            begin, end, at = places[active], rest[active], level[active]
            others = np.where(there, others, begin)
            same = there & (names[at, begin] == names[at, others])
            same[same] = (names[at, begin + end] == names[at, np.minimum(others + end, len(text_of) - 1)])[same]
            active, replied = active[same], text_of[others[same]]
            new = (found[active] != replied[:, None]).all(axis=1)
            kept = new & (replies[active] < most)
            found[active[kept], replies[active[kept]]] = replied[kept]
            replies[active[new]] += 1
            active = active[replies[active] <= most]
            cursor[active] += step
    return found.min(axis=1), replies
