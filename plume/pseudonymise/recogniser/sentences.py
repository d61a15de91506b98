"""Invented sentences with names, and without, from which the recogniser learns how citizens and agents write.

A carrier is a sentence with marks for what changes, by one author in one style: `lists/carriers/STYLE.txt`. Names are
drawn from INSEE's lists, from names of many origins, from words that are names, and some are made up, so that they
stand on no list; `half` keeps those that are tested with apart from those learnt. Nothing here comes from a review.
"""

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from plume.french import insee
from plume.french.text import fold
from plume.french.vocabulary import rows, terms
from plume.french.words import ACRONYMS, BODIES, EVERYDAY, FIRST_NAMES_THAT_ARE_WORDS
from plume.pseudonymise.names import LISTS

CARRIERS = LISTS / "carriers"
_MISTYPED = 0.2  # share of sentences with a typing slip, which is no name
_BY_EAR = 0.12  # share of sentences that are spelled as they are heard, which makes unknown words of common ones
_JOINED = 0.2  # share of sentences that another one follows without a stop: people write on and on
_JOINTS = (", ", ", ", " et ", " - ", " ", ". ", " donc ")
_LOWER, _CAPITALS = 0.3, 0.15  # shares of sentences
# Where a person's names come from. What is made up stands on no list.
_SOURCES = {"insee": 0.2, "frequent": 0.22, "origins": 0.24, "made up": 0.28, "made up, short": 0.06}
_WORDS = 0.04  # share of first names, and of surnames, that are words
_NICKNAMES = 0.04  # share of first names
_DOUBLED = ("a", "i", "o", "u", "é", "ou")  # "Titi", "Loulou"
_WORD = re.compile(r"\w+")
_NO_NICKNAMES = frozenset(
    _WORD.findall("papa mama tata pipi caca bobo dodo bébé mémé pépé tutu coucou joujou nounou doudou")
)
_SHORTENED = re.compile(r"[^\W\daeiouyéèëï]{0,2}[aeiouyéèëï]{1,2}[^\W\daeiouyéèëï]{1,2}")  # "Nath", "Fred"
_SHORTEST = frozenset(_WORD.findall("Alex Bea Ced Flo Gus Jo Léo Lou Max Nat Sam Seb Sev Tom Val Vir"))
# How a sentence that is spelled by ear differs; each kind of fault is made or not.
_HEARD = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b([jcdlmnst]|qu)['’](?=\w)", r"\1"),
        (r"qu", "k"),
        (r"ph", "f"),
        (r"(?<=\w)(?:er|ez|ée?s?|ais|ait|aient)\b", "é"),
        (r"(?<=\w\w)[sdtxz]\b", ""),
        (r"(?<=\w\w)es?\b", ""),
        (r"e?au", "o"),
        (r"([cflmnprst])\1", r"\1"),
        (r"[éèê]", "e"),
        (r"ç|c(?=[eiéè])", "s"),
        (r"en(?=[cdst])", "an"),
        (r"ai", "é"),
    )
)
_MARK = re.compile(r"\{(.)\}")
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_PEOPLE = frozenset("PNFRIWVH")
LABELS = dict.fromkeys(_PEOPLE, "PER") | {"L": "LOC"}
Labelled = tuple[str, list[tuple[int, int, str]]]  # text, [(start, end, label)]
Names = tuple[Sequence[str], Sequence[str]]  # first names, surnames


class Carrier(NamedTuple):
    style: str
    author: str
    text: str

    @property
    def has_names(self) -> bool:
        return any(mark in _PEOPLE for mark in marks_of(self.text))


def marks_of(carrier: str) -> list[str]:
    """The letters of a carrier's marks."""
    return _MARK.findall(carrier)


@cache
def carriers() -> tuple[Carrier, ...]:
    """All carriers, by style and author."""
    found = []
    for path in sorted(CARRIERS.glob("*.txt")):
        author = ""
        for line in terms(path.stem, CARRIERS):
            if line.startswith("@") and line[1:].isalpha():
                author = line[1:]
            else:
                found.append(Carrier(path.stem, author, line))
    return tuple(found)


def half(name: str) -> int:
    """0 for names to learn from, 1 for names to be tested with; by hash."""
    return hashlib.sha256(fold(name).encode()).digest()[0] % 2


def names(which: int, *, least_first: int = 200, least_last: int = 30) -> tuple[list[str], list[str]]:
    """First names and surnames of one half, in title case, without those that are everyday words."""
    firsts, lasts = insee.first_names(least_first), insee.surnames(least_last)
    return tuple(  # type: ignore[return-value]
        [n.title() for n in found if half(n) == which and fold(n) not in EVERYDAY and fold(n) not in ACRONYMS]
        for found in (firsts, lasts)
    )


