"""Named rules: a pattern, what it finds, a cheap hint asked first, and examples that are its test.

    PHONE = Rule("phone.spelled", r"zero(?: \\w+){4}", hint=("zero",), examples=("au ‹zéro six dix vingt trente›",))
    for found in find("Appelez le zéro six dix vingt trente.", [PHONE]):
        print(found.rule.name, found.start, found.end)

A rule reads the text folded (the default), in lower case with its accents, or as written. Offsets are those of the
text that was given, whichever it reads.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from plume.french.hints import LETTERS, MOST_DIGITS, Hints
from plume.french.text import fold, is_shouting, lower

_PIECE = re.compile(r"\{([A-Z_]+)\}")
_DIGIT, _DIGITS = re.compile(r"\d"), re.compile(r"\d+")
_READINGS = ("folded", "lower", "with_zeros", "with_breaks")
_HIT = re.compile("‹([^‹›]*)›")
_ZERO_AS_LETTER = re.compile(r"(?<![a-z\d])(?=o*\d)[\do]++(?![a-z])")
_NUMBER = re.compile(r"\d(?:\D{0,8}\d)*+")  # digits that may be of one number, whatever parts them
_GLUED = re.compile(r"(?<=[a-z])[A-Z](?=[a-zà-ÿ' ])")
Place = tuple[int, int]
# Whether a match does not count: given the match (its `string` is what was read) and the text.
Unless = Callable[[re.Match[str], "Text"], bool]


class Text:
    """A text and what rules read of it, each worked out once, when first asked for."""

    def __init__(self, written: str) -> None:
        self.written = written
        self._live: tuple[Hints, set[Rule]] | None = None
        self._digits: dict[str, list[int]] = {}
        self._is_part = False
        self._once: dict[Callable[[Text], Any], Any] = {}

    def once(self, work: "Callable[[Text], Any]") -> Any:
        """Give what `work` makes of this text, worked out the first time that anybody asks."""
        if work not in self._once:
            self._once[work] = work(self)
        return self._once[work]

    @cached_property
    def folded(self) -> str:
        return fold(self.written)

    @cached_property
    def lower(self) -> str:
        return lower(self.written)

    @cached_property
    def with_zeros(self) -> str:
        """The folded text with the digit where a letter stands for it: "1 53 O7"."""
        if not self.has_digit:
            return self.folded
        return _ZERO_AS_LETTER.sub(lambda m: m[0].replace("o", "0"), self.folded)

    @cached_property
    def with_breaks(self) -> str:
        """The folded text, but for the capital of a word glued to the one before it: "…@nord.gouv.frPour améliorer"."""
        pieces, at = [], 0
        for match in _GLUED.finditer(self.written):
            pieces += [self.folded[at : match.start()], match[0]]
            at = match.end()
        return "".join([*pieces, self.folded[at:]]) if pieces else self.folded

    @cached_property
    def has_digit(self) -> bool:
        return _DIGIT.search(self.written) is not None

    @cached_property
    def digits(self) -> int:
        """How many digits stand together at most, whatever parts them: what a rule may ask for before it is tried."""
        if not self.has_digit:
            return 0
        together = (sum(map(str.isdigit, number)) for number in _NUMBER.findall(self.with_zeros))
        return min(max(together, default=1), MOST_DIGITS)

    @cached_property
    def all_capitals(self) -> bool:
        return self.written.isupper()

    @cached_property
    def shouting(self) -> bool:
        return is_shouting(self.written)

    @cached_property
    def words(self) -> frozenset[str]:
        """The runs of letters of the folded text."""
        return frozenset(LETTERS.findall(self.folded))

    def _find_live(self) -> None:
        """Note the registered rules whose pattern need be tried: those whose hint is there. One pass for all."""
        index = _index()
        self._live = index, index.live(self.folded, self.words, self.digits)

    def tried(self, rules: Iterable["Rule"]) -> list["Rule"]:
        """List the rules whose pattern need be tried."""
        if self._is_part:  # of a sentence it is quicker to ask the few
            return [rule for rule in rules if rule.may_hit(self)]
        if self._live is None or self._live[0] is not _index():
            self._find_live()
        live = self._live[1]
        return [rule for rule in rules if rule in live or (rule not in _REGISTERED and rule.may_hit(self))]

    def digits_of(self, reads: str) -> list[int]:
        """List where digits begin in one reading of the text."""
        if reads not in self._digits:
            self._digits[reads] = [match.start() for match in _DIGITS.finditer(getattr(self, reads))]
        return self._digits[reads]

    def places_of(self, words: frozenset[str]) -> list[int]:
        """List where some words begin."""
        is_letter = LETTERS.match
        return [
            at
            for at, word in self._places(words & self.words)
            if not (is_letter(self.folded, at + len(word)) or (at and is_letter(self.folded, at - 1)))
        ]

    def places_with(self, hints: Iterable[str]) -> list[int]:
        """List where some literals begin."""
        return [at for at, _ in self._places(hints)]

    def _places(self, literals: Iterable[str]) -> list[tuple[int, str]]:
        places = []
        for literal in literals:
            at = self.folded.find(literal)
            while at >= 0:
                places.append((at, literal))
                at = self.folded.find(literal, at + 1)
        return sorted(places)

    def part(self, start: int, end: int) -> "Text":
        """Cut a part out, folded with the whole."""
        part = Text(self.written[start:end])
        part._is_part = True
        part.__dict__ |= {"folded": self.folded[start:end], "lower": self.lower[start:end]}
        return part

    def blanked(self, spans: Iterable[tuple[int, int]]) -> "Text":
        """Give the text with spaces at some places, its length kept."""
        spans = [*spans]
        if not spans:
            return self
        rest = Text(_blank(self.written, spans))
        rest.__dict__ |= {name: _blank(read, spans) for name, read in self.__dict__.items() if name in _READINGS}
        rest._live, rest._is_part = self._live, self._is_part
        return rest


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in sorted(spans):
        if end > at:
            pieces += [text[at : max(at, start)], " " * (end - max(at, start))]
            at = end
    return "".join([*pieces, text[at:]])


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
        words: the same for words, whole: of `hint` and `words` together one must be there.
        digit: the pattern is tried only where the text holds a digit, or so many that may be of one number.
        group: the group of the pattern that is the finding; None: the last one that took part, or else the whole.
        shape: gives the place of what a match found, where it is no group of the pattern; None refuses the match.
        unless: what makes a match not count; see `before`, `after`, `inside`.
        examples: texts with what must be found in them between ‹ and ›. One without a mark must not be hit.
        at_digits: the pattern begins with the first of some digits: it is tried there only, far quicker than all along.
        at_words: the same for the first of `words`.
        at_hints: the same for one of the `hint`.
        kind: what is found, in the finder's own terms: a type of identifier, a check.
        reads: what of the text the pattern is for: "folded", "lower", "written", "with_zeros" or "with_breaks".
    """

    name: str
    pattern: str = field(repr=False)
    hint: tuple[str, ...] = field(default=(), repr=False)
    group: int | str | None = field(default=0, repr=False)
    unless: Unless | tuple[Unless, ...] = field(default=(), repr=False)
    examples: tuple[str, ...] = field(default=(), repr=False)
    kind: str = ""
    reads: str = field(default="folded", repr=False)
    digit: int = field(default=False, repr=False)
    at_digits: bool = field(default=False, repr=False)
    at_words: bool = field(default=False, repr=False)
    at_hints: bool = field(default=False, repr=False)
    words: frozenset[str] = field(default=frozenset(), repr=False)
    shape: Callable[[re.Match[str], Text], Place | None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.hint, str) or isinstance(self.examples, str):
            raise TypeError(f"rule {self.name}: `hint` and `examples` are tuples")
        if any(hint != fold(hint) for hint in self.hint):
            raise ValueError(f"rule {self.name}: a hint is in lower case without accents: {self.hint}")
        if not isinstance(self.unless, tuple):
            object.__setattr__(self, "unless", (self.unless,))

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def may_hit(self, text: Text) -> bool:
        """Say whether the pattern need be tried at all."""
        if self.digit and self.digit > text.digits:
            return False
        hinted = any(map(text.folded.__contains__, self.hint)) or not self.words.isdisjoint(text.words)
        return hinted or not (self.hint or self.words)

    def matches(self, text: Text) -> Iterator[re.Match[str]]:
        """Yield the matches of the pattern, in order."""
        read = getattr(text, self.reads)
        if self.at_digits:
            return _from(self.compiled, read, text.digits_of(self.reads))
        if self.at_words:
            return _from(self.compiled, read, text.places_of(self.words))
        if self.at_hints:
            return _from(self.compiled, read, text.places_with(self.hint))
        return self.compiled.finditer(read)

    def counts(self, match: re.Match[str], text: Text) -> bool:
        """Say whether nothing of `unless` refuses a match."""
        return not any(refuses(match, text) for refuses in self.unless)

    def place(self, match: re.Match[str], text: Text) -> Place | None:
        """Give the place of what a match found, None where that is nothing after all."""
        if self.shape:
            return self.shape(match, text)
        return match.span((match.lastindex or 0) if self.group is None else self.group)


