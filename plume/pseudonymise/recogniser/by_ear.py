"""Words that are spelled as they are heard: "seuleman", "papié", "larticle", "jdors". They are nobody's name.

A word that no list knows is taken for a common one where it sounds as one, or is one with what stands before it run
into it. Pure; `word_frequencies` asks.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from plume.french.text import fold

_SHORTEST = 4  # letters of what is heard
# In this order; what is mute at the end of a word comes last.
_HEARD = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"ph", "f"),
        (r"qu|c(?![eihy])|ck", "k"),
        (r"ement\b|emen\b", "eman"),
        (r"c(?=[eiy])", "s"),
        (r"g(?=[eiy])", "j"),
        (r"ge(?=[ao])", "j"),
        (r"(?<!c)h", ""),
        (r"e?au", "o"),
        (r"y", "i"),
        (r"[ae]i(?!n)", "e"),
        (r"[ae](?:n|m)(?=[bcdfgjkpqstvz])", "an"),
        (r"z", "s"),
        (r"([a-z])\1", r"\1"),
        (r"(?:er|ez|ent|es|e|s|t|d|x|p|aient)+\b", ""),
    )
)
# What is run into the word after it, and what that word begins with.
_RUN_IN = re.compile(r"(?:[ldnstmcj]|k|qu)(?=[aeiouyh])|(?:la|le|les|un|une|de|des|mon|ma|sa|jv|j|t|o)(?=[a-z])")


def heard(word: str) -> str:
    """Write a word as it sounds, roughly: "retard" and "retar" are the same."""
    sound = fold(word)
    for pattern, instead in _HEARD:
        sound = pattern.sub(instead, sound)
    return sound


def sounds_of(words: Iterable[str]) -> frozenset[str]:
    return frozenset(sound for sound in map(heard, words) if len(sound) >= _SHORTEST)


def is_run_together(word: str, is_common: Callable[[str], bool]) -> bool:
    """Whether a word is a common one with what stands before it run into it: "lécole", "dalocation"."""
    begins = _RUN_IN.match(fold(word))
    return begins is not None and len(word) - begins.end() >= _SHORTEST and is_common(word[begins.end() :])


def slips(word: str) -> Iterator[str]:
    """Give what a word may have been before a letter was lost, added, changed or swapped with the next."""
    for i in range(len(word) + 1):
        before, after = word[:i], word[i:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
        for letter in "abcdefghijklmnopqrstuvwxyzéè":
            yield before + letter + after
            yield before + letter + after[1:]
