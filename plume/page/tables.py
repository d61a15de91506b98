"""What a page lays out: tables, and figures with the table of their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A caption, column heads, and rows whose first cell is their head."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """An image (`data:` address), what it shows in words, and the table of its numbers."""

    image: str
    alt: str
    caption: str
    table: Table
