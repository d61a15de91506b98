"""Recognises names that expose nobody: of things and places, of works, of people whom everybody knows.

A thing is told from a person by its noun: "le bus Ariane", "la salle Camille Claudel", but "la conseillère Ariane".
"""

import re

from plume.checks.case import VOCABULARY
from plume.checks.form import SOMEBODY
from plume.french.rules import Text
from plume.french.text import fold
from plume.french.vocabulary import any_of, column, folded, terms, word_set
from plume.french.words import OFFICES

_NAMED_AFTER = any_of(terms("named_after", VOCABULARY))
_AFTER_NAMED = re.compile(
    rf"\b{_NAMED_AFTER}"
    r"(?: (?:de|du|des|d'|de la|de l'|le|la|les|universitaire|hospitalier|communale?|municipale?|numérique|social"
    r"|gériatrique|départementale?))* ?['« -]{0,4}(?:(?-i:[A-ZÀ-Þ])[\w'-]{1,30} )?$",
    re.IGNORECASE,
)
_NAVY = re.compile(r"Marine (?:nationale|marchande|Nationale|Marchande)\b")
# A noun with its article right before a name; at the start of a sentence both may be taken for a part of the name.
_ARTICLE = r"(?:\b(?:l[ae]s?|une?|ce|cet|cette|ces|du|au|des|aux|deux)[ ]|\b[ld]')"
_NOUN = re.compile(rf"(?i:{_ARTICLE})([a-zà-ÿœ-]{{3,}}) ?[«\"]? ?$")
_NOUN_INSIDE = re.compile(rf"(?i:{_ARTICLE})([a-zà-ÿœ-]{{3,}}) (?=[«\"]? ?[A-ZÀ-Þ])|(?i:({_NAMED_AFTER})) (?=[A-ZÀ-Þ])")
# Who bears a name, and what is called by its owner's: "le dossier Durand", "la petite Zoé".
_OF_PEOPLE = (
    OFFICES
    | folded("roles")
    | folded("file_nouns", VOCABULARY)
    | frozenset(map(fold, column("kin", "word")))
    | word_set(
        "affaire artisan avocat benevole client cliente consorts couple eleve famille foyer gendarme guide instit"
        " interne maitre menage nom nounou patronyme pilote prenom prof sergent succession usager usagere victime"
        " certain certaine petit petite jeune meme seul seule cadet cadette benjamin benjamine cher chere"
        " jour matin midi soir lundi mardi mercredi jeudi vendredi samedi dimanche lendemain"
    )
)
_OF_PEOPLE_ENDS = re.compile(
    r"(?:eur|euse|trice|iste|aire|ien|ienne|ante?|ent|logue|ier|ière|ée?|esse|colonel|major|proche|nourrice)s?$"
)
_ENDS_OF_THINGS = re.compile(
    r"(?:quartier|itinéraire|chantier|sentier|atelier|ment|musée|journée|allée|lycée|entrée|dictionnaire)s?$"
)
_WORKS = (
    r"\b(?:statue|buste|portrait|livre|roman|film|pièce|fable|chanson|tableau|toile|[oœ]e?uvre|poème|recueil|biographie|musique"
    r"|théâtre|série|exposition|tombe|maladie|syndrome|théorème|visage|enquête|aventure|conte|digne|toile|tapisserie|ouvrage"
    r"|patience|odyssée|épopée|épée|boîte|tonneau|rocher|mythe|légende)s? (?:de|d'|du)"
)
_OFFICE_OF_STATE = (
    r"\b(?:ministres?|président de la république|défenseure? des droits|secrétaire d'état|(?:roi|reine|empereur"
    r"|impératrice|maréchal|pape|saint|sainte|écrivaine?|peintre|poète|poétesse|compositeur|cinéaste|chanteur|chanteuse"
    r"|romanci(?:er|ère)|philosophe)(?= ?$))(?: (?:de la|de l'|de|du|des|d'|et|à|aux?) ?[\w']+){0,4}"
)
_BEFORE = re.compile(rf"(?:{_WORKS}|{_OFFICE_OF_STATE},?) ?$", re.IGNORECASE)
_CIVILITY = re.compile(rf"\b{SOMEBODY} $", re.IGNORECASE)
_BODY_OF = re.compile(
    r"(?:de la|de l'|du|des|d'une?) (?:Métropole|Communauté|Agglomération|Ville|Région|Département|Office|Agence|Caisse"
    r"|Centre|Service|Maison|Direction|Mission|Commission|Union|Fédération|Fonds|Pôle|Réseau|Syndicat)\b",
    re.IGNORECASE,
)
_REIGNED = re.compile(r" (?:[IVX]{2,5}|Ier)$")
_FAMOUS = re.compile(rf"(?<!\w){any_of(name.replace('-', ' ') for name in folded('famous_names'))}(?!\w)")


def famous_places(text: Text) -> list[tuple[int, int]]:
    """List where somebody stands whom everybody knows."""
    return [match.span() for match in _FAMOUS.finditer(text.folded.replace("-", " "))]


def names_nobody(text: Text, start: int, end: int) -> bool:
    """Say whether what was taken for somebody's name is of a thing, a work or a public person."""
    draft = text.written
    before = draft[max(0, start - 60) : start]
    if _BODY_OF.match(draft, start) or before.endswith(" des "):
        return True  # "le médiateur de la Métropole de Rouen"; "des Martin" are no Martin
    if _REIGNED.search(draft, start, end) or draft.startswith("l'", start, end):
        return True  # "Louis XIV"; "l'EHPAD": a name has its article in capitals
    if _CIVILITY.search(before):
        return False
    if _AFTER_NAMED.search(before) or _NAVY.match(draft, start) or _BEFORE.search(before):
        return True
    if draft[start:end].islower() and not draft.islower():
        return True  # "ce manuel": a draft writes names with their capital
    if any(low <= start and end <= high for low, high in text.once(famous_places)):
        return True
    if match := _NOUN_INSIDE.match(draft, start, end):
        return bool(match[2]) or _is_a_thing(match[1])
    return (match := _NOUN.search(before)) is not None and _is_a_thing(match[1])


def _is_a_thing(noun: str) -> bool:
    if not _OF_PEOPLE.isdisjoint((fold(noun), *fold(noun).split("-"))):
        return False
    return bool(_ENDS_OF_THINGS.search(noun)) or not _OF_PEOPLE_ENDS.search(noun)
