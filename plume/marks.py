"""How a mark is written, `[TEL_2]`: what stands in a text where an identifier stood; for all who write or read one."""

import re
from collections.abc import Iterable

_OPEN, _CLOSE = "[", "]"


def mark(label: str) -> str:
    """Write the mark of a type, its number included where it has one."""
    return f"{_OPEN}{label}{_CLOSE}"


def pattern(types: Iterable[str] = (r"\w+?",)) -> str:
    """Give the pattern of the marks of some types, or of any; the group `type` holds the type, without its number."""
    longest_first = "|".join(sorted(types, key=len, reverse=True))
    return rf"{re.escape(_OPEN)}(?P<type>{longest_first})(?:_\d+)?{re.escape(_CLOSE)}"


def label(marked: str) -> str:
    """Give what stands inside a mark: `[TEL_2]` -> `TEL_2`."""
    return marked.removeprefix(_OPEN).removesuffix(_CLOSE)


PSEUDONYM = mark("USAGER")  # stands for the citizen's pseudonym, which serving fills back into the draft
