"""Turns a text into the terms by which sources are found: stems of its words, and kinds of things that it names.

Citizens and administrations name a thing differently. A kind (kinds.tsv) holds words of both that stand for each
other: "prune" and "avis de contravention" are both of `subject:fine`.
"""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from plume.french.text import fold, words
from plume.french.vocabulary import rows

VOCABULARY = Path(__file__).parent / "vocabulary"
_LONG = 5  # letters of a stem that stands for one word and its family


class Terms(NamedTuple):
    """The terms of a text, in its order: stems without the empty words, and kinds (`subject:fine`)."""

    stems: tuple[str, ...]
    kinds: tuple[str, ...]


@lru_cache(maxsize=1 << 10)
def terms_of(text: str) -> Terms:
    """Read the terms of a text."""
    said = words(text)
    read = (stem(word) for word in said)
    return Terms(tuple(one for one in read if len(one) > 1 and one not in _empty()), tuple(_kinds(said)))


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Give what a word shares with its other forms, without accents: citizens leave them out."""
    root = fold(_stemmer().stemWord(word))
    return root.rstrip("e") if len(root) > 3 else root


@cache
def _stemmer() -> Any:
    from Stemmer import Stemmer

    return Stemmer("french", 0)  # without a cache of its own, which threads would share


@cache
def _empty() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_FRENCH

    return frozenset(map(stem, STOPWORDS_FRENCH))


def _kinds(said: list[str]) -> list[str]:
    """Give the kinds that words in order name; a phrase hides the shorter ones that begin with it."""
    read, found, at = [*map(_form, said)], [], 0
    while at < len(read):
        for length in _lengths().get(read[at], ()):
            if named := _phrases().get(tuple(read[at : at + length])):
                found += named
                at += length - 1
                break
        at += 1
    return found


@lru_cache(maxsize=1 << 16)
def _form(word: str) -> str:
    """Give the stem of a word; where that is short, the word without the sign of a plural: "mari" is not "mars"."""
    if len(root := stem(word)) >= _LONG:
        return root
    folded = fold(word)
    return folded[:-1] if len(folded) > 3 and folded[-1] in "sx" else folded


@cache
def _phrases() -> dict[tuple[str, ...], tuple[str, ...]]:
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in rows("kinds", VOCABULARY):
        for phrase in row["words"].split(", "):
            key = tuple(map(_form, words(phrase)))
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), f"{row['role']}:{row['kind']}")))
    return found


@cache
def _lengths() -> dict[str, tuple[int, ...]]:
    """Give the lengths of the phrases that begin with a form, the longest first."""
    found: dict[str, set[int]] = {}
    for key in _phrases():
        found.setdefault(key[0], set()).add(len(key))
    return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in found.items()}
