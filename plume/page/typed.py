"""Cleans what people type or paste into a field."""

import re

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """Take out what no field should send: half characters, control characters, other line ends, blanks around."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _NO_TEXT.sub("", _LINE_ENDS.sub("\n", text)).strip()


def one_line(text: str) -> str:
    """Clean a field of one line."""
    return " ".join(clean(text).split())
