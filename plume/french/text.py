"""French text: one typography, folding for comparison, words, sentences. Pure; no language model.

`fold` and `straight` change one character for one, so that offsets into them hold in the text that was given.
`plain` tidies: it may shorten the text.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

_SAME_LENGTH = {
    **dict.fromkeys((0x09, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    **dict.fromkeys(map(ord, "’‘ʼ´`"), "'"),
    **dict.fromkeys(map(ord, "\u2010\u2011\ufe63\uff0d"), "-"),
}
_BLANKS = re.compile(r"[ \t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_TIDY = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "‑": "-", "‐": "-", "\r": "\n", "\u2028": "\n"})
_WORD = re.compile(r"[^\W_]+")
# "M. Petit", "art. 3" and "n. 4" do not end a sentence.
_SENTENCE_END = re.compile(r"(?=[\s»\"])(?<=[.!?…])(?<!\bM\.)(?<!\bMM\.)(?<!\bart\.)(?<!\bn\.)[\s»\"]+|\n+")
# What lower() folds right by itself: most characters of most texts.
_LOWER_FOLDS = frozenset(chr(code) for code in (0x0A, *range(0x20, 0x7F)) if chr(code) != "`")
_MOST_ODD = 64  # characters; beyond, replacing them one after the other would take longer than one pass


def straight(text: str) -> str:
    """Write every blank as a space, every apostrophe and hyphen as the plain one; length, case and accents kept."""
    return text.translate(_SAME_LENGTH)


class _Folding(dict):
    """For str.translate: a character's lower case without its accent, always one character; filled as they are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if code in _SAME_LENGTH:
            folded = _SAME_LENGTH[code]
        elif char.isspace() and char != "\n":
            folded = " "
        else:
            decomposed = unicodedata.normalize("NFKD", char)
            folded = "i" if char == "ı" else decomposed[0].lower()
            # "œ", "½" and the like stand for several letters or digits: they stay, so that the length does.
            if len(folded) != 1 or sum(c.isalnum() for c in decomposed) > 1:
                folded = char
        self[code] = folded
        return folded


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Lower the case and drop the accents, one character for one: offsets into the folded text hold in the original."""
    return _fold_word(text) if len(text) < 32 else _fold_text(text)


@lru_cache(maxsize=1 << 16)
def _fold_word(text: str) -> str:
    return text.translate(_FOLDING)


@lru_cache(maxsize=256)
def _fold_text(text: str) -> str:
    odd = set(text) - _LOWER_FOLDS
    if len(odd) > _MOST_ODD:
        return text.translate(_FOLDING)
    for char in odd:
        text = text.replace(char, _FOLDING[ord(char)])
    return text.lower()


@lru_cache(maxsize=256)
def lower(text: str) -> str:
    """Lower the case, accents and length kept: only "İ" would become two characters."""
    return text.replace("İ", "i").lower()


def plain(text: str) -> str:
    """Tidy to one typography: accents composed, apostrophes and hyphens straight, single blanks, "\\n" line ends."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text).replace("\r\n", "\n").translate(_TIDY))
    return "\n".join(_BLANKS.sub(" ", line).strip() for line in text.split("\n")).strip()


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits, accents kept: "L’accueil, réponse" -> ["l", "accueil", "réponse"]."""
    return _WORD.findall(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).lower())


def count_words(text: str) -> int:
    """Count words as an agent does: what blanks separate, if it holds a letter or a digit ("l’accueil" is one)."""
    return count_plain(plain(text))


def count_plain(text: str) -> int:
    """`count_words` of a text that is `plain` already."""
    return sum(_WORD.search(token) is not None for token in text.split())


def sentences(text: str) -> list[str]:
    """Split into the sentences and lines that hold a word, in order."""
    return [s.strip() for s in _SENTENCE_END.split(plain(text)) if s and _WORD.search(s)]


def runs(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Yield every run of `n` consecutive tokens."""
    return zip(*(tokens[i:] for i in range(n)), strict=False)


def holds_run(tokens: Sequence[str], run: Sequence[str]) -> bool:
    """Say whether `run` occurs, whole and in order, in `tokens`. An empty run occurs nowhere."""
    return bool(run) and tuple(run) in runs(tokens, len(run))


def squeeze(text: str) -> str:
    """Keep letters and digits only, in lower case: "L. 161-17" and "l161-17" are the same article."""
    return "".join(_WORD.findall(fold(text)))


@lru_cache(maxsize=256)
def is_shouting(text: str) -> bool:
    """Say whether a text is mostly capitals: case tells nothing there."""
    letters = sum(map(str.isalpha, text))
    return letters > 5 and sum(map(str.isupper, text)) > 0.6 * letters
