"""What the frequency of word forms tells: the case a word should have, and whether it is rather a name.

`Frequencies` ranks word forms with their case ("Didier" is far more frequent than "didier", "dossier" than
"Dossier"), so that a text in capitals or in lower case can be given back the case that a recogniser was trained on.
Pure.
"""

import re
from collections.abc import Iterable, Iterator

from plume.corpus.pseudonymise.keep import is_plain_word, is_public_word
from plume.corpus.pseudonymise.lexicon import fold
from plume.corpus.pseudonymise.names import is_shouting
from plume.corpus.pseudonymise.spans import Span

_WORD = re.compile(r"[^\W\d_]+")
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: spaCy cannot read it
_FREQUENT = 3000  # ranks of words that nobody is taken to be called after a first name: "sonia merci"
_SURELY = 4  # how much more frequent a form must be than another to be preferred


class Frequencies:
    """Word forms by decreasing frequency, each in the case in which it was met."""

    def __init__(
        self, forms: Iterable[str], first_names: frozenset[str] = frozenset(), surnames: frozenset[str] = frozenset()
    ) -> None:
        """`first_names` and `surnames` are folded."""
        self._ranks = {form: rank for rank, form in enumerate(forms)}
        self._first_names, self._surnames = first_names, surnames

    def rank(self, form: str) -> int:
        """0 for the most frequent form; an unknown one stands after all known ones."""
        return self._ranks.get(form, 2 * len(self._ranks))

    def knows(self, form: str) -> bool:
        return form in self._ranks

    def is_acronym(self, word: str) -> bool:
        """Capitals that are the word's usual form, or a short word that nobody knows."""
        if not word.isupper() or len(word) == 1:
            return False
        title = word.capitalize()
        return self.rank(word) < self.rank(title) or (len(word) <= 5 and not self.knows(title))

    def is_unknown(self, word: str) -> bool:
        """A word in lower case that is in no list: a typing slip, or a rare name."""
        return (
            word.islower() and len(word) > 3 and not (self.knows(word) or is_plain_word(word) or is_public_word(word))
        )

    def wants_capital(self, word: str) -> bool:
        """A word in lower case that is met far more often with a capital."""
        if not word.islower() or len(word) < 3 or is_plain_word(word) or is_public_word(word):
            return False
        title = word.capitalize()
        if not self.knows(word):
            return self.knows(title)
        return self.rank(title) * _SURELY < self.rank(word)

    def may_be_name(self, text: str) -> bool:
        """Whether some word of what a recogniser proposes is rather a name than a common word or an acronym."""
        words = _WORD.findall(text)
        if len(words) == 1 and self.is_unknown(words[0]):  # a typing slip more often than a name
            return False
        return any(self._is_rather_name(word) for word in words)

    def may_hold_name(self, sentence: str, copy: str) -> bool:
        """Whether a sentence deserves the recogniser: badly cased, or a capital of its copy could be a name's."""
        if not sentence[:1].isupper() or is_shouting(sentence):
            return True
        return any(word[0].isupper() and self._is_rather_name(word) for word in _WORD.findall(copy))

    def _is_rather_name(self, word: str) -> bool:
        if is_public_word(word) or self.is_acronym(word):
            return False
        title = word.capitalize()
        if word.islower() and self.knows(title):
            return self.wants_capital(word)
        return not self.knows(word.lower()) or self.rank(word.lower()) >= self.rank(title)

    def listed_names(self, text: str) -> Iterator[Span]:
        """Listed first names where case tells nothing, with the surname after them: "au bout du fil zoran", "ida carré".

        The surname may be an everyday word, but none of the most frequent.
        """
        if is_shouting(text):
            lower = text.lower()
            text = lower if len(lower) == len(text) else text
        words = list(_WORD.finditer(text))
        for word, after in zip(words, [*words[1:], None], strict=True):
            if fold(word[0]) not in self._first_names or not (self.wants_capital(word[0]) or self.is_unknown(word[0])):
                continue
            goes_on = after is not None and text[word.end() : after.start()] in (" ", "-")
            named = goes_on and fold(after[0]) in self._surnames and self.rank(after[0]) > _FREQUENT
            yield Span(word.start(), after.end() if named else word.end(), "PERSONNE", "insee")

    def name_runs(self, text: str) -> Iterator[Span]:
        """Two adjacent words in lower case, or more, that want a capital or are unknown: "régis thibaudeau"."""
        run: list[re.Match[str]] = []
        for word in [*_WORD.finditer(text), None]:
            fits = word is not None and (self.wants_capital(word[0]) or self.is_unknown(word[0]))
            if fits and run and text[run[-1].end() : word.start()] not in (" ", "-"):
                yield from self._name(run)
                run = []
            if fits:
                run.append(word)
            else:
                yield from self._name(run)
                run = []

    def _name(self, run: list[re.Match[str]]) -> Iterator[Span]:
        if len(run) > 1:
            yield Span(run[0].start(), run[-1].end(), "PERSONNE", "frequency")

    def true_case(self, text: str) -> str:
        """The text with each word in its more likely case; same length."""
        shouting = is_shouting(text)

        def cased(match: re.Match[str]) -> str:
            new = self._cased(match[0], shouting=shouting)
            return new if len(new) == len(match[0]) else match[0]  # "ß" becomes "SS"

        text = _WORD.sub(cased, _SURROGATE.sub("?", text))
        for run in self.name_runs(text):
            text = (
                text[: run.start] + _WORD.sub(lambda m: m[0].capitalize(), text[run.start : run.end]) + text[run.end :]
            )
        return text

    def _cased(self, word: str, *, shouting: bool) -> str:
        lower, title = word.lower(), word.capitalize()
        if word.isupper() and shouting:
            if is_public_word(word) and not is_plain_word(word):
                return word
            common = self.knows(lower) and self.rank(lower) <= self.rank(title) * _SURELY
            return lower if common or is_plain_word(word) or len(word) == 1 else title
        if word.isupper() and len(word) > 1:
            return word if is_public_word(word) or self.is_acronym(word) else title
        return title if self.wants_capital(word) else word
