"""Finds contacts, dates, durations, amounts, laws and ages in a French text, each with its value.

What is said twice has one value: "2 mois" and "deux mois", "le 12/03" and "12 mars".
"""

from collections.abc import Hashable
from typing import NamedTuple


class Mention(NamedTuple):
    """One passage, `start:end` of the text, with its value, and the name of the rule that found it."""

    kind: str
    start: int
    end: int
    value: Hashable
    rule: str
