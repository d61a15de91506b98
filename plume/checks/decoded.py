"""Reads what a review hides: base64, hexadecimal, binary, Morse, ROT13, reversed, spaced or spelled letters, leet.

Each reading is a text that a model may make of the review. Nobody complains in base64: a hidden text that can be
read is an instruction by itself (`hidden`); an address or an HTML entity is one only if it says so.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from string import ascii_lowercase
from typing import NamedTuple
from urllib.parse import unquote

from plume.checks.case import VOCABULARY
from plume.french.text import fold, sentences, words
from plume.french.vocabulary import folded, rows

# Small words of French and English, and words of orders: what tells a text from noise.
_KNOWN = frozenset(
    word
    for word in {fold(w) for row in rows("small_words", VOCABULARY)[:2] for w in row["words"].split()}
    | folded("order_words", VOCABULARY)
    if len(word) > 1
)
_TURNED = [str.maketrans(ascii_lowercase, ascii_lowercase[n:] + ascii_lowercase[:n]) for n in range(1, 26)]
_BASE64 = re.compile(r"(?<![\w+/])[A-Za-z0-9+/_-]{16,}={0,2}(?![\w+/])")
_HEX = re.compile(r"(?<!\w)(?:0x)?(?:[0-9a-fA-F]{2}[ :\\x]{0,2}){8,}(?!\w)")
_BINARY = re.compile(r"(?<!\w)(?:[01]{8} ?){3,}(?!\w)")
_ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}){3,}")
_MORSE = re.compile(r"(?<![\w.])[.\-]{1,5}(?:[ /|]{1,3}[.\-]{1,5}){5,}(?![\w.])")
_MORSE_PART = re.compile(r"[.\-]+|[/|]")
_SPACED = re.compile(r"(?<!\w)\w(?:[ .\-_*]\w){5,}(?:[ .\-_*]{2,3}\w(?:[ .\-_*]\w)*)*(?!\w)")
_SPELLED = re.compile(r"(?:\b\w comme \w+(?:\W{1,3}(?:et )?|$)){3,}")
_SPELLED_ONE = re.compile(r"\b(\w) comme \w+")
_LEET = str.maketrans("43105$7@!8", "aeiosstaib")
_LEET_WORD = re.compile(r"(?<!\w)(?!\d+h\d*\b)(?=\w*[a-z])(?=\w*[0-9])[a-z0-9]{3,}(?!\w)")
_SPAN = 6  # words that are read backwards at once
_CODE = {
    ".-": "a",
    "-...": "b",
    "-.-.": "c",
    "-..": "d",
    ".": "e",
    "..-.": "f",
    "--.": "g",
    "....": "h",
    "..": "i",
    ".---": "j",
    "-.-": "k",
    ".-..": "l",
    "--": "m",
    "-.": "n",
    "---": "o",
    ".--.": "p",
    "--.-": "q",
    ".-.": "r",
    "...": "s",
    "-": "t",
    "..-": "u",
    "...-": "v",
    ".--": "w",
    "-..-": "x",
    "-.--": "y",
    "--..": "z",
}


_NAMED = re.compile(r"\b(?:rot[ -]?13|c[ée]sar|caesar|d[ée]cal\w{1,3})\b", re.IGNORECASE)


class Hidden(NamedTuple):
    """A text that was read out of a review, and whether hiding it is enough to make it an instruction."""

    text: str
    hidden: bool


def readings(review: str) -> list[Hidden]:
    """Give what can be read out of a review beside its plain text, each once."""
    found: dict[str, bool] = {}
    for reading in _every(review):
        text = reading.text.strip()
        if len(text) >= 4 and text != review:
            found[text] = found.get(text, False) or reading.hidden
    return [Hidden(text, hidden) for text, hidden in found.items()]


def _every(review: str) -> Iterator[Hidden]:
    wide = unicodedata.normalize("NFKC", review)
    if sum(a != b for a, b in zip(review, wide, strict=False)) > 8:
        yield Hidden(wide, False)
    if review.count("%") > 3 or "&#" in review or "&" in review:
        yield Hidden(html.unescape(unquote(review)), False)
    for match in _ESCAPED.finditer(review):
        yield Hidden(re.sub(r"\\[ux]([0-9a-fA-F]{2,4})", lambda m: chr(int(m[1], 16)), match[0]), True)
    for match in _BASE64.finditer(review):
        if text := _bytes(match[0]):
            yield Hidden(text, True)
    for match in _HEX.finditer(review):
        digits = re.sub(r"0x|[^0-9a-fA-F]", "", match[0])
        if text := _text(bytes.fromhex(digits[: len(digits) // 2 * 2])):
            yield Hidden(text, True)
    for match in _BINARY.finditer(review):
        if text := _text(bytes(int(one, 2) for one in match[0].split())):
            yield Hidden(text, True)
    for match in _MORSE.finditer(review):
        said = "".join(_CODE.get(part, " ") for part in _MORSE_PART.findall(match[0]))
        if len(said) >= 4:
            yield Hidden(said, True)
    for match in _SPACED.finditer(review):
        letters = re.sub(r"(?<=\w)[ .\-_*](?=\w(?:[ .\-_*]|$|\W))", "", match[0])
        if sum(map(str.isalpha, letters)) >= 6:
            yield Hidden(re.sub(r"[ .\-_*]+", " ", letters), True)
    for match in _SPELLED.finditer(review):
        yield Hidden("".join(_SPELLED_ONE.findall(match[0])), True)
    yield from _shifted(review)
    lower = fold(review)
    if len(_LEET_WORD.findall(lower)) >= 3:
        yield Hidden(_LEET_WORD.sub(lambda m: m[0].translate(_LEET), lower), False)


def _bytes(token: str) -> str:
    padded = token.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return _text(base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True))
    except (binascii.Error, ValueError):
        return ""


def _text(data: bytes) -> str:
    """Give the text that bytes hold, "" if they hold none: mostly letters and blanks."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    good = sum(c.isalnum() or c.isspace() or c in "'’«».,:;!?-()\"" for c in text)
    return text if len(text) >= 4 and good >= 0.9 * len(text) and any(map(str.isalpha, text)) else ""


