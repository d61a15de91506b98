"""Names as they are written: how far one goes, what belongs to it, and what of a recogniser's proposal is one."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from plume.french.insee import communes, known_names, spaced
from plume.french.text import fold, is_shouting
from plume.french.vocabulary import any_of, folded
from plume.french.words import PARTICLES, Word
from plume.pseudonymise.names_that_are_words import is_homonym
from plume.pseudonymise.spans import Span, trim

LISTS = Path(__file__).parent / "lists"

_LETTER = r"[^\W\d_]"
WORD = re.compile(rf"{_LETTER}\.(?:-?{_LETTER}\.)*|{_LETTER}+(?:['’\-]{_LETTER}+)*")
_ARTICLES = frozenset({"du", "des", "la", "le", "les"})
_ELIDED = re.compile(r"[dDlL]['’](?=[^\W\d_])")
_GLUED = re.compile(r"(?:^|(?<=\W))(?:[oO]['’]|[DMN]['’])$")  # "o'brien", "M'Madi": the name's own
_CLITIC = re.compile(r"(?:[jmntsc]|qu)['’]", re.IGNORECASE)
_MAX_WORDS = 5

_FIRM = folded("firm_words", LISTS)  # makes a firm of what the recogniser takes for a person
_CAPITALISED = rf"[A-ZÀ-ÖØ-ÞŒĀ-Ž]{_LETTER}*(?:['’\-]{_LETTER}+)*"
_AND_NEXT = re.compile(rf"([ -](?:(?i:{any_of(PARTICLES)}) ){{0,2}}(?:[dDlLOo]['’])?)({_CAPITALISED})")
_AND_BEFORE = re.compile(
    r"(?<=[a-zà-ÿ] )(?:D[eEuU]|DES|Des|L[eEaA]|E[lL]|B[eE][nN]|V[aAoO][nN]) $"
    rf"|(?<![\w@./'’-])({_CAPITALISED})[ -]$"
)
REST_OF_WORD = re.compile(rf"{_LETTER}+|['’]{_LETTER}{{1,2}}(?!{_LETTER})")


def read_name(
    text: str, start: int, *, lower_ok: bool, trusted: bool, homonyms: bool = False, sure: bool = True
) -> int | None:
    """End of the name that starts at `start`, or None.

    `lower_ok` believes up to two words in lower case; `trusted` (a civility in mixed case) believes a capitalised first
    word that is also a plain one ("Mme Petit"); `homonyms` believes plain words that are frequent names (see
    `is_homonym`, also for `sure`).
    """
    position, end, lowered, after_first_name = start, None, 0, False
    folded, shouting = fold(text), is_shouting(text)
    for _ in range(_MAX_WORDS):
        elided = _ELIDED.match(text, position)
        if elided and text[elided.end()].islower() and not is_listed(folded, position, 2):
            break  # "le contrôleur d'expliquer", "Madame, Monsieur, l'expression"
        if elided and (lower_ok or text[elided.end()].isupper()):
            position = elided.end()
        match = WORD.match(text, position)
        if match is None or text[match.end() : match.end() + 1] == "°":
            break
        word, known = match[0], Word.of(match[0])
        goes_on = text[match.end() : match.end() + 1] == " "
        if known.particle and goes_on:
            if position == start and _starts_an_office(text, folded, position, match.end() + 1, shouting=shouting):
                break
            position = match.end() + 1
            continue
        believed = (trusted and end is None) or after_first_name
        homonym = homonyms and end is None and (lower_ok or word[0].isupper())
        if not _may_name(known, believed=believed, first=end is None, given=after_first_name) and not (
            homonym and is_homonym(word, folded, match.end(), shouting=shouting, sure=sure)
        ):
            break
        if word[0].islower() and not elided:
            if not lower_ok or lowered >= 2 or (end is not None and not lowered):
                break
            lowered += 1
        end = match.end()
        after_first_name = word.istitle() and known.any_first_name
        if not goes_on:
            break
        position = end + 1
    return end


def is_listed(folded: str, start: int, least: int = 1) -> bool:
    """Say whether INSEE lists what stands at `start`, of `least` words or more: "de oliveira", "le gall"."""
    words = re.findall(r"[^\W\d_]+", folded[start : start + 60])[:4]
    return any(" ".join(words[:count]) in known_names() for count in range(least, len(words) + 1))


def _starts_an_office(text: str, folded: str, start: int, after: int, *, shouting: bool) -> bool:
    """Whether the article at `start` (not "de": "monsieur de kerdaniel") starts an office, or a phrase.

    Before a word in lower case it does ("Monsieur le consul", "sincèrement, du fond du cœur"), an article before any
    word, unless the two are a listed surname ("le gall") and no office ("LE MAIRE").
    """
    particle, word = text[start : after - 1], WORD.match(text, after)
    if word is None or fold(particle) not in _ARTICLES or particle.istitle():
        return False
    article = fold(particle) in ("la", "le", "les") and (particle.islower() or shouting)
    if not article and not (particle.islower() and word[0].islower()):
        return False
    return Word.of(word[0]).office or not is_listed(folded, start, 2)


def _may_name(word: Word, *, believed: bool, first: bool, given: bool = False) -> bool:
    """Say whether a word may be part of a name where one is awaited; `given`: a first name stands before it."""
    written = word.written
    if word.form_label or (word.office and not (given and word.folded in ("maire", "juge"))):
        return False
    if _CLITIC.match(written) and not written[2:].istitle() and not word.listed:
        return False  # "docteur Martin m'opère"
    if word.public and not (written.istitle() and (believed or not first)):
        return False
    return not word.everyday or (believed and written.istitle())


def complete(text: str, span: Span, may_be_name: Callable[[str], bool]) -> Span:
    """The span of a person with the capitalised words right beside it: "Muema" of "Chelangat Muema".

    Before it, a word that may begin a sentence is taken only if it is no word in lower case, which `may_be_name` says.
    """
    start, end = span.start, span.end
    for _ in range(_MAX_WORDS):
        match = _AND_NEXT.match(text, end) if text[end : end + 1] in (" ", "-") else None
        if match is None or not _goes_with_name(match[2], may_be_name):
            break
        if match[1].strip(" -'’") and spaced(match[2]) in communes():
            break  # "Nathalie de Bordeaux"
        end = match.end()
    for _ in range(_MAX_WORDS):
        last = re.split("[ -]", text[max(0, start - 40) : start])[-2:-1]  # far cheaper than the pattern
        match = _AND_BEFORE.search(text, max(0, start - 40), start) if last and last[0][:1].isupper() else None
        if match is None:
            break
        if match[1] and (not _goes_with_name(match[1], may_be_name) or spaced(match[1]) in communes()):
            break
        start = match.start()
    return span if (start, end) == span[:2] else span._replace(start=start, end=end)


def _goes_with_name(word: str, may_be_name: Callable[[str], bool]) -> bool:
    known = Word.of(word)
    return len(word) > 1 and known.may_be_name and not (known.form_label or known.office) and may_be_name(word)


def accept(text: str, span: Span) -> Iterator[Span]:
    """A span of the recogniser, weighed against the word lists: nothing, or what of it may be a person or a city."""
    glued = _GLUED.search(text, max(0, span.start - 3), span.start)
    if glued and span.type == "PERSONNE" and (glued[0][0] in "oO" or text[span.start].isupper()):
        span = span._replace(start=glued.start())
    parts = list(WORD.finditer(text, span.start, span.end))
    words = [Word.of(part[0]) for part in parts]
    certain = [word.may_be_name and not (word.particle or word.form_label) for word in words]
    after = WORD.match(text, span.end + 1)
    if not any(certain) or any(fold(w[0]) in _FIRM for w in (*parts, *([after] if after else []))):
        return
    first, last = 0, len(parts) - 1

    def goes(word: Word) -> bool:
        return word.everyday or _is_acronym(word) or word.form_label

    # A city is cut to its sure words; a name may begin with a particle or with "France".
    while not certain[first] and (span.type == "VILLE" or goes(words[first])):
        first += 1
    while not certain[last] and (words[last].particle or goes(words[last])):
        last -= 1
    if span.type == "VILLE" and parts[first][0].islower() and text[span.start].isupper():
        return  # "Nationalité du consultat": the capital was not the city's
    end = parts[last].end()
    if last == len(parts) - 1 and (rest := REST_OF_WORD.match(text, end)):  # "Guivarc'h"
        end = rest.end()
    kind = span.type
    if kind == "PERSONNE" and first == last and words[first].commune and not words[first].any_first_name:
        kind = "VILLE"  # "la cpam de lyon"
    if trimmed := trim(text, span._replace(start=parts[first].start(), end=end, type=kind)):
        yield trimmed


def _is_acronym(word: Word) -> bool:
    return (word.written.isupper() or word.written.islower()) and word.public


def words_of(names: Iterable[str]) -> set[str]:
    """The folded words of some names that are worth looking for elsewhere."""
    found = set()
    for name in names:
        for word in re.findall(rf"{_LETTER}+(?:['’\-]{_LETTER}+)*", name):
            plain = fold(word)
            if len(plain) >= 3 and plain not in PARTICLES:
                found.add(plain)
    return found
