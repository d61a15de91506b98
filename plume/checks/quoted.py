"""Finds in a draft what a finding quotes of it: details quote a text in another typography, and say no place."""

import re
from collections.abc import Iterable, Iterator

from plume.french.text import fold
from plume.page.marked_text import Passage

_QUOTED = re.compile(r"« ([^«»]+) »")
_WORD = re.compile(r"\w+")
_LONGEST = 500  # words of a quotation that is looked for


def quotations(detail: str) -> list[str]:
    """List what a finding quotes: « … »."""
    return [*dict.fromkeys(_QUOTED.findall(detail))]


def locate(text: str, quoted: str, names: Iterable[str]) -> Iterator[Passage]:
    """Find every place where the words of a quotation stand."""
    words = _WORD.findall(fold(quoted))[:_LONGEST]
    if words:
        found = re.finditer(r"\b" + r"\W+".join(words) + r"\b", fold(text))
        yield from (Passage(*each.span(), tuple(names)) for each in found)
