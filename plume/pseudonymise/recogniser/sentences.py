"""Invented sentences with names, and without, from which the recogniser learns how citizens and agents write.

Names are drawn from INSEE's lists, which hold surnames of every origin met in France; `half` keeps those that the
stress test uses apart from those learnt. Nothing here comes from a review.
"""

import hashlib
import random
import re
from collections.abc import Iterator

from plume.french import insee
from plume.french.text import fold
from plume.french.vocabulary import rows, terms
from plume.french.words import ACRONYMS, BODIES, EVERYDAY
from plume.pseudonymise.names import LISTS

_MISTYPED = 0.3  # share of sentences with a typing slip, which is no name
_FROM_ORIGINS = 0.4  # share of names that come from `names_by_origin`, the others from INSEE's lists
Labelled = tuple[str, list[tuple[int, int, str]]]  # text, [(start, end, label)]

_WITH_NAMES, _WITHOUT = terms("sentences_with_names", LISTS), terms("sentences_without_names", LISTS)


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


def sentences(count: int, *, seed: int = 0) -> Iterator[Labelled]:
    """`count` labelled sentences: two in three hold names or places; title case, lower case and capitals."""
    draw = random.Random(seed)  # noqa: S311
    firsts, lasts = names(0)
    places = sorted(c.title() for c in insee.communes() if 4 < len(c) < 18 and c not in EVERYDAY)
    bodies = sorted({b.upper() for b in ACRONYMS if b.isalpha()} | {b.title() for b in BODIES})
    origins = list(names_by_origin(0).values())

    def drawn() -> tuple[str, str]:
        first, last = draw.choice(origins) if draw.random() < _FROM_ORIGINS else (firsts, lasts)
        return draw.choice(first), draw.choice(last)

    fill = {
        "P": lambda: drawn()[0],
        "N": lambda: drawn()[1],
        "F": lambda: " ".join(drawn()),
        "I": lambda: ". ".join((drawn()[0][0], drawn()[1])),
        "L": lambda: draw.choice(places),
        "B": lambda: draw.choice(bodies),
    }
    for number in range(count):
        template = draw.choice(_WITHOUT if number % 3 == 0 else _WITH_NAMES)
        text, spans = fill_in(_mistype(template, draw) if draw.random() < _MISTYPED else template, fill)
        case = draw.random()
        if case < 0.3:
            text = text.lower()
        elif case < 0.5:
            text = same_length_upper(text)
        yield text, spans


def _mistype(template: str, draw: random.Random) -> str:
    """The template with a letter of one of its words lost, doubled or swapped with the next."""
    places = [m.start() for m in re.finditer(r"(?<=[a-zà-ÿ])[a-zà-ÿ](?=[a-zà-ÿ])", template)]
    if not places:
        return template
    i = draw.choice(places)
    slip = draw.choice(("", template[i] * 2, template[i + 1] + template[i]))
    return template[:i] + slip + template[i + 1 + (len(slip) == 2 and slip[0] != slip[1]) :]


def fill_in(template: str, fill: dict) -> Labelled:
    """A template with its marks filled, and where the names (PER) and places (LOC) came to stand."""
    text, spans = "", []
    for i, part in enumerate(template.replace("{", "}").split("}")):
        if i % 2 == 0:
            text += part
            continue
        value = fill[part]()
        if part != "B":
            spans.append((len(text), len(text) + len(value), "LOC" if part == "L" else "PER"))
        text += value
    return text, spans


def same_length_upper(text: str) -> str:
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)
