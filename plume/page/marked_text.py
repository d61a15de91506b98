"""Marks passages of a text: what a check found there, with the rule's name, and words that another text lacks."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

Span = tuple[int, int]
_TAGS = {"ins": Markup("<ins>{}</ins>"), "del": Markup("<del>{}</del>")}  # format() escapes
_RULE = Markup(' <small class="rule">{}</small></mark>')


@dataclass(frozen=True, order=True)
class Passage:
    """A passage of a text, and the names of the rules that found it."""

    start: int
    end: int
    names: tuple[str, ...]


def mark(text: str, passages: Iterable[Passage] = (), words: Iterable[Span] = (), tag: str = "ins") -> Markup:
    """Put passages in <mark>, their rules' names at the end, and words in <ins> or <del>; all text is escaped.

    Passages that overlap become one, with the names of all.
    """
    opens, closes = _merged(passages)
    inside = [(start, end) for start, end in words if start < end]
    edges = {0, len(text), *opens, *closes, *(edge for span in inside for edge in span)}
    starts = iter([*inside, (len(text) + 1, len(text) + 1)])
    of_words, out = next(starts), []
    for start, end in pairwise(sorted(edges)):
        while of_words[1] <= start:
            of_words = next(starts)
        piece = text[start:end]
        piece = _TAGS[tag].format(piece) if of_words[0] <= start else escape(piece)
        out += [Markup("<mark>") if start in opens else "", piece, closes.get(end, "")]
    return Markup("").join(out)


def _merged(passages: Iterable[Passage]) -> tuple[set[int], dict[int, Markup]]:
    """Give where marks open, and where they close and with what."""
    merged: list[Passage] = []
    for each in sorted(passages):
        if merged and each.start < merged[-1].end:
            last = merged.pop()
            each = Passage(last.start, max(last.end, each.end), tuple(dict.fromkeys((*last.names, *each.names))))
        merged.append(each)
    return {each.start for each in merged}, {each.end: _RULE.format(", ".join(each.names)) for each in merged}
