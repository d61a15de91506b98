"""Postal addresses in a draft that the writer was not given: an invented one sends citizens to the wrong door.

A citizen's own address is for the check of personal data. Every repetition is bounded, so that reading stays linear.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from plume.checks.case import Case
from plume.french.text import fold, words

_UP = "A-ZÀ-ÖØ-ÞŒ"
_PROPER = rf"[{_UP}][\w'-]{{1,30}}"
_OF = r"(?i:(?:de|du|des|la|le|les|l'|d'|aux|saint|sainte|st|ste)(?:(?<=')|[\s-]))"
_AND = r"(?i:(?:de|du|des|la|le|les|l'|d'|et|en|sur|sous|lès|aux)(?:(?<=')|[\s-]))"
_DAY = r"\d{1,2}(?:er)?[ -](?i:janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre)"
_NAMED = rf"{_OF}{{0,3}}(?:{_PROPER}|{_DAY})(?: (?:{_AND}{{0,3}}{_PROPER}|1[89]\d\d)){{0,4}}"
# Kinds of street that mean nothing else, and those that do: "deux places", "une voie de recours".
_STREET = (
    r"rue|ruelle|avenue|boulevard|impasse|all[ée]es?|venelle|faubourg|esplanade|square|rond-point|lieu-dit|av\.?|bd\.?"
    r"|bld\.?|blvd\.?|bvd\.?|imp\.|all\.|fbg\.?|sq\."
)
_OTHER = (
    r"place|quai|cours|passage|voie|chemin|route|promenade|mont[ée]e|parvis|mail|villa|cit[ée]|hameau|sentier|traverse"
    r"|cour|clos|résidence|pl\.|rte\.?|ch\.|chem\.|r\."
)
_SAID = (
    r"un|une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingt|trente|quarante"
    r"|cinquante|soixante|cent"
)
_OF_THE = r",?\s(?:(?i:de la\s|du\s|de l'|des\s))?"
_HOUSE = (
    r"(?<![\w.,/-])(?:n°\s?|(?i:numéro\s))?\d{1,4}(?:\s?(?i:bis|ter|quater|[a-d]))?(?:\s?[-/]\s?\d{1,4})?" + _OF_THE
)
_HOUSE_SAID = rf"\b(?i:{_SAID})(?:[ -](?i:et[ -])?(?i:{_SAID})){{0,3}}" + _OF_THE
_AT = r"(?i:mairie|gare|église|hôtel de ville|marché|préfecture|république|liberté|poste|victoire|paix|halle|port)"
_NUMBERED = (
    # 12 bis, rue de la gare: after a number, the name may be in lower case.
    re.compile(rf"{_HOUSE}(?i:{_STREET})\s(?:{_NAMED}|{_OF}{{0,3}}[^\W\d_]{{3,30}})"),
    re.compile(rf"{_HOUSE}(?i:{_OTHER})\s(?:{_NAMED}|{_OF}{{1,3}}{_AT})\b"),
    re.compile(rf"{_HOUSE}(?i:grande?[ '-]?rue)\b"),
    re.compile(rf"{_HOUSE_SAID}(?i:{_STREET})\s{_NAMED}"),
    re.compile(r"(?<!\w)(?:B\.?P\.?|C\.?S\.?|TSA|(?i:boîte postale)) ?(?:n° ?)?\d{2,6}(?: ?\d{1,3})?(?!\d)"),
)
# A street without a number is one only where it is given as an address: "la gare de la rue Nationale" is none.
_UNNUMBERED = re.compile(
    rf"(?<![\w-])(?:(?i:{_STREET}|place|quai|parvis|cours|mail|chemin|route|zone (?:industrielle|artisanale|commerciale"
    rf"|d'activités?))|Z\.?A\.?C?|Z\.?I) {_NAMED}"
)
_GIVES = re.compile(
    r"\b(?:situe|sis(?:e?s?)\b|adresse|bureaux?\b|locaux\b|rendez-vous|rendre|present(?:er|ez)|ecri(?:re|vez)|envoye[rz]"
    r"|installe|deplacer|courrier)[^.!?;\n]{0,40}$"
)
_TOWN = rf"{_PROPER}(?:[ -](?:{_AND}|(?i:saint[ -]|sainte[ -])){{0,3}}{_PROPER}){{0,4}}"
_POSTCODE = re.compile(rf"(?<![\w.,/-])(?:F-)?(?:0[1-9]|[1-8]\d|9[0-8]) ?\d{{3}},?\s(?P<town>{_TOWN})")
# What stands for what when two writings of an address are compared; small words are left out.
_LIKE = {
    "av": "avenue",
    "ave": "avenue",
    "bd": "boulevard",
    "bld": "boulevard",
    "blvd": "boulevard",
    "bvd": "boulevard",
    "r": "rue",
    "pl": "place",
    "all": "allee",
    "imp": "impasse",
    "rte": "route",
    "ch": "chemin",
    "chem": "chemin",
    "sq": "square",
    "fbg": "faubourg",
    "st": "saint",
    "ste": "sainte",
    "gal": "general",
    "mal": "marechal",
    **dict.fromkeys(words("de du des la le les l d et en sur sous a au aux n numero"), ""),
}
_PART = re.compile(r"\d+|[^\W\d_]+")
# Whose address it is: a citizen's.
_LIVES = re.compile(
    r"\b(?:habit|resid(?:ez|er|ant|e\b)|demeur|domicil|loge[rz]|loge(?:e?s?|ant)\b|logement|chez vous|livraison"
    r"|votre (?:(?:nouvelle|ancienne|future|propre) )?adresse|vous vivez)"
)


@lru_cache(maxsize=32)
def addresses(text: str) -> tuple[tuple[int, int], ...]:
    """Where a text gives a street, a postcode with its town, or a post box: start and end, in order, no overlap."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(_find(text), key=lambda span: (span[0], -span[1])):
        if not found or start >= found[-1][1]:
            found.append((start, end))
    return tuple(found)


