"""Personal data in a draft that the writer was not given: memorised from training, or invented.

What the pseudonymiser's rules find is weighed as a draft wants it: a draft is well cased, speaks of bodies and places
all the time, and gives a service's number or mailbox (an invented one is for the check of contacts). Names that nothing
announces are looked for in INSEE's lists.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from plume.checks.case import Case, Result, none_of
from plume.checks.coordinates import mailbox
from plume.checks.facts import PLACEHOLDER
from plume.checks.language import FRENCH, language
from plume.checks.times import AGE
from plume.contacts import national
from plume.french.numbers import NUMBER, value
from plume.french.text import fold, holds_run, words

if TYPE_CHECKING:
    from plume.pseudonymise import Span

# Places and establishments are no personal data in a reply; web addresses are for the check of contacts.
_IGNORED = frozenset(("VILLE", "HOPITAL", "ECOLE", "URL"))
_OF_A_PERSON = frozenset(("AGE", "SANTE"))  # personal only where said of the citizen, or of somebody named
_SAID_OF = re.compile(
    r"\b(?:votre|vos|vous (?:êtes|avez|souffrez|étiez|aviez)|son|sa|ses|madame|monsieur|mme|m\.)\b[^.!?;\n]{0,40}$",
    re.IGNORECASE,
)
_IN_CASE = re.compile(r"\b(?:si|lorsque|quand|en cas|pour les|aux personnes|des personnes|dès|ou)\b", re.IGNORECASE)

_FREE_MAIL = re.compile(
    r"@(?:gmail|hotmail|outlook|live|msn|yahoo|ymail|orange|wanadoo|free|sfr|neuf|laposte|bbox|icloud|me|aol"
    r"|proton\w*|gmx|numericable"
    r"|cegetel|club-internet|aliceadsl|voila)\.\w+$"
)
_LIVES = re.compile(r"\b(?:habit|résid|demeur|domicil|log[ée]|adresse|chez|maison)\w*[^.!?;\n]{0,30}$", re.IGNORECASE)
# The number of a service, be it a mobile's: an invented one is for the check of contacts.
_OF_A_SERVICE = re.compile(
    r"\b(?:assistance|services?|accueil|standard|plateforme|permanence|hotline|ligne|secrétariat|support"
    r"|centre d'appels)\b[^.!?;\n]{0,30}$",
    re.IGNORECASE,
)
_MOBILE = re.compile(r"0[67]\d{8}")
_NUMBER = re.compile(NUMBER, re.IGNORECASE)
_MARKER = re.compile(r"<\|[^|>]*\|?>?|</?\w+>")

_NAME = r"[A-ZÀ-ÖØ-ÞŒŠŽ](?:[^\W\d_]+|\.)(?:['’-][^\W\d_]+)*"
_WORD = re.compile(_NAME)
_RUN = re.compile(
    rf"(?<![\w@./'-]){_NAME}(?:[ -](?:(?:de|du|des|de la|le|la|el|al|ben|bel|van|von|da|dos|di) "
    rf"|[dD]')?{_NAME}){{1,3}}(?![\w@])"
)
_ALONE = re.compile(rf"(?<=[a-zà-ÿ,] )({_NAME})(?![\w@'’-]| [A-ZÀ-Þ])")
# After these a listed surname in capitals or with one is a person's; before a name, these make it a place or a thing.
_NEAR_NAME = re.compile(
    r"\b(?:famille|dossier|époux|épouse|consorts|couple|collègue|succession|agente?|conseill[eè]re?|gestionnaire"
    r"|docteure?|"
    r"nommée?|prénommée?|appelée?) $",
    re.IGNORECASE,
)
_NAMED_AFTER = re.compile(
    r"\b(?:h[ôo]pital|clinique|lycée|collège|école|université|rue|avenue|place|boulevard|quai|square|espace|salle"
    r"|centre|maison|résidence|stade"
    r"|gymnase|piscine|médiathèque|bibliothèque|théâtre|gare|station|pont|parc|cité|quartier|foyer|institut"
    r"|fondation|association|prix|loi|plan"
    r"|livret|charte|label|baromètre|ligne|ehpad|crèche|aéroport|fort|caserne|tour|site|campus|chu|chru|chr|groupe|dispositif|programme"
    r"|pass|carte|compte|application"
    r"|plateforme|portail|logiciel|opération|service|mission|réseau|musée|collection|commune|ville|village|canton"
    r"|mairie|agence|antenne|bureau|esplanade"
    r"|impasse|allée|chemin|route|port|île|mont|lac|saint|sainte|sous-préfecture|préfecture|caf|cpam|msa|carsat"
    r"|urssaf|pays|région|département)"
    r"(?: (?:de|du|des|d'|de la|de l'|le|la|les|universitaire|hospitalier|communale?|municipale?|numérique|social"
    r"|gériatrique|départementale?))* ?['« -]*(?:(?-i:[A-ZÀ-Þ])[\w'-]+ )?$",
    re.IGNORECASE,
)
_NAVY = re.compile(r"Marine (?:nationale|marchande|Nationale|Marchande)\b")
_PSEUDONYM = re.compile(r"\A(?:bonjour|bonsoir|ch[eè]re?),? +(\w*[^\W\d_]\w*\d\w*|\w+_\w+)", re.IGNORECASE)


def personal_data(case: Case) -> Result:
    """The check: nothing of people, unless review or prompt hold it or the directory lists it."""
    found = find_personal_data(case)
    return none_of((case.draft[start:end] for start, end, _ in found), "données personnelles absentes de la consigne")


def find_personal_data(case: Case) -> list[tuple[int, int, str]]:
    """What is found of people that nothing given holds: start, end, type; people first.

    A pseudonym that stands in the prompt is no leak: who fills placeholders before checking passes the filled prompt.
    """
    draft = case.draft
    hidden = {at for pattern in (PLACEHOLDER, _MARKER) for m in pattern.finditer(draft) for at in range(*m.span())}
    found = [(s.start, s.end, s.type) for s in _identifiers(case)]
    found += [(start, end, "PERSONNE") for start, end in _listed_people(draft)]
    found += [(*m.span(1), "PSEUDO") for m in _PSEUDONYM.finditer(draft)]
    found += [(*m.span(m.lastindex), "AGE DE") for m in AGE.finditer(draft)]
    people, others = [], []
    for start, end, kind in sorted(found):
        start, end = _whole_words(draft, start, end)
        if not hidden.isdisjoint(range(start, end)) or _is_given(case, draft[start:end], kind):
            continue
        if kind == "PERSONNE":
            if not (_NAMED_AFTER.search(draft[max(0, start - 60) : start]) or _NAVY.match(draft, start)):
                people.append((start, end, kind))
        elif _is_personal(case, start, end, kind):
            others.append((start, end, kind))
    # A number or a mailbox beside somebody's name is that person's, whatever it looks like.
    named = sorted(low for low, _, _ in people)
    for start, end, kind in found:
        sentence = draft.rfind("\n", 0, start) + 1
        first = bisect_left(named, max(sentence, start - 59))
        beside = first < len(named) and named[first] < start + 60
        if kind in ("TEL", "EMAIL") and beside and not _is_given(case, draft[start:end], kind):
            others.append((start, end, kind))
    return [*people, *others]


def _identifiers(case: Case) -> list["Span"]:
    """`find_identifiers`, which weighs what stays, where its rules have found something of interest at all."""
    from plume.pseudonymise import find_identifiers
    from plume.pseudonymise.identifiers import find_by_rules
    from plume.pseudonymise.identifiers.people import find_names

    first = (*find_by_rules(case.draft, case.directory), *find_names(case.draft))
    wanted = any(span.type not in _IGNORED for span in first)
    return [s for s in find_identifiers(case.draft) if s.type not in _IGNORED] if wanted else []


def _is_given(case: Case, text: str, kind: str) -> bool:
    """Whether review or prompt hold it, or the directory. Of a name each word will do, of a number its digits."""
    if kind == "PERSONNE" and set(words(fold(text))) <= _given_words(case.given):
        return True
    if kind == "SANTE" and words(fold(text))[-1] in _given_words(case.given):
        return True  # "atteint de la maladie d'Alzheimer" where the review says "mon papa Alzheimer"
    if kind in ("AGE", "AGE DE") and set(_numbers(text)) & set(_numbers(case.given)):
        return True
    number = re.sub(r"\D", "", text)
    if len(number) >= 6 and number in _given_digits(case.given):
        return True
    if kind in ("TEL", "EMAIL") and (case.directory.knows_phone(text) or case.directory.knows_email(text)):
        return True
    return holds_run(words(case.given), words(text))


@lru_cache(maxsize=32)
def _numbers(text: str) -> tuple[float, ...]:
    """The numbers of a text, in figures or in words."""
    return tuple(value(m.group()) for m in _NUMBER.finditer(text))


@lru_cache(maxsize=32)
def _given_words(given: str) -> frozenset[str]:
    return frozenset(words(fold(given)))


@lru_cache(maxsize=32)
def _given_digits(given: str) -> str:
    return re.sub(r"\D", "", given)


def _is_personal(case: Case, start: int, end: int, kind: str) -> bool:
    """Whether what a rule found is a person's in the register of a reply."""
    text, before = case.draft[start:end], case.draft[max(0, start - 60) : start]
    if kind in _OF_A_PERSON:
        clause = re.split(r"[.!?;\n]", before)[-1]
        return bool(_SAID_OF.search(clause)) and not _IN_CASE.search(clause)
    if kind == "TEL":
        return bool(_MOBILE.fullmatch(national(text))) and not _OF_A_SERVICE.search(before)
    if kind == "ADRESSE" and not any(c.isdigit() for c in text):
        return bool(_LIVES.search(before))  # a street alone is where a service is
    if kind == "EMAIL":
        return _is_personal_mailbox(mailbox(text))
    if kind == "PSEUDO":
        return not text.isupper() and not text.startswith("@")
    return True


