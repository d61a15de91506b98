"""Numbers that stand for a person: NIR, IBAN, fiscal, SIRET, allocataire, file references, documents, plates.

And those that stand for where somebody is: network addresses, coordinates, plus codes.
"""

import ipaddress
import re
from collections.abc import Iterator

from stdnum import luhn
from stdnum.fr import nif, nir

from plume.french.text import fold
from plume.french.vocabulary import word_set
from plume.french.words import ACRONYMS, EVERYDAY
from plume.pseudonymise.spans import Span

# What may stand between the digits of one number: anything that is neither letter nor digit, but a unit.
ANY = r"(?:[^\w€%]|_)"
SIGN = r"(?:[^\w\s,;:!?()'\"€%]|_)"  # the same without blanks and what goes on with a sentence
_S = rf"{ANY}{{0,3}}"
_NIR = re.compile(
    rf"(?<![\w])[1-478]{_S}\d{{2}}{_S}(?:0[1-9]|1[0-2]|[2-9]\d){_S}(?:\d{{2}}|2[ab]){_S}\d{{3}}{_S}\d{{3}}"
    rf"(?:{ANY}{{0,3}}(?:\(?cle ?:? ?)?\d{{2}}\)?)?(?!\w)"
)
_GROUP = rf"(?: |{SIGN}{{1,2}})?(?=[a-z]{{0,3}}[\dx*])[a-z\d*]"  # some of it may be crossed out: "XXXX"
_IBAN = re.compile(rf"(?<!\w)(?:[a-z]{{2}}|fr )\d{{2}}(?:{_GROUP}{{4}}){{2,7}}(?:{_GROUP}{{1,4}})?(?!\w)")
# However it is spaced: a French IBAN has 27 signs, the RIB in it 23.
_FRENCH_IBAN = re.compile(
    r"(?<!\w)f ?r ?(?:[ .\-]{0,2}\d){2}(?:[ .\-]{0,2}[a-z\d*]){23}(?!\w)"
    rf"|(?<!\w)f{_S}r(?:{_S}\d){{12}}(?:{_S}[a-z\d]){{11}}(?:{_S}\d){{2}}(?!\w)"
)
_RIB = re.compile(rf"(?<!\w)\d{{5}}{_S}\d{{5}}{_S}(?=(?:[a-z]*\d){{7}})[a-z\d]{{11}}{_S}\d{{2}}(?!\w)")
_CLUMP = re.compile(r"(?<![\d])\d(?:[ .\-/]{0,2}\d){7,27}(?!\d)")
_SIGNED_CLUMP = re.compile(rf"\d(?<!\d\d)\d{{0,3}}({SIGN})\d{{1,4}}(?:\1\d{{1,4}})+(?!\d)")  # one sign all along
_RUN = re.compile(r"(?<!\d)\d{6,}(?!\d)")
_COMPACT_FT = re.compile(r"(?<!\w)\d{7}[a-z](?!\w)")
_PASSPORT = re.compile(r"(?<!\w)\d{2} ?[a-z]{2} ?\d{5}(?!\w)")
_BOX = re.compile(r"\b(?:tsa|cs|bp) ?(?=\d|$)")
_ENDING = re.compile(r"termin|finiss|finit|derniers")
# References: capitals and digits, in one piece or joined by hyphens or slashes.
_REFERENCE = re.compile(
    r"(?<![\w@.])(?=[A-Z0-9])(?=[0-9/\-]{0,40}[A-Z])(?=(?:[A-Z/\-]{0,20}\d){5})(?:[A-Z0-9]+[-/])*[A-Z0-9]+(?![\w@])"
)
_LOWER_REFERENCE = re.compile(
    r"(?<![\w@./:])(?=[a-z0-9])(?=[0-9\-]{0,40}[a-z])(?=(?:[a-z\-]{0,20}\d){6})(?:[a-z0-9]+-)*[a-z0-9]+(?![\w@])"
)
_SIV = re.compile(rf"(?<!\w)[A-HJ-NP-TV-Z]{{2}}(?: ?{SIGN} ?| )?\d{{3}}(?: ?{SIGN} ?| )?[A-HJ-NP-TV-Z]{{2}}(?!\w)")
_LOWER_SIV = re.compile(rf"(?<!\w)[a-hj-np-tv-z]{{2}} ?{SIGN} ?\d{{3}} ?{SIGN} ?[a-hj-np-tv-z]{{2}}(?!\w)")
_SPACED_SIV = re.compile(r"(?<!\w)([a-hj-np-tv-z]{2}) \d{3} ([a-hj-np-tv-z]{2})(?!\w)")
_TWO_LETTERS = word_set("km kg cm mm mg ml go mo ko tv mn nd rd th st or et de du la le")
_FNI = re.compile(r"(?<![\w,.])\d{2,4} ?([A-Z]{2,3}) ?(?:\d{2}|2[AB]|97\d)(?!\w)")
_CONTEXT_PLATE = re.compile(
    r"\b(?:plaque|immat\w*\.?|vehicule|voiture|moto|scooter|carte grise|auto|camion\w*|remorque"
    r"|caravane|camping[- ]car|utilitaire|fourgon\w*|quad|cession)\b[^\d\n.;!?]{0,30}?"
    r"(?<!\w)([a-z]{1,2}[ .-]{0,3}\d{2,3}[ .-]{0,3}[a-z]{1,2}|\d{1,4} ?[a-z]{2,3} ?(?:\d{2}|2[ab]))(?!\w)"
)

