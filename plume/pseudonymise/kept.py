"""What must stay, the substance of a reply: public bodies, their lines and addresses, laws, forms, dates, amounts.

What is kept is kept from the weak detectors only (names, cities, schools, references, catch-all); an IBAN is masked
wherever it stands. The rules that find phones, e-mails and URLs ask the directory themselves.
"""

import re
from collections.abc import Iterator

from plume.contacts import Directory
from plume.french.rules import find, table
from plume.french.words import ACRONYMS, BODIES, LABELS, TERRITORIES, Word
from plume.pseudonymise.identifiers.contacts import is_personal_url, is_public_email
from plume.pseudonymise.identifiers.dates import DATE
from plume.pseudonymise.identifiers.phones import public_phones
from plume.pseudonymise.identifiers.rule import Identifier, Text, reading
from plume.pseudonymise.identifiers.towns import service_addresses
from plume.pseudonymise.spans import Span

_NUMBERED = re.compile(r" ?(?:n°|no\b|:)? ?\d{4}", re.IGNORECASE)
_APART = re.compile(r"(?:[,;:(] ?|^ ?)$")


def _is_no_label(match: re.Match[str], text: Text) -> bool:
    """Say whether capitals are neither a label nor an acronym: a known one, or one set apart that no name could be.

    Set apart means after a comma or a bracket; no name is what a number follows, or what has no vowel.
    """
    word, written = Word.of(match[0]), text.written
    apart = _APART.search(written, max(0, match.start() - 2), match.start())
    if word.folded in LABELS or word.folded in ACRONYMS:
        return word.everyday or not (apart or not word.listed)
    if not apart or word.listed:
        return True
    return not (_NUMBERED.match(written, match.end()) or (match.start() > 0 and not set(word.folded) & set("aeiouy")))


KEPT = table(
    Identifier(
        "kept.amount",
        r"(?<![\w])\d{1,3}(?:[ .]?\d{3})*(?:[.,]\d{1,2})? ?(?:€|euros?\b|eur\b|k€|%|centimes\b)",
        hint=("€", "eur", "%", "centimes"),
        digit=True,
        source="pattern",
        examples=("soit ‹1 200,50 €›", "1 200 jours"),
    ),
    Identifier(
        "kept.law",
        r"\b(?:articles?|art\.) ?(?:[lrd]\.? ?(?:\*? ?)?)?\d(?:(?! de la loi| du decret)[\d\-. a-z]){0,10}"
        r"|\b(?:loi|decret|ordonnance|arrete"
        r"|circulaire|directive|reglement)(?: (?:organique|constitutionnelle|ministeriel|prefectoral|europeenn?e?"
        r"|n°|no|numero|ue|\(ue\)))* ?\d{2,4}[-/]\d+",
        hint=("art", "loi", "decret", "ordonnance", "arrete", "circulaire", "directive", "reglement"),
        digit=True,
        source="pattern",
        examples=("la ‹loi n° 2000-321›", "la loi de 1978"),
    ),
    Identifier(
        "kept.form",
        r"\bcerfa(?: (?:n°|no|numero))? ?\d{4,5}(?:[*#]\d{1,2})?|\b(?:formulaire|imprime)(?: (?:n°"
        r"|no))? ?\d{4,5}[*#]\d{1,2}|(?<!\w)\d{4,5}[*#]\d{1,2}(?!\d)",
        hint=("cerfa", "*", "#"),
        digit=True,
        source="pattern",
        examples=("le ‹Cerfa n° 12345*03›", "le formulaire 2042"),
    ),
    Identifier(
        "kept.date", DATE.pattern, digit=True, source="pattern", examples=("depuis le ‹12/03/2024›", "depuis 12 jours")
    ),
    Identifier(
        "kept.wish",  # "Merci Nathalie Bonne journée": a wish, no surname
        r"\b(?:bonne|belle|bon|excellente?|joyeu(?:x|ses)) (?:journee|soiree|continuation|annee|fin|semaine|reception"
        r"|route|chance|courage|week|noel|fetes?|vacances|retour|travail)\b",
        hint=("bon", "belle ", "excellent", "joyeu"),
        source="body",
        examples=("Merci Nathalie ‹Bonne journée›", "une bonne écoute"),
    ),
    Identifier(
        "kept.mission-abroad",  # its seat is its name: "le consulat de Milan"
        r"\b(?:consul\w+|ambassade|alliance francaise)(?: general\w*)?(?: de france)?"
        r"(?: de la| de| d'| a| au| aux| en) ?[^\W\d_]+(?:-[^\W\d_]+)*",
        hint=("consul", "ambassade", "alliance"),
        source="body",
        examples=("le ‹consulat général de France à Milan›", "le consulat"),
    ),
    Identifier(
        "kept.office",  # whoever holds it is as public as the place: "le maire de Plougastel"
        r"\b(?:maire|prefete?|sous-prefete?|recteur|rectrice|procureure?|batonniere?|consule?)"
        r" (?:de la |de l'|de |d'|du |des )[^\W\d_]+(?:-[^\W\d_]+)*",
        hint=("maire", "prefet", "recteur", "rectrice", "procureur", "batonnier", "consul"),
        source="body",
        examples=("le ‹maire de Plougastel-Daoulas›", "le maire"),
    ),
    Identifier(
        "kept.code",
        r"\bcode (?:civil|penal|rural|electoral|general des impots|monetaire et financier|de la route|du travail"
        r"|de la securite sociale|de la sante publique|de la consommation|de l'urbanisme|de l'education|du sport"
        r"|des relations entre le public(?: et l'administration)?|de l'action sociale(?: et des familles)?"
        r"|de l'entree et du sejour des etrangers(?: et du droit d'asile)?|de justice administrative"
        r"|de procedure (?:civile|penale)|de la construction(?: et de l'habitation)?|de l'environnement)\b",
        hint=("code ",),
        source="body",
        examples=("le ‹code de l'urbanisme›", "le code postal"),
    ),
    Identifier(
        "kept.label",
        r"[A-Z](?<![\w'’.-][A-Z])[A-Z\d]{1,6}(?![\w'’-])",
        reads="written",
        unless=_is_no_label,
        source="label",
        examples=("ma ‹RQTH› attend", "Mme DURAND"),
    ),
    Identifier(
        "kept.zodiac",
        r"\bsigne(?: (?:astro\w*|du zodiaque|astral))?(?: (?:est|c'est|:|du|de la|de l'|le|la)){0,4} ?:? ?"
        r"(belier|taureau|gemeaux|cancer|lion|vierge|balance|scorpion|sagittaire|capricorne|verseau|poissons?)\b",
        hint=("signe",),
        group=1,
        source="label",
        examples=("mon signe est ‹cancer›", "je signe"),
    ),
)
# Kept only where the directory, or what is public by itself, says so.
_SHORT_NUMBER = re.compile(r"(?<![\w.,])(?:3[0-9] ?[0-9]{2}|1[0-9]{1,2}|116 ?\d{3})(?![\d,])(?! ?\d)")
_SERVICE_LINE = re.compile(r"(?<!\d)(?<!\d[ .\-])0 ?[ .]?(?:8(?:[ .]?\d){8}|9[ .]?69(?:[ .]?\d){6,7})(?!\d)")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"«»]+|(?<![\w.-])(?:[\w-]+\.)+(?:fr|com|org|eu|net)(?:/[^\s<>\"«»]*)?")
_EMAIL = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]+\.[a-z]{2,}")
_TERMS: dict[str, list[str]] = {}  # bodies and territories by their first word, the longest first
for _term in sorted((*BODIES, *TERRITORIES), key=lambda term: (-len(term), term)):
    _TERMS.setdefault(re.match(r"\w+", _term)[0], []).append(_term)
