"""Finds phone numbers, in digits and in words, whole or cut short. Pure."""

import re

from plume.french.mentions.dates import FULL_DATE
from plume.french.numbers import UNITS, WORDS, number_words
from plume.french.phrases import ANY_SIGN
from plume.french.rules import Rule, Text, table
from plume.french.vocabulary import any_of

_S = r"[ .,:;()\-–/_*|]{0,3}"
_GROUPS = re.compile(r"\d+")
_HOUR = re.compile(r"(?<!\d)(?:[01]?\d|2[0-3]) ?[:h] ?[0-5]\d(?!\d)")
_DATE, _DATE_IN_DIGITS = re.compile(FULL_DATE), re.compile(r"(?<!\d)\d\d([/.\-])\d\d\1(?:19|20)\d\d(?!\1|\d)")
_GOES_ON = re.compile(r"[/.:h-] ?\d")


def _is_moment(match: re.Match[str], text: Text) -> bool:
    """Say whether the digits are a date or an hour and what follows: "01/02/2023 - 03/04", "5/12 08:30-12:00"."""
    if _DATE_IN_DIGITS.search(match[0]):
        return True
    going_on = _GOES_ON.match(text.folded, match.end())
    return bool(going_on) and bool(_DATE.search(match[0]) or _HOUR.search(match[0]))


def _is_scattered(match: re.Match[str], _: Text) -> bool:
    """Say whether ten digits with anything between do not read as one number.

    They do with one sign all along, one by one, or if the first group is no lone zero, as in "0,5 - 1,25".
    """
    signs = {sign for sign in _GROUPS.split(match[0])[1:-1] if sign}
    groups = _GROUPS.findall(match[0])
    alone = all(len(group) == 1 for group in groups)
    return not (len(signs) <= 1 or alone or (len(groups[0]) > 1 and not _HOUR.search(match[0])))


# "Une" begins the next sentence: "05 36 49 11 22. Une ligne …".
_NUMBER_WORD = any_of({*number_words(0, 100), "et"} - {"une"}).removesuffix(")") + r"|\d{1,2})"
_TWENTIES = any_of(number_words(30, 40))
_PAIRS = rf"(?:{ANY_SIGN}{{1,3}}(?:{_NUMBER_WORD}|fois|double|triple|puis)(?!\w)){{4,}}(?<! et)"
_NUMERAL = re.compile(r"[a-z]{3,}")


def _is_no_number(match: re.Match[str], _: Text) -> bool:
    numerals = _NUMERAL.search(match[0].replace("zero", "", 1)) or match[0].startswith("zero")
    return not (numerals or match[0].count(" et ") > 2)


def _is_date(match: re.Match[str], _: Text) -> bool:
    return _DATE.fullmatch(match[1]) is not None


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


# Short numbers are told from other figures by the words that bring them and by what follows. The first digit is read
# before what stands in front of it: elsewhere nothing is looked at.
_BROUGHT = (
    r"(?:(?<=\b(?:au|le|du) \d)|(?<=\bnumero \d)|(?<=\bn° \d)|(?<=\bn°\d)|(?<=composez \d)|(?<=composer \d)"
    r"|(?<=appelez \d)|(?<=appeler \d)|(?<=: \d)|(?<=tel \d)|(?<=tel\. \d)|(?<=telephone \d)|(?<=telephone \(\d)"
    r"|(?<=numero \(\d)|(?<=court \(\d))"
)
_NO_UNIT = (
    r"(?![\d/]|[.,]\d| ?(?:€|%|euros?|personnes|demandes|dossiers|usagers|habitants|agents|avis|ans|mois|jours|heures"
    r"|minutes|points|premi\w+|h\b))"
)


def _phone(name: str, pattern: str, *examples: str, **more: object) -> Rule:
    return Rule(f"phone.{name}", pattern, kind="phone", examples=examples, **({"digit": True} | more))


