"""Cuts a sheet into passages of about a hundred words: whole paragraphs, items and rows, never half a sentence."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from plume.files import json_sha256
from plume.passages import Passage, squeezed

WORDS = 110  # of a passage, about: three of them fit in a prompt beside the review
_ANNOUNCING = 20  # words of a sentence that only announces
# An end of a sentence, before what may begin one; "art. 12", "M. Durand" and "n° 12" do not end one.
_END = re.compile(
    r"(?<!\bart\.)(?<!\bM\.)(?<!\bMM\.)(?<!\bcf\.)(?<!\bex\.)(?<!\b[A-Z]\.)(?<=[.!?…])\s+(?=[«\"(]?\s?[A-ZÀ-Ý0-9])"
)


class Block(NamedTuple):
    """The least that is not cut if it is short enough: a paragraph, an item of a list, a row of a table.

    `where` are the headings and cases that lead to it, from the outside in.
    """

    where: tuple[str, ...]
    text: str


class Sheet(NamedTuple):
    """A sheet as it was read, whatever its format: what all its passages share, and its blocks in reading order."""

    id: str
    kind: str
    title: str
    blocks: tuple[Block, ...]
    url: str | None = None
    audience: str | None = None
    network: str | None = None
    theme: str | None = None
    updated_on: str | None = None
    licence: str | None = None


def passages(sheet: Sheet, before: Iterable[Passage] = ()) -> list[Passage]:
    """Cut a sheet into its passages; one that says the same as a passage of `before` keeps its id."""
    known: dict[tuple[tuple[str, ...], str], list[int]] = {}
    for old in before:
        known.setdefault((tuple(old["where"]), old["text"]), []).append(number(old["id"]))
    fresh = max((n for numbers in known.values() for n in numbers), default=0)
    made = []
    for where, text in _cut(sheet.blocks):
        if numbers := known.get((where, text)):
            n = numbers.pop(0)
        else:
            n = fresh = fresh + 1
        made.append(_passage(sheet, n, where, text))
    return made


def number(passage_id: str) -> int:
    """Give the number of a passage within its sheet."""
    return int(passage_id.rpartition("#")[2])


def _passage(sheet: Sheet, n: int, where: tuple[str, ...], text: str) -> Passage:
    shown = [sheet.title, list(where), text, sheet.url, sheet.updated_on]
    shared = {key: getattr(sheet, key) for key in _SHARED}
    return Passage(
        id=f"{sheet.id}#{n}", sheet=sheet.id, where=list(where), text=text, sha256=json_sha256(shown), **shared
    )


_SHARED = ("kind", "title", "url", "audience", "network", "theme", "updated_on", "licence")


def _cut(blocks: Sequence[Block]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Join neighbours under the same headings up to WORDS words; cut what is longer at the ends of sentences.

    A few words that only announce what follows ("Cela dépend de votre situation :") go with it, under its headings.
    """
    where: tuple[str, ...] = ()
    held: list[str] = []
    for block in blocks:
        for piece in _pieces(squeezed(block.text)):
            apart = block.where != where and not (_announces(held) and block.where[: len(where)] == where)
            if held and (apart or _length(held) + _length([piece]) > WORDS):
                yield where, " ".join(held)
                held = []
            where = block.where
            held.append(piece)
    if held:
        yield where, " ".join(held)


def _announces(held: Sequence[str]) -> bool:
    return len(held) == 1 and held[0].endswith(":") and _length(held) <= _ANNOUNCING


def _pieces(text: str) -> list[str]:
    """Give a text whole, or its sentences if it is too long for a passage."""
    if not text:
        return []
    return [text] if _length([text]) <= WORDS else sentences(text)


def sentences(text: str) -> list[str]:
    """Split a line at the ends of its sentences; nothing of it is changed or lost but the blanks between them."""
    return _END.split(text)


def _length(texts: Iterable[str]) -> int:
    return sum(len(text.split()) for text in texts)
