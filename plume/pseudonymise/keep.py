"""What must stay, the substance of a reply: public bodies, their lines and addresses, laws, forms, dates, amounts.

What is kept is kept from the weak detectors only (names, cities, schools, references, catch-all); an IBAN is masked
wherever it stands. The rules that find phones, e-mails and URLs ask the directory themselves.
"""

import re
from collections.abc import Iterator

from plume.contacts import Directory
from plume.french.text import fold
from plume.french.vocabulary import word_set
from plume.french.words import ACRONYMS, BODIES, EVERYDAY, TERRITORIES
from plume.pseudonymise.insee import known_names
from plume.pseudonymise.rules.numbers import DATE, has_digit
from plume.pseudonymise.rules.places import find_service_addresses
from plume.pseudonymise.rules.reach import find_public_phones, is_personal_url, is_public_email
from plume.pseudonymise.spans import Span

WEAK = frozenset({"NUMERO", "DOSSIER", "PERSONNE", "VILLE", "PSEUDO", "ECOLE"})

_AMOUNT = re.compile(r"(?<![\w])\d{1,3}(?:[ .]?\d{3})*(?:[.,]\d{1,2})? ?(?:€|euros?\b|eur\b|k€|%|centimes\b)")
_LAW = re.compile(
    r"\b(?:articles?|art\.) ?(?:[lrd]\.? ?(?:\*? ?)?)?\d(?:(?! de la loi| du decret)[\d\-. a-z]){0,10}"
    r"|\b(?:loi|decret|ordonnance|arrete"
    r"|circulaire|directive|reglement)(?: (?:organique|constitutionnelle|ministeriel|prefectoral|europeenn?e?"
    r"|n°|no|numero|ue|\(ue\)))* ?\d{2,4}[-/]\d+"
)
_CODE = re.compile(
    r"\bcode (?:civil|penal|rural|electoral|general des impots|monetaire et financier|de la route|du travail"
    r"|de la securite sociale|de la sante publique|de la consommation|de l'urbanisme|de l'education|du sport"
    r"|des relations entre le public(?: et l'administration)?|de l'action sociale(?: et des familles)?"
    r"|de l'entree et du sejour des etrangers(?: et du droit d'asile)?|de justice administrative"
    r"|de procedure (?:civile|penale)|de la construction(?: et de l'habitation)?|de l'environnement)\b"
)
_CERFA = re.compile(
    r"\bcerfa(?: (?:n°|no|numero))? ?\d{4,5}(?:[*#]\d{1,2})?|\b(?:formulaire|imprime)(?: (?:n°"
    r"|no))? ?\d{4,5}[*#]\d{1,2}|(?<!\w)\d{4,5}[*#]\d{1,2}(?!\d)"
)
# The seat of a mission abroad is its name: "le consulat de Milan".
_MISSION = re.compile(
    r"\b(?:consul\w+|ambassade|alliance francaise)(?: general\w*)?(?: de france)?(?: de la| de| d'| a| au| aux| en) ?"
    r"[^\W\d_]+(?:-[^\W\d_]+)*"
)
# Whoever holds a public office there is as public as the place: "le maire de Plougastel".
_OFFICE_OF = re.compile(
    r"\b(?:maire|prefete?|sous-prefete?|recteur|rectrice|procureure?|batonniere?|consule?)"
    r" (?:de la |de l'|de |d'|du |des )[^\W\d_]+(?:-[^\W\d_]+)*"
)
# What stands before a number or names a right: in capitals it is no surname.
LABELS = word_set(
    "nir neph nss spi ine nia agdref rne siret siren rpps aspa pch cst drh aesh assmat ddets mdmph bsr naf ape alloc"
    " anpe cmu css c2s puma oqtf rqth tdah avs atsem num rio apa asi are ass cni"
)
_CAPITALS = re.compile(r"[A-Z](?<![\w'’.-][A-Z])[A-Z\d]{1,6}(?![\w'’-])")
_NUMBERED = re.compile(r" ?(?:n°|no\b|:)? ?\d{4}", re.IGNORECASE)
_APART = re.compile(r"(?:[,;:(] ?|^ ?)$")
_SIGN_OF_ZODIAC = re.compile(
    r"\bsigne(?: (?:astro\w*|du zodiaque|astral))?(?: (?:est|c'est|:|du|de la|de l'|le|la)){0,4} ?:? ?"
    r"(belier|taureau|gemeaux|cancer|lion|vierge|balance|scorpion|sagittaire|capricorne|verseau|poissons?)\b"
)
# Territories overseas that go by one name.
_ISLANDS = (
    "nouvelle-caledonie",
    "polynesie",
    "polynesie francaise",
    "tahiti",
    "wallis et futuna",
    "wallis-et-futuna",
    "wallis",
    "saint-pierre-et-miquelon",
    "saint-barthelemy",
)
# "Merci Nathalie Bonne journée": a wish, no surname.
_WISH = re.compile(
    r"\b(?:bonne|belle|bon|excellente?|joyeu(?:x|ses)) (?:journee|soiree|continuation|annee|fin|semaine|reception|route"
    r"|chance|courage|week|noel|fetes?|vacances|retour|travail)\b"
)
_NAMED = (
    (_WISH, ("bon", "belle ", "excellent", "joyeu")),
    (_MISSION, ("consul", "ambassade", "alliance")),
    (_OFFICE_OF, ("maire", "prefet", "recteur", "rectrice", "procureur", "batonnier", "consul")),
    (_CODE, ("code ",)),
)
_SHORT_NUMBER = re.compile(r"(?<![\w.,])(?:3[0-9] ?[0-9]{2}|1[0-9]{1,2}|116 ?\d{3})(?![\d,])(?! ?\d)")
_SERVICE_LINE = re.compile(r"(?<!\d)(?<!\d[ .\-])0 ?[ .]?(?:8(?:[ .]?\d){8}|9[ .]?69(?:[ .]?\d){6,7})(?!\d)")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"«»]+|(?<![\w.-])(?:[\w-]+\.)+(?:fr|com|org|eu|net)(?:/[^\s<>\"«»]*)?")
_EMAIL = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]+\.[a-z]{2,}")
_TERMS: dict[str, list[str]] = {}  # bodies and territories by their first word, the longest first
for _term in sorted((*BODIES, *TERRITORIES, *_ISLANDS), key=len, reverse=True):
    _TERMS.setdefault(re.match(r"\w+", _term)[0], []).append(_term)
