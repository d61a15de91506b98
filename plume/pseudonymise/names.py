"""Names of people: what a trigger announces, what a first name gives away, and what the recogniser proposes."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from plume.french.text import fold
from plume.french.vocabulary import word_set
from plume.french.words import FIRST_NAMES, FIRST_NAMES_THAT_ARE_WORDS
from plume.pseudonymise.homonyms import HOMONYMS, NO_THANKS_TO, WORD_NAMES, acts, is_homonym
from plume.pseudonymise.insee import communes, known_names, spaced
from plume.pseudonymise.keep import is_plain_word, is_public_word
from plume.pseudonymise.spans import Span, trim
from plume.pseudonymise.triggers import ANNOUNCERS, Announcer

_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"{_LETTER}\.(?:-?{_LETTER}\.)*|{_LETTER}+(?:['’\-]{_LETTER}+)*")
_PARTICLES = word_set(
    "ait de du des d la le les el al ben bel bent da das dos do di del della van von der den ter ten st "
    "saint sainte abd abu ibn ould"
)
_ARTICLES = word_set("du des la le les")
_ELIDED = re.compile(r"[dDlL]['’](?=[^\W\d_])")
_CLITIC = re.compile(r"(?:[jmntsc]|qu)['’]", re.IGNORECASE)
_LEADS_ELSEWHERE = re.compile(r"(?:de|du|des) |d['’]")
_MAX_WORDS = 5

# Words after a civility that are an office, not a name: "Madame la Directrice", "Monsieur le Préfet".
_OFFICE = word_set(
    "maire directeur directrice prefet prefete president presidente ministre juge procureur procureure professeur "
    "docteur medecin conseiller conseillere agent responsable inspecteur inspectrice recteur rectrice commissaire "
    "sous-prefet sous-prefete secretaire depute deputee senateur senatrice mediateur mediatrice chef cheffe "
    "trésorier percepteur receveur monsieur madame messieurs mesdames tout toute consul consule vice-consul "
    "vice-consule ambassadeur ambassadrice batonnier batonniere greffier greffiere huissier chancelier chanceliere "
    "gouverneur proviseur proviseure delegue deleguee sous-directeur sous-directrice tresorier-payeur colonel "
    "capitaine commandant commandante commissaire-priseur lieutenant adjudant brigadier gendarme policier facteur"
)
# Labels of a form, which stand beside what is filled in.
_LABELS = word_set("nom noms prenom prenoms")
# A word that makes a firm of what the recogniser takes for a person.
_FIRM = word_set(
    "bank banque assurance assurances mutuelle sa sas sarl eurl groupe group company services express immobilier"
)
# Right before a name in lower case: a closing formula, and a title that some word makes a common noun.
_FORMULA = re.compile(
    r"(?:sincerement|respectueusement|cordialement|amicalement|salutations?|signature|signe)([ ,.:;!\n-]+)$"
)
_SOME_TITLE = re.compile(
    r"\b(?:une?|ce|cet|cette|le|la|les|des|quel|quelle|autre|mon|ma|son|sa|notre|votre|chaque|aucune?) "
    r"(docteure?|professeure?|maitre|monsieur|madame) $"
)
_DESCRIBES = word_set(
    "traitant traitante generaliste specialiste remplacant remplacante liberal principal scolaire gentil gentille juste"
    " electronique manuscrite numerique distinguees distingues respectueuses cordiales republicaines sinceres jeune"
)


_MORE = re.compile(r"(?: ?[,/] ?| et | ou | puis |, puis )(?:(?:de |d'|avec |a )?)")
_CAPITALISED = rf"[A-ZÀ-ÖØ-ÞŒĀ-Ž]{_LETTER}*(?:['’\-]{_LETTER}+)*"
_AND_NEXT = re.compile(
    r"([ -](?:(?i:de la|de|du|des|van der|van den|van|von|el|al|ben|bin|ould|da|dos|das|do|di|della|del|y|e|le|la|ter"
    r"|ten) )?"
    rf"(?:[dDlLOo]['’])?)({_CAPITALISED})"
)
_AND_BEFORE = re.compile(
    r"(?<=[a-zà-ÿ] )(?:D[eEuU]|DES|Des|L[eEaA]|E[lL]|B[eE][nN]|V[aAoO][nN]) $"
    rf"|(?<![\w@./'’-])({_CAPITALISED})[ -]$"
)
REST_OF_WORD = re.compile(rf"{_LETTER}+|['’]{_LETTER}{{1,2}}(?!{_LETTER})")
# Initials on a last line of their own.
_SIGNED = re.compile(r"\n[^\S\n]*([A-ZÀ-Þ]{2,3}|(?:[A-ZÀ-Þ]\.[ -]?){2,3})\s*\Z")
_ONE_LETTER = re.compile(r"(?<!\w)(?:Mme|Mlle|Mr|M\.|Monsieur|Madame|Mademoiselle) ([A-ZÀ-Þ])(?![\w'’])")
_GLUED = re.compile(rf"\b(?:M(?:me|lle|r|onsieur|adame)|Dr)(?=[A-ZÀ-Þ]{_LETTER}{{2}})")  # "MmeLacroix"
_INITIAL_NAME = re.compile(
    r"(?<![\w.])(?:(?:[A-ZÀ-Þ]\.[ -]?){1,2}|(?:Th|Ph|Chr?|Fr|Cl|Fl|Gh|Jn)\.[ -]?)(?=[A-ZÀ-Þ][^\W\d_]{2})"
)
_MAYBE_FIRST_NAME = re.compile(rf"(?<![\w@./'-]){_LETTER}+(?:-{_LETTER}+)?(?![\w@/])")
_MAYBE_AMBIGUOUS = re.compile(rf"(?<![\w@./'-])[A-ZÀ-Þ]{_LETTER}+(?![\w@/])")
_PRESENTED = re.compile(r", (?:vot?re|pour|conseill|agent|responsable|gestionnaire|du service|de l'equipe)")
_AMBIGUOUS_AFTER_THANKS = re.compile(
    r"\b(?:merci|bravo)(?: (?:a|beaucoup a|beaucoup))? ([a-z]{4,})"
    r"(?= ?(?:$|[,.!;:)\n]| (?:et|pour|du|de la|de l'|qui)\b))"
)
_LOWER_AMBIGUOUS = re.compile(
    r"\b(?:avec|merci(?: a)?|par|conseill\w+|agente?|collegue|monsieur|nomme\w*"
    r"|(?:mon|ma|son|sa|notre|votre|leur) (?:mari|femme|fils|fille|frere|soeur|pere|mere|epouse|epoux|compagn\w+)) "
    r"(camille|capucine|clemence|clement|guy|hortense|lambert|laure|lou|marine|martin|max|pierre|rene|sam|tom)\b(?!-)"
)


def find_names(text: str) -> Iterator[Span]:
    """Names that a trigger or a first name gives away; no recogniser needed."""
    folded = fold(text)
    shouting = is_shouting(text)
    for announcer in ANNOUNCERS:
        for match in announcer.pattern.finditer(folded):
            if match[0].startswith("me ") and text[match.start()] != "M":  # "on me réclame" is no "Me Martin"
                continue
            if shouting and not announcer.lower and not _is_listed(folded, match.end()):
                continue  # "JE SUIS CONTENTE", "MA FILLE ATTEND"
            yield from _announced(text, folded, match.end(), announcer, shouting=shouting)
    for match in _GLUED.finditer(text) if not shouting else ():
        if end := read_name(text, match.end(), lower_ok=False, trusted=True):
            yield Span(match.end(), end, "PERSONNE", "trigger")
    for match in _INITIAL_NAME.finditer(text):
        end = read_name(text, match.end(), lower_ok=False, trusted=False, homonyms=True)
        if end and match[0].strip() != "M.":  # the letter may end a sentence: "porte B. Merci"
            yield Span(match.start(), end, "PERSONNE", "initial")
    for match in _ONE_LETTER.finditer(text):
        yield Span(*match.span(1), "PERSONNE", "initial")
    if (signed := _SIGNED.search(text)) and not is_plain_word(signed[1]) and not is_public_word(signed[1]):
        yield Span(*signed.span(1), "PERSONNE", "initial")
    yield from _first_names(text, folded)
    if not shouting:
        yield from _ambiguous_first_names(text, folded)


def _is_listed(folded: str, start: int) -> bool:
    """Whether the word at `start`, or the surname of several words, is in INSEE's lists, or an initial."""
    words = re.findall(r"[^\W\d_]+", folded[start : start + 60])[:3]
    return any(" ".join(words[:count]) in known_names() for count in range(1, len(words) + 1)) or (
        bool(words) and len(words[0]) == 1
    )


