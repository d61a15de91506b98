"""Names of people: what a trigger announces, what a first name gives away, and what the recogniser proposes."""

import re
from collections.abc import Iterable, Iterator

from plume.corpus.pseudonymise.keep import is_plain_word, is_public_word
from plume.corpus.pseudonymise.lexicon import AMBIGUOUS_FIRST_NAMES, FIRST_NAMES, fold
from plume.corpus.pseudonymise.spans import Span, trim

_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"{_LETTER}\.(?:-?{_LETTER}\.)*|{_LETTER}+(?:['’\-]{_LETTER}+)*")
_PARTICLES = frozenset(
    "de du des d la le les el al ben bel bent da das dos do di del della van von der den ter ten st saint sainte abd abu ibn ould".split()
)
_ELIDED = re.compile(r"[dDlL]['’](?=[^\W\d_])")
_MAX_WORDS = 5

# Words after a civility that are an office, not a name: "Madame la Directrice", "Monsieur le Préfet".
_OFFICE = frozenset(
    "maire directeur directrice prefet prefete president presidente ministre juge procureur procureure professeur docteur medecin conseiller "
    "conseillere agent responsable inspecteur inspectrice recteur rectrice commissaire sous-prefet sous-prefete secretaire depute deputee senateur "
    "senatrice mediateur mediatrice chef cheffe trésorier percepteur receveur monsieur madame messieurs mesdames tout toute".split()
)
KIN = (
    r"mari|femme|epoux|epouse|fils|fille|filles|enfants?|pere|mere|papa|maman|frere|soeur|oncle|tante|cousine?|conjointe?|ex-conjointe?|ex-mari|ex-femme|ex"
    r"|compagnon|compagne|concubine?|beau-pere|belle-mere|beau-frere|belle-soeur|beau-fils|belle-fille|grand-pere|grand-mere|petit[ -]?fils|petite[ -]fille"
    r"|petit[ -]neveu|neveu|niece|parrain|marraine|bebe|fiancee?|ami|amie|voisine?|colocataire|gendre|partenaire|filleule?"
)
_ROLE = (
    r"agente?|conseillere?|gestionnaire|interlocuteur|interlocutrice|inspecteur|inspectrice|controleur|controleuse|chirurgien(?:ne)?|tuteur|tutrice"
    r"|curateur|curatrice|responsable|guichetiere?|assistante? sociale?|assistante?|conciliateur|conciliatrice|avocate?|notaire|huissier|referente?|directeur"
    r"|directrice|chef|cheffe|adjointe?|technicien(?:ne)?|secretaire|hotesse|collegue|educateur|educatrice|infirmiere?|medecin|mandataire|facteur|operateur|operatrice"
    r"|teleconseillere?|mediateur|mediatrice|employee?|stagiaire|contact|dame|monsieur|maire|officier"
)
# A word that makes a firm of what the recogniser takes for a person.
_FIRM = frozenset("bank banque assurance assurances mutuelle sa sas sarl eurl groupe group company services express immobilier".split())
# (trigger in folded text, whether a name in lower case is believed, what is known of the role)
_TRIGGERS = tuple(
    (re.compile(pattern), lower)
    for pattern, lower in (
        (r"(?<![\w.'-])(?:m\.|mr\.?|mme\.?|mlle\.?|melle|mademoiselle|monsieur|madame|dr\.?|docteure?|pr\.|professeure?|maitre|mgr)(?: et (?:mme|madame))? (?=\S)", True),
        (r"(?<![\w.'-])(?:m|me)(?: et (?:mme|madame))? (?=\S)", False),
        (r"\bje m'appell?e |\bm'appelant |\bmon (?:nom|prenom)(?: de famille)?(?: est|:| :) ?|\bje me (?:nomme|prenomme) |\b(?:ici|moi c'est|c'est moi|bjr c|bonjour c) ", True),
        (r"\b(?:je )?soussignee?,? (?:(?:mme|mr|m\.|madame|monsieur) )?", True),
        (r"\b(?:nom d'usage|nom de (?:jeune fille|naissance|famille)|nom marital|prenoms?|nom|nomme|nommee|prenomme|prenommee|denommee?)(?: est)? ?:? ", False),
        (r"\b(?:nee|epouse|veuve) ", False),
        (r"\b(?:je suis|moi-meme|soussigne|je|nous sommes),? ", False),
        (r"\bun(?:e)? certaine? |\bun monsieur |\bune dame |\bau nom de |\bpour le compte de ", False),
        (rf"\b(?:mon|ma|mes|notre|nos|sa|son|ses|leur|votre|vos|feu|feue|l'|le|la|les|d'un|un|une) ?(?:{KIN})(?: (?:jumelle|jumeau|ainee?|cadette?|unique|defunte?|decedee?))?(?: ?[,:(] ?| )", False),
        (rf"\b(?:{_ROLE})(?: (?:nommee?|prenommee?|appelee?))?(?: ?[,:(] ?| )", False),
        (r"(?:^|[\n.!?,]) ?(?:bien |tres )?(?:cordialement|sincerement|respectueusement|amicalement|salutations?|signe|signature|bien a vous|a vous lire)[ ,.:;!\n-]{1,4}", True),
        (r"^(?:bonjour|bonsoir|bjr|cher|chere)[ ,]{1,2}(?:(?:m\.|mr|mme|monsieur|madame),? )?", False),
    )
)  # fmt: skip
_MORE = re.compile(r"(?: ?, ?| et | ou | puis |, puis )(?:(?:de |d'|avec |a )?)")
_INITIAL_NAME = re.compile(r"(?<![\w.])(?:[A-ZÀ-Þ]\.[ -]?){1,2}(?=[A-ZÀ-Þ][^\W\d_]{2})")


