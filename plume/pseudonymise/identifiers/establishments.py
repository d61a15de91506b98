"""Hospitals and schools: where somebody is treated or taught. One that is a place of the town stays."""

import re
from collections.abc import Iterator

from plume.french.insee import communes
from plume.french.phrases import KIN
from plume.french.rules import Found, Place, Text, find, table
from plume.french.text import fold
from plume.french.vocabulary import word_set
from plume.french.words import EVERYDAY
from plume.pseudonymise.identifiers.addresses import sentence_around
from plume.pseudonymise.identifiers.rule import Identifier
from plume.pseudonymise.identifiers.towns import town_at
from plume.pseudonymise.spans import Span

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
            *("ime", "esat", "itep", "ssr", "hospice"),
        ),
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
# Somebody is treated, taught or working there.
_SOMEBODYS = re.compile(
    rf"\b{KIN}\b|\b(?:hospitalis\w+|oper(?:ee?s?|ation)|soigne\w*|suivie?s?|soins|inscrit\w*|scolaris\w*|elev(?:e|es)\b"
    r"|etudian\w+|etudie|patiente?s?|sortie d|transfer\w+|accouch\w+|admis\w*|maternite|chirurg\w+|interne\b"
    r"|stage|stagiaire|je travaille|mon poste|affecte\w*|entr(?:e|ee|er) en|passe en|ma classe|sa classe"
    r"|en (?:seconde|premiere|terminale|cp|ce1|ce2|cm1|cm2)|aesh|bourse|enfants?|irm|scanner|diagnosti\w+|ehpad)\b"
)
# The citizen speaks of a matter of their own: "la clinique m'a envoyé la facture", "le lycée n'a jamais renvoyé …".
_OF_ONES_OWN = re.compile(
    r"\bj[e']|\bm'|\b(?:me|moi|mon|ma|mes|nous|notre|nos)\b|\b(?:dossiers?|factur\w+|attestation|certificat"
    r"|convocation|ordonnance|rendez-vous|rdv|remboursement|prelevement|envoye\w*|renvoye\w*)\b"
)
# It is told as a place: "devant l'école …", "le parking de l'hôpital …", "à l'angle du lycée …".
_LANDMARK = re.compile(
    r"\b(?:devant|derriere|face a|en face|a cote|pres|autour|abords|niveau"
    r"|parking|cantine|parvis|arret|rue|trottoir|portail|grilles?|panneau|facade|toit\w*|travaux|chantier|construction"
    r"|fermeture|cafeteria|accueil|standard|site|horaires|equipes?|personnels?|kermesse|fete|stade)"
    r"(?: (?:de|du|des|d')(?: la| l'| l)?| la| l'| le)? ?$"
)


def _all(text: Text) -> list[Found]:
    return list(find(text, ESTABLISHMENTS))


def _is_public(text: Text, found: Found) -> bool:
    start, end = sentence_around(text.folded, found.start, found.end)
    before, after = text.folded[start : found.start], text.folded[found.end : end]
    if _SOMEBODYS.search(before) or _SOMEBODYS.search(after) or _ALWAYS_SOMEBODYS.match(found.match[0]):
        return False
    return bool(_LANDMARK.search(before)) or not (_OF_ONES_OWN.search(before) or _OF_ONES_OWN.search(after))


_TO_TOWN = re.compile(r" (?:de |d'|a )")
_ALWAYS_SOMEBODYS = re.compile(
    r"ehpad|cmpp?|centre medico|centre de (?:reeducation|soins|dialyse)|cabinet|maison de (?:retraite|sante)|foyer"
    r"|ime\b|esat|itep|ssr|hospice|hopital de jour"
)


def establishments(text: Text) -> Iterator[Span]:
    """Find where somebody is treated or taught."""
    for found in text.once(_all):
        if not _is_public(text, found):
            yield Span(found.start, found.end, found.rule.kind, "rule", found.rule.name)


def public_establishments(text: Text) -> Iterator[Span]:
    """Find hospitals and schools that are told of as places of the town: their names stay."""
    for found in text.once(_all):
        if _is_public(text, found):
            to_town = _TO_TOWN.match(text.folded, found.end)
            town = town_at(text, to_town.end()) if to_town else None
            yield Span(found.start, town[1] if town else found.end, "KEEP", "body", found.rule.name)