def _announced(text: str, folded: str, start: int, announcer: Announcer, *, shouting: bool) -> Iterator[Span]:
    """The name at `start`, and those that go on after it: "mes enfants Gaspard, Lise et Noé"."""
    if text[start : start + 1].islower() and not _is_awaited(folded, start):
        return
    led = _LEADS_ELSEWHERE.match(text, start) if announcer.relation else None
    if led and not _listed_with_particle(folded, start):
        if not (announcer.kin and text[led.end() : led.end() + 1].isupper()):
            return
        start = led.end()  # "la mère de Théo"
    trusted = announcer.civility and not shouting
    sure = not announcer.opening
    if not announcer.lower and sure and (end := _end_of_homonyms(folded, start, text[max(0, start - 2) : start])):
        yield Span(start, end, "PERSONNE", "trigger")
    while end := read_name(text, start, lower_ok=announcer.lower, trusted=trusted, homonyms=True, sure=sure):
        yield Span(start, end, "PERSONNE", "trigger")
        more = _MORE.match(folded, end)
        if more is None or not text[more.end() : more.end() + 1].isupper() or shouting:
            return
        start, trusted = more.end(), False


def _is_awaited(folded: str, start: int) -> bool:
    """Whether a name in lower case may stand at `start`, after a closing formula or a title with an article before it.

    Right after the formula, without a sign between, it must be listed ("sincèrement bluffé par l'accueil"); so it must
    after "mon docteur", and be no "un monsieur gentil" at all.
    """
    if formula := _FORMULA.search(folded, max(0, start - 40), start):
        line = re.split(r"[\n.,;:!?(]", folded[start : start + 80])[0].split()
        return not formula[1].isspace() or (len(line) <= 3 and _is_listed(folded, start) and line[0] not in _DESCRIBES)
    if title := _SOME_TITLE.search(folded, max(0, start - 40), start):
        word = _WORD.match(folded, start)
        doctor = title[1] not in ("monsieur", "madame")
        return doctor and word is not None and word[0] not in _DESCRIBES and _is_listed(folded, start)
    return True


