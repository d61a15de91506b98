"""Named rules: a pattern, what it finds, a cheap hint asked first, and examples that are its test.

    PHONE = Rule("phone.spelled", r"zero(?: \\w+){4}", hint=("zero",), examples=("au ‹zéro six dix vingt trente›",))
    for found in find("Appelez le zéro six dix vingt trente.", [PHONE]):
        print(found.rule.name, found.start, found.end)

A rule reads the text folded (the default), in lower case with its accents, or as written. Offsets are those of the
text that was given, whichever it reads.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from plume.french.text import fold, lower

_DIGIT = re.compile(r"\d")
_HIT = re.compile("‹([^‹›]*)›")
Reads = Literal["folded", "lower", "written"]
# Whether a match does not count: given the match (its `string` is what was read) and the text.
Unless = Callable[[re.Match[str], "Text"], bool]


class Text:
    """A text and what rules read of it, each worked out once, when first asked for."""

    def __init__(self, written: str) -> None:
        self.written = written
        self._holds: dict[str, bool] = {}

    @cached_property
    def folded(self) -> str:
        return fold(self.written)

    @cached_property
    def lower(self) -> str:
        return lower(self.written)

    @cached_property
    def has_digit(self) -> bool:
        return _DIGIT.search(self.written) is not None

    def holds(self, hint: str) -> bool:
        """Say whether the folded text holds a literal."""
        known = self._holds.get(hint)
        if known is None:
            known = self._holds[hint] = hint in self.folded
        return known


@lru_cache(maxsize=64)
def reading(text: str) -> Text:
    """Give the one `Text` of a text that several families of rules look at in turn."""
    return Text(text)


@dataclass(frozen=True, eq=False)
class Rule:
    """A pattern with a name, which findings, reports and switches call it by.

    Attributes:
        name: family and what it finds: "phone.spelled". Unique in the tree.
        pattern: a regular expression, for the text as `reads` says.
        hint: literals in lower case without accents. The pattern is tried only where the folded text holds one of them.
        digit: the pattern is tried only where the text holds a digit.
        group: the group of the pattern that is the finding; None: the last one that took part, or else the whole.
        unless: what makes a match not count; see `before`, `after`, `inside`.
        examples: texts with what must be found in them between ‹ and ›. One without a mark must not be hit.
        kind: what is found, in the finder's own terms: a type of identifier, a check.
        reads: "folded", "lower" or "written".
    """

    name: str
    pattern: str = field(repr=False)
    hint: tuple[str, ...] = field(default=(), repr=False)
    group: int | str | None = field(default=0, repr=False)
    unless: Unless | tuple[Unless, ...] = field(default=(), repr=False)
    examples: tuple[str, ...] = field(default=(), repr=False)
    kind: str = ""
    reads: Reads = field(default="folded", repr=False)
    digit: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.hint, str) or isinstance(self.examples, str):
            raise TypeError(f"rule {self.name}: `hint` and `examples` are tuples")
        if any(hint != fold(hint) for hint in self.hint):
            raise ValueError(f"rule {self.name}: a hint is in lower case without accents: {self.hint}")

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def may_hit(self, text: Text) -> bool:
        """Say whether the pattern need be tried at all."""
        if self.digit and not text.has_digit:
            return False
        return not self.hint or any(map(text.holds, self.hint))

    def matches(self, text: Text) -> Iterator[re.Match[str]]:
        """Yield the pattern's matches that count."""
        if not self.may_hit(text):
            return
        unless = self.unless if isinstance(self.unless, tuple) else (self.unless,)
        for match in self.compiled.finditer(getattr(text, self.reads)):
            if not any(refuses(match, text) for refuses in unless):
                yield match

    def span(self, match: re.Match[str]) -> tuple[int, int]:
        """Give the place of what a match found."""
        return match.span((match.lastindex or 0) if self.group is None else self.group)


class Found(NamedTuple):
    """One finding: `start:end` of the text, the rule, and its match."""

    start: int
    end: int
    rule: Rule
    match: re.Match[str]


def find(text: str | Text, rules: Iterable[Rule]) -> Iterator[Found]:
    """Yield what the rules find, rule by rule, in the order of the text; findings may overlap."""
    text = reading(text) if isinstance(text, str) else text
    for rule in rules:
        for match in rule.matches(text):
            yield Found(*rule.span(match), rule, match)


def before(pattern: str, reach: int = 60) -> Unless:
    """Refuse a match right after `pattern`, which is looked for in the `reach` characters before it, up to it."""
    compiled = re.compile(rf"(?:{pattern})$")
    return lambda match, _: bool(compiled.search(match.string[max(0, match.start() - reach) : match.start()]))


def after(pattern: str) -> Unless:
    """Refuse a match that `pattern` follows at once."""
    compiled = re.compile(pattern)
    return lambda match, _: bool(compiled.match(match.string, match.end()))


def inside(pattern: str) -> Unless:
    """Refuse a match that holds `pattern`."""
    compiled = re.compile(pattern)
    return lambda match, _: bool(compiled.search(match[0]))


_REGISTRY: dict[str, Rule] = {}


def table(*rules: Rule) -> tuple[Rule, ...]:
    """Register the rules of one table, whose examples the tests then run. Raises ValueError for a name met twice."""
    for rule in rules:
        if _REGISTRY.setdefault(rule.name, rule) is not rule:
            raise ValueError(f"two rules are called {rule.name}")
    return rules


def registered() -> tuple[Rule, ...]:
    """List every rule of the tables that were imported, by name."""
    return tuple(_REGISTRY[name] for name in sorted(_REGISTRY))


def faults(rule: Rule) -> list[str]:
    """Say, example by example, where a rule finds something else than its examples mark."""
    told = []
    for example in rule.examples:
        wanted, text = _HIT.findall(example), _HIT.sub(r"\1", example)
        got = [text[found.start : found.end] for found in find(Text(text), [rule])]
        if got != wanted:
            told.append(f"{rule.name}: in {text!r} it finds {got}, not {wanted}")
    return told
