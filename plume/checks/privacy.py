"""Checks that a draft holds no personal data that its writer was not given: memorised from training, or invented.

What the pseudonymiser's rules find is weighed as a draft wants it: a draft is well cased, speaks of bodies and places
all the time, and gives a service's number or mailbox (an invented one is for the check of contacts).
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from plume.checks.addresses import addresses, is_citizens
from plume.checks.case import Answer, Case, Fault, none_of
from plume.checks.form import SOMEBODY
from plume.checks.listed_people import listed_people, usual_first_names
from plume.checks.placeholders import PLACEHOLDERS
from plume.checks.public_names import names_nobody
from plume.contacts import national
from plume.french.insee import communes, spaced
from plume.french.mentions.dates import named_after_dates
from plume.french.mentions.told_ages import told_ages
from plume.french.mentions.web import mailbox
from plume.french.numbers import NUMBER, value
from plume.french.phrases import KIN, SERVICE
from plume.french.rules import in_turn
from plume.french.text import fold, holds_run, words
from plume.french.vocabulary import any_of, terms
from plume.french.words import Word
from plume.pseudonymise import find_identifiers

# Places and establishments are no personal data in a reply; web addresses are for the check of contacts.
_IGNORED = frozenset(("VILLE", "HOPITAL", "ECOLE", "URL"))
_OF_A_PERSON = frozenset(("AGE", "SANTE"))  # personal only where said of the citizen, or of somebody named
_SAID_OF = re.compile(
    rf"\b(?:une (?:vieille )?dame|un (?:vieux )?monsieur|votre|vos|vous (?:êtes|avez|souffrez|étiez|aviez)|son"
    rf"|sa|ses|{SOMEBODY})(?!\w)[^.!?;\n]{{0,40}}$",
    re.IGNORECASE,
)
_GENERAL_HEALTH = frozenset(("maladie", "malade", "malades", "maladies", "trouble", "troubles", "soins", "traitement"))
# Words that tell one state of health and have little in common.
_SAME_HEALTH = (
    ("sourd", "surdite", "malentend", "enten", "audit"),
    ("aveugl", "cecite", "malvoy", "vue", "vois", "yeux"),
    ("enceinte", "gross", "maternite"),
    ("opera", "opere", "chirurg"),
    ("coeur", "cardi", "infarctus"),
    ("rein", "renal", "dialys"),
    ("avc", "accident", "vasculaire"),
    ("cancer", "chimio", "tumeur", "onco"),
    ("depress", "depri", "burn"),
    ("paraly", "hemipleg", "parapleg", "tetrapleg"),
    ("fractur", "casse", "platr", "entorse"),
    ("duree", "ald"),
    ("autonomie", "marche", "apa", "gir", "dependan"),
    ("attention", "tdah", "hyperacti"),
    ("dys", "orthophon"),
    ("neurodegen", "alzheimer", "parkinson", "demence", "memoire"),
)
# "l'autisme de votre fils", "la dépression dont vous souffrez", "atteinte d'une polyarthrite, vous"
_SAID_OF_AFTER = re.compile(
    rf" ?(?:(?:de|chez) (?:votre|vos) {KIN}\b|dont (?:vous souffrez|vous etes|souffre|est atteinte?)|qui (?:est la"
    r" sienne|vous (?:touche|affecte|frappe))|que vous (?:vivez|traversez|affrontez|combattez)|, vous\b)"
)
_IN_CASE = re.compile(
    r"\b(?:si|lorsque|quand|en cas|pour les|l'année de|une? enfant|l'enfant|aux personnes|des personnes|dès|ou)\b",
    re.IGNORECASE,
)

_FREE_MAIL = re.compile(rf"@{any_of(terms('free_mail'))}\.\w+$")
_LIVES = re.compile(r"\b(?:habit|résid|demeur|domicil|log[ée]|adresse|chez|maison)\w*[^.!?;\n]{0,30}$", re.IGNORECASE)
# The number of a service, be it a mobile's: an invented one is for the check of contacts.
_OF_A_SERVICE = re.compile(
    rf"\b(?:assistance|services?|hotline|ligne|support|regie|centre d'appels|{SERVICE})\b[^.!?;\n]{{0,30}}$"
)
_BY_MESSAGE = re.compile(r"\b(?:whatsapp|sms|message|texto|telegram|signal)\b[^.!?;\n]{0,20}$")
_ITS_OWN = re.compile(r"\b(?:votre|son|sa|leur) (?:portable|mobile|numero|telephone|ligne)\b[^.!?;\n]*$")
_CLOCK = re.compile(r"[àaÀ] ?\d{1,2} ?h", re.IGNORECASE)
_MOBILE = re.compile(r"0[67]\d{8}")
_NUMBER = re.compile(NUMBER)
_MARKER = re.compile(r"<\|[^|>]*\|?>?|</?\w+>")

_CALLED = re.compile(
    r"\b(?i:(?:votre |son |sa |le |du |leur )(?:pré)?nom"
    r"(?: de (?:naissance|jeune fille|famille|mariage)| d'(?:usage|épouse)| marital| complet)?"
    r"(?:,| est|,? à savoir| :)?|prénommée?|(?:conseill\w+|agente?|gestionnaire|collègue"
    r"|interlocut\w+|médecin|responsable) (?:s'appelle|se nomme|nommée?|appelée?)) [«\"]? ?([A-ZÀ-Þ][\w'-]{2,30})"
)
_PSEUDONYM = re.compile(r"\A(?:bonjour|bonsoir|ch[eè]re?),? +(\w*[^\W\d_]\w*\d\w*|\w+_\w+)", re.IGNORECASE)


class PersonalData(NamedTuple):
    """A passage that may be personal: its place, its type, and the rule that found it."""

    start: int
    end: int
    kind: str
    rule: str


def personal_data(case: Case) -> Answer:
    """Look for what is of people and that neither review nor prompt hold, nor the directory lists."""
    faults = (Fault(case.draft[found.start : found.end], found.rule) for found in case.once(find_personal_data))
    return none_of(faults, "données personnelles absentes de la consigne")


def find_personal_data(case: Case) -> list[PersonalData]:
    """Find what is of people and that nothing given holds; people come first.

    A pseudonym that stands in the prompt is no leak: who fills placeholders before checking passes the filled prompt.
    """
    draft, every = case.draft, sorted(_candidates(case))
    hidden = [found.match.span() for found in in_turn(case.text, PLACEHOLDERS)] if every else []
    hidden += named_after_dates(case.text) if every else []
    hidden += [match.span() for match in _MARKER.finditer(draft)] if every else []
    people, others = [], []
    for found in every:
        start, end = _whole_words(draft, found.start, found.end)
        if end - start < 2:
            continue  # "X"
        if any(low < end and start < high for low, high in hidden) or _is_given(case, draft[start:end], found.kind):
            continue
        if found.kind == "PERSONNE":
            if not (names_nobody(case.text, start, end) or _is_town_first(found.rule, draft, start, end)):
                people.append(found._replace(start=start, end=end))
        elif _is_personal(case, start, end, found.kind):
            others.append(found._replace(start=start, end=end))
    # A number or a mailbox beside somebody's name is that person's, whatever it looks like.
    named = sorted(found.start for found in people)
    for found in every if named else ():
        line = draft.rfind("\n", 0, found.start) + 1
        first = bisect_left(named, max(line, found.start - 59))
        beside = first < len(named) and named[first] < found.start + 60
        its_own = found.kind in ("TEL", "EMAIL") and beside
        if its_own and not _is_given(case, draft[found.start : found.end], found.kind):
            others.append(found)
    return [*people, *others]


def _is_town_first(rule: str, draft: str, start: int, end: int) -> bool:
    """Say whether who seems to be greeted is a town: "Bonjour, Limoges n'est pas Nantes", "de Brest à Nice"."""
    name = spaced(fold(draft[start:end])).removeprefix("de ").removeprefix("d'")
    greeted = rule.startswith("announces.") and draft[:start].rstrip().endswith((",", "!", "."))
    return greeted and name in communes() and name not in usual_first_names(500)


def _candidates(case: Case) -> Iterator[PersonalData]:
    """Yield all that may be of a person, given or not."""
    for span in find_identifiers(case.draft, but=_IGNORED):
        yield PersonalData(span.start, span.end, span.type, span.rule or f"personal_data.{span.type.lower()}")
    for start, end in listed_people(case.draft):
        yield PersonalData(start, end, "PERSONNE", "personal_data.listed-name")
    for match in _PSEUDONYM.finditer(case.draft):
        yield PersonalData(*match.span(1), "PSEUDO", "personal_data.pseudonym-in-greeting")
    for start, end in addresses(case.draft):
        if is_citizens(case.draft, start, end):
            yield PersonalData(start, end, "ADRESSE", "personal_data.citizens-address")
    for match in _CALLED.finditer(case.draft):
        if Word.of(match[1]).may_be_name:
            yield PersonalData(*match.span(1), "PERSONNE", "personal_data.called")
    for age in told_ages(case.text):
        yield PersonalData(age.start, age.end, "AGE DE", age.rule)


def _is_given(case: Case, text: str, kind: str) -> bool:
    """Say whether review or prompt hold it, or the directory. Of a name each word will do, of a number its digits."""
    if kind == "PERSONNE" and set(words(fold(text))) <= _given_words(case.given):
        return True
    if kind == "SANTE" and _tells_health(words(fold(text))[-1], _given_words(case.given)):
        return True  # "atteint de la maladie d'Alzheimer" where the review says "mon papa Alzheimer"
    if kind in ("AGE", "AGE DE") and set(_numbers(text)) & set(_numbers(case.given)):
        return True
    groups = [word for word in words(text) if word.isdigit()]
    if sum(map(len, groups)) > 3 and holds_run(words(case.given), groups):
        return True  # "L. 111-27, cité dans votre avis": the rest is no part of it
    number = re.sub(r"\D", "", text)
    if len(number) >= 6 and number in _given_digits(case.given):
        return True
    if kind in ("TEL", "EMAIL") and (case.directory.knows_phone(text) or case.directory.knows_email(text)):
        return True
    return holds_run(words(case.given), words(text))


def _tells_health(word: str, given: frozenset[str]) -> bool:
    """Say whether what was given tells a disease, be it by its adjective: "diabète" and "diabétique"."""
    if word in given or word in _GENERAL_HEALTH:
        return word in given
    stem = word[: max(4, min(6, len(word) - 2))]
    also = next((others for others in _SAME_HEALTH if word.startswith(others)), ())  # "surdité" of "je n'entends pas"
    return any(other.startswith((stem, *also)) for other in given if other not in _GENERAL_HEALTH)


@lru_cache(maxsize=32)
def _numbers(text: str) -> tuple[float, ...]:
    """List the numbers of a text, in figures or in words."""
    return tuple(value(m.group()) for m in _NUMBER.finditer(fold(text)))


@lru_cache(maxsize=32)
def _given_words(given: str) -> frozenset[str]:
    return frozenset(words(fold(given)))


@lru_cache(maxsize=32)
def _given_digits(given: str) -> str:
    return re.sub(r"\D", "", given)


def _is_personal(case: Case, start: int, end: int, kind: str) -> bool:
    """Say whether what a rule found is a person's in the register of a reply."""
    text, before = case.draft[start:end], case.draft[max(0, start - 60) : start]
    if kind in _OF_A_PERSON:
        clause = re.split(r"[.!?;\n]", before)[-1]
        if kind == "SANTE" and _SAID_OF_AFTER.match(fold(case.draft[end : end + 40])):
            return not _IN_CASE.search(clause)
        return bool(_SAID_OF.search(clause)) and not _IN_CASE.search(clause)
    if kind == "PLAQUE" and _CLOCK.fullmatch(text):
        return False  # "le véhicule passe à 16 h 45"
    if kind == "DOSSIER" and not any(map(str.isdigit, text)) and len(words(text)) < 4:
        return False  # "une facture multipliée par quatre, puis un refus"
    if kind == "TEL":
        before = fold(before)
        of_a_service = (_OF_A_SERVICE.search(before) or _BY_MESSAGE.search(before)) and not _ITS_OWN.search(before)
        return bool(_MOBILE.fullmatch(national(text))) and not of_a_service
    if kind in ("ADRESSE", "CP_VILLE") and any(c.isdigit() for c in text):
        return is_citizens(case.draft, start, end)  # else a service's: an invented one is for the check of contacts
    if kind == "ADRESSE":
        return bool(_LIVES.search(before))  # a street alone is where a service is
    if kind == "EMAIL":
        return _is_personal_mailbox(mailbox(text))
    if kind == "PSEUDO":
        return not text.isupper() and not text.startswith("@")
    return True


def _is_personal_mailbox(email: str) -> bool:
    """Recognise a mailbox of a free provider, or one with a listed name in it: "jeanne.martin@…", "j.martin@…"."""
    if _FREE_MAIL.search(email):
        return True
    parts = [fold(p) for p in re.split(r"[._+\d-]+", email.split("@")[0]) if p]
    named = [len(p) > 2 and Word.of(p).likely_name for p in parts]
    return (
        len(parts) > 1
        and any(named)
        and (sum(named) > 1 or any(len(p) == 1 or p in usual_first_names() for p in parts))
    )


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen the span to the words it cuts: a pseudonym such as "Lilou34" is given or not as a whole."""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return start, end
