"""Finds citations behind sentences whose content the cited passages do not hold, or which another passage holds better.

What a sentence says before a citation is weighed by its words: those that a passage holds, itself or in a word of the
same sense, against those that it does not. The citizen's own words count for neither. A fact that stands in the passage
is enough by itself.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from plume.checks.case import Case
from plume.checks.cited import cited_sentences, grounded
from plume.checks.meaning import Token, likeness, tokens
from plume.french.text import fold
from plume.passages import Shown

# What is missing must outweigh what is held by so much, in nats, and be of so many words. A sheet is told in other
# words too: of three authors' claims, what stands between 5 and 12 nats was sound as often as not.
_HELD, _MISSING, _WORDS = 0.8, 12.0, 5
# By how much another passage must hold more of a claim, in nats: of 727 claims of three authors, of the eleven above
# six all were at fault, and of the seven between three and six, two.
_BETTER = 6.0
_PART = 4  # words that a part of a claim must have to speak for it
_CUT = re.compile(r"[;:]|,(?!\d)")


class Claim(NamedTuple):
    """What a draft says before a citation, `start:end` of it, and the passages that are cited there."""

    start: int
    end: int
    cited: tuple[Shown, ...]


def claims(case: Case) -> list[Claim]:
    """List what stands before each citation, from the one before it or the start of the sentence on."""
    return case.once(_claims)


def _claims(case: Case) -> list[Claim]:
    found = []
    passages = {one.number: one for one in case.passages}
    for part in cited_sentences(case):
        at = part.start
        for place, (start, end, numbers) in enumerate(part.citations):
            cited = [passages[number] for number in numbers if number in passages]
            if place + 1 < len(part.citations) and not _says(case.draft[end : part.citations[place + 1][0]]):
                continue  # "[1][2]": both stand behind it
            for before in reversed(part.citations[:place]):
                if _says(case.draft[before[1] : start]):
                    break
                cited += [passages[number] for number in before[2] if number in passages]
            if cited and at < start:
                found.append(Claim(at, start, tuple(cited)))
            at = end
    return found


def _says(text: str) -> bool:
    return any(map(str.isalnum, text))


def hollow(case: Case) -> Iterator[Claim]:
    """Yield the claims that say nothing of what their passages say."""
    for claim in claims(case):
        if not is_grounded(case, claim) and all(
            is_hollow(*weigh(case, claim, start, claim.end)) for start in _starts(case, claim)
        ):
            yield claim


def misplaced(case: Case) -> Iterator[Claim]:
    """Yield the claims that a passage says which is shown and not cited there, much more than those that are cited."""
    for claim in claims(case):
        others = [each for each in case.passages if each not in claim.cited]
        if others and not is_grounded(case, claim):
            words = tokens(case.text.folded, claim.start, claim.end)
            held = _held_by(words, claim.cited)
            if any(_held_by(words, (other,)) >= held + _BETTER for other in others):
                yield claim


def is_grounded(case: Case, claim: Claim) -> bool:
    """Say whether a claim tells a fact that a passage holds which is cited there."""
    return any(claim.start <= one.start < claim.end for one in grounded(case))


def _held_by(words: Iterable[Token], passages: Iterable[Shown]) -> float:
    """Sum what words say that some passages hold."""
    told = [root for one in passages for root in _stems(one)]
    weights = {one.stem: one.weight for one in words}
    return sum(worth * max((likeness(root, other) for other in told), default=0.0) for root, worth in weights.items())


def _starts(case: Case, claim: Claim) -> Iterator[int]:
    """Yield where what a citation stands behind may begin: advice of the writer's own may stand before it."""
    yield claim.start
    for cut in _CUT.finditer(case.draft, claim.start, claim.end):
        if len(tokens(case.text.folded, cut.end(), claim.end)) >= _PART:
            yield cut.end()


def weigh(case: Case, claim: Claim, start: int, end: int) -> tuple[float, float, int]:
    """Give what the words say that the passages hold, what the others say, and how many those are."""
    told = [root for one in claim.cited for root in _stems(one)]
    reviewed = _reviewed(case.review)
    held = missing = 0.0
    others = 0
    for one in {one.stem: one for one in tokens(case.text.folded, start, end)}.values():
        best = max((likeness(one.stem, root) for root in told), default=0.0)
        held += best * one.weight
        if not best and one.stem not in reviewed:
            missing += one.weight
            others += 1
    return held, missing, others


def is_hollow(held: float, missing: float, others: int) -> bool:
    """Say whether what is held is too little beside what is not."""
    return others >= _WORDS and missing > _HELD * held + _MISSING


@lru_cache(maxsize=1 << 10)
def _stems(one: Shown) -> tuple[str, ...]:
    return tuple({token.stem for token in tokens(fold(f"{one.title} {one.text}"))})


@lru_cache(maxsize=32)
def _reviewed(review: str) -> frozenset[str]:
    return frozenset(token.stem for token in tokens(fold(review)))