WHOLE = table(
    _phone(
        "with-country-code",  # any signs between
        rf"(?<![\w+])(?:\(? ?\+ ?33 ?\)?|0033|\(0033\)|33(?= ?[1-9] \d\d )){ANY_SIGN}{{0,4}}(?:\(0\))?{ANY_SIGN}{{0,4}}"
        rf"0?[1-9](?:{ANY_SIGN}{{0,4}}\d){{8}}(?!\d)",
        *("au ‹+33 (0)6.39.98.12.34›", "au 33 06 39"),
        hint=("33",),
        digit=9,
        unless=_is_moment,
    ),
    _phone(
        "french",
        # Ten digits from 0 with usual signs between.
        rf"[0o](?<![\w+][0o]){_S}[1-9](?=(?:[^\d\n]{{0,4}}\d){{5}})(?:{_S}[\doil]){{8}}(?!\w)(?: ?/ ?\d\d(?![\d/]))?",
        *("au ‹06 39 98 12 34›", "au ‹O6 39 98 I2 34›", "au ‹01 99 00 44 18 / 19›", "le 01/02/2023 - 03/04"),
        digit=5,
        unless=_is_moment,
    ),
    _phone(
        "any-signs",  # line ends too
        rf"0(?<![\w+]0){ANY_SIGN}{{0,5}}[1-9](?:{ANY_SIGN}{{0,5}}\d){{8}}(?!\d)",
        *("au ‹06~39~98~12~34›", "de 0,5 - 1,25 à 2,75 - 3,5"),
        digit=10,
        at_digits=True,
        unless=(_is_moment, _is_scattered),
    ),
    _phone(
        "foreign",
        r"(?<![\w+])(?:\+|00) ?[1-9]\d{0,2}(?:[ .\-/()]{0,2}\d){7,12}(?!\d)",
        *("au ‹+32 475 12 34 56›", "au 32 475 12 34 56"),
        hint=("+", "00"),
        digit=8,
        unless=_is_moment,
    ),
    _phone(
        "foreign-any-signs",
        r"(?<![\w+])(?:\+|00)[^\w,;+=:€%]?[1-9]\d{0,2}([^\w,;+=:€%]{1,3}|_)\d(?:(?:\1| )?\d){6,11}(?!\d)",
        *("au ‹+32~475~12~34~56›", "1+32~475~12~34~56"),
        hint=("+", "00"),
        digit=8,
        unless=_is_moment,
    ),
    _phone(
        "crossed-out",
        r"(?<!\d)0[1-9](?=[ .\d-]{0,12}(?:xx|\*\*))(?:[ .-]?(?:\d\d|xx|\*\*)){4}",
        *("au ‹06 39 98 12 XX›", "au ‹06 39 98 XX 12›", "le 06 39 98"),
        hint=("xx", "**"),
    ),
)
# In words, cut short, or of few digits: no service gives its line so.
PARTIAL = table(
    _phone(
        "in-words",
        # "zéro six, deux fois douze, …", "06 trente-neuf 98 12 12": a zero, then at least four words or pairs.
        rf"(?<!\w)(?:zero|plus {_TWENTIES}[ -](?:et[ -])?[a-z]{{2,6}}){_PAIRS}",
        *("au ‹zéro six dix vingt trente quarante›", "zéro six", "‹zéro six, dix, vingt, deux, cinq›, et j'habite"),
        digit=False,
        hint=("zero", "plus trente", "plus quarante"),
        unless=_is_no_number,
    ),
    _phone(
        "partly-in-words",
        rf"[0o](?<!\w[0o]) ?[1-9](?=[^\d]{{1,3}}){_PAIRS}",
        *("‹06 trente-neuf 98 12 12›", "06 heures"),
        unless=_is_no_number,
    ),
    _phone(
        "without-zero",  # nine digits whose zero was left out, or typed apart
        r"\b(?:tel\w*|portable|mobile|numero|num|n°|appel\w*|joign\w*|joindre|sms|whatsapp|contact\w*|mon 0[67])"
        r"[^\d\n]{0,25}?"
        rf"(?<![\d.,])([67](?:{ANY_SIGN}{{0,4}}\d{{2}}){{4}})(?![ .\-]?\d)",
        *("mon portable : ‹6 39 98 12 34›", "les 6 39 98 12 34"),
        hint=(
            *("tel", "portable", "mobile", "num", "n°", "appel", "joign", "joindre", "sms", "whatsapp", "contact"),
            "mon 0",
        ),
        digit=9,
        group=1,
    ),
    _phone(
        "of-islands",  # six digits are a whole number in New Caledonia, Polynesia, Wallis
        rf"\b(?:tel|telephone|portable|mobile|fixe|joign\w*|joindre|appele[rz]|whatsapp)\b[^\d\n]{{0,12}}?"
        rf"(?<![\d.,])(\d{{2}}(?:{ANY_SIGN}{{1,3}}\d{{2}}){{2}})"
        rf"(?!{ANY_SIGN}{{0,2}}\d| ?(?:€|%|euros|ans|mois|jours|h\b|heures))",
        *("tel ‹87 12 34›", "tel 24 12 34 56"),
        hint=("tel", "portable", "mobile", "fixe", "joign", "joindre", "appele", "whatsapp"),
        digit=6,
        group=1,
        unless=_is_date,
    ),
    _phone(
        "overseas",  # six or eight digits, beside the word for a phone or the name of a territory
        r"\d(?<![\d.,/-]\d)(?<!\d \d)(?:\d([ .]?)\d{2}\1\d{2}(?:\1\d{2})?|\d{2}([ .])\d{2}\2\d{2})(?![ .]?\d)",
        *("à Papeete, ‹40 12 34 56›", "téléphone fixe ‹24 12 34›", "soit 24 12 34"),
        digit=6,
        at_digits=True,
        reads="with_zeros",
        unless=_is_not_overseas,
    ),
    _phone(
        "cut",  # a number that lost digits
        rf"0{_BROUGHT}[1-9](?:[ .-]\d\d){{2,3}}(?!\d|[.,-]\d)(?! ?[./-] ?\d)",
        *("appelez le ‹01 99 00 45›", "entre 01 99 00"),
        digit=6,
        at_digits=True,
    ),
)
SHORT = table(
    _phone(
        "short",
        rf"(?:1{_BROUGHT}(?:1[68] ?\d{{3}}|0\d{{2}}|1[024579]|9[16])|3{_BROUGHT}\d ?\d{{2}})\b{_NO_UNIT}",
        *("appelez le ‹3646›", "le 3646 jours"),
        at_digits=True,
    ),
    _phone(
        "emergency",
        r"1(?:(?<=appelez le 1)|(?<=appeler le 1)|(?<=composez le 1)|(?<=composer le 1))[578]\b",
        *("composez le ‹15›", "le 15"),
        at_digits=True,
    ),
    _phone(
        "short-in-words",
        rf"(?<=\b(?:le|au|du) )trente(?:[ -](?:et[ -])?(?:{UNITS}))? {WORDS}\b",
        *("au ‹trente-six quarante-six›", "les trente agents"),
        digit=False,
        hint=("trente",),
    ),
)
