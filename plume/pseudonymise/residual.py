"""Suspects what still looks like a part of an identifier once the masks are set, each mask reading "[§]".

An identifier that a rule recognises belongs to `identifiers/`. Here is what only its surroundings make doubtful: a name
beside a mask, a short number after its label, digits said in words. It is masked as its likely type; a build may leave
its pair out instead (configs/data/default.yaml, `residual_suspicion`).
"""

import re
from collections.abc import Callable, Iterator

from plume.french.insee import communes, spaced
from plume.french.mentions.dates import FULL_DATE
from plume.french.numbers import number_words
from plume.french.rules import Text, before, reading, table
from plume.french.vocabulary import any_of
from plume.french.words import Word
from plume.pseudonymise.identifiers.rule import Identifier, spans
from plume.pseudonymise.spans import Span

SUSPICION = "suspicion"
_NUMBER_WORD = any_of(number_words(0, 1000))
_UNIT = (
    r"(?: ?(?:€|%|euros?|ans?|mois|jours?|heures?|h\b|fois|personnes?|pages?|km|minutes?|semaines?|cents?|points\b|rue"
    r"|etoiles?"
    r"|avenue|place|boulevard))"
)
_DATE, _YEAR = re.compile(FULL_DATE), re.compile(r"(?:19|20)\d\d|\d{2}[ ./-](?:0?[1-9]|1[0-2])[ ./-](?:19|20)?\d{2}")
_UNIT_AFTER = re.compile(_UNIT)
_LABEL = (
    r"(?:(?:n°|numero|no|num)\.?(?: de| d')? ?(?:client|dossier|adherente?|abonnee?|contrat|compte|assuree?|usager"
    r"|demande"
    r"|reference|suivi|agent|beneficiaire|eleve|etudiante?|patiente?|patient|inscription|police|societaire)"
    r"|ref(?:erences?)?|client|adherente?|abonnee?|matricule|mle|usager|mutuelle|societaire|identifiant|contrat"
    r"|ticket|police"
    r"|dossier|facture|fact|carte|allocataire|alocataire|mon numero|son numero|bon|recu|colis"
    r"|code (?:client|personnel|usager|d'acces))"
)


def _is_quantity(match: re.Match[str], _: Text) -> bool:
    value = match[1]
    digits = sum(map(str.isdigit, value))
    counted = _UNIT_AFTER.match(match.string, match.end()) is not None
    few = digits < (2 if re.match("[a-z]{1,3}[-/]", value) else 3)
    few = few or (digits < 4 and match[0].startswith("ticket"))  # where one waits one's turn
    return few or counted or bool(_YEAR.fullmatch(value) or _DATE.fullmatch(value))


