"""Contact details in a draft: phone numbers, e-mail addresses, web addresses that nothing given to the writer holds."""

import re
from functools import lru_cache

from plume.checks.case import Case, Result, none_of
from plume.contacts import national

_TLD = "fr|com|org|net|eu|info|be|ch|lu|io|app|re|nc|pf|bzh|paris|alsace|corsica|ly|gov|uk|de|es|it"
EMAIL = re.compile(r"[\w.+-]+ ?(?:@|\(at\)|\[at\]| arobase ) ?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
URL = re.compile(
    rf"(?:https?://|www\.)[^\s<>\"«»()\[\]]+|(?<![@\w.-])(?:[\w-]+\.)+(?:{_TLD})\b(?!\.?\w*@)(?:/[^\s<>\"«»()\[\]]*)?",
    re.IGNORECASE,
)
# Ten digits from 0, or an international form, however they are grouped.
_LONG = (
    r"(?<!\d)(?<!\d[ .-])(?:\+33|0033|0)[ .-]?(?:\(0\)[ .-]?)?[1-9](?:[ ./-]?\d){8}(?!\d)"
    r"|\+\d{1,3}(?:[ ./-]?\d){7,12}(?!\d)"
)
# Short numbers are told from other figures by the words that bring them and by what follows.
_BROUGHT = r"(?:(?<=\b(?:au|le|du) )|(?<=\bnuméro )|(?<=\bn° )|(?<=\bn°)|(?<=composez )|(?<=appelez )|(?<=: ))"
_NO_UNIT = r"(?![\d/]|[.,]\d| ?(?:€|%|euros?|personnes|demandes|dossiers|usagers|habitants|agents|ans|mois|jours|h\b))"
_SHORT = rf"{_BROUGHT}(?:118 ?\d{{3}}|116 ?\d{{3}}|3\d ?\d{{2}}|10\d{{2}}|11[2459])\b{_NO_UNIT}"
_EMERGENCY = r"(?:(?<=appelez le )|(?<=appeler le )|(?<=composez le )|(?<=composer le ))1[578]\b"
PHONE = re.compile(f"{_LONG}|{_SHORT}|{_EMERGENCY}", re.IGNORECASE)


@lru_cache(maxsize=8)  # each check of facts reads the same draft and the same prompt
def blank(text: str) -> str:
    """The text with its contact details blanked out, so that their digits are taken for no amount and no date."""
    for pattern in (EMAIL, URL, PHONE):
        text = pattern.sub(lambda m: " " * len(m.group()), text)
    return text


def address(url: str) -> str:
    """A web address without what does not tell pages apart: scheme, www, case, closing punctuation."""
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", url.lower()).rstrip("/.,;:!?'*_")


def mailbox(email: str) -> str:
    return re.sub(r" ?(?:@|\(at\)|\[at\]| arobase ) ?", "@", email.lower()).strip(".-")


def _urls(text: str) -> list[str]:
    return [m.group().rstrip("/.,;:!?'*_") for m in URL.finditer(EMAIL.sub(" ", text))]


def invented(case: Case) -> list[str]:
    """Contact details of a draft that stand neither in review or prompt nor in the directory, as written.

    A web address may also be the bare site of one that was given; a longer path on such a site is an invention.
    """
    known = {address(u) for u in _urls(case.given)}
    known |= {u.split("/")[0] for u in known}
    faults = [u for u in _urls(case.draft) if address(u) not in known and not case.directory.knows_url(u)]

    known = {mailbox(m.group()) for m in EMAIL.finditer(case.given)}
    emails = [mailbox(m.group()) for m in EMAIL.finditer(case.draft)]
    faults += [e for e in emails if e not in known and not case.directory.knows_email(e)]

    known = {national(m.group()) for m in PHONE.finditer(case.given)}
    phones = [m.group() for m in PHONE.finditer(URL.sub(" ", EMAIL.sub(" ", case.draft)))]
    return faults + [p for p in phones if national(p) not in known and not case.directory.knows_phone(p)]


def invented_contacts(case: Case) -> Result:
    """The check: no invented contact detail."""
    return none_of(invented(case), "coordonnées absentes de l'avis, de la consigne et de l'annuaire")