# "gb744rc"; looked for from its digits on, which are rarer than letters.
_CLOSE_SIV = re.compile(r"\d{3}(?<=(?<!\w)[a-hj-np-tv-z]{2}\d{3})[a-hj-np-tv-z]{2}(?!\w)")
# The codes of a bank account, told one by one, and its key.
_BANK_CODE = re.compile(r"\b(?:banque|guichet)(?: n°)? ?:? ?(\d{5})(?!\d)")
_BANK_KEY = re.compile(r"\bcle(?: rib)? ?:? ?(\d{2})(?!\d)")
_BANK = re.compile(r"\b(?:rib|banque|guichet|compte)\b")
# Six or eight digits of a phone overseas, beside the word for it or the name of the territory.
_OVERSEAS = re.compile(
    r"(?<![\d.,/-])(?<!\d )(?:\d{2}([ .]?)\d{2}\1\d{2}(?:\1\d{2})?|\d{3}([ .])\d{2}\2\d{2})(?![ .]?\d)"
)
_TELEPHONE = re.compile(
    r"\b(?:tel|telephone|portable|mobile|gsm|fixe|whatsapp)\b[^\d\n.;!?]{0,25}\.?[^\d\n.;!?]{0,12}$"
)
_TERRITORY = re.compile(
    r"caledoni|noumea|wallis|futuna|tahiti|papeete|polynesi|moorea|raiatea|miquelon|\bmata-utu\b|\bkone\b|\bdumbea\b"
)

_CODE_BEFORE = re.compile(r"(?<![\w/.,'’-])([A-Z]{1,4}\d{0,3}|\d{1,3}[A-Z]{1,3}\d{0,3}|\d{2,4})[ -]$")
_CODE_AFTER = re.compile(r"[ -]([A-Z]{2,3}|\d{1,5}[A-Z]{1,3}|[A-Z]{1,3}\d{1,6}|\d{2,6})(?![\w'’/]|[.,:]\d| ?(?:h|€|%))")
_GROWTH = 40  # characters
_WORDS_LIKE = frozenset({"LE", "LA", "DU", "DE", "ET", "EN", "AU", "OU"})
_LABELS = word_set(
    "n no num tel rib ref nir cni neph spi siret siren ine rpps pv id rg cp bp cs le la les du de des au et en ou mr"
    " nss ine agdref alloc ft pe mme iban bic swift code cle mon ma un une a y il on"
)

