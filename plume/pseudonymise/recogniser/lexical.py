"""What is known of a word, as numbers that the recogniser reads beside its embeddings.

INSEE's counts, the frequency of a form with a capital and without one, the word lists, and how the word stands in the
sentence as it was written: its capitals before they were made plausible. A layer of the network weighs all of it, so
that a sentence may outvote a list, and a list a sentence.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np

from plume.french import insee
from plume.french.text import is_shouting
from plume.french.words import Word
from plume.pseudonymise.recogniser.word_frequencies import Frequencies

WRITTEN = "written"  # where a document keeps its sentence as it was written
_FIRST_NAMES = (20, 200, 2_000, 20_000)  # counts at which a first name gets a class of its own
_SURNAMES = (30, 100, 1_000, 10_000)
_RANKS = (300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 600_000)
# How a word stands: its capitals; written otherwise than the network is shown it; first of its sentence; a sentence in
# capitals, in lower case.
_LOWER, _TITLE, _UPPER, _OTHERWISE, _FIRST, _SHOUTING, _CALM = (1 << bit for bit in range(7))
_STANDING = np.array([[float(bits >> bit & 1) for bit in range(7)] for bits in range(1 << 7)], dtype="float32")
_REMEMBERED = 1 << 16  # forms whose rows are kept
_RATIOS = (0.1, 0.4, 1.0, 2.5, 10.0)  # how much rarer the capitalised form is


class Lexicon:
    """Features of words; those of one form are worked out once."""

    def __init__(self, frequencies: Frequencies) -> None:
        self._frequencies = frequencies
        self._first_names = _counted(insee.first_names, _FIRST_NAMES)
        self._surnames = _counted(insee.surnames, _SURNAMES)
        self._at: dict[int, tuple[int, int]] = {}  # a form's key in spaCy's store -> its row of the table, its capitals
        self._table = np.zeros((1 << 12, len(self._known("a"))), dtype="float32")
        self.width = self._table.shape[1] + _STANDING.shape[1]

    def of(self, doc: Any) -> np.ndarray:
        """One row a token of the document: what is known of the word, then how it stands in its sentence."""
        forms, standing = self._read(doc)
        rows = [self._at[form][0] for form in forms]
        return np.concatenate([self._table[rows], _STANDING[standing]], axis=1)

    def keys(self, doc: Any) -> list[int]:
        """One number a token: two tokens of one number are the same to the network."""
        return [form << 7 | bits for form, bits in zip(*self._read(doc), strict=True)]

    def _read(self, doc: Any) -> tuple[list[int], list[int]]:
        """The form of each token, as its key in spaCy's store, and the bits that say how it stands."""
        text = doc.text
        written = doc.user_data.get(WRITTEN, text)
        whole = _SHOUTING * is_shouting(written) | _CALM * written.islower()
        forms = [token.orth for token in doc]
        if len(self._at) > _REMEMBERED:
            self._at.clear()
        for form in forms:
            if form not in self._at:
                self._add(form, doc.vocab.strings[form])
        standing = [self._at[form][1] | whole for form in forms]
        if written != text:
            for i, token in enumerate(doc):
                form = written[token.idx : token.idx + len(token)]
                if form != token.text:
                    standing[i] = _capitals(form) | _OTHERWISE | whole
        first = next((i for i, token in enumerate(doc) if token.text[0].isalpha()), None)
        if first is not None:
            standing[first] |= _FIRST
        return forms, standing

    def _add(self, key: int, form: str) -> None:
        place = len(self._at)
        if place == len(self._table):
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
        self._table[place] = self._known(form.lower())
        self._at[key] = place, _capitals(form)

    def _known(self, lower: str) -> np.ndarray:
        title, spaced, word = lower.capitalize(), insee.spaced(lower), Word.of(lower)
        rank, rank_title = self._frequencies.rank(lower), self._frequencies.rank(title)
        alphabetic = any(c.isalpha() for c in lower)
        classes = (
            (_class_of(self._first_names, spaced), len(_FIRST_NAMES) + 1),
            (_class_of(self._surnames, spaced), len(_SURNAMES) + 1),
            (bisect_right(_RANKS, rank), len(_RANKS) + 1),
            (bisect_right(_RANKS, rank_title), len(_RANKS) + 1),
            (bisect_right(_RATIOS, (rank_title + 1) / (rank + 1)), len(_RATIOS) + 1),
        )
        flags = (
            spaced in insee.communes(),
            word.everyday,
            word.public,
            word.also_first_name,
            word.also_surname,
            any(c.isdigit() for c in lower),
            not any(c.isalnum() for c in lower),
            len(lower) == 1,
        )
        one_hot = [float(i == its and alphabetic) for its, count in classes for i in range(count)]
        return np.array([*one_hot, *map(float, flags)], dtype="float32")


def _capitals(form: str) -> int:
    return _LOWER * form.islower() | _TITLE * form.istitle() | _UPPER * (form.isupper() and len(form) > 1)


def _counted(names: Callable[[int], tuple[str, ...]], thresholds: tuple[int, ...]) -> dict[str, int]:
    """The class of each listed name: how many of the thresholds its count reaches."""
    return {insee.spaced(name): i for i, least in enumerate(thresholds, 1) for name in names(least)}


def _class_of(counted: dict[str, int], spaced: str) -> int:
    """The class of a name; of a compound one that is not listed as such, the class of its rarest part."""
    found = counted.get(spaced, 0)
    if not found and " " in spaced:
        found = min((counted.get(part, 0) for part in spaced.split()), default=0)
    return found
