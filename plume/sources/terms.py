"""Turns a text into the terms by which sources are found: stems of its words, and kinds of things that it names.

Citizens and administrations name a thing differently. A kind (citizens_words.tsv) holds words of both that stand for
each other: "prune" and "avis de contravention" are both of `~fine`.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from plume.french.text import fold, words
from plume.french.vocabulary import rows

VOCABULARY = Path(__file__).parent / "vocabulary"


class Terms(NamedTuple):
    """The terms of a text, in its order: stems without the empty words, and kinds."""

    stems: tuple[str, ...]
    kinds: tuple[str, ...]


@cache
def _stemmer() -> Any:
    from Stemmer import Stemmer

    return Stemmer("french", 0)


@cache
def _empty() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_FRENCH

    return frozenset(map(stem, STOPWORDS_FRENCH))


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Give what a word shares with its other forms, without accents: citizens leave them out."""
    root = fold(_stemmer().stemWord(word))
    return root.rstrip("e") if len(root) > 3 else root


@cache
def _phrases() -> dict[tuple[str, ...], tuple[str, ...]]:
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in rows("citizens_words", VOCABULARY):
        for phrase in row["words"].split(", "):
            key = tuple(map(stem, words(phrase)))
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), "~" + row["kind"])))
    return found


@cache
def _opens() -> dict[str, tuple[int, ...]]:
    """Give the lengths of the phrases that begin with a stem, the longest first."""
    found: dict[str, set[int]] = {}
    for key in _phrases():
        found.setdefault(key[0], set()).add(len(key))
    return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in found.items()}


def _kinds(read: list[str]) -> list[str]:
    """Give the kinds that stems in order name; a phrase hides the shorter ones that begin with it."""
    found, at = [], 0
    while at < len(read):
        for length in _opens().get(read[at], ()):
            if named := _phrases().get(tuple(read[at : at + length])):
                found += named
                at += length - 1
                break
        at += 1
    return found


@lru_cache(maxsize=1 << 10)
def terms_of(text: str) -> Terms:
    """Read the terms of a text."""
    read = [stem(word) for word in words(text)]
    return Terms(tuple(one for one in read if len(one) > 1 and one not in _empty()), tuple(_kinds(read)))
