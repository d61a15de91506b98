"""Finds words of health that are misspelt: "diabette", "insulinne", "éppilepsie".

Two words are taken for one where they sound alike (doubled letters, "ph", "th", "y" folded), or, from eight letters
on, where one letter is added, left out or changed. Only words of the lists of health are looked for: of any other
word nothing is guessed.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from plume.french.rules import Text
from plume.french.vocabulary import folded, terms
from plume.french.words import EVERYDAY, Word
from plume.pseudonymise.spans import Span

_LISTS = Path(__file__).parents[1] / "lists"
_SHORTEST, _EDITED = 6, 8  # letters: of a word that may sound like one of health, of one with a letter changed
_DOUBLED = re.compile(r"([a-z])\1+")
_MUTE_END = re.compile(r"(?<=\w{5})(?:es|e|s)$")
_SOUNDS = (("ph", "f"), ("th", "t"), ("ch", "k"), ("qu", "k"), ("c", "k"), ("y", "i"), ("z", "s"), ("h", ""))


def misspelt(text: Text) -> Iterator[Span]:
    """Find misspelt words of health."""
    for word in text.words:
        if len(word) < _SHORTEST:
            continue
        if ends := _opens(word):
            for match in re.finditer(rf"(?<!\w){word} (?:(?:en|de|du|des) )?([a-z]+)", text.folded):
                if _key(match[1]).rstrip("es") in ends:
                    yield Span(*match.span(), "SANTE", "rule", "health.misspelt")
        if _is_misspelt(word) or (word[0] in "dl" and len(word) > _EDITED and _is_misspelt(word[1:])):
            for match in re.finditer(rf"(?<!\w){word}(?!\w)", text.folded):
                yield Span(*match.span(), "SANTE", "rule", "health.misspelt")


@lru_cache(maxsize=1 << 14)
def _is_misspelt(word: str) -> bool:
    """Say whether a word is one of health that is written otherwise."""
    if not word.isascii() or word in EVERYDAY or _is_correct(word):
        return False
    key = _key(word)
    near = key in _keys() or (len(key) >= _EDITED and any(one in _near() for one in (key, *_shorter(key))))
    return near and not Word.of(word).listed


@lru_cache(maxsize=1 << 14)
def _opens(word: str) -> frozenset[str]:
    """Give the second words, as they sound, of the diseases that a misspelt word opens: "insufisance" -> "renale"."""
    return frozenset(second for first, second in _two_words().get(_key(word), ()) if first != word)


@cache
def _two_words() -> dict[str, list[tuple[str, str]]]:
    """Give the diseases of two words ("en" or "de" between them perhaps): the first as it sounds -> both."""
    found: dict[str, list[tuple[str, str]]] = {}
    for term in terms("diseases", _LISTS):
        words = [word for word in term.split(" ") if word not in ("en", "de", "du", "des")]
        if len(words) == 2 and "*" not in term:
            first, second = words
            found.setdefault(_key(first), []).append((first, _key(second).rstrip("es")))
    return found


def _key(word: str) -> str:
    """Write a word as it sounds, without what French doubles or leaves mute."""
    for written, sound in _SOUNDS:
        word = word.replace(written, sound)
    return _MUTE_END.sub("", _DOUBLED.sub(r"\1", word))


def _shorter(key: str) -> Iterator[str]:
    """Yield a key without one of its letters, the first excepted: two keys one change apart share one of these."""
    return (key[:at] + key[at + 1 :] for at in range(1, len(key)))


@cache
def _medical() -> frozenset[str]:
    """Give the words of the lists that stand alone; of a stem, with the ends that it most often has."""
    words = set()
    for term in (*terms("diseases", _LISTS), *terms("treatments", _LISTS)):
        if " " not in term and "-" not in term:
            stem = term.rstrip("*")
            words |= {stem} if stem == term else {stem + end for end in _ENDS}
    return frozenset(word for word in words if len(word) >= _SHORTEST)


_ENDS = (
    "",
    "e",
    "es",
    "ie",
    "ies",
    "ique",
    "iques",
    "ia",
    "te",
    "tes",
    "isme",
    "iste",
    "on",
    "onne",
    "if",
    "ive",
    "s",
    "ne",
    "therapie",
    "atique",
    "atiques",
)


def _is_correct(word: str) -> bool:
    """Say whether a word is no misspelling: one of the lists, of which their own rules judge, or another word."""
    whole, stems = _correct()
    return word in whole or word.rstrip("s") in whole or word.startswith(stems)


@cache
def _correct() -> tuple[frozenset[str], tuple[str, ...]]:
    listed = (*terms("diseases", _LISTS), *terms("treatments", _LISTS))
    whole = folded("words_like_diseases", _LISTS) | {w for term in listed for w in term.split(" ") if "*" not in w}
    return whole, tuple(term.rstrip("*") for term in listed if "*" in term)


@cache
def _keys() -> frozenset[str]:
    return frozenset(map(_key, _medical()))


@cache
def _near() -> frozenset[str]:
    long = [key for key in _keys() if len(key) >= _EDITED]
    return frozenset((*long, *(near for key in long for near in _shorter(key))))