def find_names(text: str) -> Iterator[Span]:
    """Names that a trigger or a first name gives away; no recogniser needed."""
    folded = fold(text)
    shouting = is_shouting(text)
    for pattern, lower in _TRIGGERS:
        for match in pattern.finditer(folded):
            civil = lower or match[0].startswith(("m ", "me "))
            if match[0].startswith("me ") and text[match.start()] != "M":  # "on me réclame" is no "Me Martin"
                continue
            start = match.end()
            for _ in range(4):  # "Maëlys, Timéo et Léa": what the trigger announces goes on
                end = read_name(text, start, lower_ok=lower, trusted=civil and not shouting)
                if end is None:
                    break
                yield Span(start, end, "PERSONNE", "trigger")
                more = _MORE.match(folded, end)
                if more is None or not text[more.end() : more.end() + 1].isupper() or shouting:
                    break
                start = more.end()
    for match in _INITIAL_NAME.finditer(text):
        if end := read_name(text, match.end(), lower_ok=False, trusted=True):
            yield Span(match.start(), end, "PERSONNE", "initial")
    yield from _first_names(text, folded)
    if not shouting:
        yield from _ambiguous_first_names(text)


def _first_names(text: str, folded: str) -> Iterator[Span]:
    for match in re.finditer(rf"(?<![\w@./'-]){_LETTER}+(?:-{_LETTER}+)?(?![\w@/])", folded):
        head = match[0].split("-")[0]
        if head not in FIRST_NAMES or (match[0] != head and match[0].split("-")[1] not in FIRST_NAMES):
            continue
        end = match.end()
        if text[match.start()].isupper():
            end = read_name(text, match.start(), lower_ok=False, trusted=False) or end
        yield Span(match.start(), max(end, match.end()), "PERSONNE", "first-name")


