"""Cleaning that changes no word: wrong decoding, entities, blanks, line ends."""

import html
import re
import unicodedata
from functools import lru_cache
from html.entities import html5

from ftfy import fix_encoding

_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|([A-Za-z][A-Za-z0-9]+));")
_OTHER_BLANKS = r"\t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_BLANKS = re.compile(rf"[ {_OTHER_BLANKS}]{{2,}}|[{_OTHER_BLANKS}]")  # a single space stays, so is not replaced
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u2060\ufeff]")
_BREAKS = re.compile(r"\n{3,}")
_LINE_END = re.compile(r"\r\n|[\r\x85\u2028\u2029]")

# How the first byte of a letter beyond ASCII, and the second, look when UTF-8 was read as Windows-1252 or Latin-1. The
# repair is ftfy's; it is asked only where this is met, for it reads the whole text.
_MOJIBAKE = re.compile(r"[ÂÃÅâÄËÐðï][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|Ã ")


@lru_cache(maxsize=32)  # the same reply is asked for its body and for the platform's placeholder
def clean(text: str | None) -> str:
    """Decode entities, compose accents, make blanks and line ends plain. Idempotent; no word is changed."""
    text = repair(text or "")
    while (
        "&" in text and (decoded := repair(_ENTITY.sub(_decode, text))) != text
    ):  # "&amp;nbsp;" is met: entities encoded twice
        text = decoded
    text = _INVISIBLE.sub("", _LINE_END.sub("\n", text))
    text = unicodedata.normalize("NFC", text)  # once more than on reading: "e&#769;" and mojibake hide accents
    text = "\n".join(line.strip() for line in _BLANKS.sub(" ", text).split("\n")).strip()
    return _BREAKS.sub("\n\n", text) if "\n\n\n" in text else text


def repair(text: str) -> str:
    """Repair a text that was decoded wrongly once or twice, "trÃ¨s" -> "très"; any other is given back as it is."""
    for _ in range(4):  # deeper was never met
        if not _MOJIBAKE.search(text) or (repaired := fix_encoding(text)) == text:
            break
        text = repaired
    return text


def _decode(entity: re.Match) -> str:
    # Only whole entities that exist: html.unescape would also read "&not" in an address that holds "&notice=1".
    return html5.get(f"{entity[1]};", entity[0]) if entity[1] else html.unescape(entity[0])