def _from(pattern: re.Pattern[str], read: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
    at = 0
    for place in places:
        if place >= at and (match := pattern.match(read, place)):
            yield match
            at = match.end()


class Found(NamedTuple):
    """One finding: `start:end` of the text, the rule, and its match."""

    start: int
    end: int
    rule: Rule
    match: re.Match[str]


def find(text: str | Text, rules: Iterable[Rule]) -> Iterator[Found]:
    """Yield what the rules find, rule by rule, in the order of the text; findings may overlap."""
    text = reading(text) if isinstance(text, str) else text
    return _search(text, text.tried(rules))


def _search(text: Text, rules: Iterable[Rule]) -> Iterator[Found]:
    for rule in rules:
        for match in rule.matches(text):
            for refuses in rule.unless:
                if refuses(match, text):
                    break
            else:
                if place := rule.place(match, text):
                    yield Found(*place, rule, match)


def in_turn(text: Text, rules: Iterable[Rule]) -> Iterator[Found]:
    """Yield what the rules find as one pattern of them all would: in order, without overlap. For few rules.

    Of two that begin at one place, the rule that stands first wins. What a rule's `unless` refuses keeps its place.
    """
    tried = text.tried(rules)
    if len(tried) < 2:
        yield from _search(text, tried)
        return
    ahead: list[tuple[int, int, Rule, re.Match[str]]] = []

    def look(rank: int, rule: Rule, at: int) -> None:
        if match := rule.compiled.search(getattr(text, rule.reads), at):
            ahead.append((match.start(), rank, rule, match))

    for rank, rule in enumerate(tried):
        look(rank, rule, 0)
    while ahead:
        _, _, rule, match = min(ahead, key=lambda one: one[:2])
        if rule.counts(match, text) and (place := rule.place(match, text)):
            yield Found(*place, rule, match)
        at = max(match.end(), match.start() + 1)
        passed = [one for one in ahead if one[0] < at]
        ahead = [one for one in ahead if one[0] >= at]
        for _, rank, rule, _ in passed:
            look(rank, rule, at)


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
_REGISTERED: set[Rule] = set()


def table(*rules: Rule) -> tuple[Rule, ...]:
    """Register the rules of one table, whose examples the tests then run. Raises ValueError for a name met twice."""
    for rule in rules:
        if _REGISTRY.setdefault(rule.name, rule) is not rule:
            raise ValueError(f"two rules are called {rule.name}")
        _REGISTERED.add(rule)
    _index.cache_clear()
    return rules


@lru_cache(maxsize=1)
def _index() -> Hints:
    return Hints(_REGISTRY.values())


def read_tables(
    path: Path, word_sets: Mapping[str, frozenset[str]] | None = None, **pieces: str
) -> dict[str, tuple[Rule, ...]]:
    """Read the tables of rules of a TOML file, each an array; a rule's `kind` is the name of its table.

    `{NAME}` in a pattern stands for a piece: one of the file's own `[pieces]`, or of those given. Line ends in a
    pattern are left out. The file's `reads` holds for every rule that has none of its own; its `words` name one of
    `word_sets`.
    """
    written = tomllib.loads(path.read_text(encoding="utf-8"))
    reads, own = written.pop("reads"), written.pop("pieces", {})

    def whole(pattern: str) -> str:
        return _PIECE.sub(lambda match: pieces[match[1]], pattern.replace("\n", ""))

    for name, piece in own.items():
        pieces[name] = whole(piece)

    def rule(row: dict[str, Any], kind: str) -> Rule:
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        if word_sets and "words" in given:
            given["words"] = word_sets[given["words"]]
        return Rule(**{"reads": reads, "kind": kind, **given, "pattern": whole(row["pattern"])})

    return {kind: table(*(rule(row, kind) for row in rows)) for kind, rows in written.items()}


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
