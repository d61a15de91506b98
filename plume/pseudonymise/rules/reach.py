"""How to reach a person: e-mail, phone, web address, pseudonym. What the directory knows is public and stays."""

import re
from collections.abc import Iterator

from plume.contacts import Directory, host
from plume.french.text import fold
from plume.french.vocabulary import word_set
from plume.french.words import EVERYDAY, FIRST_NAMES
from plume.pseudonymise.insee import known_names
from plume.pseudonymise.rules.bodies import BODY
from plume.pseudonymise.rules.numbers import ANY, DATE, has_digit
from plume.pseudonymise.spans import Span

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
_TLD = r"(?:fr|com|net|org|eu|info|io|me|be|ch|de|es|it|uk|ca|re|bzh|paris|gouv|lu|ma|dz|tn|pt|asso|pro|app|gl|ly)"
_SPELLED_SIGN = r"point|dot|\.|tiret(?: du bas| bas)?|underscore|-|_"
# The comma for a dot is a typing slip that is met; so are blanks around the at sign.
_EMAIL = re.compile(
    rf"(?<![\w.+%-])(?:[\w+%-]+(?: (?:{_SPELLED_SIGN}) | ?{_BRACKET} ?(?:{_SPELLED_SIGN}) ?{_BRACKET} ?)){{0,4}}"
    rf"[\w.+%-]*[\w+%]"
    rf"{_AT}(?:[\w-]+(?:(?:{_DOT})[\w-]+)*(?:{_DOT}|,){_TLD}|{_PROVIDER})(?![a-z0-9_-])"
    rf"|[\w.+%-]{{1,64}}@[\w.-]*\w"
)
_URL = re.compile(
    rf"(?:https?|ftp)://[^\s<>\"«»]+|(?<![\w@.-])www\.[^\s<>\"«»]+|(?<![\w@.-])(?:[\w-]+\.)+{_TLD}(?![a-z0-9_@-]"
    rf"|\.[a-z0-9])(?:[/?#][^\s<>\"«»]*)?"
)
_S = r"[ .,:;()\-–/_*|]{0,3}"
# Ten digits from 0 with usual signs between; after the country's code, with any.
_FRENCH = re.compile(
    rf"(?<![\w+])(?:\(? ?\+ ?33 ?\)?|0033|\(0033\)){ANY}{{0,4}}(?:\(0\))?{ANY}{{0,4}}"
    rf"0?[1-9](?:{ANY}{{0,4}}\d){{8}}(?!\d)"
    rf"|(?<![\w+])[0o]{_S}[1-9](?=(?:[^\d\n]{{0,4}}\d){{5}})(?:{_S}[\doil]){{8}}(?!\w)"
)
# With any signs, line ends too: see `_is_grouped`.
_ODDLY = re.compile(rf"(?<![\w+])0{ANY}{{0,5}}[1-9](?:{ANY}{{0,5}}\d){{8}}(?!\d)")
_FOREIGN = re.compile(r"(?<![\w+])(?:\+|00) ?[1-9]\d{0,2}(?:[ .\-/()]{0,2}\d){7,12}(?!\d)")
_ODDLY_FOREIGN = re.compile(
    r"(?<![\w+])(?:\+|00)[^\w,;+=:€%]?[1-9]\d{0,2}([^\w,;+=:€%]{1,3}|_)\d(?:(?:\1| )?\d){6,11}(?!\d)"
)
_GROUPS = re.compile(r"\d+")
_HOUR = re.compile(r"(?<!\d)(?:[01]?\d|2[0-3]) ?[:h] ?[0-5]\d(?!\d)")
_FULL_DATE = re.compile(r"(?<!\d)\d\d([/.\-])\d\d\1(?:19|20)\d\d(?!\1|\d)")
_GOES_ON = re.compile(r"[/.:h-] ?\d")
_NUMBER_WORD = (
    r"(?:zero|un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingts?|trente"
    r"|quarante|cinquante|soixante|septante|huitante|octante|nonante|cents?|et|\d{1,2})"
)
# "zéro six, deux fois douze, …", "06 trente-neuf 98 12 12": a zero, then at least four words or pairs of digits.
_SPELLED = re.compile(
    rf"(?<!\w)(?:zero|plus (?:trente|quarante)[ -](?:et[ -])?[a-z]{{2,6}}|[0o] ?[1-9](?=[^\d]{{1,3}}))"
    rf"(?:{ANY}{{1,3}}(?:{_NUMBER_WORD}|fois|double|triple|puis)(?!\w)){{4,}}"
)
_NUMERAL = re.compile(r"[a-z]{3,}")
# Nine digits whose zero was left out, or typed apart.
_WITHOUT_ZERO = re.compile(
    r"\b(?:tel\w*|portable|mobile|numero|num|n°|appel\w*|joign\w*|joindre|sms|whatsapp|contact\w*|mon 0[67])"
    r"[^\d\n]{0,25}?"
    rf"(?<![\d.,])([67](?:{ANY}{{0,4}}\d{{2}}){{4}})(?![ .\-]?\d)"
)
# Six digits are a whole number in New Caledonia, Polynesia, Wallis.
_OF_ISLANDS = re.compile(
    rf"\b(?:tel|telephone|portable|mobile|fixe|joign\w*|joindre|appele[rz]|whatsapp)\b[^\d\n]{{0,12}}?"
    rf"(?<![\d.,])(\d{{2}}(?:{ANY}{{1,3}}\d{{2}}){{2}})(?!{ANY}{{0,2}}\d| ?(?:€|%|euros|ans|mois|jours|h\b|heures))"
)
_SERVICE = re.compile(r"0(?:8\d{8}|9693?\d{5,6})")  # special-rate and "Cristal" lines: never a person's own

