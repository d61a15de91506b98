"""What a page lays out: tables, and figures with the table of their numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Holds a caption, column heads, and rows whose first cell is their head."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    @classmethod
    def of(cls, caption: str, rows: Iterable[Any], columns: Mapping[str, Callable[[Any], str]]) -> "Table":
        """Make a table of one row for each of `rows`; `columns` gives each head and what a row says under it."""
        return cls(caption, list(columns), [[say(row) for say in columns.values()] for row in rows])


@dataclass(frozen=True)
class Figure:
    """Holds an image (`data:` address), what it shows in words, and the table of its numbers."""

    image: str
    alt: str
    caption: str
    table: Table
