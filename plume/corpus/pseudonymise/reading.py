"""What the detectors read of a text: its characters without what hides between and in them, and the way back.

A zero-width space inside a phone number, an accent written as a sign of its own, digits of full width: they look as
usual and match nothing. `read` takes them out; `Reading.original` gives a span's place in the text as it was written.
"""

import re
import unicodedata
from dataclasses import dataclass

from plume.corpus.pseudonymise.lexicon import plain
from plume.corpus.pseudonymise.spans import Span

# Format and filler characters that print nothing, and signs that combine with the letter before them.
_HIDDEN = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
_TO_MEND = re.compile(f"[{_HIDDEN}{_COMBINING}]")
_IS_HIDDEN = re.compile(f"[{_HIDDEN}]")
_WIDE = re.compile("[\uff01-\uffee\U0001d400-\U0001d7ff]")  # full-width and "mathematical" letters and digits


@dataclass(frozen=True)
class Reading:
    """`text` is what is read; `starts[i]:ends[i]` is its character i in the original, None where nothing moved."""

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def original(self, span: Span) -> Span:
        if self.starts is None or self.ends is None:
            return span
        return Span(self.starts[span.start], self.ends[span.end - 1], span.type, span.source)


def read(text: str) -> Reading:
    """The plain reading of a text; a text without hidden or combining characters keeps its length."""
    seen = _WIDE.sub(_narrow, text)
    if not _TO_MEND.search(seen):
        return Reading(plain(seen))
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for i, char in enumerate(seen):
        if _IS_HIDDEN.match(char) or (characters and _TO_MEND.match(char)):
            if characters:
                composed = unicodedata.normalize("NFC", characters[-1] + char)
                characters[-1] = composed if len(composed) == 1 else characters[-1]
                ends[-1] = i + 1
            continue
        characters.append(char)
        starts.append(i)
        ends.append(i + 1)
    return Reading(plain("".join(characters)), tuple(starts), tuple(ends))


def _narrow(match: re.Match[str]) -> str:
    narrow = unicodedata.normalize("NFKC", match[0])
    return narrow if len(narrow) == 1 else match[0]
