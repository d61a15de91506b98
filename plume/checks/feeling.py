"""Says how a review feels, from its text and the sentiment that its author ticked.

Praise and complaints are counted by named rules (feeling.toml). A review with both is mixed: nothing is asked then.
Where text and sentiment disagree, the text decides only if it says one thing again and again.
"""

from typing import Literal

from plume.checks.case import RULES
from plume.french.rules import find, read_tables, reading
from plume.french.text import fold

Feeling = Literal["unhappy", "happy", "either"]
_TABLES = read_tables(RULES / "feeling.toml")
_CONTRAST = "feeling.too-much"  # "mais", "par contre", "trop"
_ANGER = "feeling.angry"


def feeling(review: str, sentiment: str | None) -> Feeling:
    """Give "unhappy", "happy", or "either" where that cannot be said: mixed reviews, questions, few words."""
    text = reading(review)
    found = {table: [*find(text, _TABLES[table])] for table in ("praise", "complaint")}
    praise, complaint = (len({one.start for one in found[table]}) for table in ("praise", "complaint"))
    angry = any(one.rule.name == _ANGER for one in found["complaint"])
    ticked = fold(sentiment or "")
    if ticked.startswith("negati"):  # one "bravo" there is irony
        return "either" if praise > 1 and praise >= complaint else "unhappy"
    if ticked.startswith("positi"):
        if complaint > 2 and angry and not praise:
            return "unhappy"
        contrast = any(one.rule.name == _CONTRAST for one in found["complaint"])
        return "either" if complaint and (contrast or praise <= complaint) else "happy"
    if praise and complaint:
        return "either"
    return "happy" if praise > 1 else "unhappy" if complaint > 1 and (angry or not ticked) else "either"