def _end_of_homonyms(folded: str, start: int, before: str) -> int | None:
    """End of everyday words that are a name in any case.

    They are two after a relation ("ma conseillère claire petit"), or one after the label of a form ("nom : petit").
    """
    one = _WORD.match(folded, start)
    if one is None:
        return None
    two = _WORD.match(folded, one.end() + 1) if folded[one.end() : one.end() + 1] == " " else None
    if two and one[0] in HOMONYMS | FIRST_NAMES_THAT_ARE_WORDS and is_homonym(two[0], folded, two.end()):
        return two.end()
    return one.end() if before == ": " and is_homonym(one[0], folded, one.end()) else None


def _listed_with_particle(folded: str, start: int) -> bool:
    """Whether particles and the word after them are a listed surname: "de oliveira", "le gall"."""
    words = re.findall(r"[^\W\d_]+", folded[start : start + 40])[:4]
    return any(" ".join(words[:count]) in known_names() for count in range(2, len(words) + 1))


def _first_names(text: str, folded: str) -> Iterator[Span]:
    for match in _MAYBE_FIRST_NAME.finditer(folded):
        parts = match[0].split("-")
        if not FIRST_NAMES.intersection(parts) or not all(p in FIRST_NAMES or p in WORD_NAMES for p in parts):
            continue
        end = match.end()
        if text[match.start()].isupper():
            end = read_name(text, match.start(), lower_ok=False, trusted=False) or end
        yield Span(match.start(), max(end, match.end()), "PERSONNE", "first-name")


