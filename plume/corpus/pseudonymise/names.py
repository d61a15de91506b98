"""Names of people: what a trigger announces, what a first name gives away, and what the recogniser proposes."""

import re
from collections.abc import Iterable, Iterator

from plume.corpus.pseudonymise.insee import communes, known_names
from plume.corpus.pseudonymise.keep import is_plain_word, is_public_word
from plume.corpus.pseudonymise.lexicon import AMBIGUOUS_FIRST_NAMES, FIRST_NAMES, fold, words
from plume.corpus.pseudonymise.spans import Span, trim

_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"{_LETTER}\.(?:-?{_LETTER}\.)*|{_LETTER}+(?:['’\-]{_LETTER}+)*")
_PARTICLES = words(
    "ait de du des d la le les el al ben bel bent da das dos do di del della van von der den ter ten st "
    "saint sainte abd abu ibn ould"
)
_ELIDED = re.compile(r"[dDlL]['’](?=[^\W\d_])")
_MAX_WORDS = 5

# Words after a civility that are an office, not a name: "Madame la Directrice", "Monsieur le Préfet".
_OFFICE = words(
    "maire directeur directrice prefet prefete president presidente ministre juge procureur procureure professeur "
    "docteur medecin conseiller conseillere agent responsable inspecteur inspectrice recteur rectrice commissaire "
    "sous-prefet sous-prefete secretaire depute deputee senateur senatrice mediateur mediatrice chef cheffe "
    "trésorier percepteur receveur monsieur madame messieurs mesdames tout toute"
)
KIN = (
    r"mari|femme|epoux|epouse|fils|fille|filles|enfants?|pere|mere|papa|maman|frere|soeur|oncle|tante|cousine?"
    r"|conjointe?|ex-conjointe?|ex-mari|ex-femme|ex|compagnon|compagne|concubine?|beau-pere|belle-mere|beau-frere"
    r"|belle-soeur|beau-fils|belle-fille|grand-pere|grand-mere|petit[ -]?fils|petite[ -]fille|petit[ -]neveu|neveu"
    r"|niece|parrain|marraine|bebe|fiancee?|ami|amie|voisine?|colocataire|gendre|partenaire|filleule?"
)
_ROLE = (
    r"agente?|conseillere?|gestionnaire|interlocuteur|interlocutrice|inspecteur|inspectrice|controleur|controleuse"
    r"|chirurgien(?:ne)?|tuteur|tutrice|curateur|curatrice|responsable|guichetiere?|assistante? sociale?|assistante?"
    r"|conciliateur|conciliatrice|avocate?|notaire|huissier|referente?|directeur|directrice|chef|cheffe|adjointe?"
    r"|technicien(?:ne)?|secretaire|hotesse|collegue|educateur|educatrice|infirmiere?|medecin|mandataire|facteur"
    r"|operateur|operatrice|teleconseillere?|mediateur|mediatrice|employee?|stagiaire|contact|dame|monsieur|maire"
    r"|officier"
)
# A word that makes a firm of what the recogniser takes for a person.
_FIRM = words(
    "bank banque assurance assurances mutuelle sa sas sarl eurl groupe group company services express immobilier"
)
# What announces a name, in folded text. After these, a name in lower case is believed:
_SURE_TRIGGERS = (
    (
        r"(?<![\w.'-])(?:m\.|mr\.?|mme\.?|mlle\.?|melle|mademoiselle|monsieur|madame|dr\.?|docteure?|pr\.|professeure?"
        r"|maitre|mgr)(?: et (?:mme|madame))? (?=\S)|(?<![\w.'-])(?:m|mr|mme|mlle|dr)\.(?=[^\W\d_]{3})"
    ),
    r"\b(?:je m'|m'|s'|s)appel\w+ |\bmon (?:nom|prenom)(?: de famille)?(?: est|:| :) ?|\bje me (?:nomme|prenomme) ",
    r"\b(?:ici|moi c'est|c'est moi|bjr c|bonjour c) |\b(?:je )?soussignee?,? (?:(?:mme|mr|m\.|madame|monsieur) )?",
    (
        r"(?:^|[\n.!?,]) ?(?:bien |tres )?(?:cordialement|sincerement|respectueusement|amicalement|salutations?|signe"
        r"|signature|bien a vous|a vous lire)[ ,.:;!\n-]{1,4}"
    ),
    r"^(?:bonjour|bonsoir) (?=[^\W\d_][\w'-]* ?,)",
)
# After these, only one with a capital:
_TRIGGERS = (
    r"(?<![\w.'-])(?:m|me)(?: et (?:mme|madame))? (?=\S)",
    (
        r"\b(?:nom d'usage|nom de (?:jeune fille|naissance|famille)|nom marital|prenoms?|nom|nommee?|prenommee?"
        r"|denommee?)(?: est)? ?:? "
    ),
    r"\b(?:nee|epouse|veuve) |\b(?:je suis|moi-meme|je|nous sommes),? ",
    r"\bun(?:e)? certaine? |\bun monsieur |\bune dame |\bau nom de |\bpour le compte de ",
    (
        rf"\b(?:mon|ma|mes|notre|nos|sa|son|ses|leur|votre|vos|feu|feue|l'|le|la|les|d'un|un|une) ?(?:{KIN})"
        r"(?: (?:jumelle|jumeau|ainee?|cadette?|unique|defunte?|decedee?))?(?: ?[,:(] ?| )"
    ),
    rf"\b(?:{_ROLE})(?: (?:nommee?|prenommee?|appelee?))?(?: ?[,:(] ?| )",
    r"^(?:bonjour|bonsoir|bjr|cher|chere)[ ,]{1,2}(?:(?:m\.|mr|mme|monsieur|madame),? )?",
)
_ANNOUNCERS = tuple((re.compile(p), sure) for ps, sure in ((_SURE_TRIGGERS, True), (_TRIGGERS, False)) for p in ps)
_MORE = re.compile(r"(?: ?, ?| et | ou | puis |, puis )(?:(?:de |d'|avec |a )?)")
REST_OF_WORD = re.compile(rf"{_LETTER}+|['’]{_LETTER}{{1,2}}(?!{_LETTER})")
# Initials on a last line of their own.
_SIGNED = re.compile(r"\n[^\S\n]*([A-ZÀ-Þ]{2,3}|(?:[A-ZÀ-Þ]\.[ -]?){2,3})\s*\Z")
_ONE_LETTER = re.compile(r"(?<!\w)(?:Mme|Mlle|Mr|M\.|Monsieur|Madame|Mademoiselle) ([A-ZÀ-Þ])(?![\w'’])")
_INITIAL_NAME = re.compile(
    r"(?<![\w.])(?:(?:[A-ZÀ-Þ]\.[ -]?){1,2}|(?:Th|Ph|Chr?|Fr|Cl|Fl|Gh|Jn)\.[ -]?)(?=[A-ZÀ-Þ][^\W\d_]{2})"
)
_MAYBE_FIRST_NAME = re.compile(rf"(?<![\w@./'-]){_LETTER}+(?:-{_LETTER}+)?(?![\w@/])")
_MAYBE_AMBIGUOUS = re.compile(rf"(?<![\w@./'-])[A-ZÀ-Þ]{_LETTER}+(?![\w@/])")
_PRESENTED = re.compile(r", (?:vot?re|pour|conseill|agent|responsable|gestionnaire|du service|de l'equipe)")
_LOWER_AMBIGUOUS = re.compile(
    r"\b(?:avec|merci(?: a)?|par|conseill\w+|agente?|collegue|monsieur|nomme\w*) "
    r"(camille|capucine|clemence|clement|guy|hortense|lambert|laure|lou|marine|martin|max|pierre|rene|sam|tom)\b(?!-)"
)


