"""Turns a text into the terms by which sources are found: stems of its words, and kinds of things that it names.

Citizens and administrations name a thing differently. A kind (kinds.tsv) holds words of both that stand for each
other: "prune" and "avis de contravention" are both of `subject:fine`.
"""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from plume.french.text import fold, words
from plume.french.vocabulary import rows

VOCABULARY = Path(__file__).parent / "vocabulary"
_PLURAL, _INFLECTION = re.compile(r"(?<=\w{4})s$|(?<=\w{2}[aeo]u)x$"), re.compile(r"(?<=\w{4})(?:er|ez|ee|e)$")


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
    """Give the kinds that words in order name; a phrase hides the shorter ones that begin with the same word."""
    exact, found = [*map(_singular, said)], []
    loose = [*map(_uninflected, exact)]
    for at, first in enumerate(loose):
        for length in _lengths().get(first, ()):
            run = slice(at, at + length)
            if named := _phrases().get(tuple(exact[run])) or _phrases().get(tuple(loose[run])):
                found += named
                break
    return found


@lru_cache(maxsize=1 << 16)
def _singular(word: str) -> str:
    return _PLURAL.sub("", fold(word))


def _uninflected(word: str) -> str:
    """Give a word without what gender and the commonest forms of a verb add: "refusée" and "refuser" meet.

    No more than that: by their stems "accueil" would be "accueillante", and "mari" "mars".
    """
    return _INFLECTION.sub("", word)


@cache
def _phrases() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Give the kinds of each phrase: as it is written, and for what is written otherwise, without inflection."""
    exact: dict[tuple[str, ...], dict[str, None]] = {}
    loose: dict[tuple[str, ...], dict[str, None]] = {}
    for row in rows("kinds", VOCABULARY):
        for phrase in row["words"].split(", "):
            key = tuple(map(_singular, words(phrase)))
            for found, form in ((exact, key), (loose, tuple(map(_uninflected, key)))):
                found.setdefault(form, {})[f"{row['role']}:{row['kind']}"] = None
    return {key: tuple(kinds) for key, kinds in (loose | exact).items()}


@cache
def _lengths() -> dict[str, tuple[int, ...]]:
    """Give the lengths of the phrases that begin with a form, the longest first."""
    found: dict[str, set[int]] = {}
    for key in _phrases():
        found.setdefault(_uninflected(key[0]), set()).add(len(key))
    return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in found.items()}