def _ambiguous_first_names(text: str, folded: str) -> Iterator[Span]:
    """First names that are words too: with a surname after them, a capital in mid-sentence, or a telling neighbour."""
    for match in _MAYBE_AMBIGUOUS.finditer(text):
        if not match[0].istitle() or fold(match[0]) not in FIRST_NAMES_THAT_ARE_WORDS:
            if fold(match[0]) in WORD_NAMES and acts(text, folded, match):
                yield Span(*match.span(), "PERSONNE", "first-name")
            continue
        after = match.end() + 1
        surname = text[after : after + 1].isupper() and read_name(text, after, lower_ok=False, trusted=False)
        inside = re.search(rf"(?:{_LETTER}|,) $", text[: match.start()][-2:]) and fold(match[0]) not in (
            "france",
            "noel",
        )
        if surname or inside or _PRESENTED.match(folded, match.end()) or acts(text, folded, match):
            yield Span(match.start(), surname or match.end(), "PERSONNE", "first-name")
    for match in _AMBIGUOUS_AFTER_THANKS.finditer(folded) if "merci" in folded or "bravo" in folded else ():
        if match[1] in WORD_NAMES and match[1] not in NO_THANKS_TO:
            yield Span(*match.span(1), "PERSONNE", "first-name")
    for match in _LOWER_AMBIGUOUS.finditer(folded):
        yield Span(*match.span(1), "PERSONNE", "first-name")


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
        if elided and text[elided.end()].islower() and not _listed_with_particle(folded, position):
            break  # "le contrôleur d'expliquer", "Madame, Monsieur, l'expression"
        if elided and (lower_ok or text[elided.end()].isupper()):
            position = elided.end()
        match = _WORD.match(text, position)
        if match is None or text[match.end() : match.end() + 1] == "°":
            break
        word, plain = match[0], fold(match[0])
        goes_on = text[match.end() : match.end() + 1] == " "
        if plain.strip(".") in _PARTICLES and goes_on:
            if position == start and _starts_an_office(text, folded, position, match.end() + 1, shouting=shouting):
                break
            position = match.end() + 1
            continue
        believed = (trusted and end is None) or after_first_name
        homonym = homonyms and end is None and (lower_ok or word[0].isupper())
        if not _may_name(word, plain, believed=believed, first=end is None, given=after_first_name) and not (
            homonym and is_homonym(word, folded, match.end(), shouting=shouting, sure=sure)
        ):
            break
        if word[0].islower() and not elided:
            if not lower_ok or lowered >= 2 or (end is not None and not lowered):
                break
            lowered += 1
        end = match.end()
        after_first_name = word.istitle() and (plain in FIRST_NAMES or plain in FIRST_NAMES_THAT_ARE_WORDS)
        if not goes_on:
            break
        position = end + 1
    return end


def _starts_an_office(text: str, folded: str, start: int, after: int, *, shouting: bool) -> bool:
    """Whether the article at `start` (not "de": "monsieur de kerdaniel") starts an office, or a phrase.

    Before a word in lower case it does ("Monsieur le consul", "sincèrement, du fond du cœur"), an article before any
    word, unless the two are a listed surname ("le gall") and no office ("LE MAIRE").
    """
    particle, word = text[start : after - 1], _WORD.match(text, after)
    if word is None or fold(particle) not in _ARTICLES or particle.istitle():
        return False
    article = fold(particle) in ("la", "le", "les") and (particle.islower() or shouting)
    if not article and not (particle.islower() and word[0].islower()):
        return False
    return fold(word[0]) in _OFFICE or not _listed_with_particle(folded, start)


