"""How to reach a person on the web: e-mail, web address, pseudonym. What the directory knows is public and stays."""

import re
from collections.abc import Iterator
from pathlib import Path

from plume.contacts import Directory, host
from plume.french.insee import known_names
from plume.french.rules import find, table
from plume.french.text import fold
from plume.french.vocabulary import folded
from plume.french.words import EVERYDAY, FIRST_NAMES
from plume.pseudonymise.identifiers.rule import Identifier, Place, Text, spans
from plume.pseudonymise.spans import Span

_LISTS = Path(__file__).parents[1] / "lists"
# What stands for the at sign, within any signs but those of a sentence: "(at)", "/at/", "* arobase *", "«at»".
_AROUND = r"[^\w\s.,;:!?']"
_BRACKET = r"[^\w\s.,;:!?'+%-]"  # the same without what an address itself may hold
_PROVIDER = (
    r"(?:gmail|hotmail|outlook|yahoo|ymail|orange|wanadoo|free|sfr|laposte|bbox|icloud|proton(?:mail)?|live|msn|gmx|aol"
    r"|neuf|numericable)"
)
_AT = (
    rf"(?: ?@ ?| ?{_AROUND} ?(?:at|arr?obase?|@) ?{_AROUND} ?| ?[(\[{{<] ?a ?[)\]}}>] ?|_(?:at|arr?obase?)_"
    rf"| (?:arr?obase?|a commercial|chez|at) (?=[\w-]+ ?[.(\[pd/]|{_PROVIDER}\b))"
)
_DOT = r"(?: ?\. ?| ?[^\w\s] ?(?:point|dot|\.) ?[^\w\s] ?| (?:point|dot) )"
_TLDS = [
    "fr",
    "com",
    "net",
    "org",
    "eu",
    "info",
    "io",
    "me",
    "be",
    "ch",
    "de",
    "es",
    "it",
    "uk",
    "ca",
    "re",
    "bzh",
    "paris",
    "gouv",
    "lu",
    "ma",
    "dz",
    "tn",
    "pt",
    "asso",
    "pro",
    "app",
    "gl",
    "ly",
]
_TLD = rf"(?:{'|'.join(_TLDS)})"
_SPELLED_SIGN = r"point|dot|\.|tiret(?: du bas| bas)?|underscore|-|_"
_AT_SIGN = re.compile(r"@|arr?obas|commercial|chez|(?<![a-z])at(?![a-z])|[(\[{<] ?a ?[)\]}>]")
_CHEZ_HOST = re.compile(r"([\w.+%-]+) chez ")
_MAIL = re.compile(r"\b(?:e?-?mail|mel|courriel|adresse|ecri\w+|contact\w*|joign\w*|joindre)\b[^.!?\n]{0,25}$")


def _is_no_mailbox(match: re.Match[str], text: Text) -> bool:
    """Refuse "acheté chez leboncoin.fr": what stands before "chez" looks like an address, or is said to be one."""
    chez = _CHEZ_HOST.match(match[0])
    if chez is None:
        return "://" in text.folded[max(0, match.start() - 8) : match.start()] and "@" not in match[0]
    odd = re.search(r"[._\d-]", chez[1]) or chez[1] in FIRST_NAMES
    return not (odd or _MAIL.search(text.folded, max(0, match.start() - 40), match.start()))


def _without_closing_signs(match: re.Match[str], _: Text) -> Place | None:
    url = match[0].rstrip(".,;:!?)'")
    return (match.start(), match.start() + len(url)) if url else None


