"""What shape a text has: verse, a list, a table."""

import re

ITEM = re.compile(r"^[ \t]{0,8}(?:[-–—*•]|\w{1,3}[.)])[ \t]{1,8}\S.{0,300}", re.MULTILINE)
LAID_OUT = re.compile(
    r"```|(?<![\w./:-])[^\W\d_]{1,30}(?:/[^\W\d_]{1,30}){4}|^[ \t]{0,8}\|[^|\n]{0,200}\||\|[ \t]{0,4}:?-{2}",
    re.MULTILINE,
)


def is_verse(text: str) -> bool:
    """Say whether a text stands in short lines that are no list, as verse does."""
    lines = [line for line in text.split("\n") if line.strip()]
    short = [line for line in lines if 2 <= len(line.split()) <= 12 and not ITEM.match(line)]
    return len(short) >= 3 and len(short) >= 0.75 * len(lines) and (len(short) >= 4 or len(text.split()) < 30)