def find_names(text: str) -> Iterator[Span]:
    """Names that a trigger or a first name gives away; no recogniser needed."""
    folded = fold(text)
    shouting = is_shouting(text)
    for pattern, lower in _ANNOUNCERS:
        for match in pattern.finditer(folded):
            if match[0].startswith("me ") and text[match.start()] != "M":  # "on me réclame" is no "Me Martin"
                continue
            if shouting and not lower and not _is_listed(folded, match.end()):
                continue  # "JE SUIS CONTENTE", "MA FILLE ATTEND"
            civility = lower or match[0].startswith(("m ", "me "))
            yield from _announced(text, folded, match.end(), lower_ok=lower, trusted=civility and not shouting)
    for match in _INITIAL_NAME.finditer(text):
        end = read_name(text, match.end(), lower_ok=False, trusted=True)
        if end and match[0].strip() != "M.":
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


def _announced(text: str, folded: str, start: int, *, lower_ok: bool, trusted: bool) -> Iterator[Span]:
    """The name at `start`, and those that go on after it: "mes enfants Gaspard, Lise et Noé"."""
    while end := read_name(text, start, lower_ok=lower_ok, trusted=trusted):
        yield Span(start, end, "PERSONNE", "trigger")
        more = _MORE.match(folded, end)
        if more is None or not text[more.end() : more.end() + 1].isupper() or is_shouting(text):
            return
        start, trusted = more.end(), False


