"""Phone numbers, in digits and in words. A service's own line is public and stays."""

import re
from collections.abc import Iterator

from plume.contacts import Directory
from plume.french.numbers import number_words
from plume.french.phrases import CIVILITY, SERVICE
from plume.french.rules import find, table
from plume.french.vocabulary import any_of
from plume.pseudonymise.identifiers.dates import DATE
from plume.pseudonymise.identifiers.rule import ANY_SIGN, Identifier, Text, spans
from plume.pseudonymise.spans import Span

_S = r"[ .,:;()\-–/_*|]{0,3}"
_GROUPS = re.compile(r"\d+")
_HOUR = re.compile(r"(?<!\d)(?:[01]?\d|2[0-3]) ?[:h] ?[0-5]\d(?!\d)")
_FULL_DATE = re.compile(r"(?<!\d)\d\d([/.\-])\d\d\1(?:19|20)\d\d(?!\1|\d)")
_GOES_ON = re.compile(r"[/.:h-] ?\d")


def _is_moment(match: re.Match[str], text: Text) -> bool:
    """Say whether the digits are a date or an hour and what follows: "01/02/2023 - 03/04", "5/12 08:30-12:00"."""
    if _FULL_DATE.search(match[0]):
        return True
    going_on = _GOES_ON.match(text.folded, match.end())
    return bool(going_on) and bool(DATE.search(match[0]) or _HOUR.search(match[0]))


def _is_scattered(match: re.Match[str], _: Text) -> bool:
    """Say whether ten digits with anything between do not read as one number.

    They do with one sign all along, one by one, or if the first group is no lone zero, as in "0,5 - 1,25".
    """
    signs = {sign for sign in _GROUPS.split(match[0])[1:-1] if sign}
    groups = _GROUPS.findall(match[0])
    alone = all(len(group) == 1 for group in groups)
    return not (len(signs) <= 1 or alone or (len(groups[0]) > 1 and not _HOUR.search(match[0])))


# In digits, whole: these may be a service's line.
IN_DIGITS = table(
    Identifier(
        "phone.french",
        # Ten digits from 0 with usual signs between; after the country's code, with any.
        rf"(?<![\w+])(?:\(? ?\+ ?33 ?\)?|0033|\(0033\)){ANY_SIGN}{{0,4}}(?:\(0\))?{ANY_SIGN}{{0,4}}"
        rf"0?[1-9](?:{ANY_SIGN}{{0,4}}\d){{8}}(?!\d)"
        rf"|(?<![\w+])[0o]{_S}[1-9](?=(?:[^\d\n]{{0,4}}\d){{5}})(?:{_S}[\doil]){{8}}(?!\w)",
        kind="TEL",
        digit=True,
        unless=_is_moment,
        examples=("au ‹06 39 98 12 34›", "au ‹+33 (0)6.39.98.12.34›", "au ‹O6 39 98 I2 34›", "le 01/02/2023 - 03/04"),
    ),
    Identifier(
        "phone.any-signs",  # line ends too
        rf"(?<![\w+])0{ANY_SIGN}{{0,5}}[1-9](?:{ANY_SIGN}{{0,5}}\d){{8}}(?!\d)",
        kind="TEL",
        hint=("0",),
        digit=True,
        unless=(_is_moment, _is_scattered),
        examples=("au ‹06~39~98~12~34›", "de 0,5 - 1,25 à 2,75 - 3,5"),
    ),
    Identifier(
        "phone.foreign",
        r"(?<![\w+])(?:\+|00) ?[1-9]\d{0,2}(?:[ .\-/()]{0,2}\d){7,12}(?!\d)",
        kind="TEL",
        hint=("+", "00"),
        digit=True,
        unless=_is_moment,
        examples=("au ‹+32 475 12 34 56›", "au 32 475 12 34 56"),
    ),
    Identifier(
        "phone.foreign-any-signs",
        r"(?<![\w+])(?:\+|00)[^\w,;+=:€%]?[1-9]\d{0,2}([^\w,;+=:€%]{1,3}|_)\d(?:(?:\1| )?\d){6,11}(?!\d)",
        kind="TEL",
        hint=("+", "00"),
        digit=True,
        unless=_is_moment,
        examples=("au ‹+32~475~12~34~56›", "1+32~475~12~34~56"),
    ),
)

# "Une" begins the next sentence: "05 36 49 11 22. Une ligne …".
_NUMBER_WORD = any_of({*number_words(0, 100, abroad=True), "et"} - {"une"}).removesuffix(")") + r"|\d{1,2})"
_PAIRS = rf"(?:{ANY_SIGN}{{1,3}}(?:{_NUMBER_WORD}|fois|double|triple|puis)(?!\w)){{4,}}"
_NUMERAL = re.compile(r"[a-z]{3,}")


