"""How to reach a person: phone, e-mail, web address, pseudonym. What is a service's own is public and stays."""

import re
from collections.abc import Iterator
from pathlib import Path

from plume.contacts import Directory, host, is_premium
from plume.french.insee import known_names
from plume.french.mentions import Mention
from plume.french.mentions import contacts as mentions
from plume.french.mentions.phones import PARTIAL, SHORT
from plume.french.phrases import CIVILITY, KIN, SERVICE
from plume.french.rules import Text, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, folded
from plume.french.words import EVERYDAY, FIRST_NAMES
from plume.pseudonymise.identifiers.rule import Identifier, spans
from plume.pseudonymise.spans import Span

_LISTS = Path(__file__).parents[1] / "lists"
_TYPES = {"phone": "TEL", "email": "EMAIL", "url": "URL", "handle": "PSEUDO"}
_PARTIAL, _SHORT = (frozenset(rule.name for rule in rules) for rules in (PARTIAL, SHORT))


def _is_plain_mailbox(match: re.Match[str], _: Text) -> bool:
    """Say whether a mailbox is written as usual, which the directory weighs, or an English "at" or a "chez" is none."""
    value = match[0]
    plain = "@" in value and not re.search("[•%]|point|@ ", value)
    if re.search(r"\bchez,? (?:moi|toi|nous|vous|lui|elles?|eux|mon|ma|mes|un|une|le|la|les)\b", value):
        return True
    return plain or (re.search(r" (?:at|chez) ", value) is not None and not re.search("point|dot", value))


PSEUDONYMS = table(
    Identifier(
        "email.in-odd-words",  # "bricolo-dede, arobase, exemple, point, fr", "lea [chez] exemple [point] fr"
        r"(?<![\w.•'-])[\w.•'-]{1,64}"
        r"(?:,? (?:tiret(?: du (?:bas|haut|six|huit))?|point|dot|underscore),? [\w.•-]{1,64}){0,4}"
        r"(?:(?: ?,? (?:(?:arr?oba[sz]+e?|at|chez)\b|@)|,? ?[\[(](?:at|chez|arobase)[\])]| ?@)[ ,]{0,2})"
        r"[\w•-]+(?:,? (?:tiret|point|dot),? [\w•-]+| (?:fr|com|net|org|example)\b| ?[\[(]point[\])] ?\w+"
        r"|[.•] ?\w{2,}|%2e\w+){1,3}",
        hint=("arobas", "arrobas", "arobaz", " at ", "@", "chez]", "(at)", "[at]", "(chez)", " chez "),
        kind="EMAIL",
        unless=_is_plain_mailbox,
        examples=("à ‹bricolo-dede, arobase, exemple, point, fr› merci", "le chat at home", "cette attente. Perdre"),
    ),
    Identifier(
        "email.letter-by-letter",
        r"(?<![\w.])(?:[\w.-] ){3,24}(?:@|arobase) ?[\w-]+(?: ?\. ?\w+){1,2}",
        hint=("@", "arobase"),
        kind="EMAIL",
        examples=("mail ‹b l i c e . m @ tuyau . example› svp", "à l a @"),
    ),
    Identifier(
        "pseudonym.numbered",
        r"(?<![\w@#.])(?=[\d_.]{0,9}[a-z])[\w.]{2,32}#\d{4}(?!\d)",
        hint=("#",),
        kind="PSEUDO",
        examples=("mon ‹lea#1234›", "lea@example.org"),
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
    rf"(?:[\w-]+\.)?{any_of(folded('public_host_words', _LISTS))}-[\w-]+\.(?:fr|org)$"
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


_SERVICE_LINE = re.compile(r"0(?:8\d{8}|9693?\d{5,6})")  # special-rate and "Cristal" lines: never a person's own
_LANDLINE = re.compile(r"\(?(?:0|\+ ?33[ .(0)]*)[ .]?[1-59]")
_PRESENTED = re.compile(
    rf"(?:\b{SERVICE}\b.{{0,70}}(?:\b(?:joignables?|repond|repondent|telephone|appel|tel|numero|disposition|ecoute"
    rf"|au)\b|[:(])"
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
    r"|tent[ae]\w*|essay\w+|domicile|personnel|famille|epou\w+|freres|soeurs"
    rf"|{KIN}|compagn\w+|locataire|voisin\w*|tut\w+|curat\w+|avocate?|medecin|patron|employeur|(?<!\[)usag\w+"
    r"|assuree?s?|allocataires?|demandeu\w+|beneficiaires?|communiquee?s?|transmise?s?|enregistree?s?)\b"
)
_ONESELF = re.compile(r"\b(?:je|me|moi|mon|ma|mes)\b|\b[jm]'")
_ENDS_SENTENCE = re.compile(r"(?<!\btel)[.!?;](?=\s)|\n")


def contacts(text: Text, directory: Directory) -> Iterator[Span]:
    """Find contacts and pseudonyms but what is public; short numbers are services', but for premium ones."""
    for one in mentions.contacts(text):
        if (one.rule not in _SHORT or is_premium(one.value)) and not _is_public(one, text, directory):
            yield Span(one.start, one.end, _TYPES[one.kind], "rule", one.rule)
    yield from spans(text, PSEUDONYMS)


def public_contacts(text: Text, directory: Directory) -> Iterator[Span]:
    """Find the contacts of services, which stay."""
    for one in mentions.contacts(text):
        if _is_public(one, text, directory):
            yield Span(one.start, one.end, "KEEP", one.kind)


def _is_public(one: Mention, text: Text, directory: Directory) -> bool:
    if one.kind == "email":
        return is_public_email(one.value, directory)
    if one.kind == "url":
        return not (
            is_personal_url(text.with_breaks[one.start : one.end], directory) or directory.looks_like(one.value)
        )
    if one.kind == "handle" or one.rule in _PARTIAL or mentions.is_doubtful(one, text):
        return False
    return is_service_phone(one.value, directory) or _is_presented(text.folded, one)


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
    public = directory.knows_url(domain) or (bool(_PUBLIC_HOST.match(domain)) and not directory.looks_like(domain))
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


def _is_presented(folded: str, phone: Mention) -> bool:
    """Say whether a sentence presents a landline as a service's own; no mobile, and not in a sentence about oneself."""
    if not _LANDLINE.match(phone.value):
        return False
    before = _ENDS_SENTENCE.split(folded[max(0, phone.start - 140) : phone.start])[-1]
    presented = _PRESENTED.search(before) or _NAMED_AS.match(folded, phone.end)
    if not presented:
        return False
    after = re.split(r"[.!?;](?=\s)|\n", folded[phone.end : phone.end + 80])[0]
    return not (_ONESELF.search(before) or _ONESELF.search(after) or _SOMEBODYS.search(before))


def is_service_phone(text: str, directory: Directory) -> bool:
    """Say whether a number is listed, or one of a range that only services hold (0 80x, 0 969).

    A premium one that is not listed may be a swindler's: what the model reads, it repeats.
    """
    digits = re.sub(r"\D", "", text)
    return directory.knows_phone(text) or bool(_SERVICE_LINE.fullmatch(digits) and not is_premium(text))