RESIDUAL = table(
    Identifier(
        "suspicion.labelled-digits",
        rf"\b{_LABEL}\b\.?(?: (?:est|c'est|le|la|:))*(?: ?[:#=]| ?n°| numero)? ?"
        r"((?:(?!de |du |au |le |en |et |la |a )[a-z]{1,3}[ -]?)?\d[\d ./-]*\d(?:[ -]?[a-z](?!\w))?)(?![\w€%])",
        kind="DOSSIER",
        hint=(
            *(
                "n°",
                "num",
                "no ",
                "ref",
                "client",
                "adherent",
                "abonne",
                "matricule",
                "identifiant",
                "code ",
                "mle",
                "usager",
            ),
            *(
                "mutuelle",
                "contrat",
                "ticket",
                "police",
                "dossier",
                "fact",
                "carte",
                "allocataire",
                "alocataire",
                "bon",
            ),
            *("recu", "colis"),
        ),
        digit=True,
        unless=_is_quantity,
        source=SUSPICION,
        group=1,
        examples=(
            "mon n° client ‹44 12›",
            "réf. ‹4471›",
            "usager n° ‹55 201›",
            "mle ‹33 418›",
            "mon n° de demande de 1234 euros",
            "client depuis 1998",
            "Ticket 304. Guichet 7.",
        ),
    ),
    Identifier(
        "suspicion.number-in-words",
        r"\b(?:numero|n°|reference|dossier|matricule|client|contrat|secu|code|identifiant|ip)\b(?: [a-z']+){0,4}? "
        rf"({_NUMBER_WORD}(?:(?:[ -]|, | point | tiret )(?:et[ -])?{_NUMBER_WORD}\b){{3,}})(?!{_UNIT})",
        kind="NUMERO",
        hint=(
            "numero",
            "n°",
            "reference",
            "dossier",
            "matricule",
            "client",
            "contrat",
            "secu",
            "code",
            "identifiant",
            "ip",
        ),
        source=SUSPICION,
        group=1,
        examples=("le numéro ‹quatre mille deux cent douze quinze›", "le code deux fois", "mon dossier de mille euros"),
    ),
    Identifier(
        "suspicion.phone-of-islands",
        r"\b(?:au|numero|tel\w*\.?|appel\w*|joign\w*|contact\w*|n°|mobile|portable|fixe) ?:? ?"
        r"(\d{2}([ .-])\d{2}\2\d{2}(?:\2\d{2})?)(?![ .\-/]?\d|[€%])",
        kind="TEL",
        hint=("au ", "numero", "tel", "appel", "joign", "contact", "n°", "mobile", "portable", "fixe"),
        digit=6,
        unless=lambda match, _: match[2] != " " and _DATE.fullmatch(match[1]) is not None,
        source=SUSPICION,
        group=1,
        examples=("appelez au ‹24 12 34›", "reporté au 24.12.24"),
    ),
    Identifier(
        "suspicion.age-beside-a-mask",
        rf"\[§\](?: ?[,(:-] ?| )((?:\d{{1,3}}|{_NUMBER_WORD}(?:[ -](?:et[ -])?{_NUMBER_WORD}){{0,3}}) ?(?:ans|mois)"
        r"(?: et demie?)?|\d{1,2}a\b)"
        r"(?= ?(?:[,.;:)\n]|$|et\b|est\b|a\b|en\b(?! [a-z]+ans)))(?! et (?:demi )?(?:d'|de ))",
        kind="AGE",
        hint=("§",),
        unless=before(r"\b(?:instruction|delai|attente|traitement|duree|retard)\b[^\n]{0,30}"),
        source=SUSPICION,
        group=1,
        examples=("mon fils [§] ‹7 ans›, attend", "[§] 7 ans d'attente", "Instruction : [§], deux mois"),
    ),
)
_PROPER = r"[A-ZÀ-Þ][^\W\d_]+(?:['’-][^\W\d_]+)*"
_NEXT = re.compile(rf"\[§\](?:,? et |,? ou | ?/ ?| ?& ?|, | )({_PROPER}(?: {_PROPER})?)(?![\w@'’])")
_BEFORE = re.compile(rf"(?<=[a-zà-ÿ,] )({_PROPER})(?:,? et | ou | ?/ ?| ?& ?| )\[§\]")
_SHORTEST = 3


def find_suspicions(text: str, may_be_name: Callable[[str], bool]) -> Iterator[Span]:
    """Find what is still doubtful in a text whose masks read "[§]"; `may_be_name` says whether a word may be a name."""
    read = reading(text)
    yield from spans(read, RESIDUAL)
    if "[§]" in text and not read.shouting:
        for pattern in (_NEXT, _BEFORE):
            for match in pattern.finditer(text):
                words = match[1].split(" ")
                if all(map(_is_unknown, words)) and all(map(may_be_name, words)):
                    yield Span(*match.span(1), "PERSONNE", SUSPICION, "suspicion.name-beside-a-mask")


def _is_unknown(word: str) -> bool:
    known = Word.of(word)
    plain = known.may_be_name and not (known.form_label or known.office or known.is_word_and_name or word.isupper())
    return plain and len(word) >= _SHORTEST and spaced(word) not in communes()
