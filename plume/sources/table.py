"""Writes the rows of a sheet's table: each cell after the heading of its column, each part of a row after the row's."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from lxml import etree

from plume.passages import squeezed
from plume.sources.cut import WORDS, Block
from plume.sources.elements import role_of, text_of

_ENDS = tuple(".,;:!?…")
_HEADING = 20  # words of a cell at most that is taken as the heading of its row


class Cell(NamedTuple):
    """A cell, and its text; one that covers several columns or rows is the same in each."""

    node: etree._Element | None
    text: str


_NONE = Cell(None, "")


def headings(above: Sequence[str], cells: Sequence[Cell]) -> list[str]:
    """Join the headings of columns with those of a row of headings that follows."""
    pairs = zip_longest(above, cells, fillvalue=None)
    return [squeezed(f"{head or ''} {(cell or _NONE).text}") for head, cell in pairs]


def row_blocks(heads: Sequence[str], cells: Sequence[Cell], where: tuple[str, ...]) -> Iterator[Block]:
    """Give a row as one block; if it is too long for a passage, each cell as one, under the row's first cell."""
    across = len(cells) > 1 and len(set(cells)) == 1  # a remark across all columns
    pairs = dict.fromkeys(zip_longest(() if across else heads, cells[: 1 if across else None], fillvalue=_NONE))
    told = [("" if head is _NONE else head, cell.text) for head, cell in pairs if cell.text]
    said = [f"{head} : {value}" if head else value for head, value in told]
    if len(said) > 1 and len(" ".join(said).split()) > WORDS:
        if len(said[0].split()) <= _HEADING:
            where, told = (*where, said[0]), told[1:]
        for head, value in told:
            yield Block((*where, head) if head else where, value if value.endswith(_ENDS) else f"{value}.")
    elif line := " ; ".join(said):
        yield Block(where, line if line.endswith(_ENDS) else f"{line}.")


def cells_of(row: etree._Element, down: dict[int, tuple[int, Cell]]) -> Iterator[Cell]:
    """Give the cell of each column of a row; one that covers several columns or rows counts in each.

    `down` holds, by column, in how many rows a cell from above still counts, and the cell.
    """
    column = 0

    def from_above() -> Iterator[Cell]:
        nonlocal column
        while column in down:
            left, cell = down.pop(column)
            if left > 1:
                down[column] = (left - 1, cell)
            yield cell
            column += 1

    for node in row:
        if role_of(node) in ("menu", "condition"):
            continue
        yield from from_above()
        cell, rows_covered = Cell(node, squeezed(text_of(node))), _span(node, "fusionVerticale")
        for _ in range(_span(node, "fusionHorizontale")):
            if rows_covered > 1:
                down[column] = (rows_covered - 1, cell)
            yield cell
            column += 1
    yield from from_above()


def _span(cell: etree._Element, name: str) -> int:
    said = cell.get(name, "1")
    return min(max(int(said), 1), 50) if said.isascii() and said.isdecimal() and len(said) < 4 else 1