EMAILS = table(
    Identifier(
        "email.any",
        # The comma for a dot is a typing slip that is met; so are blanks around the at sign.
        rf"(?<![\w.+%-])(?:[\w+%-]+(?: (?:{_SPELLED_SIGN}) | ?{_BRACKET} ?(?:{_SPELLED_SIGN}) ?{_BRACKET} ?)){{0,4}}"
        rf"[\w.+%-]*[\w+%]"
        rf"{_AT}(?:[\w-]+(?:(?:{_DOT})[\w-]+)*(?:{_DOT}|,){_TLD}|{_PROVIDER})(?![a-z0-9_-])"
        rf"|[\w.+%-]{{1,64}}@[\w.-]*\w",
        kind="EMAIL",
        reads="with_breaks",
        unless=_is_no_mailbox,
        examples=(
            "à ‹lea.martin@example.org›.",
            "à ‹lea point martin (at) example point org›",
            "‹lea arobase gmail›",
            "acheté chez leboncoin.fr",
        ),
    ),
)
URLS = table(
    Identifier(
        "url.any",
        rf"(?:https?|ftp)://[^\s<>\"«»]+|(?<![\w@.-])www\.[^\s<>\"«»]+|(?<![\w@.-])(?:[\w-]+\.)+{_TLD}(?![a-z0-9_@-]"
        rf"|\.[a-z0-9])(?:[/?#][^\s<>\"«»]*)?",
        hint=("://", "www.", *(f".{tld}" for tld in _TLDS)),
        kind="URL",
        reads="with_breaks",
        shape=_without_closing_signs,
        examples=("voir ‹https://exemple.org/lea?id=3›.", "sur ‹lea-martin.fr›, merci", "à 10.30"),
    ),
)
PSEUDONYMS = table(
    Identifier(
        "pseudonym.handle",
        r"(?<![\w@.])@[a-z][\w.]{1,29}\w|(?<![\w@#.])(?=[\d_.]{0,9}[a-z])[\w.]{2,32}#\d{4}(?!\d)",
        hint=("@", "#"),
        kind="PSEUDO",
        examples=("sur ‹@lea_m›", "mon ‹lea#1234›", "lea@example.org"),
    ),
    Identifier(
        "pseudonym.underscored",
        r"(?<![\w@./:])[a-z0-9]+_[\w]*[a-z0-9](?![\w@/])",
        hint=("_",),
        kind="PSEUDO",
        examples=("signé ‹lea_du_35›", "lea-du-35"),
    ),
    Identifier(
        "pseudonym.after-network",
        r"\b(?:insta(?:gram)?|snap(?:chat)?|pseudo(?:nyme)?|identifiant|login|twitter|tiktok|telegram|discord"
        r"|forum|facebook|fb|messenger|linkedin|youtube|twitch)\b[^.\n;!?]{0,30}?"
        r"(?<!\w)(?=[a-z._-]{0,20}[\d_])([a-z][\w.-]*\w)",
        hint=(
            *("insta", "snap", "pseudo", "identifiant", "login", "twitter", "tiktok", "telegram", "discord", "forum"),
            *("facebook", "fb", "messenger", "linkedin", "youtube", "twitch"),
        ),
        group=1,
        kind="PSEUDO",
        examples=("mon insta : ‹lea.m35›", "mon insta est vide"),
    ),
)

_GENERIC_MAILBOX = folded("generic_mailboxes", _LISTS)
# The domains of towns and other authorities are too many for the directory.
_PUBLIC_HOST = re.compile(
    r"(?:[\w-]+\.)?(?:mairie|ville|commune|agglo|metropole|departement|region|prefecture|ccas|caf|cpam|urssaf)-[\w-]+\.(?:fr|org)$"
    r"|[\w-]+\.(?:gouv|justice|notaires)\.fr$",
    re.IGNORECASE,
)
_IDENTIFIER_IN_URL = re.compile(
    r"\d{6}|@|[?&#](?:\w*(?:token|key|session|code|uid|user|mail|nom|dossier|ref)\w*)=|=[\w-]{16}"
)
_PERSONAL_HOST = re.compile(
    r"facebook|instagram|linkedin|twitter|tiktok|snapchat|wordpress|blog|drive|dropbox|wetransfer|wix|jimdo|monsite"
    r"|skyrock|youtube|twitch|\bperso\b|pagesperso"
)


def contacts(text: Text, directory: Directory) -> Iterator[Span]:
    """Find mailboxes, web addresses and pseudonyms but what is public."""
    taken = []
    for start, end, rule, match in find(text, EMAILS) if _AT_SIGN.search(text.folded) else ():
        taken.append((start, end))
        if not is_public_email(match[0], directory):
            yield Span(start, end, rule.kind, rule.source, rule.name)
    for start, end, rule, _ in find(text, URLS):
        url = text.with_breaks[start:end]
        if not any(low <= start < high for low, high in taken) and is_personal_url(url, directory):
            yield Span(start, end, rule.kind, rule.source, rule.name)
    yield from spans(text, PSEUDONYMS)


def is_public_email(email: str, directory: Directory) -> bool:
    """Say whether a mailbox is listed, or of a function (contact@…) below a public domain; an agent's is personal."""
    local, _, domain = email.partition("@")
    parts = [fold(part) for part in re.split(r"[._\-\d]+", local) if part]
    of_function = (
        len(parts) > 1
        and any(len(part) > 3 and part in EVERYDAY for part in parts)
        and not any(part in known_names() or len(part) < 2 for part in parts)
    )
    generic = of_function or bool({*parts, local} & _GENERIC_MAILBOX and not FIRST_NAMES.intersection(parts))
    public = directory.knows_url(domain) or bool(_PUBLIC_HOST.match(domain))
    return directory.knows_email(email) or (generic and public)


def is_personal_url(url: str, directory: Directory) -> bool:
    """Say whether a URL may lead to a person: an identifier in it, or a path below a domain that is not public.

    The bare domain of an unlisted site is a firm's or an association's, unless it carries a first name or a number.
    """
    domain = host(url)
    path = url.split(domain, 1)[-1].strip("/") if domain else url
    if directory.knows_url(url):
        return bool(_IDENTIFIER_IN_URL.search(path))
    if path or _PERSONAL_HOST.search(domain):
        return True
    labels = re.split(r"[.-]", domain)
    return any(label in FIRST_NAMES or re.search(r"\d{2}", label) for label in labels)
