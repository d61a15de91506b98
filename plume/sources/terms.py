"""Turns a text into the terms by which sources are found: stems of its words, and kinds of things that it names.

Citizens and administrations name a thing differently. A kind (kinds.tsv) holds words of both that stand for each
other: "prune" and "avis de contravention" are both of `subject:fine`.
"""

import math
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from plume.french.text import fold, words
from plume.french.vocabulary import rows

VOCABULARY = Path(__file__).parent / "vocabulary"
SHEETS = 140  # that rarity.tsv counts
_PLURAL, _INFLECTION = re.compile(r"(?<=\w{4})s$|(?<=\w{2}[aeo]u)x$"), re.compile(r"(?<=\w{4})(?:er|ez|ee|e)$")


class Terms(NamedTuple):
    """The terms of a text, in its order: stems without the empty words, and kinds (`subject:fine`)."""

    stems: tuple[str, ...]
    kinds: tuple[str, ...]


@lru_cache(maxsize=1 << 10)
def terms_of(text: str) -> Terms:
    """Read the terms of a text."""
    forms = [*map(_forms, words(text))]
    return Terms(tuple(form.stem for form in forms if form.stem), tuple(_kinds(forms)))


class Form(NamedTuple):
    """What is read of a word: its stem, none if the word is empty, and how kinds.tsv would write it, twice."""

    stem: str | None
    exact: str
    loose: str


@lru_cache(maxsize=1 << 17)
def _forms(word: str) -> Form:
    root, exact = stem(word), _singular(word)
    return Form(root if len(root) > 1 and root not in _empty() else None, exact, _uninflected(exact))


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


def _kinds(said: list[Form]) -> list[str]:
    """Give the kinds that words in order name; a phrase hides the shorter ones that begin with the same word."""
    found, starts, phrases = [], _lengths(), _phrases()
    for at, first in enumerate(said):
        if (lengths := starts.get(first.loose)) is None:
            continue
        following = said[at + 1].loose if at + 1 < len(said) else ""
        for length in lengths.get(following, lengths[""]):
            run = said[at : at + length]
            exact = phrases.get(tuple([form.exact for form in run]))
            if named := exact or phrases.get(tuple([form.loose for form in run])):
                found += named
                break
    return found


@cache
def _holding() -> dict[str, int]:
    return {row["term"]: int(row["sheets"]) for row in rows("rarity", VOCABULARY)}


@lru_cache(maxsize=1 << 17)
def rarity(term: str) -> float:
    """Give how much a term says, as BM25 counts it, whatever sheets are looked through: 1 if the table lacks it."""
    return math.log((SHEETS + 1) / (_holding().get(term, 1) + 0.5)) / math.log((SHEETS + 1) / 1.5)


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
def _lengths() -> dict[str, dict[str, tuple[int, ...]]]:
    """Give the lengths of the phrases that begin with a form, by the form that follows it, the longest first.

    Behind a form that is the second of none (""), only a phrase of one word may stand.
    """
    found: dict[str, dict[str, set[int]]] = {}
    for first, *rest in (tuple(map(_uninflected, key)) for key in _phrases()):
        of_first = found.setdefault(first, {"": set()})
        of_first.setdefault(rest[0] if rest else "", set()).add(1 + len(rest))
    return {
        first: {second: tuple(sorted(lengths | by[""], reverse=True)) for second, lengths in by.items()}
        for first, by in found.items()
    }
