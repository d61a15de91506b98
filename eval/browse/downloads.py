"""Write the items of a view as CSV for a spreadsheet, or as JSON lines."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from eval import measures
from eval.browse.inputs import System
from eval.browse.items import Item
from eval.browse.notes import Notes
from plume.files import to_jsonl

_OF_PAIR = {
    "id": "avis",
    "network": "réseau",
    "structure": "structure",
    "department": "département",
    "sentiment": "ressenti",
    "title": "titre",
    "review": "texte de l’avis",
    "reply": "réponse publiée",
}
# What a spreadsheet would take for a formula, also written wide.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


_AT_ONCE = 200  # rows


def to_csv(items: Iterable[Item], systems: Iterable[System], notes: Notes) -> Iterator[bytes]:
    """Write a row an item: what a French spreadsheet opens, in which no cell is a formula."""
    systems, buffer = [*systems], io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    heads = [f"{said} ({system.name})" for system in systems for said in ("brouillon", "contrôles en échec")]
    yield "\ufeff".encode()
    for rows in _batches(_rows([*_OF_PAIR.values(), *heads, "note"], items, notes)):
        writer.writerows(map(_cell, row) for row in rows)
        yield buffer.getvalue().encode(errors="replace")
        buffer.seek(0)
        buffer.truncate()


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Take rows by hundreds: each piece of an answer costs a change of thread."""
    left = iter(rows)
    while batch := [*islice(left, _AT_ONCE)]:
        yield batch


def _rows(heads: list[str], items: Iterable[Item], notes: Notes) -> Iterator[list[str]]:
    yield heads
    for item in items:
        row = [item.pair.get(key) or "" for key in _OF_PAIR]
        for draft, failed in zip(item.drafts, item.failed, strict=True):
            row += [draft or "", ", ".join(measures.find(m).label for m in failed)]
        yield [*row, notes.of(item.id)]


def _cell(text: Any) -> str:
    """Keep a cell from being a formula: an apostrophe before it, as spreadsheets write text."""
    text = str(text)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def to_json(items: Iterable[Item], systems: Iterable[System], notes: Notes) -> Iterator[bytes]:
    """Write an object an item, whose texts are as they stand."""
    systems = [*systems]
    for batch in _batches(items):
        yield to_jsonl(_as_json(item, systems, notes) for item in batch)


def _as_json(item: Item, systems: Iterable[System], notes: Notes) -> dict[str, Any]:
    drafts = [
        {
            "system": system.name,
            "draft": draft,
            "failed": [{"measure": m, "detail": f.detail, "rules": [*f.rules]} for m, f in failed.items()],
        }
        for system, draft, failed in zip(systems, item.drafts, item.failed, strict=True)
    ]
    return {**item.pair, "drafts": drafts, "note": notes.of(item.id)}