def _first_names(text: str, folded: str) -> Iterator[Span]:
    for match in _MAYBE_FIRST_NAME.finditer(folded):
        if any(part not in FIRST_NAMES for part in match[0].split("-")):
            continue
        end = match.end()
        if text[match.start()].isupper():
            end = read_name(text, match.start(), lower_ok=False, trusted=False) or end
        yield Span(match.start(), max(end, match.end()), "PERSONNE", "first-name")


def _ambiguous_first_names(text: str, folded: str) -> Iterator[Span]:
    """First names that are words too: with a surname after them, a capital in mid-sentence, or a telling neighbour."""
    for match in _MAYBE_AMBIGUOUS.finditer(text):
        if fold(match[0]) not in AMBIGUOUS_FIRST_NAMES or not match[0].istitle():
            continue
        after = match.end() + 1
        surname = text[after : after + 1].isupper() and read_name(text, after, lower_ok=False, trusted=False)
        inside = re.search(rf"(?:{_LETTER}|,) $", text[: match.start()][-2:]) and fold(match[0]) not in (
            "france",
            "noel",
        )
        if surname or inside or _PRESENTED.match(folded, match.end()):
            yield Span(match.start(), surname or match.end(), "PERSONNE", "first-name")
    for match in _LOWER_AMBIGUOUS.finditer(folded):
        yield Span(*match.span(1), "PERSONNE", "first-name")


def read_name(text: str, start: int, *, lower_ok: bool, trusted: bool) -> int | None:
    """End of the name that starts at `start`, or None.

    `lower_ok` believes up to two words in lower case; `trusted` (a civility in mixed case) believes a capitalised first
    word that is also a plain one ("Mme Petit").
    """
    position, end, lowered, after_first_name = start, None, 0, False
    for _ in range(_MAX_WORDS):
        elided = _ELIDED.match(text, position)
        if elided and (lower_ok or text[elided.end()].isupper()):
            position = elided.end()
        match = _WORD.match(text, position)
        if match is None:
            break
        word, plain = match[0], fold(match[0])
        goes_on = text[match.end() : match.end() + 1] == " "
        if plain.strip(".") in _PARTICLES and goes_on:
            position = match.end() + 1
            continue
        if not _may_name(word, plain, believed=(trusted and end is None) or after_first_name, first=end is None):
            break
        if word[0].islower() and not elided:
            if not lower_ok or lowered >= 2 or (end is not None and not lowered):
                break
            lowered += 1
        end, after_first_name = match.end(), plain in FIRST_NAMES and word.istitle()
        if not goes_on:
            break
        position = end + 1
    return end


def _may_name(word: str, plain: str, *, believed: bool, first: bool) -> bool:
    """Whether a word may be part of a name, as far as the word lists know."""
    if plain in _OFFICE:
        return False
    if is_public_word(word) and not (word.istitle() and (believed or not first)):
        return False
    return not is_plain_word(word) or (believed and word.istitle())


def accept(text: str, span: Span) -> Iterator[Span]:
    """A span of the recogniser, weighed against the word lists: nothing, or what of it may be a person or a city."""
    if text[max(0, span.start - 2) : span.start].lower() in ("o'", "o’"):  # "o'brien kelly"
        span = span._replace(start=span.start - 2)
    parts = list(_WORD.finditer(text, span.start, span.end))
    certain = [not (is_plain_word(w[0]) or is_public_word(w[0]) or fold(w[0]) in _PARTICLES) for w in parts]
    after = _WORD.match(text, span.end + 1)
    if not any(certain) or any(fold(w[0]) in _FIRM for w in (*parts, *([after] if after else []))):
        return
    first, last = 0, len(parts) - 1

    def goes(word: str) -> bool:
        return is_plain_word(word) or _is_acronym(word)

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
    return plain in communes() and plain not in FIRST_NAMES and plain not in AMBIGUOUS_FIRST_NAMES


def _is_acronym(word: str) -> bool:
    return (word.isupper() or word.islower()) and is_public_word(word)


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