def _may_name(word: str, plain: str, *, believed: bool, first: bool, given: bool = False) -> bool:
    """Whether a word may be part of a name, as far as the word lists know; `given`: a first name stands before it."""
    if plain in _LABELS or (plain in _OFFICE and not (given and plain in ("maire", "juge"))):
        return False
    if _CLITIC.match(word) and not word[2:].istitle() and spaced(word) not in known_names():
        return False  # "docteur Martin m'opère"
    if is_public_word(word) and not (word.istitle() and (believed or not first)):
        return False
    return not is_plain_word(word) or (believed and word.istitle())


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
    return span if (start, end) == span[:2] else Span(start, end, span.type, span.source)


def _goes_with_name(word: str, may_be_name: Callable[[str], bool]) -> bool:
    plain = fold(word)
    return (
        len(word) > 1
        and not (is_plain_word(word) or is_public_word(word) or plain in _LABELS or plain in _OFFICE)
        and may_be_name(word)
    )


def accept(text: str, span: Span) -> Iterator[Span]:
    """A span of the recogniser, weighed against the word lists: nothing, or what of it may be a person or a city."""
    if text[max(0, span.start - 2) : span.start].lower() in ("o'", "o’"):  # "o'brien kelly"
        span = span._replace(start=span.start - 2)
    parts = list(_WORD.finditer(text, span.start, span.end))
    certain = [not (is_plain_word(w[0]) or is_public_word(w[0]) or fold(w[0]) in _PARTICLES | _LABELS) for w in parts]
    after = _WORD.match(text, span.end + 1)
    if not any(certain) or any(fold(w[0]) in _FIRM for w in (*parts, *([after] if after else []))):
        return
    first, last = 0, len(parts) - 1

    def goes(word: str) -> bool:
        return is_plain_word(word) or _is_acronym(word) or fold(word) in _LABELS

    # A city is cut to its sure words; a name may begin with a particle or with "France".
    while not certain[first] and (span.type == "VILLE" or goes(parts[first][0])):
        first += 1
    while not certain[last] and (fold(parts[last][0]) in _PARTICLES or goes(parts[last][0])):
        last -= 1
    if span.type == "VILLE" and parts[first][0].islower() and text[span.start].isupper():
        return  # "Nationalité du consultat": the capital was not the city's
    end = parts[last].end()
    if last == len(parts) - 1 and (rest := REST_OF_WORD.match(text, end)):  # "Guivarc'h"
        end = rest.end()
    kind = span.type
    if kind == "PERSONNE" and first == last and _is_rather_commune(parts[first][0]):
        kind = "VILLE"  # "la cpam de lyon"
    if trimmed := trim(text, Span(parts[first].start(), end, kind, span.source)):
        yield trimmed


def _is_rather_commune(word: str) -> bool:
    plain = fold(word)
    return plain in communes() and plain not in FIRST_NAMES and plain not in FIRST_NAMES_THAT_ARE_WORDS


def _is_acronym(word: str) -> bool:
    return (word.isupper() or word.islower()) and is_public_word(word)


@lru_cache(maxsize=256)
def is_shouting(text: str) -> bool:
    """Mostly capitals: case tells nothing there."""
    letters = sum(map(str.isalpha, text))
    return letters > 5 and sum(map(str.isupper, text)) > 0.6 * letters


def words_of(names: Iterable[str]) -> set[str]:
    """The folded words of some names that are worth looking for elsewhere."""
    found = set()
    for name in names:
        for word in re.findall(rf"{_LETTER}+(?:['’\-]{_LETTER}+)*", name):
            plain = fold(word)
            if len(plain) >= 3 and plain not in _PARTICLES:
                found.add(plain)
    return found