def names_by_origin(which: int) -> dict[str, tuple[list[str], list[str]]]:
    """By origin, first names and surnames of one half."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for row in rows("names_by_origin", LISTS):
        firsts, lasts = found.setdefault(row["origin"], ([], []))
        if half(row["name"]) == which:
            (firsts if row["kind"] == "first" else lasts).append(row["name"])
    return found


def made_up(like: Iterable[str], count: int, seed: int, *, longest: int = 12) -> list[str]:
    """Up to `count` names on no list, of letters that follow each other as in the names they are `like`."""
    draw, following = random.Random(seed), defaultdict(Counter)  # noqa: S311
    known = set()
    for name in like:
        known.add(fold(name))
        padded = f"^^{name.lower()}$"
        for i in range(2, len(padded)):
            following[padded[i - 2 : i]][padded[i]] += 1
    choices = {pair: (list(after), list(after.values())) for pair, after in following.items()}
    found: dict[str, None] = {}
    for _ in range(20 * count):  # short names are soon all made
        if len(found) == count:
            break
        name = "^^"
        while not name.endswith("$") and len(name) < longest + 3:
            name += draw.choices(*choices[name[-2:]])[0]
        name = name.strip("^$")
        if 2 < len(name) <= longest and name.isalpha() and name not in known and name not in EVERYDAY:
            found[name.title()] = None
    return list(found)


def words_that_are_names(which: int) -> Names:
    """First names and surnames of one half that are words of everyday French."""
    firsts = sorted(word.title() for word in FIRST_NAMES_THAT_ARE_WORDS)
    lasts = terms("names_that_are_words", LISTS)
    return [n for n in firsts if half(n) == which], [n for n in lasts if half(n) == which]


def nicknames(firsts: Iterable[str]) -> list[str]:
    """What is made of first names: their beginning, a syllable twice, two initials, a number after it."""
    short = {m[0] + more for m in map(_SHORTENED.match, firsts) if m for more in ("", "ou", "o", "ie")}
    short = {name for name in short if len(name) > 3} | _SHORTEST
    twice = {2 * (c + v) for c in "bcdfgjklmnprstvz" for v in _DOUBLED}
    pairs = {a + b for a in "ajmpflc" for b in "bcdfjlmprs"}
    found = sorted({n.lower() for n in (*short, *twice) if len(n) < 7} - EVERYDAY - ACRONYMS - _NO_NICKNAMES)
    return [
        *(name.capitalize() for name in found if len(name) > 2),
        *(f"{name.capitalize()}{10 + 7 * i % 90}" for i, name in enumerate(found[::20]) if len(name) > 2),
        *(pair.upper() for pair in sorted(pairs - ACRONYMS - EVERYDAY)),
    ]


def things() -> tuple[str, ...]:
    """List the capitalised words of nobody's name that fill sentences."""
    return tuple(row["word"] for row in rows("capitalised_things", LISTS) if row["sentences"])


class Filling:
    """What the marks of a carrier are filled with; draws in the same order give the same values."""

    def __init__(self, draw: random.Random, people: Sequence[tuple[float, Names]], words: Names) -> None:
        """`people`: names to draw from, with their weights."""
        self._draw, self._words = draw, words
        self._people, self._weights = [names for _, names in people], [weight for weight, _ in people]
        self._nicknames = nicknames(sorted({n for firsts, _ in self._people for n in firsts[:400]}))
        self._places = sorted(c.title() for c in insee.communes() if 4 < len(c) < 18 and c not in EVERYDAY)
        self._bodies = sorted({b.upper() for b in ACRONYMS if b.isalpha()} | {b.title() for b in BODIES})
        self._things = things()
        self.marks: dict[str, Callable[[], str]] = {
            "P": lambda: self._first(self._person()),
            "N": lambda: self._last(self._person()),
            "F": self._both,
            "R": self._surname_first,
            "I": self._initial,
            "H": lambda: draw.choice(self._nicknames),
            "W": lambda: draw.choice(words[0]),
            "V": lambda: draw.choice(words[1]),
            "L": lambda: draw.choice(self._places),
            "B": lambda: draw.choice(self._bodies),
            "O": lambda: draw.choice(self._things),
            "T": lambda: f"0{draw.randint(1, 9)}" + "".join(f" {draw.randint(0, 99):02}" for _ in range(4)),
            "#": lambda: f"{draw.choice(('', '', 'A', 'DEM-', 'n° '))}{draw.randint(1000, 9_999_999)}",
        }

    def _person(self) -> Names:
        return self._draw.choices(self._people, self._weights)[0]

    def _first(self, person: Names) -> str:
        if self._draw.random() < _NICKNAMES:
            return self._draw.choice(self._nicknames)
        return self._draw.choice((self._words if self._draw.random() < _WORDS else person)[0])

    def _last(self, person: Names) -> str:
        name = self._draw.choice((self._words if self._draw.random() < _WORDS else person)[1])
        return same_length_upper(name) if self._draw.random() < 0.1 else name

    def _both(self) -> str:
        person, odd = self._person(), self._draw.random()
        if odd < 0.04:
            return self._initial()
        if odd < 0.06:
            return f"{self._first(person)} {self._last(person)[0].upper()}."
        return f"{self._first(person)} {self._last(person)}"

    def _surname_first(self) -> str:
        person = self._person()
        last = self._last(person)
        return f"{same_length_upper(last) if self._draw.random() < 0.5 else last} {self._first(person)}"

    def _initial(self) -> str:
        person = self._person()
        return f"{self._first(person)[0]}{self._draw.choice(('. ', '.', ' '))}{self._last(person)}"


