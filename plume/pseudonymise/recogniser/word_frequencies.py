"""What the frequency of word forms tells: the case a word should have, and whether it is rather a name.

`Frequencies` ranks word forms with their case ("Didier" is far more frequent than "didier", "dossier" than
"Dossier"), so that a text in capitals or in lower case can be given back the case that a recogniser was trained on.
INSEE's lists help where the ranks are silent. Pure.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from plume.french.insee import spaced
from plume.french.text import is_shouting
from plume.french.words import Word
from plume.pseudonymise.names import REST_OF_WORD
from plume.pseudonymise.recogniser.by_ear import heard, is_run_together, slips, sounds_of
from plume.pseudonymise.spans import Span

_WORD = re.compile(r"[^\W\d_]+(?:c['’]h[^\W\d_]*)?")  # "Guivarc'h" is one word
_GOES_ON_AS, _STANDS_AFTER = tuple("@_/0123456789"), tuple("@_./#0123456789")
_NO_NAME_BEFORE = re.compile(
    r"\b(?:les?|la|l['’]|du|des|une?|aux?|loi|rue|avenue|place|chemin|route|allée|impasse|boulevard|quartier|résidence"
    r"|lieu-dit|appli(?:cation)?|site|portail|logiciel|société|entreprise|plate-?forme|marque|modèle|prime|carte|pass"
    r"|banque|mutuelle|assurance|groupe|centre|foyer|salle|gare|station|arrêt|hôtel|garage|magasin|compteur) ?$",
    re.IGNORECASE,
)
_PRONOUNS = frozenset(
    [
        "je",
        "tu",
        "il",
        "elle",
        "on",
        "nous",
        "vous",
        "ils",
        "elles",
        "moi",
        "toi",
        "lui",
        "leur",
        "y",
        "en",
        "ce",
        "ci",
        "là",
        "la",
        "le",
        "les",
        "t",
        "non",
        "ex",
    ]
)
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: spaCy cannot read it
_FREQUENT = 3000  # ranks of words that nobody is taken to be called after a first name: "sonia merci"
_SHORT = 4
_RARE = 30_000  # ranks of words that are hardly ever written in lower case
_SURELY = 4  # how much more frequent a form must be than another to be preferred
_OF_FRENCH = 5_000  # ranks of the words that half of a French sentence is made of
_COMMON = 12_000  # ranks of words that others spell as they hear them
_ABOUT_AS_OFTEN = 1.3  # how much more frequent a first name must be with a capital
_LIKELY = 5  # how much rarer a word may be with a capital and still follow a first name: "mas", not "jure"
_DOUBLED = re.compile(r"([^\W\daeiouy][aeiouyé]|[^\W\daeiouy]ou)\1", re.IGNORECASE)  # "Titi", "Loulou"
_UNHEARD = 8  # how much rarer a word may be with a capital and still be somebody's name
_REMEMBERED = 1 << 16  # word forms whose verdicts are kept


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is known of one word form, worked out once."""

    unknown: bool
    wants_capital: bool
    rare: bool  # in lower case, and unknown, wanting a capital or hardly ever written so
    rather_name: bool
    calm: str  # the form in its more likely case, in a text of usual case
    shouted: str  # and in one that is mostly capitals
    first_name: bool  # listed, and no usual word
    maybe_first_name: bool  # listed, and not too frequent a word: "ping"
    short: bool  # of at most four letters, and no frequent word
    odd: bool  # no usual word, or listed and not too frequent
    surname: bool  # the same of surnames: "blanchard"
    sure_surname: bool  # listed, and no usual word
    notable: bool  # what a sentence without such words need not be asked for
    bearable: bool  # a word that is somebody's name too: "Baron", "rose"
    given: bool  # as a first name
    unheard: bool  # with a capital, and in no list of words, however it is written
    common: bool  # in lower case, and frequent


