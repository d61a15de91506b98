"""Checks that a draft gives no contact detail that its writer was not given: phone, e-mail, web or postal address."""

import re
from functools import lru_cache

from plume.checks.addresses import invented_addresses
from plume.checks.case import VOCABULARY, Answer, Case, Fault, none_of
from plume.contacts import host, is_premium, national
from plume.french.mentions import Mention
from plume.french.mentions.contacts import contacts, is_doubtful
from plume.french.numbers import number_words, value
from plume.french.rules import Rule, in_turn, reading, table
from plume.french.text import squeeze
from plume.french.vocabulary import any_of, folded
from plume.french.words import TERRITORIES

_SHORT_IN_WORDS = re.compile(r"(trente(?:-et)?(?:-\w+)?) (.+)")
_CLUMP = re.compile(r"\+?\d(?:[ .\-/()]{0,3}\d)*")
_SAID = rf"{any_of(number_words(0, 100))}(?:[ -](?:et[ -])?{any_of(number_words(0, 100))}){{0,3}}"
# Behind a standard, a number of a few digits reaches one office.
_EXTENSIONS = table(
    Rule(
        "contact.extension",
        r"\b(?:poste|postes|lignes? (?:directe|interne)|numero interne|extension)(?: telephonique)?,? (?:n° ?"
        r"|numero |le )?"
        r"(\d{2,5}|\d\d \d\d)\b(?! ?(?:h\b|heures?|agents?|personnes?|€|%))",
        hint=("poste", "ligne", "interne", "extension"),
        digit=2,
        examples=("demandez le ‹poste 4127›", "un poste à 35 heures", "la poste 2 jours après"),
    ),
    Rule(
        "contact.number-in-words",
        rf"\b(?:au|le|numero) ({_SAID}(?:,? puis|,)? {_SAID}(?:(?:,? puis|,) ?{_SAID}){{2,6}})\b",
        words=frozenset(number_words(10, 100)),
        examples=("‹au neuf, soixante-dix, quarante-deux, douze›", "au deux, rue du Bac"),
    ),
    Rule(
        "contact.text-message",
        r"\b(?:sms|texto|message|envoye[rz]|tapez) (?:[\w«»\"' -]{1,25} )?au (?!33 ?700\b)(\d{5}"
        r"|\d{2,3} \d{2,3})\b(?! ?\d)",
        hint=("sms", "texto", "message", "envoye", "tapez"),
        digit=5,
        examples=("un ‹SMS au 31 003› suffit", "un SMS au 33700", "envoyez le dossier au 12 rue X"),
    ),
)


def invented_contacts(case: Case) -> Answer:
    """Answer the check: no invented contact detail, no invented postal address."""
    found = [Fault(case.draft[one.start : one.end], _rule(one, case)) for one in case.once(invented)]
    found += [
        Fault(case.draft[one.start : one.end], one.rule.name)
        for one in in_turn(case.text, _EXTENSIONS)
        if national(one.match[1]) not in _given(case.sources)[2]
    ]
    found += [Fault(case.draft[start:end], "postal.address") for start, end in case.once(invented_addresses)]
    return none_of(found, "coordonnées absentes de la consigne et de l'annuaire")


def _rule(one: Mention, case: Case) -> str:
    """Give the rule that an invented contact breaks: two kinds that may harm who follows them have one of their own."""
    if one.kind == "phone" and is_premium(one.value):
        return "contact.premium-number"
    site = one.value.rpartition("@")[2] if one.kind in ("url", "email") else ""
    return "contact.look-alike-site" if site and case.directory.looks_like(site) else one.rule


def invented(case: Case) -> list[Mention]:
    """List the contact details of a draft that stand neither in the directory nor in the prompt beside the review.

    A web address may also be the bare site of one that was given; a longer path on such a site is an invention.
    "gouv.fr" alone is the name of a domain, and no site. Of the State's sites, those that exist may be named:
    "reclamations.service-public.fr" and "ma-prime.gouv.fr" lead nowhere.
    """
    said = [one for one in contacts(case.text) if not is_doubtful(one, case.text)]
    if not said:
        return []
    urls, mailboxes, numbers = _given(case.sources)

    def known(one: Mention) -> bool:
        match one.kind:
            case "url":
                return one.value in urls or one.value == "gouv.fr" or is_listed(one.value, case)
            case "email":
                return one.value in mailboxes or case.directory.knows_email(one.value)
            case "handle":
                return one.value in mailboxes
            case _:
                number = _number(one.value)
                return number in numbers or case.directory.knows_phone(number)

    return [one for one in said if not known(one)]


def is_listed(url: str, case: Case) -> bool:
    """Say whether a web address is on a site of the directory, or on one of the State's that everybody may know."""
    if not case.directory.knows_url(url):
        return False
    site = host(url)
    site = site if "." in site and not site.endswith(".gouv") else f"{site}.fr"
    existing = case.directory.domains | folded("state_sites", VOCABULARY)
    if site in existing or site.removesuffix(".gouv.fr") in TERRITORIES:
        return True
    parents = [site.split(".", at)[-1] for at in range(1, site.count(".") + 1)]
    return any(parent in existing for parent in parents) and folded("most_used_sites", VOCABULARY).isdisjoint(parents)


@lru_cache(maxsize=32)
def _given(text: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """List web addresses, mailboxes and numbers of what the writer was given; any run of digits may be a number."""
    given = contacts(reading(text))
    urls = {one.value for one in given if one.kind == "url"}
    numbers = {_number(one.value) for one in given if one.kind == "phone"}
    numbers |= {national(match[0]) for match in _CLUMP.finditer(text)}
    return (
        frozenset(urls | {u.split("/")[0] for u in urls}),
        frozenset(one.value for one in given if one.kind in ("email", "handle")),
        frozenset(numbers),
    )


def _number(phone: str) -> str:
    """Give what a phone number is compared by: its digits in national form; for one in words, those, or its letters."""
    if any(c.isdigit() for c in phone):
        return national(phone)
    if short := _SHORT_IN_WORDS.fullmatch(phone.lower()):
        return f"{value(short[1]) * 100 + value(short[2]):.0f}"
    return squeeze(phone)