_WORD = re.compile(r"\w+")
_SEVERAL = re.compile(r"[ '.-]")


def find_kept(text: str, directory: Directory) -> Iterator[Span]:
    """Find the regions that the weak detectors may not touch."""
    read = reading(text)
    folded = read.folded
    for start, end, rule, _ in find(read, KEPT):
        yield Span(start, end, "KEEP", rule.source, rule.name)
    if read.has_digit:
        for match in _SERVICE_LINE.finditer(folded):
            yield Span(*match.span(), "KEEP", "pattern")
        for match in _SHORT_NUMBER.finditer(folded):
            if directory.knows_phone(match[0]):
                yield Span(*match.span(), "KEEP", "directory")
    yield from public_phones(read, directory)
    for match in _URL.finditer(folded) if "." in text or "://" in text else ():
        if not is_personal_url(match[0], directory):
            yield Span(*match.span(), "KEEP", "url")
    for match in _EMAIL.finditer(folded) if "@" in text else ():
        if is_public_email(match[0], directory):
            yield Span(*match.span(), "KEEP", "email")
    for span in service_addresses(read):
        yield Span(span.start, span.end, "KEEP", "service-address")
    for span in _terms(folded):
        # One word alone may be a name ("France Delorme"): names weigh it; more words are a body's name.
        if _SEVERAL.search(folded, span.start, span.end):
            yield span


def _terms(folded: str) -> Iterator[Span]:
    """Find the names of bodies and territories, the longest that starts at a word."""
    position = 0
    for word in _WORD.finditer(folded):
        if word[0] not in _TERMS or word.start() < position:
            continue
        for term in _TERMS[word[0]]:
            position = word.start() + len(term)
            if folded.startswith(term, word.start()) and not _WORD.match(folded, position):
                yield Span(word.start(), position, "KEEP", "body")
                break
        else:
            position = word.end()
