"""Spans of a text, and what happens when several detectors claim the same characters."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from plume.pseudonymise.catalogue import RANK

Recogniser = Callable[[list[str]], list[list["Span"]]]  # from texts to the spans proposed for each


class Span(NamedTuple):
    """Characters `start:end` of a text (Python indices), what they are, which layer found them, by which rule."""

    start: int
    end: int
    type: str
    source: str
    rule: str = ""


def merge(spans: Iterable[Span]) -> list[Span]:
    """Sorted, non-overlapping spans that cover the same characters: nothing that a layer found is given up.

    Overlapping spans become one, named by the one of highest priority.
    """
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            # Of two of one type a pseudonym wins: it may end in a bracket, and nothing may trim it.
            best = min(last, span, key=_rank)
            merged[-1] = best._replace(start=last.start, end=max(last.end, span.end))
        else:
            merged.append(span)
    return merged


def _rank(span: Span) -> tuple[int, bool]:
    """Give what settles an overlap; a pseudonym that tells of an illness ("Dos en vrac") is a pseudonym still."""
    rank, pseudonym = RANK.get(span.type, len(RANK)), span.source == "pseudonym"
    return min(rank, RANK["PSEUDO"]) if pseudonym else rank, not pseudonym


def subtract(spans: Iterable[Span], kept: Sequence[Span]) -> list[Span]:
    """Give what is left of `spans`, in any order, outside `kept`, which is in order and without overlap."""
    ends = [keep.end for keep in kept]
    left = []
    for span in spans:
        start = span.start
        for i in range(bisect_right(ends, start), len(kept)):
            keep = kept[i]
            if keep.start >= span.end:
                break
            if keep.start > start:
                left.append(span._replace(start=start, end=keep.start))
            start = max(start, keep.end)
        if start < span.end:
            left.append(span._replace(start=start))
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
    return span._replace(start=start, end=end) if start < end else None


def join_people(text: str, spans: list[Span]) -> list[Span]:
    """Names that only a blank parts are one: a first name found by one layer, a surname by another."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last and last.type == span.type == "PERSONNE" and text[last.end : span.start] in (" ", "-", " - "):
            joined[-1] = last._replace(end=span.end)
        else:
            joined.append(span)
    return joined
