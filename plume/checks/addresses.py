"""Postal addresses in a draft that the writer was not given: an invented one sends citizens to the wrong door.

A citizen's own address is for the check of personal data. Every repetition is bounded, so that reading stays linear.
"""

import re
from functools import lru_cache

from plume.checks.case import Case
from plume.french.insee import communes
from plume.french.numbers import number_words
from plume.french.rules import Rule, Text, before, in_turn, reading, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, column

_UP = "A-ZÀ-ÖØ-ÞŒ"
_PROPER = rf"[{_UP}][\w'-]{{1,30}}"
_OF = r"(?i:(?:de|du|des|la|le|les|l'|d'|aux|saint|sainte|st|ste)(?:(?<=')|[\s-]))"
_AND = r"(?i:(?:de|du|des|la|le|les|l'|d'|et|en|sur|sous|lès|aux)(?:(?<=')|[\s-]))"
_DAY = rf"\d{{1,2}}(?:er)?[ -](?i:{any_of(column('months', 'name'))})"
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
_SAID_HERE = f"(?i:{any_of(number_words(1, 100))})"
_OF_THE = r",?\s(?:(?i:de la\s|du\s|de l'|des\s))?"
_HOUSE = (
    r"(?=[\dnN])(?<![\w.,/-])(?:n°\s?|(?i:numéro\s))?\d{1,4}(?:\s?(?i:bis|ter|quater|[a-d]))?(?:\s?[-/]\s?\d{1,4})?"
    + _OF_THE
)
_HOUSE_SAID = rf"\b{_SAID_HERE}(?:[ -](?i:et[ -])?{_SAID_HERE}){{0,3}}" + _OF_THE
_AT = r"(?i:mairie|gare|église|hôtel de ville|marché|préfecture|république|liberté|poste|victoire|paix|halle|port)"
# Their hints: a short word with what must follow it.
_STREETS = (
    *("rue", "avenue", "boulevard", "impasse", "allee", "venelle", "faubourg", "esplanade", "square", "rond-point"),
    *(short + end for short in ("av", "bd", "bld", "blvd", "bvd", "imp", "all", "fbg", "sq") for end in " .\n"),
    "lieu-dit",
)
_OTHERS = (
    *("place", "quai", "cours", "passage", "voie", "chemin", "route", "promenade", "monte", "parvis", "mail", "villa"),
    *("cite", "hameau", "sentier", "traverse", "cour", "clos", "residence"),
    *(short + end for short in ("pl", "rte", "ch", "chem", "r") for end in " .\n"),
)
_NUMBERED = table(
    # After a number, the name may be in lower case.
    Rule(
        "postal.street",
        rf"{_HOUSE}(?i:{_STREET})\s(?:{_NAMED}|{_OF}{{0,3}}[^\W\d_]{{3,30}})",
        hint=_STREETS,
        digit=True,
        reads="written",
        examples=("au ‹12 bis, rue de la gare›", "à 12 rues d'ici"),
    ),
    Rule(
        "postal.place",
        rf"{_HOUSE}(?i:{_OTHER})\s(?:{_NAMED}|{_OF}{{1,3}}{_AT})\b",
        hint=_OTHERS,
        digit=True,
        reads="written",
        examples=("au ‹3 place de la mairie›", "12 places de parking"),
    ),
    Rule(
        "postal.high-street",
        rf"{_HOUSE}(?i:grande?[ '-]?rue)\b",
        hint=("grand",),
        digit=True,
        reads="written",
        examples=("au ‹8 Grande Rue›", "la grande rue"),
    ),
    Rule(
        "postal.number-in-words",
        rf"{_HOUSE_SAID}(?i:{_STREET})\s{_NAMED}",
        hint=_STREETS,
        reads="written",
        unless=before(r"[àÀ] ", 2),  # "412 m3 à deux, rue Victor Hugo"
        examples=("au ‹douze rue Victor Hugo›", "à deux, rue Victor Hugo", "dans deux rues"),
    ),
    Rule(
        "postal.number-after",
        rf"(?<![\w-])(?i:{_STREET}|{_OTHER})\s{_NAMED},? (?:au )?(?:n°|(?i:numéro)) ?\d{{1,4}}\b",
        hint=(*_STREETS, *_OTHERS),
        digit=True,
        reads="written",
        examples=("‹chemin de la Garenne, n° 210›", "la place n° 4"),
    ),
    Rule(
        "postal.post-box",
        r"(?<!\w)(?:B\.?P\.?|C\.?S\.?|TSA|(?i:boîte postale)) ?(?:n° ?)?\d{2,6}(?: ?\d{1,3})?(?!\d)",
        hint=("b", "c.s", "cs", "tsa"),
        digit=True,
        reads="written",
        examples=("‹BP 123›", "‹TSA 12345›", "la CS de Lyon"),
    ),
)
# A street without a number is one only where it is given as an address: "la gare de la rue Nationale" is none.
_UNNUMBERED = table(
    Rule(
        "postal.unnumbered",
        rf"(?<![\w-])(?:(?i:{_STREET}|place|quai|parvis|cours|mail|chemin|route|zone (?:industrielle|artisanale"
        rf"|commerciale|d'activités?)|centre commercial|immeuble|espace commercial)|Z\.?A\.?C?|Z\.?I) {_NAMED}"
        rf"|(?<![\w-])(?i:(?:place|parvis|rue|quai|cours|route|avenue|boulevard) {_OF}{{1,3}}{_AT}"
        rf"|(?:rue|avenue|place|route) (?:nationale|principale|centrale)|cité administrative)\b",
        hint=(
            *_STREETS,
            "place ",
            "quai ",
            "parvis ",
            "cours ",
            "mail ",
            "chemin ",
            "route ",
            "zone ",
            "za",
            "z.",
            "zi",
            "centre commercial",
            "immeuble",
            "espace commercial",
            "cite administrative",
        ),
        unless=lambda match, text: not _GIVES.search(text.folded[max(0, match.start() - 60) : match.start()]),
        reads="written",
        examples=("situé ‹rue Nationale›", "la gare de la rue Nationale"),
    )
)
_GIVES = re.compile(
    r"\b(?:situe|sis(?:e?s?)\b|adresse|bureaux?\b|locaux\b|rendez-vous|rendre|present(?:er|ez)|ecri(?:re|vez)"
    r"|envoye[rz]"
    r"|installe|deplacer|courrier|trouv(?:e|ent|ons)\b|sommes\b|agence\b|guichet\b|antenne|permanence|accueill?\w*"
    r"|deposer?|porter|poster|aller\b|allez|vous rendre|retir(?:er|ez)|expedi(?:er|ez)|signal(?:er|ez)"
    r"|(?:^|[.,;:!?] ?|\bou |\bet |\b(?:re|en) ?)(?!avez|etes|aviez|etiez|vous )\w{3,}ez(?:-(?:l[ae]s?|y|nous|vous))?\b"
    r"|recoi\w+|recev\w+|implant\w+|ven(?:ez|ir)\b|pass(?:ez|er)\b|dirig\w+|demenag\w+|transfer\w+|ouvert\w*|heberg\w+"
    r"|attend\w*|siege|vont\b|site d)[^.!?;\n]{0,40}$"
)
_TOWN = rf"{_PROPER}(?:[ -](?:{_AND}|(?i:saint[ -]|sainte[ -])){{0,3}}{_PROPER}){{0,4}}"
_POSTCODE = table(
    Rule(
        "postal.postcode",
        rf"(?<![\w.,/-])(?:F-)?(?:0[1-9]|[1-8]\d|9[0-9]) ?\d{{3}},?\s(?P<town>{_TOWN})",
        unless=lambda match, text: not (_is_town(match["town"]) or _in_address(match, text)),
        digit=5,
        reads="written",
        examples=("à ‹35000 Rennes›", "10 000 Français", "dossier 12345 Bonjour"),
    )
)
_BEFORE_POSTCODE = re.compile(
    rf"(?:{any_of(h.strip() for h in (*_STREETS, *_OTHERS) if len(h) > 3)}|\b(?:bp|cs|tsa)\b|cedex|n°|immeuble"
    rf"|batiment|adresse)[^.;!?\n]{{0,40}}, ?$"
)
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
    **dict.fromkeys(
        ["de", "du", "des", "la", "le", "les", "l", "d", "et", "en", "sur", "sous", "a", "au", "aux", "n", "numero"], ""
    ),
}
_PART = re.compile(r"\d+|[^\W\d_]+")
# Whose address it is: a citizen's.
_LIVES = re.compile(
    r"\b(?:habit|vi(?:t|vent|vant|vait)\b|resid(?:ez|er|ant|e\b)|demeur|domicil|loge[rz]|loge(?:e?s?|ant)\b"
    r"|logement|chez vous|livraison|(?:occupants?|voisin\w*|riverain\w*|habitante?s?|locataires?) (?:du|de|des)\b"
    r"|votre (?:(?:nouvelle|ancienne|future|propre) )?adresse|vous (?:vivez|occupez))"
)


