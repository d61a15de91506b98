"""Hospitals and schools: where somebody is treated or taught."""

import re

from plume.french.insee import communes
from plume.french.rules import Place, Text, table
from plume.french.text import fold
from plume.french.vocabulary import word_set
from plume.french.words import EVERYDAY
from plume.pseudonymise.identifiers.rule import Identifier

_CARE = (
    r"(?:chu|chru|chr|ch|chs|cmp|cmpp|ehpad|hopital(?: de jour)?|hopitaux|centre medico[ -]psycho\w+"
    r"|centre de (?:reeducation|soins|dialyse|sante)|maison de sante|cabinet (?:medical|dentaire)"
    r"|clinique|polyclinique|centre hospitalier(?: "
    r"(?:universitaire|regional|specialise|intercommunal))*|maternite|maison de retraite"
    r"|foyer de vie|foyer d'accueil|ime|esat|itep|ssr|hospice)"
)
_LINKS = word_set(
    "de du des la le les centre hospitalier universitaire regional retraite agricole professionnel technique prive"
    " public general maternelle primaire elementaire jour soins"
)
_WORD = re.compile(r"[^\W\d_]+(?:[-'’.][^\W\d_]+)*")


def _care(match: re.Match[str], text: Text) -> Place | None:
    written = text.written[match.start() : match.end()]
    return _proper(match, text, lower_ok=written.islower())


def _school(match: re.Match[str], text: Text) -> Place | None:
    written = text.written[match.start() : match.end()]
    return _proper(match, text, lower_ok=written.islower() and _ends_in_commune(match[0]))


def _ends_in_commune(name: str) -> bool:
    """Say whether a name ends in a commune: "universite de perpignan"."""
    words = re.sub(r"[-']", " ", name).split()
    return any(" ".join(words[i:]) in communes() for i in range(1, len(words)))


def _proper(match: re.Match[str], text: Text, *, lower_ok: bool) -> Place | None:
    """Give the place up to the end of the proper name, None where none follows ("le lycée de mon fils")."""
    start, last = match.start(), None
    for word in list(_WORD.finditer(text.written[start : match.end()]))[1:]:
        bare = re.split(r"['’]", word[0])[-1]
        plain = fold(bare)
        if plain in _LINKS:
            continue
        if plain in EVERYDAY:
            break
        if bare[0].isupper() or lower_ok:
            last = start + word.end()
        elif last:
            break
    return (start, last) if last else None


ESTABLISHMENTS = table(
    Identifier(
        "establishment.care",
        rf"\b{_CARE}(?: (?:(?:prive|public)e? )?(?:(?:de|du|des|d'|la|le|les|saint|sainte|st"
        r"|ste)[ '-]{0,1}){0,3}[^\W\d_][\w'-]+(?:[ -](?:de |du |la )?[^\W\d_][\w'-]+)?)",
        kind="HOPITAL",
        hint=(
            *("ch", "cmp", "ehpad", "hopita", "centre ", "maison de ", "cabinet ", "clinique", "maternite", "foyer d"),
            *("polyclinique", "ime", "esat", "itep", "ssr", "hospice"),
        ),
        at_hints=True,
        shape=_care,
        examples=("au ‹CHU de Rennes›", "la ‹clinique des Augustins›", "l'hôpital de jour"),
    ),
    Identifier(
        "establishment.school",
        r"\b(?:lycee|college|ecole(?: (?:maternelle|primaire|elementaire))?|universite|iut|creche|faculte|institut)(?: "
        r"(?:agricole|professionnel|technique|prive|public|general))*"
        r" (?:(?:de la|de|du|des|d'|la|le|les|saint|sainte)[ '-]?){0,3}[^\W\d_][\w'.-]+(?:[ -](?:de |du "
        r"|la )?[^\W\d_][\w'.-]+){0,2}",
        kind="ECOLE",
        hint=("lycee", "college", "ecole", "universite", "iut", "creche", "faculte", "institut"),
        shape=_school,
        examples=("au ‹lycée Victor Hugo›", "le lycée de mon fils"),
    ),
)
