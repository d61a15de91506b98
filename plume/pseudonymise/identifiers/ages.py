"""Ages of people, and the age that a writer tells as the writer's own."""

import re
from collections.abc import Iterator

from plume.french.mentions import ages as mentions
from plume.french.phrases import PERSON
from plume.french.rules import Text
from plume.pseudonymise.spans import Span

_I = re.compile(r"\b(?:je|jai|moi)\b|\bj'")
_OTHERS = re.compile(
    rf"\b(?:{PERSON}|il|elle|son|sa|ses|lui|amie?s?|voisine?s?|cousine?|parents?|beau-\w+|belle-\w+)\b"
)


def ages(text: Text) -> Iterator[Span]:
    """Find the ages of people."""
    for one in mentions.ages(text):
        yield Span(one.start, one.end, "AGE", "rule", one.rule)


def own_age(text: Text) -> int | None:
    """Give the age in years that the writer of a text tells as the writer's own, None if there is none."""
    folded = text.folded
    for one in mentions.ages(text):
        least = max(0, one.start - 300)  # of a sentence without an end, what is near
        start = max(folded.rfind(sign, least, one.start) for sign in ".!?;\n") + 1 or least
        sentence = re.split(r"[.!?;\n]", folded[start : one.end + 300])[0]
        own = _I.search(sentence) and not _OTHERS.search(folded[start : one.start])
        if own and one.value is not None and 12 <= one.value <= 110:
            return int(one.value)
    return None