def _shifted(review: str) -> Iterator[Hidden]:
    """Read what is no French, nor English, forwards: the alphabet turned (ROT13, Caesar), or words backwards."""
    tokens = fold(review).split()
    plain = ["".join(words(t)) for t in tokens]
    ahead = [w if w in _KNOWN else "" for w in plain]
    back = [w[::-1] if w[::-1] in _KNOWN else "" for w in plain]
    spans = [range(i, i + _SPAN) for i in range(max(0, len(tokens) - _SPAN) + 1)]
    few = len({*back}) < 4  # the empty one among them
    backwards = [] if few else [s for s in spans if _count(back, s) > max(2, 2 * _count(ahead, s))]
    if backwards:
        yield Hidden(" ".join(review.split()[backwards[0].start : backwards[-1].stop])[::-1], True)
    for sentence in dict.fromkeys((*sentences(review), *re.split(r"(?<=[.:;!?])\s|[()«»\"]", review))):
        said = fold(sentence)
        tokens = words(said)
        if len(tokens) < 4 or (known := len(_KNOWN.intersection(tokens))) > 0.15 * len(tokens):
            continue
        score, turned = max(
            (len(_KNOWN.intersection(words(t))), t) for table in _TURNED if (t := said.translate(table))
        )
        if score >= (2 if _NAMED.search(review) else 3) and score >= 0.4 * len(tokens) and score > 2 * known:
            yield Hidden(turned, True)


def _count(known: list[str], span: range) -> int:
    return len({known[i] for i in span if i < len(known)} - {""})