def _is_no_number(match: re.Match[str], _: Text) -> bool:
    numerals = _NUMERAL.search(match[0].replace("zero", "", 1)) or match[0].startswith("zero")
    return not (numerals or match[0].count(" et ") > 2)


def _is_date(match: re.Match[str], _: Text) -> bool:
    return DATE.fullmatch(match[1]) is not None


_TELEPHONE = re.compile(
    r"\b(?:tel|telephone|portable|mobile|gsm|fixe|whatsapp)\b[^\d\n.;!?]{0,25}\.?[^\d\n.;!?]{0,12}$"
)
_TERRITORY = re.compile(
    r"caledoni|noumea|wallis|futuna|tahiti|papeete|polynesi|moorea|raiatea|miquelon|\bmata-utu\b|\bkone\b|\bdumbea\b"
)


def _is_not_overseas(match: re.Match[str], _: Text) -> bool:
    read, start = match.string, match.start()
    near = read[max(0, start - 40) : match.end() + 40]
    return not (_TELEPHONE.search(read, max(0, start - 45), start) or _TERRITORY.search(near))


# In words, cut short, or of few digits: nobody's but a person's own.
IN_PART = table(
    Identifier(
        "phone.in-words",
        # "zéro six, deux fois douze, …", "06 trente-neuf 98 12 12": a zero, then at least four words or pairs.
        rf"(?<!\w)(?:zero|plus (?:trente|quarante)[ -](?:et[ -])?[a-z]{{2,6}}){_PAIRS}",
        kind="TEL",
        hint=("zero", "plus trente", "plus quarante"),
        unless=_is_no_number,
        examples=("au ‹zéro six dix vingt trente quarante›", "zéro six"),
    ),
    Identifier(
        "phone.partly-in-words",
        rf"(?<!\w)[0o] ?[1-9](?=[^\d]{{1,3}}){_PAIRS}",
        kind="TEL",
        digit=True,
        unless=_is_no_number,
        examples=("‹06 trente-neuf 98 12 12›", "06 heures"),
    ),
    Identifier(
        "phone.without-zero",  # nine digits whose zero was left out, or typed apart
        r"\b(?:tel\w*|portable|mobile|numero|num|n°|appel\w*|joign\w*|joindre|sms|whatsapp|contact\w*|mon 0[67])"
        r"[^\d\n]{0,25}?"
        rf"(?<![\d.,])([67](?:{ANY_SIGN}{{0,4}}\d{{2}}){{4}})(?![ .\-]?\d)",
        kind="TEL",
        hint=(
            *("tel", "portable", "mobile", "num", "n°", "appel", "joign", "joindre", "sms", "whatsapp", "contact"),
            "mon 0",
        ),
        digit=True,
        group=1,
        examples=("mon portable : ‹6 39 98 12 34›", "les 6 39 98 12 34"),
    ),
    Identifier(
        "phone.of-islands",  # six digits are a whole number in New Caledonia, Polynesia, Wallis
        rf"\b(?:tel|telephone|portable|mobile|fixe|joign\w*|joindre|appele[rz]|whatsapp)\b[^\d\n]{{0,12}}?"
        rf"(?<![\d.,])(\d{{2}}(?:{ANY_SIGN}{{1,3}}\d{{2}}){{2}})"
        rf"(?!{ANY_SIGN}{{0,2}}\d| ?(?:€|%|euros|ans|mois|jours|h\b|heures))",
        kind="TEL",
        hint=("tel", "portable", "mobile", "fixe", "joign", "joindre", "appele", "whatsapp"),
        digit=True,
        group=1,
        unless=_is_date,
        examples=("tel ‹87 12 34›", "tel 24 12 34 56"),
    ),
)
# Six or eight digits: read with the other numbers, whose codes right beside them they share.
OVERSEAS = table(
    Identifier(
        "phone.overseas",  # six or eight digits, beside the word for a phone or the name of a territory
        r"(?<![\d.,/-])(?<!\d )(?:\d{2}([ .]?)\d{2}\1\d{2}(?:\1\d{2})?|\d{3}([ .])\d{2}\2\d{2})(?![ .]?\d)",
        kind="TEL",
        digit=True,
        reads="with_zeros",
        unless=_is_not_overseas,
        examples=("à Papeete, ‹40 12 34 56›", "téléphone fixe ‹24 12 34›", "soit 24 12 34"),
    ),
)