_WORD = re.compile(r"\w+")
_SEVERAL = re.compile(r"[ '.-]")
# Patterns that want a digit, and what to look for first, which costs far less.
_WITH_DIGITS = (
    (_AMOUNT, re.compile(r"€|eur|%|centimes")),
    (_LAW, re.compile(r"\bart|loi|decret|ordonnance|arrete|circulaire|directive|reglement")),
    (_CERFA, re.compile(r"cerfa|[*#]")),
    (DATE, None),
    (_SERVICE_LINE, None),
)
_PUBLIC_WORDS = ACRONYMS | LABELS | {w for w in (*BODIES, *TERRITORIES, *_ISLANDS) if " " not in w}


def find_kept(text: str, directory: Directory) -> Iterator[Span]:
    """Regions that the weak detectors may not touch."""
    folded = fold(text)
    digits = has_digit(text)
    for pattern, telling in _WITH_DIGITS if digits else ():
        for match in pattern.finditer(folded) if telling is None or telling.search(folded) else ():
            yield Span(*match.span(), "KEEP", "pattern")
    for match in _SHORT_NUMBER.finditer(folded) if digits else ():
        if directory.knows_phone(match[0]):
            yield Span(*match.span(), "KEEP", "directory")
    yield from find_public_phones(text, directory)
    for match in _URL.finditer(folded):
        if not is_personal_url(match[0], directory):
            yield Span(*match.span(), "KEEP", "url")
    for match in _EMAIL.finditer(folded) if "@" in text else ():
        if is_public_email(match[0], directory):
            yield Span(*match.span(), "KEEP", "email")
    for pattern, stems in _NAMED:
        for match in pattern.finditer(folded) if any(stem in folded for stem in stems) else ():
            yield Span(*match.span(), "KEEP", "body")
    for match in _CAPITALS.finditer(text):
        if _is_label(text, match):
            yield Span(*match.span(), "KEEP", "label")
    for match in _SIGN_OF_ZODIAC.finditer(folded) if "signe" in folded else ():
        yield Span(*match.span(1), "KEEP", "label")
    for span in find_service_addresses(text):
        yield Span(span.start, span.end, "KEEP", "service-address")
    for span in _terms(folded):
        # One word alone may be a name ("France Delorme"): names.py weighs it; more words are a body's name.
        if _SEVERAL.search(folded, span.start, span.end):
            yield span


def _is_label(text: str, match: re.Match[str]) -> bool:
    """Whether capitals are a label or an acronym: a known one, or one set apart that no name could be.

    Set apart means after a comma or a bracket; no name is what a number follows, or what has no vowel.
    """
    word = fold(match[0])
    apart = _APART.search(text, max(0, match.start() - 2), match.start())
    if word in LABELS or word in ACRONYMS:
        return word not in EVERYDAY and bool(apart or word not in known_names())
    if not apart or word in known_names():
        return False
    return bool(_NUMBERED.match(text, match.end())) or (match.start() > 0 and not set(word) & set("aeiouy"))


def _terms(folded: str) -> Iterator[Span]:
    """Names of bodies and territories, the longest that starts at a word."""
    position = 0
    for word in _WORD.finditer(folded):
        if word.start() < position:
            continue
        for term in _TERMS.get(word[0], ()):
            position = word.start() + len(term)
            if folded.startswith(term, word.start()) and not _WORD.match(folded, position):
                yield Span(word.start(), position, "KEEP", "body")
                break
        else:
            position = word.end()


def is_public_word(word: str) -> bool:
    """An acronym or one-word name of a body, a service or a territory."""
    return _bare(word) in _PUBLIC_WORDS


def is_plain_word(word: str) -> bool:
    """A word of everyday French, with or without an elided article before it ("l'agent", "n'a")."""
    return fold(word).strip(".'-") in EVERYDAY or _bare(word) in EVERYDAY


def _bare(word: str) -> str:
    return re.sub(r"^(?:[ldjnmtsc]|qu)'", "", fold(word).strip(".'-"))
