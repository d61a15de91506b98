"""Numbers and plates told letter by letter: "trois cent douze tiret B comme Bernard", "G H zéro zéro zéro T T"."""

import re

from plume.french.numbers import number_words
from plume.french.rules import Place, Text, table
from plume.french.vocabulary import any_of, word_set
from plume.pseudonymise.identifiers.references import UNIT_SAID
from plume.pseudonymise.identifiers.rule import Identifier

_DIGIT_WORD = any_of(number_words(0, 1000))
_SAID_SIGN = r"(?:tiret(?: du bas| bas)?|point|slash|antislash|barre(?: oblique)?|virgule|underscore|diese|espace|puis)"
_SAID_LETTER = r"(?:(?:la lettre )?[a-z](?: comme [a-z]+(?:-[a-z]+)*)?(?!-))"
_SAID = rf"(?:{_DIGIT_WORD}|{_SAID_SIGN}|{_SAID_LETTER}|\d{{1,6}})(?![\w'])"
_READ_ALOUD = rf"{_SAID}(?:(?:,? (?:et )?|-|- | - ){_SAID}){{2,24}}"
_OF_NUMBER = (
    r"(?:numero|num|n°|dossier|ref(?:erence)?|plaque|immat\w*|compteur|code|client|matricule|contrat|pdl|pce|prm|iban|rib"
    r"|compte|secu|nir|fiscal|allocataire|passeport|carte|permis|identifiant|siret|commande|colis|suivi|police|voiture"
    r"|vehicule|ticket|facture|titre|parcelle|ine|neph|serie|adherente?|usager|telephone|tel|portable)"
)
_SIGN_OR_LETTER = re.compile(rf"\b(?:{_SAID_SIGN}|zero|double)\b|\b[a-z] comme\b")
_LONE = re.compile(r"(?<![\w'])[b-xz](?![\w'])")
_TRAILING = re.compile(r"(?:[ ,-]{1,3}(?:a|y|et|o|espace|puis|plus loin|virgule|point)){1,6}$")


def _read_aloud(match: re.Match[str], text: Text) -> Place | None:
    """Give the place of a number that is told letter by letter, None where something is counted."""
    start, end = match.span(1)
    value = match[1]
    if (trailing := _TRAILING.search(value)) and not text.written[end - 1].isupper():
        end -= len(trailing[0])
        value = value[: trailing.start()]
    letters = len(_LONE.findall(value))
    said = [word for word in re.findall(r"[a-z]+|\d+", value) if word not in ("et", "comme")]
    digits = sum(word.isdigit() or bool(_IS_DIGIT_WORD.fullmatch(word)) for word in said)
    told = bool(_SIGN_OR_LETTER.search(value)) or (letters >= 1 and digits >= 2) or letters >= 2
    in_words = sum(bool(_IS_DIGIT_WORD.fullmatch(word)) for word in said)
    if (
        len(said) < 3
        or not digits
        or (in_words < 2 and " comme " not in value)
        or not (told or (digits >= 4 and not _is_one_number(value)))
    ):
        return None
    return None if UNIT_SAID.match(match.string, end) else (start, end)


def _is_one_number(value: str) -> bool:
    """Say whether words are one number, as it is counted: "deux cent quarante-deux mille"."""
    return re.search(r"\b(?:cents?|mille)\b", value) is not None and _UNITS_IN_A_ROW.search(value) is None


_IS_DIGIT_WORD = re.compile(_DIGIT_WORD)
_UNITS_IN_A_ROW = re.compile(rf"\b{any_of(number_words(0, 9))}[ ,-]+{any_of(number_words(0, 16))}\b(?! (?:cent|mille))")
_OPENS_NUMBER = word_set(
    "numero num n dossier ref reference plaque immat immatriculation"
    " immatricule immatriculee compteur code client matricule"
    " contrat pdl pce prm iban rib compte secu nir fiscal allocataire"
    " passeport carte permis identifiant siret commande colis"
    " suivi police voiture vehicule ticket facture titre parcelle"
    " ine neph serie adherent adherente usager telephone tel portable"
)
_DIGIT_BY_DIGIT = any_of(number_words(0, 9))
READ_ALOUD = table(
    Identifier(
        "reference.digit-by-digit",  # nothing is counted so: "sept un zéro quatre huit"
        rf"(?<!\w)(?=(?:[a-z]+[ ,-]+){{0,8}}?zero\b|(?:{_DIGIT_BY_DIGIT}[ ,-]+){{4}})"
        rf"{_DIGIT_BY_DIGIT}(?:[ ,-]{{1,2}}{_DIGIT_BY_DIGIT}\b){{3,}}",
        kind="NUMERO",
        words=frozenset(number_words(0, 9)),
        at_words=True,
        unless=lambda match, text: UNIT_SAID.match(text.folded, match.end()) is not None,
        examples=("le ‹sept un zéro quatre huit› comme code", "un, deux, trois, quatre", "zéro réponse en deux mois"),
    ),
    Identifier(
        "reference.read-aloud",
        rf"\b{_OF_NUMBER}\b(?:[^ \n]| (?!{_SAID})){{0,40}}?[ ,:«\"]+({_READ_ALOUD})",
        kind_of=lambda match, _: (
            "PLAQUE" if match[0].startswith(("plaque", "immat", "voiture", "vehicule")) else "DOSSIER"
        ),
        words=_OPENS_NUMBER,
        at_words=True,
        shape=_read_aloud,
        examples=(
            "mon numéro de dossier c'est ‹trois cent douze tiret B comme Bernard tiret quarante-quatre› et",
            "plaque ‹G H zéro zéro zéro T T› et non",
            "compteur d'eau c'est ‹trois huit un zéro cinq point B› je",
            "mon dossier compte quatre pièces et deux annexes",
            "dossier refusé deux fois, trois fois, quatre fois",
        ),
    ),
    Identifier(
        "reference.spelled-with-names",  # without its label
        rf"(?<!\w)((?:{_SAID}[ ,-]+){{1,12}}[a-z] comme [a-z]+(?:-[a-z]+)*(?:[ ,-]+{_SAID}){{1,12}})",
        kind="DOSSIER",
        words=frozenset(("comme",)),
        shape=_read_aloud,
        examples=("c'est le ‹douze B comme Bernard quatre›", "le bureau B comme Bernard"),
    ),
)