class Frequencies:
    """Word forms by decreasing frequency, each in the case in which it was met."""

    def __init__(
        self, forms: Iterable[str], first_names: frozenset[str] = frozenset(), surnames: frozenset[str] = frozenset()
    ) -> None:
        """`first_names` and `surnames` are `spaced`; in lower case, a rare first name is left to the network."""
        self._ranks = {form: rank for rank, form in enumerate(forms)}
        self._first_names, self._surnames = first_names, surnames
        self._verdicts: dict[str, _Verdict] = {}
        self._sounds = sounds_of(
            form for form, rank in self._ranks.items() if rank < _COMMON and len(form) > 2 and form.islower()
        )

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

    def may_be_name(self, text: str) -> bool:
        """Whether some word of what a recogniser proposes is rather a name than a common word or an acronym."""
        return any(self._of(word).rather_name for word in _WORD.findall(text))

    def may_be_borne(self, text: str) -> bool:
        """Whether some word of what the network takes for a person is no usual word, or somebody's name too."""
        return any(v.rather_name or v.unknown or v.bearable for v in map(self._of, _WORD.findall(text)))

    def may_hold_name(self, sentence: str, copy: str) -> bool:
        """Whether a sentence deserves the recogniser: some word of it could be a name, the way it is written."""
        cased = sentence != sentence.lower() and not is_shouting(sentence)
        for i, word in enumerate(_WORD.finditer(copy)):
            verdict = self._of(word[0])
            if verdict.unknown or (verdict.rather_name and word[0][0].isupper()):
                return True
            if verdict.bearable and (not cased or (sentence[word.start()].isupper() and (i or verdict.given))):
                return True
        return False

    def is_plain(self, sentence: str) -> bool:
        """Whether the words of a sentence by themselves hold no name, and stand in their likely case."""
        return not (any(self._of(word).notable for word in _WORD.findall(sentence)) or is_shouting(sentence))

    def unheard_of(self, sentence: str) -> Iterator[Span]:
        """Words with a capital that no list of words holds: nearly always somebody's name, or a small place's.

        Not after an article or what names a thing ("la Cafat", "l'appli Maiia"), nor in another language.
        """
        words = list(_WORD.finditer(sentence))
        unheard = [i for i, word in enumerate(words) if self._of(word[0]).unheard]
        if not unheard or is_shouting(sentence):
            return
        lower = [word[0] for word in words if word[0].islower()]
        if 2 * sum(self._of(word).common for word in lower) < len(lower) or (unheard[0] == 0 and not lower):
            return
        for i in unheard:
            start, end = words[i].span()
            inside_more = sentence[end : end + 1] in _GOES_ON_AS or sentence[start - 1 : start] in _STANDS_AFTER
            if not inside_more and not _NO_NAME_BEFORE.search(sentence, max(0, start - 20), start):
                yield Span(start, end, "PERSONNE", "frequency")

    def listed_names(self, text: str) -> Iterator[Span]:
        """Listed first names, with the surname after them: "au bout du fil zoran", "IDA CARRÉ", "Maialen Le Bras".

        In lower case and in capitals the surname may be an everyday word, but none of the most frequent.
        """
        text = _hushed(text)
        words = list(_WORD.finditer(text))
        for i, word in enumerate(words):
            if self._of(word[0]).first_name:
                first, last = _compound(text, words, i)
                end = self._end_of_surname(text, words[last : last + 4]) or words[last].end()
                yield Span(words[first].start(), end, "PERSONNE", "insee")
            if i and text[words[i - 1].end() : word.start()] == " " and self._are_name(words[i - 1][0], word[0]):
                yield Span(words[i - 1].start(), word.end(), "PERSONNE", "insee")

    def _are_name(self, word: str, after: str) -> bool:
        """Whether two words, neither of them surely a first name, are one person's: "ping yang", "Melodie Blanc"."""
        one, two = self._of(word), self._of(after)
        if (one.odd and two.sure_surname) or (one.sure_surname and two.maybe_first_name):
            return True
        if one.short and two.rare and two.sure_surname:  # names of one syllable: "hui zheng"
            return True
        return word.istitle() and after.istitle() and one.maybe_first_name and spaced(after) in self._surnames

    def _end_of_surname(self, text: str, words: list[re.Match[str]]) -> int | None:
        """Where the surname ends that follows the first of some words, None if none does."""
        for count in range(len(words) - 1, 0, -1):
            between = [text[a.end() : b.start()] for a, b in pairwise(words[: count + 1])]
            parts = [word[0] for word in words[1 : count + 1]]
            if any(blank not in (" ", "-") for blank in between):
                continue
            if count > 1:
                found = spaced(" ".join(parts)) in self._surnames and (parts[0][0].isupper() or len(parts[-1]) > 3)
            else:
                cased = words[0][0][0].isupper() and parts[0].istitle() and not Word.of(parts[0]).public
                found = self._of(parts[0]).surname or (cased and spaced(parts[0]) in self._surnames)
            if found:
                rest = REST_OF_WORD.match(text, words[count].end())
                return rest.end() if rest else words[count].end()
        return None

    def name_runs(self, text: str) -> Iterator[Span]:
        """Two adjacent words in lower case, or more, that are no usual words: "régis thibaudeau", "trang vang".

        At least one of them wants a capital or is unknown; the others are at least rare.
        """
        text = _hushed(text)
        run: list[re.Match[str]] = []
        for word in _WORD.finditer(text):
            fits = self._of(word[0]).rare
            if run and not (fits and text[run[-1].end() : word.start()] in (" ", "-")):
                yield from self._name(run)
                run = []
            if fits:
                run.append(word)
        yield from self._name(run)

    def _name(self, run: list[re.Match[str]]) -> Iterator[Span]:
        if len(run) > 1 and any(self._of(word[0]).unknown or self._of(word[0]).wants_capital for word in run):
            yield Span(run[0].start(), run[-1].end(), "PERSONNE", "frequency")

    def true_case(self, text: str) -> str:
        """The text with each word in its more likely case; same length."""
        shouting = is_shouting(text)

        def cased(match: re.Match[str]) -> str:
            verdict = self._of(match[0])
            return verdict.shouted if shouting else verdict.calm

        text = _WORD.sub(cased, _SURROGATE.sub("?", text))
        for run in self.name_runs(text):
            text = (
                text[: run.start] + _WORD.sub(lambda m: m[0].capitalize(), text[run.start : run.end]) + text[run.end :]
            )
        return text

    def _of(self, word: str) -> _Verdict:
        verdict = self._verdicts.get(word)
        if verdict is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[word] = self._judge(word)
        return verdict

    def _judge(self, word: str) -> _Verdict:
        lower, title = word.lower(), word.capitalize()
        known_word = Word.of(word)
        plain, public = known_word.everyday, known_word.public
        unknown = word.islower() and len(word) > 3 and not (self.knows(word) or plain or public)
        wants_capital = False
        if word.islower() and len(word) >= 3 and not plain and not public:
            known = self.knows(word)
            wants_capital = self.rank(title) * _SURELY < self.rank(word) if known else self.knows(title)
        by_ear = word.islower() and not plain and self._is_by_ear(word, title)
        if by_ear:
            unknown = wants_capital = False
        if public or by_ear or self.is_acronym(word):
            rather_name = False
        elif word.islower() and self.knows(title):
            rather_name = wants_capital or self._is_rare(lower, title)
        else:
            rather_name = not self.knows(lower) or self.rank(lower) >= self.rank(title)
        folded = spaced(word)
        calm = self._calm(word, title, wants_capital=wants_capital, public=public)
        shouted = self._shouted(word, lower, title, plain=plain, public=public) if word.isupper() else calm
        listed = not by_ear and (folded in self._first_names or folded in self._surnames)
        given = known_word.also_first_name or folded in self._first_names
        unusual = not by_ear and (wants_capital or unknown or self._is_rare(lower, title))
        listed_first = folded in self._first_names and not by_ear
        # "daron", "ala" are written so about as often without a capital: the network decides.
        as_word = word.islower() and not known_word.first_name and self.knows(title)
        as_word = as_word and self.rank(title) * _ABOUT_AS_OFTEN > self.rank(lower)
        first_name = unusual and (self._is_doubled(lower, title) or (listed_first and not as_word))
        maybe_first_name = listed_first and self.rank(lower) > _FREQUENT
        rare = word.islower() and unusual and not plain and not public
        sure_surname = folded in self._surnames and (unusual or self.rank(lower) > _RARE)
        return _Verdict(
            unknown=unknown,
            wants_capital=wants_capital,
            rare=rare,
            rather_name=rather_name,
            calm=calm if len(calm) == len(word) else word,  # "ß" becomes "SS"
            shouted=shouted if len(shouted) == len(word) else word,
            first_name=first_name,
            maybe_first_name=maybe_first_name,
            short=len(word) <= _SHORT and not plain and not public and self.rank(lower) > _FREQUENT,
            odd=not plain and not public and (unusual or (listed and self.rank(lower) > _FREQUENT)),
            surname=folded in self._surnames
            and self.rank(word) > (_FREQUENT if len(word) > 2 else _RARE)
            and self.rank(title) <= _LIKELY * self.rank(lower),
            sure_surname=sure_surname,
            notable=bool(_SURROGATE.search(word))
            or rare
            or unknown
            or first_name
            or sure_surname
            or (maybe_first_name and word.istitle())
            or calm != word
            or (word[0].isupper() and rather_name),
            bearable=given or known_word.also_surname or self._is_surname_too(folded, lower, title),
            given=given,
            unheard=word.istitle() and len(word) > 3 and known_word.may_be_name and self._is_unheard(lower, title),
            common=self.rank(word) < _OF_FRENCH,
        )

    def _is_by_ear(self, word: str, title: str) -> bool:
        """Whether a word in lower case is a common one, as it is heard or with the word before it run in."""
        rank = self.rank(word)
        if rank <= _RARE or self.rank(title) < rank or spaced(word) in self._first_names:
            return False
        return heard(word) in self._sounds or is_run_together(word, lambda form: self.rank(form) < _COMMON)

    def _is_unheard(self, lower: str, title: str) -> bool:
        return not (self.knows(title) or self.knows(lower) or heard(lower) in self._sounds or self._is_slip(lower))

    def _is_slip(self, lower: str) -> bool:
        """Whether a word is a common one with a letter lost, doubled, added or swapped with the next."""
        return any(self.rank(form) < _COMMON for form in slips(lower))

    def _is_doubled(self, lower: str, title: str) -> bool:
        """Whether a word is a syllable said twice, and oftener somebody's name than a thing: "titi", not "bobo"."""
        return _DOUBLED.fullmatch(lower) is not None and self.rank(title) < self.rank(lower) > _RARE

    def _is_surname_too(self, folded: str, lower: str, title: str) -> bool:
        """Whether a word is listed as a surname, and capitals are not all but unheard of: "baron", not "corriger"."""
        rank = self.rank(lower)
        return folded in self._surnames and rank > _FREQUENT and self.rank(title) <= _UNHEARD * rank

    def _is_rare(self, lower: str, title: str) -> bool:
        return self.rank(lower) > _RARE and self.rank(lower) >= self.rank(title)

    def _calm(self, word: str, title: str, *, wants_capital: bool, public: bool) -> str:
        if word.isupper() and len(word) > 1:
            return word if public or self.is_acronym(word) else title
        return title if wants_capital else word

    def _shouted(self, word: str, lower: str, title: str, *, plain: bool, public: bool) -> str:
        if public and not plain:
            return word
        common = (
            self.knows(lower) and self.rank(lower) <= self.rank(title) * _SURELY and not self._is_rare(lower, title)
        )
        return lower if common or plain or len(word) == 1 else title


def _compound(text: str, words: list[re.Match[str]], i: int) -> tuple[int, int]:
    """Indices of the first and the last word that hyphens join with the one at `i`: "marie-claire"."""
    first = last = i
    while first and text[words[first - 1].end() : words[first].start()] == "-":
        first -= 1
    while last + 1 < len(words) and text[words[last].end() : words[last + 1].start()] == "-":
        last += 1
    return (
        (first, last)
        if last - first < 3 and not _PRONOUNS & {w[0].lower() for w in words[first : last + 1]}
        else (i, i)
    )


def _hushed(text: str) -> str:
    """A text that is mostly capitals in lower case, if that keeps its length; any other as it is."""
    lower = text.lower() if is_shouting(text) else text
    return lower if len(lower) == len(text) else text
