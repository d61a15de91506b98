"""Where somebody lives: communes, postcodes with their city."""

import re
from collections.abc import Iterator
from functools import cache

from plume.french.insee import communes
from plume.french.numbers import number_words
from plume.french.phrases import NETWORK, SERVICE
from plume.french.rules import Place, Text, find, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, column
from plume.french.words import EVERYDAY, TERRITORIES
from plume.pseudonymise.identifiers.address_parts import PARTICLE, PROPER, end_of_name, town_after
from plume.pseudonymise.identifiers.addresses import BOXES, OWN, OWN_AFTER, PLOTS, ROADS, all_addresses, is_of_a_service
from plume.pseudonymise.identifiers.rule import Identifier, spans
from plume.pseudonymise.spans import Span

_NUMBER_WORDS = rf"{any_of(number_words(0, 1000))}(?:[ -](?:et[ -])?{any_of(number_words(0, 1000))}){{0,5}}"
_BEFORE_A_TOWN = any_of(column("services", "word", kind="town"))
_COUNTED = re.compile(r"(?i:euros?|eur|personnes|habitants)\b")


def _is_quantity(match: re.Match[str], _: Text) -> bool:
    return fold(match["city"]) in EVERYDAY or _COUNTED.match(match["city"]) is not None


def _to_the_end_of_its_name(match: re.Match[str], text: Text) -> Place:
    start = match.start() - (2 if match.string.endswith("F-", 0, match.start()) else 0)
    return start, end_of_name(text.written, match.start("city"), match.end(), city=True)


_TOWN_BEFORE = re.compile(rf"(?<![\w'’-])(?>{PROPER})(?>[ -](?:{PARTICLE}){{0,3}}{PROPER}){{0,3}} ?[(\[]$")


def _with_the_town_before(match: re.Match[str], text: Text) -> Place | None:
    town = _TOWN_BEFORE.search(text.written, max(0, match.start() - 50), match.start())
    return (town.start(), match.end()) if town and fold(town[0].split(" ")[0]) not in EVERYDAY else None


