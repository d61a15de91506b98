"""A named rule that finds identifiers, and the spans that it gives."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from plume.french import rules
from plume.french.rules import Text
from plume.pseudonymise.spans import Span


@dataclass(frozen=True, eq=False)
class Identifier(rules.Rule):
    """A rule whose `kind` is a type of the catalogue.

    Attributes:
        kind_of: the type where it depends on the match.
        source: the layer that a span of it counts for: "rule", or "context" where a word before the value says so.
    """

    kind_of: Callable[[re.Match[str], Text], str] | None = field(default=None, repr=False)
    source: str = "rule"


def spans(text: Text, table: Iterable[Identifier]) -> Iterator[Span]:
    """Yield what the rules of a table find, as spans that carry the rule's name."""
    for start, end, rule, match in rules.find(text, table):
        kind = rule.kind_of(match, text) if rule.kind_of else rule.kind
        yield Span(start, end, kind, rule.source, rule.name)
