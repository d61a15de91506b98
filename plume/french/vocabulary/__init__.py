"""Word lists of French as data: one file a list, each with the line that says where it is from.

A `.txt` file holds one term a line; a `.tsv` file one row a line below its header. Lines that begin with "#" are
comments; the first says the source. Other packages keep lists of their own in the same form and give their folder.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from plume.french.text import fold

HERE = Path(__file__).parent


@cache
def terms(name: str, folder: Path = HERE) -> tuple[str, ...]:
    """Read the terms of `name`.txt as they are written, in the file's order."""
    return tuple(_lines(folder / f"{name}.txt"))


@cache
def folded(name: str, folder: Path = HERE) -> frozenset[str]:
    """Read the terms of `name`.txt in lower case without accents, for lookups."""
    return frozenset(map(fold, terms(name, folder)))


@cache
def rows(name: str, folder: Path = HERE) -> tuple[dict[str, str], ...]:
    """Read the rows of `name`.tsv by column."""
    header, *lines = _lines(folder / f"{name}.tsv")
    columns = header.split("\t")
    return tuple(dict(zip(columns, line.split("\t"), strict=True)) for line in lines)


@cache
def column(name: str, of: str, **where: str) -> tuple[str, ...]:
    """Read one column of `name`.tsv: the values, in the file's order, of the rows that hold what `where` says.

    A cell may hold several values, separated by blanks, in the columns that `where` names: kin "near age".
    """
    return tuple(row[of] for row in rows(name) if row[of] and all(v in row[key].split(" ") for key, v in where.items()))


def word_set(text: str) -> frozenset[str]:
    """Read blank-separated words into a folded set: for the few words that belong to one rule alone."""
    return frozenset(fold(text).split())


def any_of(words: Iterable[str]) -> str:
    """Write a regular expression that matches any of some words or phrases, the longest first."""
    return "(?:" + "|".join(re.escape(w).replace(r"\ ", " ") for w in sorted(set(words), key=_longest)) + ")"


def _longest(word: str) -> tuple[int, str]:
    return -len(word), word


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0].startswith("# Source: "):
        raise ValueError(f"{path}: the first line says where the list is from: '# Source: …'")
    return [line for line in lines if line and not line.startswith("#")]
