"""What the word lists say of a word: body, territory, first name, everyday word. All in lower case, no accents."""

import re

from plume.french.text import fold
from plume.french.vocabulary import folded, terms

ACRONYMS = folded("acronyms")
LABELS = folded("labels")  # what stands before a number or names a right: in capitals it is no surname
BODIES = terms("bodies")  # phrases
TERRITORIES = folded("territories")
EVERYDAY = folded("everyday")  # words of reviews and replies that are no name, wherever they stand
FIRST_NAMES = folded("first_names")  # common ones that are no word; for those that are, see below
FIRST_NAMES_THAT_ARE_WORDS = folded("first_names_that_are_words")
OFFICES = folded("offices")
_PUBLIC = ACRONYMS | LABELS | {name for name in (*BODIES, *TERRITORIES) if " " not in name}
_ELIDED = re.compile(r"^(?:[ldjnmtsc]|qu)'")


def is_public_word(word: str) -> bool:
    """Say whether a word is an acronym or the one-word name of a body, a service or a territory."""
    return _bare(word) in _PUBLIC


def is_plain_word(word: str) -> bool:
    """Say whether a word is everyday French, with or without an elided article before it ("l'agent", "n'a")."""
    return fold(word).strip(".'-") in EVERYDAY or _bare(word) in EVERYDAY


def _bare(word: str) -> str:
    return _ELIDED.sub("", fold(word).strip(".'-"))
