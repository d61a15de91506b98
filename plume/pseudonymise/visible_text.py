"""What the detectors read of a text: its characters without what hides between and in them, and the way back.

A zero-width space inside a phone number, an accent written as a sign of its own, circled digits, a tag between first
name and surname, a name spelled letter by letter: they look as usual and match nothing. `read` takes them out;
`Reading.original` gives a span's place in the text as it was written.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from plume.french.text import fold, straight
from plume.french.vocabulary import word_set
from plume.french.words import Word
from plume.pseudonymise.spans import Span

# What prints nothing though Unicode does not call it a format character, and what prints a blank though it is none.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f")
_BLANKS = frozenset("\u2800\u3164\uffa0")
# Whatever may not be what it looks like: all but ASCII, Latin letters, the usual blanks and punctuation.
_ODD = (
    r"[^\t\n\r\x20-\x7e\xa0-\xac\xae-\xb1\xb4-\xb8\xba-\u024f\u1e00-\u1eff\u2000-\u200a\u2010-\u2029\u202f-\u205f"
    r"\u20ac\u2122]"
)
# HTML's own tags, and those that the text closes itself; "<lea@example.org>" and "3 < 4" are text. A tag is looked
# through only if it carries nothing beside its looks: what an address or a title says must be read.
_INLINE = word_set("a abbr b big code em font i ins label mark s small span strong sub sup tt u")
_BLOCK = word_set(
    "article blockquote body br center dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre"
    " section table tbody td th thead tr ul"
)
_LOOKS = r"(?:class|style|dir|lang|align|valign|color|size|face|width|height|border|target|rel)"
_TAG = (
    rf"</?([a-zA-Z][a-zA-Z0-9-]{{0,20}})(?:\s{{1,9}}{_LOOKS}=(?:\"[^\"<>@]{{0,80}}\"|'[^'<>@]{{0,80}}'|\w{{1,20}})){{0,6}}"
    r"\s{0,9}/?>"
)
# The marks of forums and of Markdown, which stand at a word's border.
_MARK = (
    r"\[/?(?:b|i|u|s|color|size|quote|code|center)(?:=[\w#]{1,20})?\]"
    r"|(?<![^\W_])[*_~`]{1,3}(?=[^\W\d_])|(?<=[^\W\d_])[*_~`]{1,3}(?![\w*_~`])|(?<=[^\W\d_]\.)[*_~`]{1,3}(?![\w*_~`])"
)
_ENTITY = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
_CLOSED = re.compile(r"</([a-z][a-z0-9-]{0,20})>")
_TO_MEND = re.compile(f"{_ODD}|{_TAG}|{_ENTITY}|{_MARK}")
# A letter, a sign or a few, a letter, the same again: "D-U-P-O-N-T".
_LETTER = r"[^\W\d_]"
_SPELLED = re.compile(rf"(?<![\w'])({_LETTER})((?:[^\w'’]|_){{1,3}})({_LETTER}(?:\2{_LETTER})+)(?![\w'])")
_LONGEST = 30  # letters of a name
_SPELLING = re.compile(r"\b(?:epel\w+|ecri\w+|lettres?|orthograph\w+|(?:pre)?noms?|appell?e\w*)\b[^.!?\n]{0,30}$")


@dataclass(frozen=True)
class Reading:
    """`text` is what is read; `starts[i]:ends[i]` is its character i in the original, None where nothing moved.

    `spelled` are the words of `text` that were written letter by letter and look like a name.
    """

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None
    spelled: tuple[Span, ...] = ()

    def original(self, span: Span) -> Span:
        if self.starts is None or self.ends is None:
            return span
        return span._replace(start=self.starts[span.start], end=self.ends[span.end - 1])


def read(text: str) -> Reading:
    """The plain reading of a text; a text without anything hidden, combining, marked up or spelled keeps its length."""
    if not _TO_MEND.search(text):
        return _joined(Reading(straight(text)))
    closed = frozenset(_CLOSED.findall(text.lower())) if "</" in text else frozenset()
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for match in _TO_MEND.finditer(text):
        characters += text[at : match.start()]
        starts += range(at, match.start())
        ends += range(at + 1, match.start() + 1)
        at = match.end()
        seen, hidden = _seen(match, closed)
        if hidden and characters:
            composed = unicodedata.normalize("NFC", characters[-1] + match[0])
            characters[-1] = composed if len(composed) == 1 else characters[-1]
            ends[-1] = at
        if match[1] and characters and characters[-1].isspace():
            seen = seen.lstrip(" ")  # blanks of the markup are no more than one
        characters += seen
        starts += [match.start()] * len(seen)
        ends += [at] * len(seen)
    characters += text[at:]
    starts += range(at, len(text))
    ends += range(at + 1, len(text) + 1)
    return _joined(Reading(straight("".join(characters)), tuple(starts), tuple(ends)))


def _seen(match: re.Match[str], closed: frozenset[str]) -> tuple[str, bool]:
    """What is read where something odd stands, and whether it prints nothing of its own."""
    if match[1]:
        name = match[1].lower()
        if name in _INLINE:
            return "", False
        if name in _BLOCK or match[0].startswith("</"):
            return " ", False
        return (f" {name} : " if name in closed else match[0]), False  # "<nom>Durand</nom>"
    if match[0].startswith("&"):
        return html.unescape(match[0]), False
    if match[0][0] in "[*_~`":
        return "", False
    return _look(match[0])


@lru_cache(maxsize=1 << 12)
def _look(char: str) -> tuple[str, bool]:
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me") or char in _FILLERS or (category == "Cc" and not char.isspace()):
        return "", True
    if char in _BLANKS:
        return " ", False
    if (digit := unicodedata.digit(char, None)) is not None:
        return str(digit), False
    look = unicodedata.normalize("NFKC", char)
    if not unicodedata.decomposition(char).startswith(("<wide>", "<narrow>", "<small>", "<font>")):
        look = look.strip("()., ")  # "⒓" and "⑿" are 12
        look = look if look.isalnum() and len(look) < 4 else char
    return (look if look.strip() else char), False


def _joined(reading: Reading) -> Reading:
    """The reading with its words that are spelled letter by letter in one piece."""
    text, pieces, kept, spelled, at = reading.text, [], [], [], 0
    for match in _SPELLED.finditer(text):
        places = [match.start(), *range(match.start(3), match.end(), len(match[2]) + 1)]
        word = "".join(text[i] for i in places)
        if not (3 if word.isupper() else 4) <= len(word) <= _LONGEST or _is_series(word.lower()):
            continue
        pieces += [text[at : match.start()], word]
        kept += [*range(at, match.start()), *places]
        at = match.end()
        named = Word.of(word).listed or _SPELLING.search(fold(text[max(0, match.start() - 45) : match.start()]))
        if named and len(word) > 3:
            spelled.append(Span(len(kept) - len(word), len(kept), "PERSONNE", "spelled"))
    if not pieces:
        return reading
    kept += range(at, len(text))
    starts = reading.starts or range(len(text))
    ends = reading.ends or range(1, len(text) + 1)
    return Reading(
        "".join([*pieces, text[at:]]), tuple(starts[i] for i in kept), tuple(ends[i] for i in kept), tuple(spelled)
    )


def _is_series(word: str) -> bool:
    """Whether letters count ("A, B, C, D") or are one and the same ("X X X")."""
    return len(set(word)) == 1 or all(ord(b) - ord(a) == 1 for a, b in pairwise(word))
