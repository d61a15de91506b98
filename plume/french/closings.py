"""Finds what closes a letter before its signature, and who signs: rules of `closings.toml`, for all readers."""

import re
from pathlib import Path

from plume.french.phrases import NETWORK
from plume.french.rules import read_tables
from plume.french.text import fold
from plume.french.vocabulary import any_of
from plume.french.words import ACRONYMS, BODIES

TABLES = read_tables(Path(__file__).parent / "closings.toml", BODY=any_of({*ACRONYMS, *BODIES}), NETWORK=NETWORK)
SIGNERS = TABLES.pop("signers")


def closings(*tables: str) -> str:
    """Write a pattern, for folded text, of what any rule of some tables finds."""
    return "(?:" + "|".join(rule.pattern for name in tables for rule in TABLES[name]) + ")"


CLOSING = closings(*TABLES)
TEAM, BODY_OR_ROLE = (rule.pattern for rule in SIGNERS)
HINTS = tuple(hint for rules in TABLES.values() for rule in rules for hint in rule.hint)
_AT_END = re.compile(rf"\b{CLOSING}[ ,]*$")


def ends_with_closing(line: str) -> bool:
    """Say whether a line ends with a closing, so that a name may stand on the next one."""
    return _AT_END.search(fold(line)) is not None