POSTCODES = table(
    Identifier(
        "town.postcode",
        rf"\d(?:(?<=F-\d)|(?<![\d.,-]\d))\d ?\d{{3}}(?!\d),? ?[-–(]? ?(?P<city>(?:Ste?\. ?)?{PROPER}(?:[ -]"
        rf"(?:{PARTICLE}){{0,3}}{PROPER}){{0,4}}(?: (?i:cedex)(?: \d{{1,2}})?| (?:0[1-9]|1\d|20)(?!\d))?)",
        kind="CP_VILLE",
        digit=5,
        at_digits=True,
        reads="written",
        unless=_is_quantity,
        shape=_to_the_end_of_its_name,
        examples=("à ‹35000 Rennes›", "‹F-35000 Rennes›", "12 000 Euros"),
    ),
    Identifier(
        "town.postcode-in-brackets",
        r"\d(?<=[(\[]\d)\d ?\d{3} ?[)\]]",
        kind="CP_VILLE",
        digit=5,
        at_digits=True,
        reads="written",
        shape=_with_the_town_before,
        examples=("à ‹Plouvernec-Izel (29998)›", "la facture (12345)"),
    ),
)
BARE_POSTCODES = table(
    Identifier(
        "town.bare-postcode",
        r"\bcode postal[^\d\n]{0,12}(\d{5})(?!\d)",
        kind="CP_VILLE",
        hint=("code postal",),
        digit=5,
        group=1,
        examples=("code postal : ‹35000›", "mon code postal"),
    ),
)
# What announces where somebody lives, or the postcode before a commune.
ANNOUNCED = table(
    Identifier(
        "town.announced",
        r"\b(?:j?h?abit\w+|vi[st]|vivons|vivant|domicili\w+|resid\w+|demeur\w+|originaire|natifs?|natives?|nees?|nes"
        r"|ne(?= (?:a|au|aux|en)\b)|installee?s?"
        rf"|demenag\w+|emmenag\w+|maires?|ville|commune|village|hameau|{_BEFORE_A_TOWN}(?: des (?:particuliers"
        rf"|entreprises"
        r"|professionnels))?|sip|sie|antenne|la poste|travail|aller|vais|venir|rendre|deplacer|retourner|partir"
        r"|renvoyee?|envoyee?|commune nouvelle)\b"
        r"(?: (?:bien|ici|actuellement|desormais|depuis peu))?"
        r"(?: ?:)?(?: (?:a|au|aux|de|d'|sur|en|dans|vers|pres de|a cote de|non loin de|le|la|les)\b)* ?(?=[a-z])",
        kind="VILLE",
        hint=(
            *(
                "habit",
                "jhabit",
                "jabit",
                "abit",
                "vis",
                "vit",
                "viv",
                "domicil",
                "resid",
                "demeur",
                "origin",
                "nati",
                "ne ",
                "nee",
                "nes",
                "install",
            ),
            *("demenag", "emmenag", "maire", "ville", "commune", "village", "hameau"),
            *column("services", "word", kind="town"),
            *("sip", "sie", "antenne", "la poste", "travail", "aller", "vais", "venir", "rendre", "deplacer"),
            *("retourner", "partir", "envoye", "renvoye"),
        ),
        at_hints=True,
        shape=lambda match, text: _commune_at(text.folded, match.end()),
        source="insee",
        examples=("j'habite à ‹quimperle›", "la mairie de ‹Brest›", "j'habite à deux pas"),
    ),
    Identifier(
        "town.after-postcode-in-words",  # "quatre-vingt mille Amiens"
        rf"(?<!\w){_NUMBER_WORDS} mille(?:[ -](?:et[ -])?{_NUMBER_WORDS})?,? (?=[a-z])",
        kind="CP_VILLE",
        hint=(" mille ",),
        shape=lambda match, text: _from(match.start(), _commune_at(text.folded, match.end())),
        source="insee",
        examples=("virgule ‹quatre-vingt mille Amiens›", "deux mille euros"),
    ),
    Identifier(
        "town.postcode-in-words-last",  # "rue des Tisserands à Caudry cinquante-neuf mille cinq cent quarante"
        rf"\b(?:rue|avenue|place|chemin|impasse|allee|boulevard"
        rf"|route)\b[^.;\n\d]{{3,60}}? ({_NUMBER_WORDS} mille(?:[ -]{_NUMBER_WORDS})?)(?!\w)",
        kind="CP_VILLE",
        hint=(" mille",),
        group=1,
        source="insee",
        examples=("rue des Lilas à Caudry ‹cinquante-neuf mille cinq cent quarante› et", "la rue a deux agents"),
    ),
    Identifier(
        "town.after-postcode",
        r"\b\d{5},? (?=[a-z])",
        kind="CP_VILLE",
        digit=5,
        at_digits=True,
        shape=lambda match, text: _from(match.start(), _commune_at(text.folded, match.end())),
        source="insee",
        examples=("‹29300 quimperle›", "29300 euros"),
    ),
)
_LETTERS = re.compile(r"[a-z]+")
_NO_TOWN = {
    "place",
    "appelle",
    "quartier",
    "bourg",
    "secteur",
    "centre",
}  # communes bear these names, but nobody means them
_LOWER_CITY = re.compile(
    r"[ ,\-–(]{1,3}(\d{5})(?:,? (?:a |au )?(?:(?:las?|les?|saint|sainte|ste?)[ -])?(?:[^\W\d_]|['-]){2,}"
    r"(?:[ -](?:sur|sous|en|les|la|le|de)[ -](?:[^\W\d_]|['-])+)?)?"
)
_TOWARDS = re.compile(r",? (?:a |sur )?(?=[a-z])")


def _from(start: int, commune: Place | None) -> Place | None:
    return (start, commune[1]) if commune else None


@cache
def _first_words() -> frozenset[str]:
    return frozenset(name.split(" ")[0] for name in communes())


def _commune_at(folded: str, start: int) -> Place | None:
    """Give the longest name of a commune that starts here, if one does."""
    words = list(_LETTERS.finditer(folded, start, start + 60))[:6]
    if not words or words[0].start() != start or words[0][0] not in _first_words():
        return None
    for count in range(len(words), 0, -1):
        end = words[count - 1].end()
        name = folded[start:end].replace("-", " ").replace("'", " ")
        if (
            name in communes()
            and name not in TERRITORIES
            and name not in _NO_TOWN
            and (count > 1 or (len(name) > 3 and name not in EVERYDAY))
        ):
            return start, end
    return None


def _postcodes(text: Text) -> list[Span]:
    return list(spans(text, POSTCODES))


