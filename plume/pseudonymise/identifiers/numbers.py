"""Numbers that stand for a person: NIR, IBAN, fiscal, SIRET, allocataire, file references; and codes beside them.

A failed checksum changes the type of a number, it never clears it.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from stdnum import luhn
from stdnum.fr import nif, nir

from plume.french.mentions.accounts import ACCOUNTS
from plume.french.mentions.dates import FULL_DATE
from plume.french.phrases import ANY_SIGN, NETWORK, SIGN
from plume.french.rules import Place, Text, find, table
from plume.french.text import fold
from plume.french.vocabulary import folded
from plume.french.words import ACRONYMS, EVERYDAY
from plume.pseudonymise.catalogue import ALONE
from plume.pseudonymise.identifiers.references import REFERENCES
from plume.pseudonymise.identifiers.rule import Identifier, spans
from plume.pseudonymise.spans import Span

_YEARS = re.compile(rf"(?:19|20)\d{{2}}(?:{ANY_SIGN}{{1,3}}(?:19|20)\d{{2}})*")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[ .]\d{3}|[1-9]\d?(?:[ .]000){2,}")  # "884 120 776" counts nothing
_UNIT = re.compile(
    r"\s?(?:€|euros?\b|eur\b|k€|centimes|%|ans\b|mois\b|jours?\b|j\b|heures?\b|h\b|fois\b|personnes?\b|km\b|m2\b|m²"
    r"|francs?\b)"
)
_DATE = re.compile(FULL_DATE)
_S = rf"{ANY_SIGN}{{0,3}}"
_NIR = (
    rf"(?<![\w])[1-478]{_S}\d{{2}}{_S}(?:0[1-9]|1[0-2]|[2-9]\d){_S}(?:\d{{2}}|2[ab]){_S}\d{{3}}{_S}\d{{3}}"
    rf"(?:{ANY_SIGN}{{0,3}}(?:\(?cle ?:? ?)?\d{{2}}\)?)?(?!\w)"
)
_FISCAL_NEAR = re.compile(r"\b(?:fiscale?|impots?|spi|declarant|teledeclarant)\b")
_SOCIAL_NEAR = re.compile(r"\b(?:secu|securite sociale|nir|nss|vitale|assuree?|immatriculation|cpam|ameli)\b")
_IS_NIR = re.compile(_NIR)


def _type_of_digits(match: re.Match[str], text: Text) -> str:
    """Give the type of a long number, by its keys first, then by the words around it."""
    value = re.sub(r"[^\dab]", "", match[0].replace("cle", ""))
    around = text.with_zeros[max(0, match.start() - 60) : match.end() + 40]
    if len(value) == 15 and nir.is_valid(value):
        return "NIR"
    like_nir = "NIR" if _IS_NIR.fullmatch(match[0]) else "NUMERO"
    if len(value) == 13 and value.isdigit():
        if _SOCIAL_NEAR.search(around) and not _FISCAL_NEAR.search(around):
            return "NIR"
        return "FISCAL" if nif.is_valid(value) or _FISCAL_NEAR.search(around) else like_nir
    if len(value) == 15 or not value.isdigit():
        return like_nir
    if len(value) == 14:
        return "SIRET" if luhn.is_valid(value) or "siret" in around else "NUMERO"
    return "NUMERO"


def _is_quantity(match: re.Match[str], _: Text) -> bool:
    """Say whether digits point to nobody: a date, some years, an amount."""
    value = match[0]
    if _YEARS.fullmatch(value) or _THOUSANDS.fullmatch(value):
        return True
    unit = _UNIT.match(match.string, match.end())
    if unit and len(value) < 14 and not (unit[0].strip() in ("h", "j") and len(value) > 5):  # "52 02 881 407 H"
        return True
    without_dates = _DATE.sub("", value)
    return without_dates != value and sum(c.isdigit() for c in without_dates) < 6


def _is_counted(match: re.Match[str], _: Text) -> bool:
    return _UNIT.match(match.string, match.end()) is not None


def _is_short(match: re.Match[str], _: Text) -> bool:
    return sum(map(str.isdigit, match[0])) <= 8


# A shape that says by itself what a number is.
SHAPES = table(
    Identifier(
        "number.nir",
        _NIR,
        kind_of=_type_of_digits,
        digit=12,
        at_digits=True,
        reads="with_zeros",
        examples=("mon numéro ‹2 85 05 33 063 123 45›", "2 85 05"),
    ),
)


_ENDING = re.compile(r"termin|finiss|\bfin(?:it)?\b|derniers")
_BOX = re.compile(r"\b(?:tsa|cs|bp) ?(?=\d|$)")


def _told(kind: str, least: int) -> Callable[[re.Match[str], Text], Place | None]:
    """Make the shape of a value that a word before it tells: its place, if it has digits enough and counts nothing."""

    def place(match: re.Match[str], text: Text) -> Place | None:
        start, end = match.span(1)
        written = text.written
        # A lone letter ends a reference only when it is a capital: "1234567 K", not "1234567 a été".
        if re.search(r" [a-z]$", match[1]) and written[end - 1].islower():
            end -= 2
        value = match.string[start:end]
        digits = sum(c.isdigit() for c in value)
        coded = digits >= 2 and len(value) >= 8 and written[start:end].isupper() and " " not in value  # "XKFT45RE2"
        if (digits < least and not coded) or (kind == "IBAN" and digits < 6 and not _ENDING.search(match[0])):
            return None
        if _BOX.match(value) or _BOX.search(match.string[max(0, start - 5) : start]):
            return None  # "TSA 70210": where a service gets its mail
        quantity = _DATE.fullmatch(value) or _YEARS.fullmatch(value) or _UNIT.match(match.string, end)
        if quantity or (kind == "DOSSIER" and _THOUSANDS.fullmatch(value)):
            return None
        return start, end

    return place


# A telling word, at most a few words, then a value with at least so many digits. Their order is of no matter: overlaps
# are settled by the type's priority.
_VALUE = (
    rf"(?<!\w)([a-z]{{0,6}}[\-/]?\d[a-z0-9*x]*(?:{SIGN}[a-z0-9]+)*(?: \d+)*(?: ?[a-z](?!\w))?"
    r"|[a-z]+(?:[-/][a-z0-9]+)*[-/]\d[a-z0-9]*(?:[-/][a-z0-9]+)*)"
)


def _after(name: str, kind: str, least: int, telling: str, hint: tuple[str, ...], *examples: str) -> Identifier:
    return Identifier(
        f"number.after-{name}",
        rf"(?<!\w)(?:{telling})(?!\w)[^\d\n;!?]{{0,40}}?{_VALUE}",
        kind=kind,
        hint=hint,
        digit=True,
        reads="with_zeros",
        shape=_told(kind, least),
        source="context",
        examples=examples,
    )


AFTER_WORDS = table(
    _after(
        "bank-word", "IBAN", 3,
        r"iban|rib|(?:rib|iban|compte|carte)\W{1,3}fin(?:it)?(?: (?:par|en))?"
        r"|(?:compte|carte|rib|iban)[^.\n\d]{0,30} (?:termin\w+|finiss\w+|finit)|derniers chiffres",
        ("iban", "rib", "termin", "finiss", "finit", "derniers chiffres"),
        "ma carte se terminant par ‹4512›", "mon RIB : ‹30006000011234567890›", "mon RIB du 12 mars 2024",
    ),
    _after(
        "allocataire", "ALLOCATAIRE", 5,
        r"all?oc(?:at\w{2,6})?|matricule|(?:n°|numero|no|identifiant|dossier) caf",
        ("aloc", "alloc", "matricule", " caf"),
        "allocataire n° ‹1234567 K›", "allocataire depuis 2019",
    ),
    _after(
        "france-travail", "FRANCE_TRAVAIL", 6,
        r"(?:identifiant|id|n°|no|numero)[^.\n\d]{0,15} (?:france travail|pole emploi|ft|pe)",
        ("france travail", "pole emploi", " ft", " pe"),
        "mon identifiant France Travail ‹1234567A›", "mon identifiant France Travail",
    ),
    _after(
        "fiscal", "FISCAL", 7,
        r"fiscale?|spi|declarant|teledeclarant|identifiant (?:impots?|impots\.gouv)",
        ("fiscal", "spi", "declarant", "identifiant impot"),
        "numéro fiscal : ‹30 12 345 678 901›", "année fiscale 2024",
    ),
    _after(
        "social", "NIR", 7,
        r"secu|securite sociale|nir|nss|n° ss|no ss|numero ss|carte vitale",
        ("secu", "nir", "nss", " ss", "carte vitale"),
        "numéro de sécu ‹2 85 05 33 063›", "la sécu depuis 2019",
    ),
    _after(
        "siret", "SIRET", 9,
        r"siret|siren|rcs",
        ("siret", "siren", "rcs"),
        "SIREN ‹732 829 320›", "SIREN 732",
    ),
    Identifier(
        "number.of-a-trade-register",  # with its town
        r"\b(?:rcs|rm|registre du commerce)(?: de| d')? ?([a-z][a-z' -]{1,30}? )?[abcd]? ?"
        r"\d{3}[ .]?\d{3}[ .]?\d{3}(?!\d)",
        kind="SIRET",
        hint=("rcs", "rm ", "registre"),
        digit=9,
        reads="with_zeros",
        examples=("du ‹RCS Aurillac 493 118 206›, je", "le RCS d'Aurillac"),
    ),
    _after(
        "title", "TITRE", 6,
        r"passeport|cni|carte (?:nationale )?d'identite|carte de resident|permis|neph|titre de sejour|recepisse|visa"
        r"|agdref|(?:n°|numero|no) (?:d')?etrangere?",
        ("passeport", "cni", "ident", "permis", "neph", "sejour", "recepisse", "visa", "agdref", "etranger"),
        "mon passeport ‹12AB34567›", "mon permis en 2024",
    ),
    _after(
        "file", "DOSSIER", 5,
        r"dossiers?|dossie|dosier|references?|ref|demande|courrier|reclamation|requete|ticket|suivi|colis\w*"
        r"|recommande|avis|contrat"
        r"|facture|commande|candidat\w*|ine|rpps|cotisante?|adherente?|client|numero|n°|no|num|enregistrement"
        r"|signalement|identifiant|amende|contravention|pv|plainte|inscription|quittance|sinistre|affaire|aff|role"
        r"|rg|usager|mutuelle|police|fact|mle"
        r"|societaire|carte|compteur|abonnee?|abonnement|patiente?|locataire|bail|code|fiche|mandat|acte|note"
        r"|versement|virement|beneficiaire|licence|licenciee?|rapport|autorisation|agrement|badge|puce|transpondeur"
        r"|requerante?|stagiaire|apprentie?|carnet|livret|certificat|proces-verbal",
        (
            *("dossier", "reference", "demande", "courrier", "reclamation", "requete", "ticket", "suivi", "colis"),
            *("avis", "recommande", "contrat", "facture", "commande", "candidat", "cotisant", "adherent", "client"),
            *("numero", "n°", "enregistrement", "signalement", "identifiant", "amende", "contravention", "plainte"),
            *("inscription", "ref", "quittance", "sinistre", "affaire", "ine", "rpps", "no", "num", "pv", "role", "rg"),
            *("aff", "usager", "mutuelle", "police", "fact", "mle", "societaire", "carte", "compteur", "abonn",
            "patient"),
            *("dossie", "dosier", "locataire", "bail", "fiche", "mandat", "beneficiaire", "licen", "rapport", "carnet"),
            *("autorisation", "agrement", "badge", "puce", "transpondeur", "requerant", "stagiaire", "apprenti"),
            *("livret", "certificat", "proces-verbal"),
        ),
        "dossier n° ‹2024-AB-12345›", "ma demande coûte 12 345 €", "mon dossier de 2019",
        "bénéficiaire ‹3 114 907 D›, isolé", "bénéficiaire de 12 000 €",
    ),
)  # fmt: skip

# Long digits that nothing tells.
CLUMPS = table(
    Identifier(
        "number.bank-code",  # the codes of a bank account, told one by one
        r"\b(?:banque|guichet)(?: n°)? ?:? ?(\d{5})(?!\d)",
        kind="IBAN",
        hint=("banque", "guichet"),
        digit=5,
        reads="with_zeros",
        group=1,
        examples=("code banque : ‹30006›", "guichet 3"),
    ),
    Identifier(
        "number.bank-key",  # and its key
        r"\bcle(?: rib)? ?:? ?(\d{2})(?!\d)",
        kind="IBAN",
        hint=("cle",),
        digit=True,
        reads="with_zeros",
        group=1,
        unless=lambda _, text: not _BANK.search(text.with_zeros),
        examples=("mon compte, clé RIB ‹89›", "clé 89"),
    ),
    Identifier(
        "number.clump",
        r"(?<![\d])\d(?:[ .\-/]{0,2}\d){7,27}(?!\d)",
        kind_of=_type_of_digits,
        digit=8,
        at_digits=True,
        reads="with_zeros",
        unless=_is_quantity,
        examples=("le ‹12 34 56 78 90 12›", "12 000 000 €", "du 12/03/2024"),
    ),
    Identifier(
        "number.signed-clump",  # one sign all along
        rf"\d(?<!\d\d)\d{{0,3}}({SIGN})\d{{1,4}}(?:\1\d{{1,4}})+(?!\d)",
        kind_of=_type_of_digits,
        digit=9,
        at_digits=True,
        reads="with_zeros",
        unless=(_is_short, _is_quantity),
        examples=("le ‹12~34~56~78~90›", "12~34"),
    ),
    Identifier(
        "number.crossed-out",  # a card or an account of which the end alone is left: "XXXX XXXX 4418"
        r"(?<![\w*•])(?:[x*•]{2,8}[ -]?){1,6}\d{3,4}(?!\d)",
        kind="IBAN",
        hint=("xx", "**", "••"),
        digit=3,
        examples=("carte ‹XXXX XXXX XXXX 4418›", "compte ‹****4418›", "taille XXL 44"),
    ),
    Identifier(
        "number.run",
        r"(?<!\d)\d{6,}(?!\d)",
        kind="NUMERO",
        digit=6,
        at_digits=True,
        reads="with_zeros",
        unless=_is_counted,
        source="catch-all",
        examples=("le ‹123456›", "123456 €", "12345"),
    ),
)
_BANK = re.compile(r"\b(?:rib|banque|guichet|compte)\b")

_CODE_BEFORE = re.compile(r"(?<![\w/.,'’-])([A-Z]{1,4}\d{0,3}|\d{1,3}[A-Z]{1,3}\d{0,3}|\d{2,4})[ -]$")
_CODE_AFTER = re.compile(
    r"(?:[ -]| / |/)([A-Z]{2,3}|[A-Z](?= ?(?:[.,:;)\n]|$)| [a-zà-ÿ(\d])|\d{1,5}[A-Z]{1,3}"
    r"|[A-Z]{1,3}\d{1,6}|\d{2,6})(?![\w'’/]|[.,:]\d| ?(?:h|€|%))"
)
# What an acronym opens where its label stands before it: "demande CNAPS 2409-77163", "licence : FFTir 82400719".
_TOLD_BEFORE = re.compile(
    r"\b(?i:dossier|demande|rapport|licence|r[ée]f[ée]rence|r[ée]f|contrat|permis|carte(?: \w+)?|badge"
    r"|agr[ée]ment|attestation|autorisation|certificat|recours|requ[êe]te|n°|d[ée]cision|titre|plainte"
    r"|mobilit[ée])(?: n°)?[ :.]{1,3}"
    rf"((?!(?:(?i:{NETWORK})|EDF|SNCF|ANTS|CNAV|RSA|APL)\b)[A-Z]{{2}}[A-Za-z]{{0,5}}(?:[ -][A-Z])?)[ -]$"
)
_GROWTH = 40  # characters
_WORDS_LIKE = frozenset({"LE", "LA", "DU", "DE", "ET", "EN", "AU", "OU"})
_NO_CODES = folded("words_beside_numbers", Path(__file__).parents[1] / "lists")

_TABLES = (*SHAPES, *AFTER_WORDS, *CLUMPS, *REFERENCES)


def numbers(text: Text) -> Iterator[Span]:
    """Find the numbers of a person, with the short codes that stand right beside them."""
    for account in find(text, ACCOUNTS):
        yield _grown(text, Span(account.start, account.end, "IBAN", "rule", account.rule.name))
    for span in spans(text, _TABLES):
        yield span if span.type in ALONE else _grown(text, span)


def _grown(text: Text, span: Span) -> Span:
    """Take in the short codes right before and after a number: "CT 2024 558 712", "… 0000157845Z 02"."""
    written, start, end = text.written, span.start, span.end
    least, most = start - _GROWTH, end + _GROWTH  # a whole page of "06 06 06 …" is no code
    while start > least and (before := _CODE_BEFORE.search(written, max(0, start - 9), start)):
        if not _is_code(before[1], shouting=text.all_capitals):
            break
        start = before.start(1)
    if (
        not text.all_capitals
        and (told := _TOLD_BEFORE.search(written, max(0, start - _GROWTH), start))
        and fold(told[1]) not in _NO_CODES
    ):
        start = told.start(1)
    while end < most and (after := _CODE_AFTER.match(written, end)):
        if "/" not in after[0] and not _is_code(after[1], shouting=text.all_capitals):
            break
        if _UNIT.match(written, after.end()) or (after[1].isdigit() and len(after[1]) < 2) or after[1] in _WORDS_LIKE:
            break
        end = after.end(1)
    return span._replace(start=start, end=end) if (start, end) != (span.start, span.end) else span


def _is_code(token: str, *, shouting: bool) -> bool:
    if token.isalpha():
        plain = fold(token)
        return plain == "rg" or (
            not shouting and plain not in _NO_CODES and plain not in ACRONYMS and plain not in EVERYDAY
        )
    return not token.isdigit() or len(token) < 4 or not _YEARS.fullmatch(token)
