"""Finds the words that only one of two texts says."""

import difflib
import re
from collections import Counter

from markupsafe import Markup

from plume.page.marked_text import Span, mark

ALIKE = 0.35  # below this share of common words, marking differences word by word would mark nearly everything
_MOST = 50_000  # pairs of the same word; a draft that repeats one word for pages would take minutes
_WORD = re.compile(r"\S+\s*")


def differing_words(before: str, after: str) -> tuple[list[Span], list[Span]] | None:
    """Give the places of what only the one and only the other says.

    None where they have too little in common, or repeat themselves too much to be compared.
    """
    found = [[*_WORD.finditer(text)] for text in (before, after)]
    left, right = ([word[0].strip() for word in words] for words in found)
    often = Counter(left)
    if sum(often[word] for word in right) > _MOST:
        return None
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < ALIKE:
        return None
    sides: tuple[list[Span], list[Span]] = ([], [])
    for kind, i, j, k, m in matcher.get_opcodes():
        for side, words in zip(sides, (found[0][i:j], found[1][k:m]), strict=True):
            if words and kind != "equal":
                side.append((words[0].start(), words[-1].end()))
    return sides


def mark_differences(before: str, after: str) -> tuple[Markup, Markup] | None:
    """Mark what only one of two texts says, in <del> and <ins>; None where they have too little in common."""
    sides = differing_words(before, after)
    return sides and (mark(before, words=sides[0], tag="del"), mark(after, words=sides[1]))