_SERVICE_LINE = re.compile(r"0(?:8\d{8}|9693?\d{5,6})")  # special-rate and "Cristal" lines: never a person's own
_LANDLINE = re.compile(r"\(?(?:0|\+ ?33[ .(0)]*)[ .]?[1-59]")
_PRESENTED = re.compile(
    rf"(?:\b{SERVICE}\b.{{0,70}}(?:\b(?:joignables?|repond|repondent|telephone|appel|tel|numero|disposition|ecoute|au)\b|[:(])"
    rf"|\bnumero\b.{{0,30}}\b{SERVICE}\b"
    r"|\b(?:contacte[rz]|joindre|joignez|appele[rz])(?:[- ]nous|-les| notre| nos| le service| l'accueil| la mairie"
    r"| le greffe| le secretariat)\b|\bnous (?:joindre|appeler|contacter|telephoner)\b|\bcompose[rz] (?:alors )?le\b"
    r"|\b(?:le|notre|au|du) (?:standard|secretariat)\b)[^\d]{0,30}$"
)
# "01 …, standard du service"
_NAMED_AS = re.compile(
    r"[ ,(–-]{1,3}(?:le |l'|notre )?(?:standard|accueil|secretariat|numero|ligne) (?:(?:telephonique"
    r"|general) )?(?:du|de|des|d')"
)
# A body may call somebody: "la mairie a tenté de vous joindre au …", "le service a appelé Mme Roux au …".
_SOMEBODYS = re.compile(
    r"\b(?:vous (?:joindre|r?appeler|(?:re)?contacter|r?appellera|(?:re)?contactera)"
    rf"|{CIVILITY} [a-z][\w-]*"
    r"|(?:son|sa|ses|votre|vos|leur) (?:\w+ )?(?:numeros?|telephone|fixe|ligne|portable|mobile|coordonnees|domicile)"
    r"|tent[ae]\w*|essay\w+|domicile|personnel|famille|fils|fille|pere|mere|mari|epou\w+|conjoint\w*|freres?|soeurs?"
    r"|compagn\w+|locataire|voisin\w*|tut\w+|curat\w+|avocate?|medecin|patron|employeur|(?<!\[)usag\w+"
    r"|assuree?s?|allocataires?|demandeu\w+|beneficiaires?|communiquee?s?|transmise?s?|enregistree?s?)\b"
)
_ONESELF = re.compile(r"\b(?:je|me|moi|mon|ma|mes)\b|\b[jm]'")
_ENDS_SENTENCE = re.compile(r"(?<!\btel)[.!?;](?=\s)|\n")


def phones(text: Text, directory: Directory) -> Iterator[Span]:
    """Find phone numbers but a service's own."""
    for span, public in _in_digits(text, directory):
        if not public:
            yield span
    yield from spans(text, IN_PART)


def public_phones(text: Text, directory: Directory) -> Iterator[Span]:
    """Find the lines of services, which stay."""
    for span, public in _in_digits(text, directory):
        if public:
            yield Span(span.start, span.end, "KEEP", "phone")


def _in_digits(text: Text, directory: Directory) -> list[tuple[Span, bool]]:
    if text.phones is None or text.phones[0] is not directory:
        text.phones = directory, list(_find_in_digits(text, directory))
    return text.phones[1]


def _find_in_digits(text: Text, directory: Directory) -> Iterator[tuple[Span, bool]]:
    for start, end, rule, match in find(text, IN_DIGITS):
        inside = re.search(r"\d[ .\-]?$", text.folded[max(0, start - 2) : start])  # of a longer number
        public = not inside and (is_service_phone(match[0], directory) or _is_presented(text.folded, match))
        yield Span(start, end, rule.kind, rule.source, rule.name), public


def _is_presented(folded: str, match: re.Match[str]) -> bool:
    """Say whether a sentence presents a landline as a service's own; no mobile, and not in a sentence about oneself."""
    if not _LANDLINE.match(match[0]):
        return False
    before = _ENDS_SENTENCE.split(folded[max(0, match.start() - 140) : match.start()])[-1]
    presented = _PRESENTED.search(before) or _NAMED_AS.match(folded, match.end())
    if not presented:
        return False
    after = re.split(r"[.!?;](?=\s)|\n", folded[match.end() : match.end() + 80])[0]
    return not (_ONESELF.search(before) or _ONESELF.search(after) or _SOMEBODYS.search(before))


def is_service_phone(text: str, directory: Directory) -> bool:
    """Say whether a number is listed, or one of a range that only services hold (0 8xx, 0 969)."""
    digits = re.sub(r"\D", "", text)
    return directory.knows_phone(text) or bool(_SERVICE_LINE.fullmatch(digits))
