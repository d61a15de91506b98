"""Finds phone numbers, e-mail and web addresses and handles, however they are written. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache

from plume.french.numbers import UNITS, WORDS
from plume.french.rules import Rule, Text, peel, reading, table

_TLD = (
    "fr|com|org|net|eu|info|be|ch|lu|mc|io|app|dev|re|gp|gf|mq|yt|pm|wf|nc|pf|bzh|paris|alsace|corsica|ly|gl|gouv|gov|uk"
    "|de|es|it|pt|nl|ca|us|co|me|tv|ai|eus|cat|asso|biz|online|site|website|tech|xyz|club|shop|ma|dz|tn|sn|int|edu|mobi"
)
# Ways to hide an address from robots: "contact (at) exemple.fr", "exemple point fr".
_AT = (
    r"(?: ?(?:@|[(\[{<] ?(?:at|@|arr?obase) ?[)\]}>]) ?| (?:arr?obase|a commercial) "
    r"| at (?=[\w-]+(?:\.\w| point | dot )))"
)
_HIDDEN_DOT = r"(?: ?[(\[{<] ?(?:point|dot|\.) ?[)\]}>] ?| (?:point|dot) )"
_DOT = rf"(?:\.|{_HIDDEN_DOT}| \. ?(?=(?:{_TLD})\b))"
# Ten digits from 0, or an international form, however they are grouped.
_SEP = r"(?: ?[.,\-–/_] ?| )?"
_AFTER = r"(?!\d|[.,-]\d)"
# Short numbers are told from other figures by the words that bring them and by what follows. The first digit is read
# before what stands in front of it: elsewhere nothing is looked at.
_BROUGHT = (
    r"(?:(?<=\b(?:au|le|du) \d)|(?<=\bnuméro \d)|(?<=\bn° \d)|(?<=\bn°\d)|(?<=composez \d)|(?<=composer \d)"
    r"|(?<=appelez \d)|(?<=appeler \d)|(?<=: \d)|(?<=tél \d)|(?<=tél\. \d)|(?<=téléphone \d)|(?<=téléphone \(\d)"
    r"|(?<=numéro \(\d)|(?<=court \(\d))"
)
_NO_UNIT = (
    r"(?![\d/]|[.,]\d| ?(?:€|%|euros?|personnes|demandes|dossiers|usagers|habitants|agents|avis|ans|mois|jours|heures"
    r"|minutes|points|premi\w+|h\b))"
)
_UNIT = rf"(?:zéro(?: (?:{UNITS}))?|{WORDS})"
# Its groups of four are no phone.
_IBAN = table(
    Rule(
        "contact.iban",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
        digit=True,
        reads="written",
        examples=("IBAN ‹FR76 3000 6000 0112 3456 7890 189›", "l'AB12"),
    )
)
_TRAIL = "/.,;:!?'*_"
_AT_HINTS = ("@", "(at", "[at", "{at", "<at", "( at", "[ at", "{ at", "< at", " at ", "obase", "a commercial")
_DOT_HINTS = (" point", "(point", "[point", "{point", "<point", "dot", "(.", "[.", "( ", "[ ")

_EMAILS = table(
    # From the first letter of a run: looked at from each, a long one would be read as many times.
    Rule(
        "contact.email",
        rf"(?<![\w+-])(?<![\w+-]\.)[\w+-]+(?:\.[\w+-]+)*\.?{_AT}[\w-]+(?:{_DOT}[\w-]+)+",
        hint=_AT_HINTS,
        kind="email",
        reads="lower",
        examples=("à ‹contact (at) exemple.fr›", "‹a.b@caf-exemple.fr›", "rendez-vous at home"),
    ),
)
_URLS = table(
    Rule(
        "contact.web-address",
        r"(?:https?://|www\.)[^\s<>\"«»()\[\]]+",
        hint=("http", "www."),
        kind="url",
        reads="lower",
        examples=("sur ‹https://exemple.fr/page›", "le http"),
    ),
    Rule(
        "contact.site",
        rf"(?<![@\w.-])(?:[\w-]++\.)+(?:{_TLD})\b(?!\.?\w*@)(?:/[^\s<>\"«»()\[\]]*)?",
        hint=tuple(f".{domain}" for domain in _TLD.split("|")),
        # Written in one case: "dossier.De" is a blank forgotten after a full stop.
        unless=lambda match, text: _GLUED.search(text.written[slice(*match.span())]) is not None,
        kind="url",
        reads="lower",
        examples=("sur ‹ameli.fr/compte›", "le dossier.De plus"),
    ),
    Rule(
        "contact.site-in-words",
        rf"(?<![@\w.-])[\w-]+(?:{_HIDDEN_DOT}[\w-]+){{0,4}}{_HIDDEN_DOT}(?:fr|com|org|net|eu|gouv)\b",
        hint=_DOT_HINTS,
        kind="url",
        reads="lower",
        examples=("sur ‹ameli point fr›", "un point final"),
    ),
)
_HANDLES = table(
    Rule(
        "contact.handle",
        r"(?<![\w.@/])@[a-z]\w{2,}(?!\S*@)",
        hint=("@",),
        kind="handle",
        reads="lower",
        examples=("suivez ‹@caf_exemple›", "a@exemple"),
    ),
)
_PHONES = table(
    Rule(
        "contact.phone",
        rf"(?=[(+03])(?<!\d)(?<!\d[ .-])(?:\(?(?:\+|00) ?33\)?{_SEP}(?:\(0\){_SEP}|0{_SEP})?[1-9]"
        rf"|33{_SEP}[1-9](?= \d\d )|\(?0{_SEP}[1-9])(?:{_SEP}\)?{_SEP}\d){{8}}(?!\d)"
        r"|(?=[+0])(?:\+|(?<!\d)00)\d{1,3}(?:[ ./-]?(?:\(0\) ?)?\d){7,12}(?!\d)"
        r"|(?=0)(?<!\d)0[1-9](?:[ .-]?(?:\d\d|xx|\*\*)){3}[ .-]?(?:xx|\*\*)",
        digit=True,
        kind="phone",
        reads="lower",
        examples=("au ‹01 99 00 45 67›", "au ‹+33 1 99 00 45 67›", "le 12 03 2024"),
    ),
    Rule(
        "contact.phone-cut",  # a number that lost digits
        rf"0{_BROUGHT}[1-9](?:[ .-]\d\d){{2,3}}{_AFTER}(?! ?[./-] ?\d)",
        digit=True,
        kind="phone",
        reads="lower",
        examples=("appelez le ‹01 99 00 45›", "entre 01 99 00"),
    ),
    Rule(
        "contact.phone-short",
        rf"(?:1{_BROUGHT}(?:1[68] ?\d{{3}}|0\d{{2}}|1[024579]|9[16])|3{_BROUGHT}\d ?\d{{2}})\b{_NO_UNIT}",
        digit=True,
        kind="phone",
        reads="lower",
        examples=("appelez le ‹3646›", "le 3646 jours"),
    ),
    Rule(
        "contact.phone-emergency",
        r"1(?:(?<=appelez le 1)|(?<=appeler le 1)|(?<=composez le 1)|(?<=composer le 1))[578]\b",
        digit=True,
        kind="phone",
        reads="lower",
        examples=("composez le ‹15›", "le 15"),
    ),
)
_PHONES_IN_WORDS = table(
    Rule(
        "contact.phone-in-words",
        rf"\bzéro[ -](?:{UNITS})(?:[ ,-]{{1,2}}{_UNIT}){{4,9}}"
        rf"|(?<=\b(?:le|au|du) )trente(?:[ -](?:et[ -])?(?:{UNITS}))? {WORDS}\b",
        hint=("zero", "trente"),
        kind="phone",
        reads="lower",
        examples=("au ‹zéro un vingt trente quarante cinquante›", "au ‹trente-six quarante-six›", "les trente agents"),
    ),
)
_GLUED = re.compile(r"\.[A-Z][a-z]+$")
_DOT_THAT_HIDES, _ANY_DOT, _ANY_AT = re.compile(_HIDDEN_DOT), re.compile(_DOT), re.compile(_AT)


@dataclass(frozen=True)
class Detail:
    """One contact detail as written: what it is (email, url, phone or handle), where it stands, and by which rule."""

    kind: str
    start: int
    end: int
    text: str
    rule: str


@dataclass(frozen=True)
class Details:
    """The contact details of a text, and the text with all of them blanked out, its length kept."""

    found: tuple[Detail, ...]
    rest: Text

    def of(self, kind: str) -> list[str]:
        return [detail.text for detail in self.found if detail.kind == kind]


@lru_cache(maxsize=32)  # several checks read the same draft and the same prompt
def details(text: str) -> Details:
    """Find every contact detail once: what one table reads is blanked out for the next."""
    _, left = peel(reading(text), [_IBAN])
    found, left = peel(left, [_EMAILS, _URLS, _HANDLES, _PHONES, _PHONES_IN_WORDS])
    listed = []
    for one in found:
        said = text[one.start : one.end]
        said = said.rstrip(_TRAIL) if one.rule.kind == "url" else said
        listed.append(Detail(one.rule.kind, one.start, one.start + len(said), said, one.rule.name))
    return Details(tuple(listed), left)


def rest(text: str) -> Text:
    """Give the text with its contact details blanked out, so that their digits are taken for no amount and no date."""
    return details(text).rest


def address(url: str) -> str:
    """Give a web address without what does not tell pages apart: scheme, www, case, closing punctuation."""
    url = _DOT_THAT_HIDES.sub(".", url.lower())
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", url).rstrip(_TRAIL)


def mailbox(email: str) -> str:
    """Give an e-mail address as a directory writes it, whatever hid it."""
    return _ANY_DOT.sub(".", _ANY_AT.sub("@", email.lower())).strip(".-")
