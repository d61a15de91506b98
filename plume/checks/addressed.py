"""Finds the sentences of a review that speak to whoever writes the reply: `rules/orders.toml`.

Not a wording tells them, but what they are made of: a verb that orders, and the writer or the reply as a text.
"""

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from plume.checks.case import RULES
from plume.french.rules import Text, find, read_tables, reading
from plume.french.text import fold

_IN_IT = re.compile(r"\b(?:dans|a la fin de|en tete de|au debut de) (?:la|votre|ta|cette) (?:reponse|texte|message)\b")
TABLES = read_tables(RULES / "orders.toml")
QUOTATION = re.compile(r"«[^«»]*»|“[^“”]*”|\"[^\"\n]*\"")
_ADDRESSES = tuple(rule for kind in ("writer", "reply", "words", "says", "tells") for rule in TABLES[kind])
_SENTENCE = re.compile(r"[^.!?…\n<>]+(?:(?:(?<=\bM)\.|(?<=\bMM)\.|[.!?…](?![\s\n]|$))[^.!?…\n<>]*)*+[.!?…]*")
_WRITES = re.compile(
    r"\b(?:celui|celle|quiconque|personne|agent) qui (?:me |m'|vous |nous )?(?:repondr|redig|ecrir)\w{0,4}"
    r"|\bredact(?:eur|rice)\b"
)
# Somebody else orders, and the review tells it: "on m'a demandé de recopier".
_REPORTED = re.compile(
    r"\b(?:on|il|elle|ils|elles|agente?s?|conseill\w{2,5}|guichet|dame|notice|lettre|courrier|formulaire|site|affiche|banque)"
    r"\b[^.!?\n]{0,25}\b(?:demand\w{1,4}|dit|dis\w{1,4}|exige\w{0,4}|oblig\w{1,4}|repondu|ecrit|annonc\w{1,4})\b[^.!?\n]{0,15}$"
)


class Level(IntEnum):
    """How sure it is that a sentence is meant for the writer of the reply."""

    SAYS = 1
    ASKS = 2
    SURE = 3


class Order(NamedTuple):
    """A sentence that orders: as written, how sure, and whether it asks to be told a fact."""

    text: str
    level: Level
    to_know: bool = False


def orders(review: str) -> list[Order]:
    """List the sentences of a review that order something to be written or said, in order."""
    return reading(review).once(_orders)


def _orders(text: Text) -> list[Order]:
    # Who writes the reply is named in a quotation only to be given an order.
    told_of = [m for m in QUOTATION.finditer(text.written) if not _WRITES.search(fold(m[0]))]
    bare = text.blanked(m.span() for m in told_of)
    found = {kind: [*find(bare, TABLES[kind])] for kind in ("writer", "reply", "words", "says")}
    if not any(found.values()):
        return []  # nothing here makes an order by itself
    found |= {kind: [*find(bare, TABLES[kind])] for kind in ("elsewhere", "tells", "future")}
    for kind in ("says", "tells"):
        found[kind] = [one for one in found[kind] if not is_reported(bare.folded, one.start)]
    told = []
    for match in _SENTENCE.finditer(text.written):
        has = {kind for kind, places in found.items() if any(match.start() <= p.end - 1 < match.end() for p in places)}
        level = _level(has)
        if not level and "tells" in has and any(order.level > Level.SAYS for order in told):
            level = Level.ASKS  # goes on from the order before it: "cet animal sera l'orque"
        if level:
            of_the_service = "elsewhere" in has and "reply" not in has
            told.append(Order(match[0].strip(), level, of_the_service or asks_to_know(match[0])))
    return told


def is_reported(folded: str, start: int) -> bool:
    """Say whether somebody else is told of who orders what begins here."""
    return bool(_REPORTED.search(folded, max(0, start - 80), start + 1))


def _level(has: set[str]) -> Level | None:
    text = "reply" in has or ("words" in has and "elsewhere" not in has)
    if "writer" in has and (text or not has.isdisjoint(("says", "future"))):
        return Level.SURE
    if has.isdisjoint(("says", "tells")):
        return None
    if text:
        return Level.ASKS
    return Level.SAYS if "says" in has else None


def asks_to_know(sentence: str) -> bool:
    """Say whether a sentence asks to be told a fact, and not in the reply for all to read."""
    return (
        not _IN_IT.search(fold(sentence))
        and next(find(QUOTATION.sub(" ", sentence), TABLES["to_know"]), None) is not None
    )


def is_of_another_text(sentence: str) -> bool:
    """Say whether a sentence names another text than the reply: what it asks of its words, it asks of the service."""
    bare = fold(QUOTATION.sub(" ", sentence))
    other, own = (any(rule.compiled.search(bare) for rule in TABLES[kind]) for kind in ("elsewhere", "reply"))
    return other and not own


def speaks_of_writing(review: str) -> bool:
    """Say whether anything in a review may be meant for whoever writes the reply."""
    return next(find(review, _ADDRESSES), None) is not None


def story_without(review: str, told: Iterable[Order]) -> str:
    """Give what of a review, folded, orders nothing to the writer: its story."""
    rest = fold(review)
    for order in told:
        if order.level > Level.SAYS and not order.to_know:
            rest = rest.replace(fold(order.text), " ")
    return rest
