"""French text as the checks read it: one typography, words, sentences, shared runs. Pure; no language model."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

_BLANKS = re.compile(r"[ \t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_PLAIN = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "‑": "-", "‐": "-", "\r": "\n", "\u2028": "\n"})
_WORD = re.compile(r"[^\W_]+")
# "M. Petit", "art. 3" and "n. 4" do not end a sentence.
_SENTENCE_END = re.compile(r"(?<!\bM\.)(?<!\bMM\.)(?<!\bart\.)(?<!\bn\.)(?<=[.!?…])[\s»\"]+|\n+")


def plain(text: str) -> str:
    """One typography: composed accents, straight apostrophes and hyphens, single ordinary spaces, "\\n" line ends."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text).replace("\r\n", "\n").translate(_PLAIN))
    return "\n".join(_BLANKS.sub(" ", line).strip() for line in text.split("\n")).strip()


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits, accents kept: "L’accueil, réponse" -> ["l", "accueil", "réponse"]."""
    return _WORD.findall(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).lower())


def count_words(text: str) -> int:
    """Words as an agent counts them: what blanks separate, if it holds a letter or a digit ("l’accueil" is one)."""
    return count_plain(plain(text))


def count_plain(text: str) -> int:
    """`count_words` of a text that is `plain` already."""
    return sum(_WORD.search(token) is not None for token in text.split())


def sentences(text: str) -> list[str]:
    """Sentences and lines that hold a word, in order."""
    return [s.strip() for s in _SENTENCE_END.split(plain(text)) if s and _WORD.search(s)]


def runs(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Every run of `n` consecutive tokens."""
    return zip(*(tokens[i:] for i in range(n)), strict=False)


def holds_run(tokens: Sequence[str], run: Sequence[str]) -> bool:
    """Whether `run` occurs, whole and in order, in `tokens`. An empty run occurs nowhere."""
    return bool(run) and tuple(run) in runs(tokens, len(run))


@lru_cache(maxsize=1 << 14)
def fold(text: str) -> str:
    """Lower case without accents, for comparing words that a citizen types with words that a model writes."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


def squeeze(text: str) -> str:
    """Letters and digits only, lower case: "L. 161-17" and "l161-17" are the same article."""
    return "".join(_WORD.findall(fold(text)))