def sentences(count: int, *, seed: int = 0, among: Sequence[Carrier] | None = None) -> Iterator[Labelled]:
    """`count` labelled sentences of the carriers `among`, with names to learn: six in ten hold names.

    They come in usual case, in lower case and in capitals; some go on, and some have a typing slip.
    """
    among = carriers() if among is None else among
    yield from written(count, among, learnt_people(seed), words_that_are_names(0), seed=seed)


def learnt_people(seed: int) -> list[tuple[float, Names]]:
    """The names to learn, with the share of people that bear them."""
    all_names = names(0)
    origins = list(names_by_origin(0).values())
    far = [[name for pair in origins for name in pair[kind]] for kind in (0, 1)]
    long = [made_up([*all_names[k][:: (8, 40)[k]], *far[k] * 4], 3000, seed + k) for k in (0, 1)]
    short = [made_up([name for name in far[k] if len(name) < 6], 300, seed + k, longest=4) for k in (0, 1)]
    return [
        (_SOURCES["insee"], all_names),
        (_SOURCES["frequent"], names(0, least_first=5000, least_last=3000)),
        *((_SOURCES["origins"] / len(origins), names) for names in origins),
        (_SOURCES["made up"], (long[0], long[1])),
        (_SOURCES["made up, short"], (short[0], short[1])),
    ]


def written(
    count: int, among: Sequence[Carrier], people: Sequence[tuple[float, Names]], words: Names, *, seed: int
) -> Iterator[Labelled]:
    """`count` sentences of some carriers with some people's names."""
    draw = random.Random(seed)  # noqa: S311
    fill = Filling(draw, people, words).marks
    pools = [[c for c in among if c.has_names == wanted] for wanted in (True, False)]
    for number in range(count):
        pool = pools[number % 5 > 2]
        text = chosen(draw.choice(pool).text, draw)
        if draw.random() < _JOINED:
            after = draw.choice(pools[1] if pool is pools[1] else pools[draw.random() < 0.5]).text
            text += draw.choice(_JOINTS) + chosen(after, draw)
        if draw.random() < _BY_EAR:
            text = _by_ear(text, draw)
        text, spans = fill_in(_mistype(text, draw) if draw.random() < _MISTYPED else text, fill)
        case = draw.random()
        if case < _LOWER:
            text = text.lower()
        elif case < _LOWER + _CAPITALS:
            text = same_length_upper(text)
        yield text, spans


def chosen(carrier: str, draw: random.Random) -> str:
    """The carrier with one of each of its alternatives, "[bonjour|salut]"."""
    while match := _CHOICE.search(carrier):
        carrier = carrier[: match.start()] + draw.choice(match[1].split("|")) + carrier[match.end() :]
    return carrier


def _mistype(template: str, draw: random.Random) -> str:
    """The template with a letter of one of its words lost, doubled or swapped with the next."""
    places = [m.start() for m in re.finditer(r"(?<=[a-zà-ÿ])[a-zà-ÿ](?=[a-zà-ÿ])", template)]
    if not places:
        return template
    i = draw.choice(places)
    slip = draw.choice(("", template[i] * 2, template[i + 1] + template[i]))
    return template[:i] + slip + template[i + 1 + (len(slip) == 2 and slip[0] != slip[1]) :]


def _by_ear(template: str, draw: random.Random) -> str:
    """The template with some kinds of faults of those who spell as they hear."""
    faults = [fault for fault in _HEARD if draw.random() < 0.5]
    pieces = re.split(r"(\{.\})", template)
    for i in range(0, len(pieces), 2):
        for pattern, instead in faults:
            pieces[i] = pattern.sub(instead, pieces[i])
    return "".join(pieces)


def fill_in(template: str, fill: dict[str, Callable[[], str]], labels: dict[str, str] = LABELS) -> Labelled:
    """A template with its marks filled, and where the names (PER) and places (LOC) came to stand."""
    text, spans, done = "", [], 0
    for mark in _MARK.finditer(template):
        text += template[done : mark.start()]
        value, done = fill[mark[1]](), mark.end()
        if label := labels.get(mark[1]):
            spans.append((len(text), len(text) + len(value), label))
        text += value
    return text + template[done:], spans


def same_length_upper(text: str) -> str:
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)