def _find(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _NUMBERED:
        yield from (m.span() for m in pattern.finditer(text) if "XX" not in m.group())
    for match in _UNNUMBERED.finditer(text):
        if _GIVES.search(fold(text[max(0, match.start() - 60) : match.start()])) and "XX" not in match.group():
            yield match.span()
    yield from (m.span() for m in _POSTCODE.finditer(text) if _is_town(m["town"]))


def _is_town(name: str) -> bool:
    """Whether a name begins with a commune's, or holds Cedex: "10 000 Français" and "dossier 12345 Bonjour" do not."""
    from plume.french.insee import communes

    parts = re.split(r"[ '-]", fold(name))
    return "cedex" in parts or any(" ".join(parts[:n]) in communes() for n in range(1, len(parts) + 1))


def invented_addresses(case: Case) -> list[tuple[int, int]]:
    """Where a draft gives a postal address that neither review nor prompt holds, and that is no citizen's."""
    found = addresses(case.draft)
    given = _read(case.given) if found else []
    known, text = set(given), f" {' '.join(given)} "
    return [
        (start, end)
        for start, end in found
        if not (_is_citizens(case.draft, start, end) or _is_given(_read(case.draft[start:end]), known, text))
    ]


def _is_given(parts: list[str], known: set[str], text: str) -> bool:
    """Whether number, street and first word of its name stand together in what was given, and the rest somewhere."""
    head = parts[: 3 if parts and parts[0].isdigit() else 2]
    return f" {' '.join(head)} " in text and known.issuperset(parts)


def _is_citizens(text: str, start: int, end: int) -> bool:
    before, after = fold(text[max(0, start - 60) : start]), fold(text[end : end + 30])
    return bool(_LIVES.search(re.split(r"[.!?;\n]", before)[-1]) or _LIVES.search(re.split(r"[.!?;\n]", after)[0]))


def _read(text: str) -> list[str]:
    """A text as addresses are compared: words and numbers, folded, abbreviations written out, small words left out."""
    joined = re.sub(r"(?<!\d)(\d\d) (\d{3})(?!\d)", r"\1\2", fold(text)).replace("b.p.", "bp").replace("c.s.", "cs")
    return [word for part in _PART.findall(joined) if (word := _LIKE.get(part, part))]
