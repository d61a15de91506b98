"""What was found once in a pair is masked wherever it stands in it: names by their words, other values as written."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from plume.french.phrases import CIVILITY
from plume.french.text import fold
from plume.french.words import Word
from plume.marks import PSEUDONYM
from plume.pseudonymise.names import words_of
from plume.pseudonymise.names_that_are_words import borne, find_borne, is_thing, is_usual
from plume.pseudonymise.spans import Span

_GREETING = (
    r"(?:^|\n|(?<=[.!?]) )\W*(?:re)?(?:bonjour|bonsoir|salut|merci|chere?|madame|monsieur)[ ,]{1,2}"
    rf"(?:(?:{CIVILITY}|chere?),? )?"
)
_SHORTEST = 5  # characters of a value that is looked for as written


def find_again(
    texts: Sequence[str], spans: Sequence[Sequence[Span]], is_usual: Callable[[str], bool] = is_usual
) -> list[list[Span]]:
    """For each text, the further places of what was found in any of them, whatever their case and accents.

    A word that is somebody's name and a thing too ("la rose", see `is_thing`) is left where it is the thing.
    """
    names, values = set(), set()
    for text, found in zip(texts, spans, strict=True):
        for span in found:
            value = text[span.start : span.end]
            if span.type == "PERSONNE":
                # A pseudonym may be any word: `find_pseudonym` has said where it is one.
                names.update([value] if span.source != "pseudonym" else [])
            elif len(value) >= _SHORTEST and span.type not in ("AGE", "SANTE"):
                values.add((value, span.type))
    words = {word for word in words_of(names) if Word.of(word).may_be_name}
    # "Rose" was found: "rose" is no name, unless somebody's was written so.
    things = {word for word in words if Word.of(word).also_first_name} - words_of(n for n in names if n.islower())
    plain = borne(names)
    return [
        [*_words(text, words, things, is_usual), *find_borne(text, plain), *_values(text, values, is_usual)]
        for text in texts
    ]


def _words(text: str, words: set[str], things: set[str], is_usual: Callable[[str], bool]) -> Iterator[Span]:
    folded = fold(text) if words else ""
    for word in sorted(words):
        for start, end in _whole(folded, word):
            span = Span(start, end, "PERSONNE", "propagated")
            if not (word in things and text[start:end].islower()) and not is_thing(text, span, is_usual):
                yield span


def _values(text: str, values: set[tuple[str, str]], is_usual: Callable[[str], bool]) -> Iterator[Span]:
    for value, kind in sorted(values):
        for start, end in _whole(text, value):
            span = Span(start, end, kind, "propagated")
            if kind != "VILLE" or not is_thing(text, span, is_usual):  # "la fontaine"
                yield span


def _whole(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Where a value stands as words of its own; a pattern for each would be dear to compile."""
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        alone = not (_in_word(text, start - 1) or _in_word(text, end))
        if alone:
            yield start, end
        start = text.find(value, end if alone else start + 1)


def _in_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_")


def find_pseudonym(text: str, pseudonym: str | None) -> Iterator[Span]:
    """Where the citizen is called by the pseudonym: in a greeting always, elsewhere unless it is a plain word."""
    pseudonym = unicodedata.normalize("NFC", pseudonym or "")
    wanted = " ".join(fold(pseudonym).split())
    if not any(c.isalnum() for c in wanted):
        return
    folded = fold(text)
    words = re.findall(r"[\w'-]+", pseudonym)
    if not any(fold(word) in folded for word in words):  # nearly always: patterns are dear to compile
        return
    exact = re.escape(wanted).replace(r"\ ", r" +")
    for match in re.finditer(rf"{_GREETING}({exact})(?!\w)", folded):
        yield Span(*match.span(1), "PERSONNE", "pseudonym")
    if len(wanted) >= 3 and any(Word.of(w).may_be_name and not w.isdigit() for w in words):
        for match in re.finditer(rf"(?<![\w-]){exact}(?![\w-])", folded):
            if _said_as_name(text[slice(*match.span())], wanted):
                yield Span(*match.span(), "PERSONNE", "pseudonym")
    if 1 < len(words) <= 3:
        for word in words:
            plain = fold(word)
            if len(plain) >= 3 and word[0].isupper() and Word.of(word).may_be_name:
                for match in re.finditer(rf"(?<!\w){re.escape(plain)}(?!\w)", folded):
                    if text[match.start()].isupper():
                        yield Span(*match.span(), "PERSONNE", "pseudonym")


def replace_pseudonym(text: str, pseudonym: str | None) -> str:
    """The text, its accents composed, with its placeholder wherever the citizen is called by the pseudonym."""
    text = unicodedata.normalize("NFC", text)
    pieces, at = [], 0
    for start, end, *_ in sorted(find_pseudonym(text, pseudonym)):
        if start >= at:
            pieces += [text[at:start], PSEUDONYM]
            at = end
    return "".join([*pieces, text[at:]])


def _said_as_name(found: str, pseudonym: str) -> bool:
    """A pseudonym that could be a word of French ("pivoine", "rain") counts only with a capital."""
    return found[0].isupper() or not found.isalpha() or Word.of(pseudonym).first_name