_PLACE_WORD = (
    r"(?i:(?:au |le |du )?bourg|chambre|ch\.|chb|b[aâ]t\w*\.?|app(?:t|artement)?\.?|porte|escalier|esc\.?|étage"
    r"|villa|port de \w+"
    r"|emplacement|ferme|moulin|camping|foyer(?:[- ]\w+)?|h[oô]tel|résidence|rés\.|chez|péniche|chalet|château|mas"
    r"|les|la|le"
    r"|hameau|lieu-?dit|c/o|km|zone|zone artisanale|za)"
)
_PLACE_NUMBER = r"(?:n° ?)?\d{1,4}(?: ?(?:bis|ter))?(?!\d)"
_PART = rf"(?:(?:{PARTICLE}){{0,3}}{PROPER}(?!\w)|{_PLACE_WORD}(?!\w)|{_PLACE_NUMBER})"
# "Ferme de la Houssaye, 61300 L'Aigle": what bears a name, from the start of its line, or behind a sign, to a postcode.
_BEFORE_POSTCODE = re.compile(
    r"(?:^|[\n:;.(!?–«\"] ?|\b(?:habite|demeure|réside|loge|vis|vit|domiciliée?|logée?|hébergée?|livrer|écrire|à) )"
    rf"((?:{_PLACE_NUMBER},? )?(?:{PROPER}|{_PLACE_WORD})(?!\w)(?:(?:, | ){_PART}){{0,8}}),? ?$"
)
_ASKS = re.compile(r"\w+-(?:moi|nous|lui|les?|vous)\b")  # "Écrivez-moi lieu-dit Les Chênes"
_OF_BODIES = re.compile(
    rf"\b(?:{SERVICE}|{NETWORK}|mairie|poste|hopital|ecole|college|lycee|siege|cedex|commune"
    rf"|ville|cp|code postal)\b"
)


def _named_before(text: Text, postcode: Span) -> Span | None:
    """Give what stands before a postcode as its address, where that is no body's."""
    start = max(0, postcode.start - 90)
    match = _BEFORE_POSTCODE.search(text.written[start : postcode.start])
    if match is None or text.shouting or _OF_BODIES.search(text.folded, start + match.start(1), start + match.end(1)):
        return None
    if _ASKS.match(match[1]):
        return None
    first = fold(match[1]).split(" ")[0].strip(",")
    if first in EVERYDAY and first not in ("le", "la", "les", "au") and " " not in match[1]:
        return None
    return Span(start + match.start(1), start + match.end(1), "ADRESSE", "rule", "town.named-before-postcode")


def places(text: Text) -> Iterator[Span]:
    """Find addresses and where somebody lives, but for what is a service's."""
    found = text.once(all_addresses)
    addresses = [span for span in found if not is_of_a_service(text, span)]
    yield from addresses
    postcodes = [span for span in text.once(_postcodes) if not is_of_a_service(text, span, found)]
    yield from postcodes
    yield from filter(None, (_named_before(text, span) for span in postcodes))
    for address in addresses:
        if match := _LOWER_CITY.match(text.folded, address.end):
            named = re.split(r"\d{5},? ?(?:a |au )?", match[0])[-1]
            listed = _commune_at(text.folded, match.end() - len(named))
            apart = listed is None and text.folded.startswith(",", match.end(1))
            end = match.end(1) if apart or fold(named) in EVERYDAY else match.end()
            yield Span(match.start(1), end, "CP_VILLE", "rule", "town.after-address")
        elif town := _town_of(text, address):
            yield town
    for span in spans(text, ANNOUNCED):
        if span.type == "VILLE" or not is_of_a_service(text, span, found):
            yield span
    for start, end, rule, match in find(text, BOXES):
        own = OWN.search(text.folded[max(0, start - 110) : start])
        beside = match[0].startswith("b") and any(0 < s.start - end < 4 for s in (*addresses, *postcodes))
        if own or beside or OWN_AFTER.match(text.folded, end):
            yield Span(start, end, rule.kind, "rule", rule.name)
            yield from (s for s in text.once(_postcodes) if 0 < s.start - end < 4)
    yield from spans(text, PLOTS)
    yield from spans(text, ROADS)
    yield from spans(text, BARE_POSTCODES)


def _town_of(text: Text, address: Span) -> Span | None:
    """Give the town that follows an address, on a list or on none; one that "à" leads to makes the address longer."""
    listed, match = None, _TOWARDS.match(text.folded, address.end)
    if match and (commune := _commune_at(text.folded, match.end())):
        listed = (*commune, match[0].endswith("a "))
    found = [town for town in (listed, town_after(text, address.end)) if town]
    if not found:
        return None
    start, end, led_to = max(found, key=lambda town: town[1])
    if led_to:
        return Span(address.start, end, "ADRESSE", "rule", "town.after-address")
    return Span(start, end, "VILLE", "insee", "town.after-address")


def service_addresses(text: Text) -> Iterator[Span]:
    """Find addresses and postcodes where a service receives the public or gets its mail: they stay."""
    addresses = text.once(all_addresses)
    for span in (*addresses, *text.once(_postcodes)):
        if is_of_a_service(text, span, addresses):
            yield span