# A telling word, at most a few words, then a value with at least so many digits. Their order is of no matter: overlaps
# are settled by the type's priority.
_VALUE = (
    rf"(?<!\w)([a-z]{{0,6}}[\-/]?\d[a-z0-9*x]*(?:{SIGN}[a-z0-9]+)*(?: \d+)*(?: ?[a-z](?!\w))?"
    r"|[a-z]+(?:[-/][a-z0-9]+)*[-/]\d[a-z0-9]*(?:[-/][a-z0-9]+)*)"
)
_TELLING = {
    ("IBAN", 3): r"iban|rib|(?:compte|carte|rib|iban)[^.\n\d]{0,30} (?:termin\w+|finiss\w+|finit)|derniers chiffres",
    ("ALLOCATAIRE", 5): r"alloc(?:ataires?)?|matricule|(?:n°|numero|no|identifiant|dossier) caf",
    ("FRANCE_TRAVAIL", 6): r"(?:identifiant|id|n°|no|numero)[^.\n\d]{0,15} (?:france travail|pole emploi|ft|pe)",
    ("FISCAL", 7): r"fiscale?|spi|declarant|teledeclarant|identifiant (?:impots?|impots\.gouv)",
    ("NIR", 7): r"secu|securite sociale|nir|nss|n° ss|no ss|numero ss|carte vitale",
    ("SIRET", 9): r"siret|siren|rcs",
    ("TITRE", 6): (
        r"passeport|cni|carte (?:nationale )?d'identite|carte de resident|permis|neph|titre de sejour|recepisse|visa"
        r"|agdref|(?:n°|numero|no) (?:d')?etrangere?"
    ),
    ("DOSSIER", 5): (
        r"dossiers?|references?|ref|demande|courrier|reclamation|requete|ticket|suivi|colis\w*|recommande|avis|contrat"
        r"|facture|commande|candidat\w*|ine|rpps|cotisante?|adherente?|client|numero|n°|no|num|enregistrement"
        r"|signalement|identifiant|amende|contravention|pv|plainte|inscription|quittance|sinistre|affaire|role|rg"
    ),
}
_CONTEXTS = tuple(
    (kind, least, re.compile(rf"(?<!\w)(?:{telling})(?!\w)[^\d\n;!?]{{0,40}}?{_VALUE}"))
    for (kind, least), telling in _TELLING.items()
)

_MONTH = (
    r"(?:janvier|janv|fevrier|fevr?|mars|avril|avr|mai|juin|juillet|juil|aout|septembre|sept|octobre|oct|novembre|nov"
    r"|decembre|dec)"
)
_DAY, _MONTH_NUMBER, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d{2}"
DATE = re.compile(
    r"(?=[\djfmasond])(?:"  # most characters begin no date
    rf"(?<![\d./])(?<!\d[ -])(?:{_DAY}(?: ?{SIGN} ?){_MONTH_NUMBER}(?: ?{SIGN} ?)(?:{_YEAR}|\d{{2}})"
    rf"|{_DAY} {_MONTH_NUMBER} (?:{_YEAR}|\d{{2}}))(?![ ./\-]?\d)"
    rf"|(?<!\d){_DAY}(?:er)?[ .\-]{{0,2}}{_MONTH}\.?[ .\-]{{0,2}}(?:{_YEAR}|\d{{2}})(?!\d)"
    rf"|(?<!\d){_YEAR}[-/]\d{{1,2}}[-/]\d{{1,2}}(?!\d)|(?<!\w){_MONTH} {_YEAR}(?!\d))"
)
_YEARS = re.compile(rf"(?:19|20)\d{{2}}(?:{ANY}{{1,3}}(?:19|20)\d{{2}})*")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[ .]\d{3}|[1-9]\d?(?:[ .]000){2,}")  # "884 120 776" counts nothing
_UNIT = re.compile(
    r"\s?(?:€|euros?\b|eur\b|k€|centimes|%|ans\b|mois\b|jours?\b|j\b|heures?\b|h\b|fois\b|personnes?\b|km\b|m2\b|m²"
    r"|francs?\b)"
)
_FISCAL_NEAR = re.compile(r"\b(?:fiscale?|impots?|spi|declarant|teledeclarant)\b")
_SOCIAL_NEAR = re.compile(r"\b(?:secu|securite sociale|nir|nss|vitale|assuree?|immatriculation|cpam|ameli)\b")


