"""Says what the word lists know of a word, and whether it may be a name. What stands around it is for the callers.

word = Word.of("Petit")
word.may_be_name      # False: it is everyday French
word.also_surname     # True: where a name is awaited, pseudonymise/names_that_are_words.py weighs it all the same
"""

import re
from functools import cached_property, lru_cache
from typing import Self

from plume.french.insee import communes, known_names, spaced
from plume.french.text import fold
from plume.french.vocabulary import column, folded, terms

ACRONYMS = folded("acronyms")
LABELS = folded("labels")  # what stands before a number or names a right: in capitals it is no surname
BODIES = terms("bodies")  # phrases
TERRITORIES = folded("territories")
EVERYDAY = folded("everyday")  # words of reviews and replies that are no name, wherever they stand
OFFICES = folded("offices")
PARTICLES = folded("particles")  # of names of several words: "de", "van", "ben"
FIRST_NAMES = folded("first_names")  # common ones that are no word
# Names that are everyday words too: believed with a capital, or only where somebody so called acts.
FIRST_NAMES_THAT_ARE_WORDS = frozenset(column("first_names_that_are_words", "word"))
_WITH_CAPITAL = frozenset(column("first_names_that_are_words", "word", believed="capital"))
SURNAMES_THAT_ARE_WORDS = frozenset(column("surnames_that_are_words", "word"))
_PUBLIC = ACRONYMS | LABELS | {name for name in (*BODIES, *TERRITORIES) if " " not in name}
_FORM_LABELS = frozenset({"nom", "noms", "prenom", "prenoms"})  # they stand beside what is filled in
_ELIDED = re.compile(r"^(?:[ldjnmtsc]|qu)'")


class Word:
    """A word as it is written, and what is known of it.

    Attributes:
        folded: it without capitals, accents and what is no letter at its ends, as most lists are looked up.
        everyday: everyday French, with or without an elided article before it ("l'agent", "n'a").
        public: an acronym, a label or the one-word name of a body, a service or a territory.
        may_be_name: neither of both. The one answer where nothing around the word is known.
        first_name: a common first name that is no word; `also_first_name`: one that is a word, with a capital.
        also_surname: a frequent surname that is an everyday word.
    """

    def __init__(self, written: str) -> None:
        self.written = written
        self.folded = fold(written).strip(".'-")
        bare = _ELIDED.sub("", self.folded)
        self.everyday = self.folded in EVERYDAY or bare in EVERYDAY
        self.public = bare in _PUBLIC
        self.may_be_name = not (self.everyday or self.public)
        self.first_name = self.folded in FIRST_NAMES
        self.also_first_name = self.folded in _WITH_CAPITAL
        self.also_surname = self.folded in SURNAMES_THAT_ARE_WORDS

    @classmethod
    @lru_cache(maxsize=1 << 14)
    def of(cls, written: str) -> Self:
        """Give the one `Word` of a word."""
        return cls(written)

    @property
    def any_first_name(self) -> bool:
        """Whether it is a common first name, a word or not."""
        return self.first_name or self.also_first_name

    @property
    def is_word_and_name(self) -> bool:
        """Whether what stands before it decides: "la rose", "Rose"."""
        return self.also_first_name or self.also_surname

    @cached_property
    def listed(self) -> bool:
        """Whether INSEE lists it, as a first name or a surname."""
        return spaced(self.written) in known_names()

    @cached_property
    def likely_name(self) -> bool:
        """Whether it may be a name and INSEE lists it as one: enough for what only a name could explain."""
        return self.may_be_name and self.listed

    @cached_property
    def commune(self) -> bool:
        return spaced(self.written) in communes()

    @property
    def office(self) -> bool:
        return self.folded in OFFICES

    @property
    def particle(self) -> bool:
        return self.folded in PARTICLES

    @property
    def form_label(self) -> bool:
        return self.folded in _FORM_LABELS