def _ambiguous_first_names(text: str) -> Iterator[Span]:
    for match in re.finditer(rf"(?<![\w@./'-])[A-ZÀ-Þ]{_LETTER}+(?![\w@/])", text):
        if fold(match[0]) not in AMBIGUOUS_FIRST_NAMES or not match[0].istitle():
            continue
        following = _WORD.match(text, match.end() + 1) if text[match.end() : match.end() + 1] == " " else None
        surname = (
            following
            and following[0][0].isupper()
            and not is_plain_word(following[0])
            and not is_public_word(following[0])
        )
        # Inside a sentence: after a word in lower case, or after a comma.
        inside = re.search(rf"(?:{_LETTER}|,) $", text[: match.start()][-2:]) and match[0] != "France"
        if surname:
            yield Span(
                match.start(),
                read_name(text, following.start(), lower_ok=False, trusted=True) or following.end(),
                "PERSONNE",
                "first-name",
            )
        elif inside:
            yield Span(*match.span(), "PERSONNE", "first-name")


def read_name(text: str, start: int, *, lower_ok: bool, trusted: bool) -> int | None:
    """End of the name that starts at `start`, or None.

    `lower_ok` believes up to two words in lower case; `trusted` (a civility in mixed case) believes a capitalised first word
    that is also a plain one ("Mme Petit").
    """
    position, end, words, lowered, after_first_name = start, None, 0, 0, False
    while words < _MAX_WORDS:
        if (elided := _ELIDED.match(text, position)) and (lower_ok or text[elided.end()].isupper()):
            position = elided.end()
        match = _WORD.match(text, position)
        if match is None:
            break
        word, plain = match[0], fold(match[0])
        follows = text[match.end() : match.end() + 1]
        if plain.strip(".") in _PARTICLES and follows == " ":
            position = match.end() + 1
            words += 1
            continue
        if is_public_word(word) and not (end and word.istitle()) and not (trusted and word.istitle()):
            if not (word.istitle() and plain in ("france",)):
                break
        first = end is None
        believed = (trusted and first) or after_first_name
        plain_word = is_plain_word(word)
        if plain in _OFFICE or (plain_word and not (believed and word.istitle())):
            break
        if word[0].islower() and not elided:
            if not lower_ok or lowered >= 2 or (not first and not lowered):
                break
            lowered += 1
        end = match.end()
        words += 1
        after_first_name = plain in FIRST_NAMES and word.istitle()
        if follows != " ":
            break
        position = end + 1
    return end


def accept(text: str, span: Span) -> Iterator[Span]:
    """A span of the recogniser, weighed against the word lists: nothing, or what of it may be a person or a city."""
    words = [w for w in re.finditer(rf"{_LETTER}+(?:['’\-]{_LETTER}+)*\.?", text[span.start : span.end])]
    doubtful = [is_plain_word(w[0]) or is_public_word(w[0]) or fold(w[0]) in _PARTICLES for w in words]
    if all(doubtful) or any(fold(w[0]) in _FIRM for w in words):
        return
    first, last = 0, len(words) - 1
    while is_plain_word(words[first][0]) or _is_acronym(words[first][0]) or (span.type == "VILLE" and doubtful[first]):
        first += 1
    while is_plain_word(words[last][0]) or _is_acronym(words[last][0]) or fold(words[last][0]) in _PARTICLES:
        last -= 1
    trimmed = trim(
        text,
        Span(span.start + words[first].start(), span.start + words[last].end(), span.type, span.source),
        " \t\n,;:!?",
    )
    if trimmed:
        yield trimmed


def _is_acronym(word: str) -> bool:
    return word.isupper() and is_public_word(word)


def is_shouting(text: str) -> bool:
    """Mostly capitals: case tells nothing there."""
    letters = [c for c in text if c.isalpha()]
    return len(letters) > 5 and sum(c.isupper() for c in letters) > 0.6 * len(letters)


def words_of(names: Iterable[str]) -> set[str]:
    """The folded words of some names that are worth looking for elsewhere."""
    found = set()
    for name in names:
        for word in re.findall(rf"{_LETTER}+(?:['’\-]{_LETTER}+)*", name):
            plain = fold(word)
            if len(plain) >= 3 and plain not in _PARTICLES:
                found.add(plain)
    return found
