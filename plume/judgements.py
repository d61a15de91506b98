"""Reads what people said of drafts: decisions.jsonl (what agents made of them), ratings.jsonl (which of two is better).

What is read is checked row by row; a file that holds a row which says nothing is refused, with its line.
"""

from pathlib import Path
from typing import Any

from plume.errors import InputError
from plume.files import read_jsonl

OUTCOMES = ("accepted", "edited", "rejected")
# Of the review, beside a decision: what the model was shown.
SHOWN = ("network", "structure", "title", "review", "sources", "instruction", "tone")
CHOICES = ("left", "right", "equal", "neither")
Row = dict[str, Any]


def read_decisions(path: str | Path) -> list[Row]:
    """Read decisions: `id`, `draft`, `final`, `outcome`, perhaps `seconds`, perhaps the review. Raises InputError."""
    rows = read_jsonl(path, needs=("id", "draft", "final", "outcome"))
    for line, row in enumerate(rows, 1):
        if row["outcome"] not in OUTCOMES:
            raise InputError(f"{path}, line {line}: outcome {row['outcome']!r} is none of {', '.join(OUTCOMES)}")
        time = row.get("seconds")
        if time is not None and (isinstance(time, bool) or not isinstance(time, int | float) or not 0 < time < 1e6):
            raise InputError(f"{path}, line {line}: seconds {time!r} is no number above 0, nor null")
        if not all(isinstance(row[key] or "", str) for key in ("draft", "final")):
            raise InputError(f"{path}, line {line}: draft and final are texts, or null")
    return rows


def read_ratings(path: str | Path) -> list[Row]:
    """Read ratings: `id`, the systems `left` and `right`, `choice`, `rater`. Raises InputError."""
    rows = read_jsonl(path, needs=("id", "left", "right", "choice"))
    for line, row in enumerate(rows, 1):
        if row["choice"] not in CHOICES:
            raise InputError(f"{path}, line {line}: choice {row['choice']!r} is none of {', '.join(CHOICES)}")
        if not all(isinstance(row[key], str) for key in ("id", "left", "right")):
            raise InputError(f"{path}, line {line}: id, left and right are texts")
    return rows