_LANDLINE = re.compile(r"\(?(?:0|\+ ?33[ .(0)]*)[ .]?[1-59]")
_PRESENTED = re.compile(
    rf"(?:\b{BODY}\b.{{0,70}}(?:\b(?:joignables?|repond|repondent|telephone|appel|tel|numero|disposition|ecoute|au)\b|[:(])"
    rf"|\bnumero\b.{{0,30}}\b{BODY}\b"
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
    r"|(?:m\.|mr|mme|mlle|monsieur|madame) [a-z][\w-]*"
    r"|(?:son|sa|ses|votre|vos|leur) (?:\w+ )?(?:numeros?|telephone|fixe|ligne|portable|mobile|coordonnees|domicile)"
    r"|tent[ae]\w*|essay\w+|domicile|personnel|famille|fils|fille|pere|mere|mari|epou\w+|conjoint\w*|freres?|soeurs?"
    r"|compagn\w+|locataire|voisin\w*|tut\w+|curat\w+|avocate?|medecin|patron|employeur|(?<!\[)usag\w+"
    r"|assuree?s?|allocataires?|demandeu\w+|beneficiaires?|communiquee?s?|transmise?s?|enregistree?s?)\b"
)
_ONESELF = re.compile(r"\b(?:je|me|moi|mon|ma|mes)\b|\b[jm]'")

_HANDLE = re.compile(r"(?<![\w@.])@[a-z][\w.]{1,29}\w|(?<![\w@#.])(?=[\d_.]{0,9}[a-z])[\w.]{2,32}#\d{4}(?!\d)")
_PSEUDO = re.compile(
    r"\b(?:insta(?:gram)?|snap(?:chat)?|pseudo(?:nyme)?|identifiant|login|twitter|tiktok|telegram|discord"
    r"|forum|facebook|fb|messenger|linkedin|youtube|twitch)\b[^.\n;!?]{0,30}?"
    r"(?<!\w)(?=[a-z._-]{0,20}[\d_])([a-z][\w.-]*\w)"
)
_SIGN = re.compile("[@_#]")
_UNDERSCORED = re.compile(r"(?<![\w@./:])[a-z0-9]+_[\w]*[a-z0-9](?![\w@/])")

_AT_SIGN = re.compile(r"@|arr?obas|commercial|chez|(?<![a-z])at(?![a-z])|[(\[{<] ?a ?[)\]}>]")
_CHEZ_HOST = re.compile(r"([\w.+%-]+) chez ")
_MAIL = re.compile(r"\b(?:e?-?mail|mel|courriel|adresse|ecri\w+|contact\w*|joign\w*|joindre)\b[^.!?\n]{0,25}$")

_GENERIC_MAILBOX = word_set(
    "accueil contact info infos information courrier webmestre webmaster pref prefecture support assistance service "
    "sav noreply no-reply ne-pas-repondre nepasrepondre secretariat mairie communication reclamation reclamations "
    "mediateur mediation dpo dpd rgpd cni passeport passeports visa visas titres etrangers consulat ambassade permis "
    "naturalisation elections demarches caf cpam carsat msa donnees-personnelles urbanisme etat-civil etatcivil "
    "standard greffe bureau pole direction usagers usager guichet"
)
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