_DIGIT = re.compile(r"\d")


def has_digit(text: str) -> bool:
    """Most texts hold none, and need not be looked at by rules for numbers."""
    return _DIGIT.search(text) is not None


def find_numbers(text: str) -> Iterator[Span]:
    shouting = text.isupper()
    yield from _positions(text)
    for span in _find_numbers(text):
        yield span if span.type in ("PLAQUE", "SIRET") else _grown(text, span, shouting=shouting)


# Hexadecimal groups, two at least, perhaps with an IPv4 address after them: what may be an IPv6 address.
_MAYBE_IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9a-f:]{0,6}:)[0-9a-f:]{3,39}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?![\w:]|\.\d)"
)
_IPV4 = re.compile(
    r"\b(?:ip|ipv4|adresse|connexions?|connecte\w*|serveur|reseau|box)\b[^\d\n]{0,30}?"
    r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w]|\.\d)"
)
_FOUR = re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d")
_DECIMALS = re.compile(r"\d[.,]\d{3}")
# Degrees: four decimals tell a house from its neighbour; so do minutes of arc.
_DEGREES = r"[-+−]?\d{1,3}[.,]\d{4,}(?!\d) ?°?"
_MINUTES = (
    r"\d{1,3} ?(?:°|deg\w{0,4}\b) ?\d{1,2}(?:[.,]\d+)? ?(?:['′]|min\w{0,4}\b)"
    r"(?: ?\d{1,2}(?:[.,]\d+)? ?(?:[\"″”′]|''))?"
)
_CARDINAL = r"(?: ?\b(?:nord|sud|est|ouest|[nsewo])\b)?"
_COORDINATES = re.compile(
    rf"(?<![\w.,])(?:[nsewo] ?)?{_DEGREES}{_CARDINAL}{ANY}{{1,4}}"
    rf"(?:(?:et|longitude|long?|lng|[nsewoxy])\b{ANY}{{0,3}})?"
    rf"{_DEGREES}{_CARDINAL}(?![\w%€])"
    rf"|\b(?:latitude|lat|longitude|long?|lng|gps)\b{ANY}{{0,4}}[-+−]?\d{{1,3}}[.,]\d{{3,}}(?!\d)"
    rf"|(?<![\w.,])(?:[nsewo] ?)?{_MINUTES}{_CARDINAL}(?:{ANY}{{0,4}}(?:[nsewo] ?)?{_MINUTES}{_CARDINAL})?"
)
_PLUS_CODE = re.compile(
    r"(?<![\w+])(?:(?=[a-z]{0,7}\d)[2-9cfghjmpqrvwx]{4,8}|[2-9cfghjmpqrvwx]{2,6}0{2,6})\+(?:[2-9cfghjmpqrvwx]{2,4})?(?![\w+])"
    r"|(?<![\w+])[cfghjmpqrvwx]{4,8}\+(?=[a-z]?\d)[2-9cfghjmpqrvwx]{2,4}(?![\w+])"
    r"|///[^\W\d_]{2,20}\.[^\W\d_]{2,20}\.[^\W\d_]{2,20}"  # the same in three words
)