def _is_personal_mailbox(email: str) -> bool:
    """A mailbox of a free provider, or one with a listed name in it: "jeanne.martin@…", "j.martin@…"."""
    from plume.french.insee import known_names
    from plume.french.words import is_plain_word, is_public_word

    if _FREE_MAIL.search(email):
        return True
    parts = [fold(p) for p in re.split(r"[._+\d-]+", email.split("@")[0]) if p]
    named = [p in known_names() and not (is_plain_word(p) or is_public_word(p)) and len(p) > 2 for p in parts]
    return len(parts) > 1 and any(named) and (sum(named) > 1 or any(len(p) == 1 or p in _first_names() for p in parts))


@cache
def _first_names(least: int = 200) -> frozenset[str]:
    """Listed first names that are neither a place nor a word of replies."""
    from plume.french import insee
    from plume.french.words import ACRONYMS, EVERYDAY, TERRITORIES

    frequent = frozenset(map(insee.spaced, insee.first_names(5000)))
    names = frozenset(map(insee.spaced, insee.first_names(least)))
    places = (insee.communes() - frequent) | {
        "lorraine",
        "alsace",
        "france",
        "europe",
        "marianne",
        "paris",
        "savoie",
        "franca",
        "francia",
    }
    return (
        names
        - places
        - EVERYDAY
        - ACRONYMS
        - frozenset(TERRITORIES)
        - {"val", "mai", "avril", "noel", "ameli", "sante"}
    )