def find_reach(text: str, directory: Directory) -> Iterator[Span]:
    folded = fold(text)
    camel = _keep_breaks(text, folded)
    taken = []
    for match in _EMAIL.finditer(camel) if _AT_SIGN.search(folded) else ():
        if not _is_mailbox(match, folded):
            continue
        taken.append(match.span())
        if not is_public_email(match[0], directory):
            yield Span(*match.span(), "EMAIL", "rule")
    for match in _URL.finditer(camel) if "." in text or ":" in text else ():
        url = match[0].rstrip(".,;:!?)'")
        if url and not any(start <= match.start() < end for start, end in taken) and is_personal_url(url, directory):
            yield Span(match.start(), match.start() + len(url), "URL", "rule")
    for match, public in _phones(text, folded, directory):
        if not public:
            yield Span(*match.span(), "TEL", "rule")
    for match in _SPELLED.finditer(folded):
        numerals = _NUMERAL.search(match[0].replace("zero", "", 1)) or match[0].startswith("zero")
        if numerals or match[0].count(" et ") > 2:
            yield Span(*match.span(), "TEL", "rule")
    for match in _WITHOUT_ZERO.finditer(folded) if has_digit(text) else ():
        yield Span(*match.span(1), "TEL", "rule")
    for match in _OF_ISLANDS.finditer(folded) if has_digit(text) else ():
        if not DATE.fullmatch(match[1]):
            yield Span(*match.span(1), "TEL", "rule")
    for match in (*_HANDLE.finditer(folded), *_UNDERSCORED.finditer(folded)) if _SIGN.search(text) else ():
        yield Span(*match.span(), "PSEUDO", "rule")
    for match in _PSEUDO.finditer(folded):
        yield Span(*match.span(1), "PSEUDO", "rule")


def find_public_phones(text: str, directory: Directory) -> Iterator[Span]:
    yield from (
        Span(*match.span(), "KEEP", "phone") for match, public in _phones(text, fold(text), directory) if public
    )


def _phones(text: str, folded: str, directory: Directory) -> Iterator[tuple[re.Match[str], bool]]:
    """Phone numbers, and whether each is a service's."""
    for pattern in (_FRENCH, _ODDLY, _FOREIGN, _ODDLY_FOREIGN) if has_digit(text) else ():
        for match in pattern.finditer(folded):
            if _is_moment(match, folded) or (pattern is _ODDLY and not _is_grouped(match[0])):
                continue
            inside = re.search(r"\d[ .\-]?$", folded[max(0, match.start() - 2) : match.start()])  # of a longer number
            service = not inside and (is_service_phone(match[0], directory) or _is_presented_line(folded, match))
            yield match, service


def _is_grouped(number: str) -> bool:
    """Whether ten digits with anything between read as one number.

    They do with one sign all along, one by one, or if the first group is no lone zero, as in "0,5 - 1,25".
    """
    signs = {sign for sign in _GROUPS.split(number)[1:-1] if sign}
    groups = _GROUPS.findall(number)
    alone = all(len(group) == 1 for group in groups)
    return len(signs) <= 1 or alone or (len(groups[0]) > 1 and not _HOUR.search(number))


def _is_moment(match: re.Match[str], folded: str) -> bool:
    """Whether the digits are a date or an hour and what follows: "01/02/2023 - 03/04", "5/12 08:30-12:00"."""
    if _FULL_DATE.search(match[0]):
        return True
    going_on = _GOES_ON.match(folded, match.end())
    return bool(going_on) and bool(DATE.search(match[0]) or _HOUR.search(match[0]))


def _is_mailbox(match: re.Match[str], folded: str) -> bool:
    """Not "acheté chez leboncoin.fr": what stands before "chez" looks like an address, or is said to be one."""
    chez = _CHEZ_HOST.match(match[0])
    if chez is None:
        return "://" not in folded[max(0, match.start() - 8) : match.start()] or "@" in match[0]
    odd = re.search(r"[._\d-]", chez[1]) or chez[1] in FIRST_NAMES
    return bool(odd or _MAIL.search(folded, max(0, match.start() - 40), match.start()))


def _keep_breaks(text: str, folded: str) -> str:
    """The folded text, but for the capital of a word glued to the one before it: "…@nord.gouv.frPour améliorer"."""
    glued = {m.start() for m in re.finditer(r"(?<=[a-z])[A-Z](?=[a-zà-ÿ' ])", text)}
    return "".join(text[i] if i in glued else c for i, c in enumerate(folded)) if glued else folded


def _is_presented_line(folded: str, match: re.Match[str]) -> bool:
    """A landline that a sentence presents as a service's own; no mobile, and not in a sentence about oneself."""
    if not _LANDLINE.match(match[0]):
        return False
    before = re.split(r"(?<!\btel)[.!?;](?=\s)|\n", folded[max(0, match.start() - 140) : match.start()])[-1]
    presented = _PRESENTED.search(before) or _NAMED_AS.match(folded, match.end())
    after = re.split(r"[.!?;](?=\s)|\n", folded[match.end() : match.end() + 80])[0]
    return bool(presented) and not (_ONESELF.search(before) or _ONESELF.search(after) or _SOMEBODYS.search(before))


def is_service_phone(text: str, directory: Directory) -> bool:
    """A listed number, or one of a range that only services hold (0 8xx, 0 969)."""
    digits = re.sub(r"\D", "", text)
    return directory.knows_phone(text) or bool(_SERVICE.fullmatch(digits))


def is_public_email(email: str, directory: Directory) -> bool:
    """A listed mailbox, or one of a function (contact@…) below a public domain; an agent's own address is personal."""
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
    """Whether a URL may lead to a person: an identifier in it, or a path below a domain that is not public.

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
