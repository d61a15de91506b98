"""Spans of a text, and what happens when several detectors claim the same characters."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple

# Who names the type when spans overlap: the more precise detector. A name found inside an address is part of it.
PRIORITY = (
    "EMAIL", "URL", "IBAN", "NIR", "FISCAL", "SIRET", "TEL", "FRANCE_TRAVAIL", "ALLOCATAIRE", "TITRE", "PLAQUE",
    "ADRESSE", "CP_VILLE", "DOSSIER", "HOPITAL", "ECOLE", "DATE_NAISSANCE", "PSEUDO", "NUMERO", "SANTE", "PERSONNE",
    "AGE", "VILLE",
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(PRIORITY)}


Recogniser = Callable[[list[str]], list[list["Span"]]]  # from texts to the spans proposed for each


class Span(NamedTuple):
    """Characters `start:end` of a text (Python string indices), what they are, and which layer found them."""

    start: int
    end: int
    type: str
    source: str


def merge(spans: Iterable[Span]) -> list[Span]:
    """Sorted, non-overlapping spans that cover the same characters: nothing that a layer found is given up.

    Overlapping spans become one, named by the one of highest priority.
    """
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            # Of two of one type a pseudonym wins: it may end in a bracket, and nothing may trim it.
            best = min(last, span, key=lambda s: (_RANK.get(s.type, len(_RANK)), s.source != "pseudonym"))
            merged[-1] = Span(last.start, max(last.end, span.end), best.type, best.source)
        else:
            merged.append(span)
    return merged


def subtract(spans: Iterable[Span], kept: Iterable[Span]) -> list[Span]:
    """What is left of `spans` outside `kept`; both in any order."""
    kept = merge(kept)
    ends = [keep.end for keep in kept]
    left = []
    for span in spans:
        start = span.start
        for i in range(bisect_right(ends, start), len(kept)):
            keep = kept[i]
            if keep.start >= span.end:
                break
            if keep.start > start:
                left.append(Span(start, keep.start, span.type, span.source))
            start = max(start, keep.end)
        if start < span.end:
            left.append(Span(start, span.end, span.type, span.source))
    return left


def overlaps(span: Span, others: Iterable[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def trim(text: str, span: Span, blank: str = " \t\n\r,.;:!?-–—'’()«»\"/") -> Span | None:
    """The span without blanks and punctuation at its ends, but for the dot of an initial; None if nothing is left."""
    start, end = span.start, span.end
    while start < end and text[start] in blank:
        start += 1
    while end > start and text[end - 1] in blank:
        end -= 1
    if (
        end < span.end
        and text[end] == "."
        and (text[start:end][-2:-1] in ("", " ", ".", "-") and text[end - 1].isupper())
    ):
        end += 1
    return Span(start, end, span.type, span.source) if start < end else None


def join_people(text: str, spans: list[Span]) -> list[Span]:
    """Names that only a blank parts are one: a first name found by one layer, a surname by another."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last and last.type == span.type == "PERSONNE" and text[last.end : span.start] in (" ", "-", " - "):
            joined[-1] = Span(last.start, span.end, last.type, last.source)
        else:
            joined.append(span)
    return joined
