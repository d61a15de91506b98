"""Contact details in a draft that nothing given to the writer holds: phones, e-mail, web and postal addresses."""

import re
from dataclasses import dataclass
from functools import lru_cache

from plume.checks.addresses import invented_addresses
from plume.checks.case import Case, Result, none_of
from plume.contacts import national
from plume.french.numbers import UNITS, WORDS, value
from plume.french.text import squeeze

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
# From the first letter of a run: looked at from each, a long one would be read as many times.
EMAIL = re.compile(rf"(?<![\w+-])(?<![\w+-]\.)[\w+-]+(?:\.[\w+-]+)*\.?{_AT}[\w-]+(?:{_DOT}[\w-]+)+", re.IGNORECASE)
URL = re.compile(
    rf"(?:https?://|www\.)[^\s<>\"«»()\[\]]+|(?<![@\w.-])(?:[\w-]+\.)+(?:{_TLD})\b(?!\.?\w*@)(?:/[^\s<>\"«»()\[\]]*)?"
    rf"|(?<![@\w.-])[\w-]+(?:{_HIDDEN_DOT}[\w-]+){{0,4}}{_HIDDEN_DOT}(?:fr|com|org|net|eu|gouv)\b",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w.@/])@[a-z]\w{2,}(?!\S*@)", re.IGNORECASE)
# A web address is written in one case: "dossier.De" is a blank forgotten after a full stop.
_GLUED = re.compile(r"\.[A-Z][a-z]+$")

# Ten digits from 0, or an international form, however they are grouped.
_SEP = r"(?: ?[.,\-–/_] ?| )?"
_AFTER = r"(?!\d|[.,-]\d)"
_LONG = (
    rf"(?<!\d)(?<!\d[ .-])(?:\(?(?:\+|00) ?33\)?{_SEP}(?:\(0\){_SEP}|0{_SEP})?[1-9]|33{_SEP}[1-9](?= \d\d )"
    rf"|\(?0{_SEP}[1-9])(?:{_SEP}\)?{_SEP}\d){{8}}(?!\d)"
    r"|(?:\+|(?<!\d)00)\d{1,3}(?:[ ./-]?(?:\(0\) ?)?\d){7,12}(?!\d)"
    rf"|(?<!\d)0[1-9](?:[ .-]?(?:\d\d|xx|\*\*)){{3}}[ .-]?(?:xx|\*\*)"
)
# Short numbers are told from other figures by the words that bring them and by what follows.
_BROUGHT = (
    r"(?:(?<=\b(?:au|le|du) )|(?<=\bnuméro )|(?<=\bn° )|(?<=\bn°)|(?<=composez )|(?<=composer )|(?<=appelez )"
    r"|(?<=appeler )|(?<=: )|(?<=tél )|(?<=tél\. )|(?<=téléphone )|(?<=téléphone \()|(?<=numéro \()|(?<=court \())"
)
_NO_UNIT = (
    r"(?![\d/]|[.,]\d| ?(?:€|%|euros?|personnes|demandes|dossiers|usagers|habitants|agents|avis|ans|mois|jours|heures"
    r"|minutes|points|premi\w+|h\b))"
)
_CUT = rf"{_BROUGHT}0[1-9](?:[ .-]\d\d){{2,3}}{_AFTER}(?! ?[./-] ?\d)"  # a number that lost digits
_SHORT = rf"{_BROUGHT}(?:118 ?\d{{3}}|116 ?\d{{3}}|3\d ?\d{{2}}|10\d{{2}}|11[024579]|19[16])\b{_NO_UNIT}"
_EMERGENCY = r"(?:(?<=appelez le )|(?<=appeler le )|(?<=composez le )|(?<=composer le ))1[578]\b"
PHONE = re.compile(f"{_LONG}|{_CUT}|{_SHORT}|{_EMERGENCY}", re.IGNORECASE)
_UNIT = rf"(?:zéro(?: (?:{UNITS}))?|{WORDS})"
_SPELLED = re.compile(
    rf"\bzéro[ -](?:{UNITS})(?:[ ,-]{{1,2}}{_UNIT}){{4,9}}|(?<=\b(?:le|au"
    rf"|du) )trente(?:[ -](?:et[ -])?(?:{UNITS}))? {WORDS}\b",
    re.IGNORECASE,
)
_SHORT_IN_WORDS = re.compile(r"(trente(?:-et)?(?:-\w+)?) (.+)", re.IGNORECASE)
_CLUMP = re.compile(r"\+?\d(?:[ .\-/()]{0,3}\d)*")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")  # groups of four are no phone
_TRAIL = "/.,;:!?'*_"