@cache
def _surnames() -> frozenset[str]:
    from plume.french import insee
    from plume.french.words import ACRONYMS, EVERYDAY, TERRITORIES

    return frozenset(map(insee.spaced, insee.surnames(30))) - EVERYDAY - ACRONYMS - frozenset(TERRITORIES)


@lru_cache(maxsize=1 << 14)
def _read_word(word: str) -> str:
    """A word as the lists are looked up; "" for one of everyday French or of a public body's name."""
    from plume.french.insee import spaced
    from plume.french.words import is_plain_word, is_public_word

    return "" if is_plain_word(word) or is_public_word(word) else spaced(word)


def _listed_people(text: str) -> Iterator[tuple[int, int]]:
    """A listed first name with a surname, in either order; one alone in mid-sentence; a surname after "le dossier"."""
    from plume.french.insee import communes
    from plume.french.text import is_shouting

    if is_shouting(text):
        return
    for match in _RUN.finditer(text):
        for one, two in pairwise(_WORD.finditer(match.group())):
            a, b = _read_word(one[0]), _read_word(two[0])
            if not (a and b) or f"{a} {b}" in communes():
                continue
            surname_after = _is_first(a) and (b in _surnames() or a in _first_names(2000))
            if surname_after or (a in _surnames() and _is_first(b)):
                yield match.start() + one.start(), match.start() + two.end()
    for match in _ALONE.finditer(text) if language(text) == FRENCH else ():  # elsewhere "June" may be a month
        word = _read_word(match[1])
        if not word or (word in communes() and word not in _first_names(5000)):
            continue
        announced = _NEAR_NAME.search(text, max(0, match.start() - 20), match.start())
        if word in _first_names(500) or (announced and word in _surnames()):
            yield match.span(1)


def _is_first(name: str) -> bool:
    return name in _first_names() or (" " in name and all(part in _first_names() for part in name.split()))


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The span, widened to the words it cuts: a pseudonym such as "Lilou34" is given or not as a whole."""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return start, end