def _positions(text: str) -> Iterator[Span]:
    """Where somebody is, in a network or on a map."""
    folded = fold(text)
    for match in _MAYBE_IPV6.finditer(folded) if folded.count(":") > 1 else ():
        groups = [group for group in re.split(r"[:.]", match[0]) if group]
        if (len(groups) > 3 or (len(groups) > 1 and re.search(r"[a-f]", match[0]))) and _is_ip(match[0]):
            yield Span(*match.span(), "NUMERO", "rule")
    for match in _IPV4.finditer(folded) if _FOUR.search(folded) else ():
        if _is_ip(match[1]):
            yield Span(*match.span(1), "NUMERO", "rule")
    for match in _COORDINATES.finditer(folded) if "°" in text or "deg" in folded or _DECIMALS.search(folded) else ():
        yield Span(*match.span(), "ADRESSE", "rule")
    for match in _PLUS_CODE.finditer(folded) if "+" in text or "///" in text else ():
        yield Span(*match.span(), "ADRESSE", "rule")


def _is_ip(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _grown(text: str, span: Span, *, shouting: bool) -> Span:
    """The number with the short codes that stand right before and after it: "CT 2024 558 712", "… 0000157845Z 02"."""
    start, end = span.start, span.end
    least, most = start - _GROWTH, end + _GROWTH  # a whole page of "06 06 06 …" is no code
    while start > least and (before := _CODE_BEFORE.search(text, max(0, start - 9), start)):
        if not _is_code(before[1], shouting=shouting):
            break
        start = before.start(1)
    while end < most and (after := _CODE_AFTER.match(text, end)) and _is_code(after[1], shouting=shouting):
        if _UNIT.match(text, after.end()) or (after[1].isdigit() and len(after[1]) < 2) or after[1] in _WORDS_LIKE:
            break
        end = after.end(1)
    return Span(start, end, span.type, span.source) if (start, end) != (span.start, span.end) else span


def _is_code(token: str, *, shouting: bool) -> bool:
    if token.isalpha():
        return not shouting and fold(token) not in _LABELS and fold(token) not in ACRONYMS | EVERYDAY
    return not token.isdigit() or len(token) < 4 or not _YEARS.fullmatch(token)


_WITH_O = re.compile(r"(?<![a-z\d])(?=o*\d)[\do]++(?![a-z])")


def _find_numbers(text: str) -> Iterator[Span]:
    folded = _WITH_O.sub(lambda m: m[0].replace("o", "0"), fold(text))  # "1 53 O7": the letter for the digit
    for match in (*_IBAN.finditer(folded), *_FRENCH_IBAN.finditer(folded), *_RIB.finditer(folded)):
        if sum(c.isdigit() or c == "x" for c in match[0]) >= 10 and not match[0].isalpha():
            yield Span(*match.span(), "IBAN", "rule")
    for match in _NIR.finditer(folded):
        yield Span(*match.span(), _kind_of_digits(match, folded), "rule")
    for kind, least, pattern in _CONTEXTS:
        yield from _in_context(text, folded, kind, least, pattern)
    for match in (*_BANK_CODE.finditer(folded), *_BANK_KEY.finditer(folded)) if _BANK.search(folded) else ():
        yield Span(*match.span(1), "IBAN", "rule")
    for match in _OVERSEAS.finditer(folded):
        near = folded[max(0, match.start() - 40) : match.end() + 40]
        if _TELEPHONE.search(folded, max(0, match.start() - 45), match.start()) or _TERRITORY.search(near):
            yield Span(*match.span(), "TEL", "rule")
    signed = [m for m in _SIGNED_CLUMP.finditer(folded) if sum(map(str.isdigit, m[0])) > 8]
    for match in (*_CLUMP.finditer(folded), *signed):
        if not _is_plain_quantity(match, folded):
            yield Span(*match.span(), _kind_of_digits(match, folded), "rule")
    for match in _RUN.finditer(folded):
        if not _UNIT.match(folded, match.end()):
            yield Span(*match.span(), "NUMERO", "catch-all")
    yield from _references(text, folded)
    yield from _plates(text, folded)


def _kind_of_digits(match: re.Match[str], folded: str) -> str:
    """The type of a long number, by its keys first, then by the words around it."""
    value = re.sub(r"[^\dab]", "", match[0].replace("cle", ""))
    around = folded[max(0, match.start() - 60) : match.end() + 40]
    if len(value) == 15 and nir.is_valid(value):
        return "NIR"
    if len(value) == 13 and value.isdigit():
        if _SOCIAL_NEAR.search(around) and not _FISCAL_NEAR.search(around):
            return "NIR"
        return "FISCAL" if nif.is_valid(value) or _FISCAL_NEAR.search(around) else "NIR" if _is_nir(match) else "NUMERO"
    if len(value) == 15 or not value.isdigit():
        return "NIR" if _is_nir(match) else "NUMERO"
    if len(value) == 14:
        return "SIRET" if luhn.is_valid(value) or "siret" in around else "NUMERO"
    return "NUMERO"


def _is_nir(match: re.Match[str]) -> bool:
    return _NIR.fullmatch(match[0]) is not None


def _is_plain_quantity(match: re.Match[str], folded: str) -> bool:
    """A date, some years, an amount: digits that point to nobody."""
    value = match[0]
    if _YEARS.fullmatch(value) or _THOUSANDS.fullmatch(value):
        return True
    if _UNIT.match(folded, match.end()) and len(value) < 14:
        return True
    without_dates = DATE.sub("", value)
    return without_dates != value and sum(c.isdigit() for c in without_dates) < 6


def _in_context(text: str, folded: str, kind: str, least: int, pattern: re.Pattern[str]) -> Iterator[Span]:
    for match in pattern.finditer(folded):
        start, end = match.span(1)
        # A lone letter ends a reference only when it is a capital: "1234567 K", not "1234567 a été".
        if re.search(r" [a-z]$", match[1]) and text[end - 1].islower():
            end -= 2
        value = folded[start:end]
        digits = sum(c.isdigit() for c in value)
        coded = digits >= 2 and len(value) >= 8 and text[start:end].isupper() and " " not in value  # "XKFT45RE2"
        if (digits < least and not coded) or (kind == "IBAN" and digits < 6 and not _ENDING.search(match[0])):
            continue
        if _BOX.match(value) or _BOX.search(folded[max(0, start - 5) : start]):
            continue  # "TSA 70210": where a service gets its mail
        quantity = DATE.fullmatch(value) or _YEARS.fullmatch(value) or _UNIT.match(folded, end)
        if quantity or (kind == "DOSSIER" and _THOUSANDS.fullmatch(value)):
            continue
        yield Span(start, end, kind, "context")


def _references(text: str, folded: str) -> Iterator[Span]:
    for match in _COMPACT_FT.finditer(folded):
        yield Span(*match.span(), "FRANCE_TRAVAIL", "rule")
    for match in _PASSPORT.finditer(folded):
        yield Span(*match.span(), "TITRE", "rule")
    for match in (*_REFERENCE.finditer(text), *_LOWER_REFERENCE.finditer(folded)):
        if not re.search(r"\d[hjH]\d{0,2}(?:[-/]|$)", match[0]):  # opening hours
            yield Span(*match.span(), "DOSSIER", "rule")


def _plates(text: str, folded: str) -> Iterator[Span]:
    for match in (*_SIV.finditer(text), *_LOWER_SIV.finditer(folded)):
        yield Span(*match.span(), "PLAQUE", "rule")
    for match in _CLOSE_SIV.finditer(folded):
        yield Span(match.start() - 2, match.end(), "PLAQUE", "rule")
    for match in _SPACED_SIV.finditer(folded):
        if not {match[1], match[2]} & (EVERYDAY | _TWO_LETTERS | ACRONYMS):
            yield Span(*match.span(), "PLAQUE", "rule")
    for match in _FNI.finditer(text):
        if match[1].lower() not in ACRONYMS and match[1] not in ("EUR", "KM", "TTC", "ANS", "LE", "DU", "ET", "AU"):
            yield Span(*match.span(), "PLAQUE", "rule")
    for match in _CONTEXT_PLATE.finditer(folded):
        yield Span(*match.span(1), "PLAQUE", "rule")