@dataclass(frozen=True)
class Detail:
    """One contact detail as written: what it is (email, url, phone or handle) and where it stands."""

    kind: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Details:
    """The contact details of a text, and the text with all of them blanked out, its length kept."""

    found: tuple[Detail, ...]
    rest: str

    def of(self, kind: str) -> list[str]:
        return [detail.text for detail in self.found if detail.kind == kind]


@lru_cache(maxsize=32)  # several checks read the same draft and the same prompt
def details(text: str) -> Details:
    """Every contact detail once: what one pattern reads is blanked out for the next. Cheap tests come first."""
    found: list[Detail] = []
    rest, lower = _IBAN.sub(lambda m: " " * len(m.group()), text), text.lower()
    at = "@" in text or any(sign in lower for sign in ("(at", "[at", "{at", "<at", " at ", "obase", "a commercial"))
    dots = " point" in lower or "(point" in lower or "dot" in lower or "[point" in lower or re.search(r"\w\.\w", text)
    digits = re.search(r"\d{2}|\d[ .-]\d", text) is not None
    for kind, wanted, pattern in (
        ("email", at, EMAIL),
        ("url", dots or "://" in text, URL),
        ("handle", at, _HANDLE),
        ("phone", digits, PHONE),
        ("phone", "zéro" in lower or "trente" in lower, _SPELLED),
    ):
        matches = [m for m in pattern.finditer(rest) if not _GLUED.search(m.group())] if wanted else []
        for m in matches:
            said = m.group().rstrip(_TRAIL) if kind == "url" else m.group()
            found.append(Detail(kind, m.start(), m.start() + len(said), said))
            rest = f"{rest[: m.start()]}{' ' * len(m.group())}{rest[m.end() :]}"
    return Details(tuple(found), rest)


def blank(text: str) -> str:
    """The text with its contact details blanked out, so that their digits are taken for no amount and no date."""
    return details(text).rest


def address(url: str) -> str:
    """A web address without what does not tell pages apart: scheme, www, case, closing punctuation."""
    url = re.sub(_HIDDEN_DOT, ".", url.lower())
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", url).rstrip(_TRAIL)


def mailbox(email: str) -> str:
    """An e-mail address as a directory writes it, whatever hid it."""
    return re.sub(_DOT, ".", re.sub(_AT, "@", email.lower())).strip(".-")


def _number(phone: str) -> str:
    """What a phone number is compared by: its digits in national form; for one in words, those, or its letters."""
    if any(c.isdigit() for c in phone):
        return national(phone)
    if short := _SHORT_IN_WORDS.fullmatch(phone):
        return f"{value(short[1]) * 100 + value(short[2]):.0f}"
    return squeeze(phone)


@lru_cache(maxsize=32)
def _known(text: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Web addresses, mailboxes and numbers of what the writer was given; any run of digits may be a number."""
    given = details(text)
    urls = {address(u) for u in given.of("url")}
    numbers = {_number(p) for p in given.of("phone")} | {national(m.group()) for m in _CLUMP.finditer(text)}
    handles = {h.lower() for h in given.of("handle")}
    return (
        frozenset(urls | {u.split("/")[0] for u in urls}),
        frozenset({mailbox(e) for e in given.of("email")} | handles),
        frozenset(numbers),
    )


def invented(case: Case) -> list[Detail]:
    """Contact details of a draft that stand neither in review or prompt nor in the directory.

    A web address may also be the bare site of one that was given; a longer path on such a site is an invention.
    "gouv.fr" alone is the name of a domain, and no site.
    """
    said = details(case.draft).found
    if not said:
        return []
    urls, mailboxes, numbers = _known(case.given)

    def known(detail: Detail) -> bool:
        match detail.kind:
            case "url":
                page = address(detail.text)
                return page in urls or page == "gouv.fr" or case.directory.knows_url(page)
            case "email":
                return mailbox(detail.text) in mailboxes or case.directory.knows_email(mailbox(detail.text))
            case "handle":
                return detail.text.lower() in mailboxes
            case _:
                number = _number(detail.text)
                return number in numbers or case.directory.knows_phone(number)

    return [detail for detail in said if not known(detail)]


def invented_contacts(case: Case) -> Result:
    """The check: no invented contact detail, no invented postal address."""
    found = [detail.text for detail in invented(case)]
    found += [case.draft[start:end] for start, end in invented_addresses(case)]
    return none_of(found, "coordonnées absentes de l'avis, de la consigne et de l'annuaire")
