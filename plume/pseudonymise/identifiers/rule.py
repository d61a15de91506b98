"""A named rule that finds identifiers, and what it reads of a text."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import ClassVar

from plume.french import rules
from plume.french.text import is_shouting
from plume.pseudonymise.spans import Span

_ZERO_AS_LETTER = re.compile(r"(?<![a-z\d])(?=o*\d)[\do]++(?![a-z])")
_GLUED = re.compile(r"(?<=[a-z])[A-Z](?=[a-zà-ÿ' ])")
Place = tuple[int, int]
# What may stand between the digits of one number: anything that is neither letter nor digit, but a unit.
ANY_SIGN = r"(?:[^\w€%]|_)"
SIGN = r"(?:[^\w\s,;:!?()'\"€%]|_)"  # the same without blanks and what goes on with a sentence


class Text(rules.Text):
    """A text and what rules for identifiers read of it."""

    # What services and people both ask for, found once.
    addresses: list[Span] | None = None
    postcodes: list[Span] | None = None
    phones: tuple[object, list[tuple[Span, bool]]] | None = None  # the directory that was asked, and its answer

    @cached_property
    def with_zeros(self) -> str:
        """The folded text with the digit where a letter stands for it: "1 53 O7"."""
        if not self.has_digit:
            return self.folded
        return _ZERO_AS_LETTER.sub(lambda m: m[0].replace("o", "0"), self.folded)

    @cached_property
    def with_breaks(self) -> str:
        """The folded text, but for the capital of a word glued to the one before it: "…@nord.gouv.frPour améliorer"."""
        text = list(self.folded)
        for match in _GLUED.finditer(self.written):
            text[match.start()] = match[0]
        return "".join(text)

    @cached_property
    def all_capitals(self) -> bool:
        return self.written.isupper()

    @cached_property
    def shouting(self) -> bool:
        return is_shouting(self.written)


@lru_cache(maxsize=64)
def reading(text: str) -> Text:
    """Give the one `Text` of a text that all families of rules look at in turn."""
    return Text(text)


@dataclass(frozen=True, eq=False)
class Identifier(rules.Rule):
    """A rule whose `kind` is a type of the catalogue.

    Attributes:
        kind_of: the type where it depends on the match.
        shape: the place of what a match found, where it is no group of the pattern; None refuses the match.
        source: the layer that a span of it counts for: "rule", or "context" where a word before the value says so.
    """

    text_type: ClassVar[type[rules.Text]] = Text
    kind_of: Callable[[re.Match[str], Text], str] | None = field(default=None, repr=False)
    shape: Callable[[re.Match[str], Text], Place | None] | None = field(default=None, repr=False)
    source: str = "rule"

    def place(self, match: re.Match[str], text: Text) -> Place | None:
        return self.shape(match, text) if self.shape else super().place(match, text)


def spans(text: Text, table: Iterable[Identifier]) -> Iterator[Span]:
    """Yield what the rules of a table find, as spans that carry the rule's name."""
    for start, end, rule, match in rules.find(text, table):
        kind = rule.kind_of(match, text) if rule.kind_of else rule.kind
        yield Span(start, end, kind, rule.source, rule.name)