@lru_cache(maxsize=32)
def addresses(text: str) -> tuple[tuple[int, int], ...]:
    """Find where a text gives a street, a postcode with its town, or a post box: start and end, without overlap."""
    read = reading(text)
    every = (found for rule in (*_NUMBERED, *_UNNUMBERED, *_POSTCODE) for found in in_turn(read, [rule]))
    found: list[tuple[int, int]] = []
    for start, end in sorted(((f.start, f.end) for f in every if "XX" not in f.match[0]), key=lambda s: (s[0], -s[1])):
        if not found or start >= found[-1][1]:
            found.append((start, end))
    return tuple(found)


def _in_address(match: re.Match[str], text: Text) -> bool:
    """Say whether a postcode stands after a street, a post box or a building: the town need not be a listed one."""
    return bool(_BEFORE_POSTCODE.search(text.folded[max(0, match.start() - 50) : match.start()]))


def _is_town(name: str) -> bool:
    """Say whether a name begins with a commune's, or holds Cedex: "10 000 Français" does not."""
    parts = re.split(r"[ '-]", fold(name))
    return "cedex" in parts or any(" ".join(parts[:n]) in communes() for n in range(1, len(parts) + 1))


def invented_addresses(case: Case) -> list[tuple[int, int]]:
    """Find where a draft gives a postal address that it was not given, and that is no citizen's.

    The review may tell a place, which may be named again; it is no source for where to go or to write to.
    """

    def is_given(start: int, end: int) -> bool:
        exact = any(map(str.isdigit, case.draft[start:end]))
        gives = exact and _GIVES.search(fold(case.draft[max(0, start - 60) : start]))
        return _is_given(_read(case.draft[start:end]), case.sources if gives else case.given)

    return [
        (start, end)
        for start, end in addresses(case.draft)
        if not (is_citizens(case.draft, start, end) or is_given(start, end))
    ]


def _is_given(parts: list[str], text: str) -> bool:
    """Say whether number, street and first word of its name were given together, and the rest somewhere."""
    given = _read(text)
    head = parts[: 3 if parts and parts[0].isdigit() else 2]
    return f" {' '.join(head)} " in f" {' '.join(given)} " and set(given).issuperset(parts)


def is_citizens(text: str, start: int, end: int) -> bool:
    """Say whether an address is said to be where a citizen lives."""
    before, after = fold(text[max(0, start - 60) : start]), fold(text[end : end + 30])
    return bool(_LIVES.search(re.split(r"[.!?;\n]", before)[-1]) or _LIVES.search(re.split(r"[.!?;\n]", after)[0]))


@lru_cache(maxsize=32)
def _read(text: str) -> list[str]:
    """Read a text as addresses are compared: folded, abbreviations written out, small words left out."""
    joined = re.sub(r"(?<!\d)(\d\d) (\d{3})(?!\d)", r"\1\2", fold(text)).replace("b.p.", "bp").replace("c.s.", "cs")
    return [word for part in _PART.findall(joined) if (word := _LIKE.get(part, part))]
