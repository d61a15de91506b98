"""The grammar of an address: parts (floor, building, street, number, road, town) that commas, blanks and "à" join.

Other rules find a sure part, such as a numbered street. Here the parts around it are taken in, and a chain of parts
of a building is read alone: "bâtiment Iris, 2e, porte gauche".
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from plume.french.insee import communes, spaced
from plume.french.numbers import number_words
from plume.french.phrases import SERVICE
from plume.french.rules import Place, Text
from plume.french.text import fold
from plume.french.vocabulary import any_of, folded, word_set
from plume.french.words import ACRONYMS, EVERYDAY, Word

_LISTS = Path(__file__).parents[1] / "lists"
_UP = "A-ZÀ-ÖØ-ÞŒŠŽ"
LETTER = r"[^\W\d_]"
# No dot ends a proper name, since one may end the sentence; what is cut short or an initial stands before the name.
PROPER = rf"[{_UP}](?:{LETTER}|['’\-])*"
PARTICLE = (
    r"(?:(?:de|du|des|la|le|les|en|sur|sous|aux?|à|et|lès|lez|saint|sainte|st|ste)[ -]|[dl]['’] ?"
    r"|(?:ste?|dr|pr|prof|g[ae]l|g[ée]n|mal|mar|cdt|cne|cap|col|lt|pdt|mgr|abb|n\.-d|[a-z])\.[ -]?)"
)
_OPENERS = folded("street_openers", _LISTS)
_STREET_WORDS = folded("street_words", _LISTS)
_PARTICLES = word_set("de du des la le les d l et sur sous en au aux saint sainte st ste")
# Of the building: no longer the street's name.
_PARTS = word_set(
    "apt appt appart appartement apartement bat batiment batimen bt etage etg esc escalier porte cage chambre "
    "interphone"
    " logement rdc numero virgule lot"
)
_PLAIN_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")


def end_of_name(text: str, start: int, end: int, first: int = 0, *, city: bool = False) -> int:
    """Say where a street's or a city's name ends: before the first plain word after its own that is no part of it.

    The plain word is in lower case or all is in capitals; an acronym or a word that opens a sentence counts whatever
    its case, and so does an article after a street's name where all is in capitals ("RUE FOCH LE DOSSIER").
    """
    named = text[start:end]
    shouting = named.isupper()
    last, before = 0, ""
    for i, word in enumerate(_PLAIN_WORD.finditer(named)):
        plain = fold(word[0])
        if i > first and plain in _PARTS:
            break
        if plain in _PARTICLES:
            if (
                shouting
                and not city
                and i > first
                and last
                and plain in ("le", "la", "les")
                and before not in ("de", "sur", "sous")
            ):
                break
            before = plain
            continue
        own = plain in _STREET_WORDS or before[:1].isdigit()  # "11 Novembre"
        ends = (plain in EVERYDAY and not own and (word[0].islower() or shouting)) or (
            plain in ACRONYMS and word[0].isupper()
        )
        if i > first and last and (ends or re.split("['’-]", plain)[0] in _OPENERS):
            break
        last, before = word.end(), plain
    return start + last if last else end


_NUMBER_WORD = any_of(number_words(1, 100))
_IN_WORDS = rf"(?:{_NUMBER_WORD})(?:[ -](?:et[ -])?(?:{_NUMBER_WORD}|une?))*\b"
_NUMBER = rf"(?:\d{{1,4}}(?: ?(?:bis|ter|quater|[a-d]))?(?![\w/])|{_IN_WORDS})"
_ORDINAL = (
    r"(?:\d{1,2} ?(?:ere?|r|e|i?em+e|em|nd)|premier|deuxieme|second|troisieme|quatrieme|cinquieme|sixieme|septieme"
    r"|huitieme|neuvieme|dixieme|onzieme|douzieme|treizieme|quatorzieme|quinzieme|dernier)(?!\w)"
)
_SIDE = (
    r"(?:(?:(?:porte|pte|cote)(?: de)? |a (?:la )?|au )?(?:(?:gauche|gche|droite?|dte|drte|face|centre|milieu|fond)"
    r"(?!\w)(?: du couloir| de la cour)?))"
)
_FLOOR = (
    rf"(?:au )?(?:{_ORDINAL} (?:et\b\.?|et(?:age|aj|tage|g|j)e?\.?(?!\w))|etage {_NUMBER}|etg\.? ?\d{{1,2}}(?!\d)"
    r"|rez?[ -]de[ -](?:chaus+ee?|jardin)|rdc|rdj|entresol|sous-sol"
    rf"|{_ORDINAL}(?= ?(?:[,.;)\n]|$)|,? {_SIDE}| (?:sans|avec) as|,? (?:cour|port)))"
    rf"(?:,? (?:{_SIDE}|cour))?(?: (?:sans|avec) as+[ae]ns[ae]?[eu]+r)?(?!\w)"
)
# What is numbered or lettered in a building, and in what stands in for one.
_UNIT = (
    r"(?:b[ae]t(?:im+en[ts]?|im)?|bt|ap+art(?:[ae]?ment?)?|appt?|apt|esc(?:al+ier)?|cage|entree|hall|porte|pte"
    r"|log(?:ement)?"
    r"|ch(?:am)?b(?:re)?|studio|box|boite(?: aux lettres)?|interphone|im+(?:euble)?|pavil+on|villa|maison(?= n)|tour"
    r"|bloc|aile|etage|palier|lot(?:is+ement)?|allee(?= \d)|emplacement|mobil-?home|parcelle|couloir|residence|res)"
)
_UNIT_WORDS = word_set(
    "bat batiment batimen bt appt apt appart appartement apartement apartment esc escalier escalié cage entree hall"
    " porte pte logement log chambre chb chbre studio box interphone imm immeuble imeuble pavillon villa tour bloc aile"
    " etage palier lot lotissement emplacement residence res parcelle couloir"
)
_VALUE = (
    rf"(?:[a-z]{{0,2}}\d[\w-]{{0,5}}(?![\w/€%])|(?:[b-z]|a(?! [a-z]))(?:[ -]?\d{{1,4}})?(?!['\w@]|\.\w)|{_IN_WORDS}"
    r"|nord|sud|est(?= ?[,.])|ouest)"
)
_UNIT_AND_VALUE = rf"{_UNIT}(?!\w)\.? ?(?:n° ?|numero |no |num\.? )?(?:{_VALUE}|{_SIDE})"
_HOUSE = (
    rf"(?:(?:au )?(?:n° ?|numero |no )(?:{_NUMBER}|[a-z]\d{{1,3}}(?!\w))|au \d{{1,3}}(?: bis"
    rf"| ter)?(?= ?[,.;)\n]|$))"
)
_NUMBER_LAST = re.compile(
    r"(?:, ?| )(?:au )?\d{1,3}(?: ?(?:bis|ter|[a-d]))?(?= ?(?:[,.;)\n]|$))"
)  # "rue des Acacias, 31"
_BOX = r"(?:bp|b\. ?p\.|boite postale|cs|tsa) ?(?:n° ?)?\d{1,6}\b(?: \d{3}(?!\d))?"
_ROAD = r"(?:pk ?\d{1,3}(?:[.,]\d{1,3})?(?!\d)|(?:rn|rd|cd|vc) ?\d{1,4}(?!\d))"
_COAST = r"cote (?:mer|montagne|savane|riviere|lagon|fleuve|terre|plage|pair|impair)s?(?!\w)"
_PLAIN_PART = re.compile(
    rf"(?:(?P<floor>{_FLOOR})|(?P<unit>{_UNIT_AND_VALUE})|(?P<house>{_HOUSE})|(?P<box>{_BOX})|(?P<road>{_ROAD})"
    rf"|(?P<rest>{_SIDE}|{_COAST}|(?:prolongee?|interieure?|superieure?)(?!\w)|\d{{1,2}}(?:er|e|eme) cour(?!\w)"
    r"|(?:bis|ter|quater)(?=,)))"
)
# A part that bears a name; `where` names a neighbourhood, the others a building.
_NAMED = re.compile(
    r"(?P<place>(?:lieu[ -]?dit|ld|hameau|quartier|qu|quart|lotis+ement|lot|cite|clos|domaine|mas|re[sz]id[ae]nce|res"
    r"|residense|villa|im+euble|imm|b[ae]t(?:iment)?|bt|tour|foyer(?:[ -]logement)?|camping|chalet|pavillon"
    r"|copropriete|za|zac|zi"
    r"|resid|le clos|ferme|moulin|hotel|hlm|peniche|manoir|gite|ham)(?!\w)\.?"
    r"|(?P<way>rue|r|ruelle|avenue|ave?|boulevard|boul|bld|blvd|bd|impasse|imp|allees?|all|chemin|chem|che|route"
    r"|rte|place|pl"
    r"|square|sq|quai|cours|passage|sentier|sente|faubourg|fbg|montee|mail|corniche|esplanade|promenade|venelle"
    r"|traverse|rond-point|voie|cour|parvis)(?!\w)\.?) (?:dit )?(?:[\"«“] ?)?"
)
_NAME = re.compile(rf"(?i:{PARTICLE}){{0,3}}{PROPER}(?: (?i:{PARTICLE}){{0,3}}(?:{PROPER}|\d{{4}}(?!\d))){{0,4}}")
_LOWER_NAME = re.compile(
    rf"(?i:{PARTICLE}){{0,3}}{LETTER}[\w'’-]+(?: (?!n°|\d)(?i:{PARTICLE}){{0,2}}{LETTER}[\w'’-]+){{0,2}}", re.IGNORECASE
)
_ARTICLES = ("le", "la", "les", "l", "de", "du", "des")
_ENDS = re.compile(r" ?(?:[,.;\n]|$)")
_NEIGHBOURHOODS = (
    "lotis",
    "resid",
    "rezid",
    "hameau",
    "lieu",
    "quartier",
    "domaine",
    "cite ",
    "clos",
    "foyer",
    "camping",
    "ferme",
    "moulin",
    "peniche",
)
_CLOSING_QUOTE = re.compile(r" ?[\"»”]")
_TOWN = re.compile(
    rf"(?:St\.?[ -]|Ste\.?[ -])?(?>{PROPER})(?>[ -](?i:{PARTICLE}){{0,3}}{PROPER}){{0,3}}"
    r"(?= ?(?:[.,;!?)\n…]|$|\(|[-–—] | (?:pour|où|et|depuis|virgule|dans|avec|chez|,)\b))"
)
_LOWER_TOWN = re.compile(
    rf"(?:ste?|saint|sainte)?{LETTER}{{3,}}(?:-{LETTER}+)+|(?:ste?|saint|sainte)[ -]{LETTER}{{3,}}"
)
_THE = r"(?:(?:au|du|la|le) |a la |a l'|l')?"
_LINK = re.compile(rf" ?[,;–—:/|(-]\n? ?(?:dans )?{_THE}|\n| (?:(?:dans|de|sur) )?{_THE}|(?= ?n°)")
_TO_TOWN = re.compile(r" ?(?:,|[-–—]|virgule)?[ \n](?:(?P<at>a|sur|commune de|a la commune de) )?|\n")
_AT = re.compile(r"(?:,| virgule)? (?:a|sur) ")
_MOST = 9
_REACH = 110  # characters before a part where its address may begin


class Part(NamedTuple):
    """One part of an address: its kind (a group of the grammar) and where it ends."""

    kind: str
    start: int
    end: int


def parts_from(text: Text, at: int, *, stop: int | None = None) -> list[Part]:
    """Read the parts of an address that follow each other from `at` on, up to `stop`, where a known one begins."""
    found: list[Part] = []
    for _ in range(_MOST):
        part = _part_at(text, at)
        if part is None:
            break
        if stop is not None and part.end > stop and part.kind not in ("road", "house", "unit"):
            break
        found.append(part)
        link = _LINK.match(text.folded, part.end)
        if link is None:
            break
        at = link.end()
        if stop is not None and at >= stop:
            break
    return found


def _part_at(text: Text, at: int) -> Part | None:
    match = _PLAIN_PART.match(text.folded, at)
    if match:
        return Part(match.lastgroup or "", at, match.end())
    head = _NAMED.match(text.folded, at)
    if head is None:
        return None
    end = _name_end(text, head)
    return Part("way" if head["way"] else "named", at, end) if end else None


def _name_end(text: Text, head: re.Match[str]) -> int | None:
    """Give where the name after `head` ends: by its capitals, or, where none tells it, before the first plain word."""
    at = head.end()
    name = _NAME.match(text.written, at)
    if name is None or text.written[at : at + 30].isupper():
        name = _LOWER_NAME.match(text.written, at)
        first = fold(re.split(r"[ '’-]", name[0])[0]) if name else ""
        if name is None or (first in EVERYDAY and first not in _ARTICLES):
            return None
        end = end_of_name(text.written, at, name.end())
        set_apart = head.start() > 1 and text.folded[head.start() - 2] == "," and _ENDS.match(text.folded, end)
        if name[0].islower() and not (
            set_apart or _in_one_case(text.written, head) or head[0].startswith(_NEIGHBOURHOODS)
        ):
            return None
    else:
        end = end_of_name(text.written, at, name.end())
    quote = _CLOSING_QUOTE.match(text.written, end)
    return quote.end() if quote and head[0].rstrip()[-1] in '"«“' else end


def _in_one_case(written: str, head: re.Match[str]) -> bool:
    """Say whether a part is written all in capitals or all in lower case, where no capital tells a name."""
    around = written[max(0, head.start() - 30) : head.end() + 30]
    return around.isupper() or around.islower()


def extended(text: Text, start: int, end: int) -> Place:
    """Take in the parts before and after a part of an address."""
    if link := _LINK.match(text.folded, end):
        more = parts_from(text, link.end())
        if more and (more[0].kind != "way" or link[0].strip()):
            end = more[-1].end
    if last := _NUMBER_LAST.match(text.folded, end):
        end = last.end()
    return _beginning(text, start), end


def _beginning(text: Text, start: int) -> int:
    least = max(0, start - _REACH)
    for at in sorted({*_places(text, least, start), *_numbers(text, least, start)}):
        parts = parts_from(text, at, stop=start)
        if parts and (parts[-1].end >= start or _leads_to(text, parts[-1], start)):
            return at
    return start


def _leads_to(text: Text, part: Part, start: int) -> bool:
    """Say whether a part is joined to an address; two streets by more than a blank ("de la rue Foch au 2 rue Bach")."""
    link = _LINK.match(text.folded, part.end)
    return (
        link is not None and link.end() >= start and (part.kind != "way" or link[0].strip()[:1] in (",", ";", "-", "–"))
    )


def _places(text: Text, least: int, most: int) -> list[int]:
    return [at for at in text.places_of(_FIRST_WORDS) if least <= at < most]


def _numbers(text: Text, least: int, most: int) -> list[int]:
    return [at for at in text.digits_of("folded") if least <= at < most]


# A chain of parts without a street begins with one of these; before a street, one may begin with the others too.
_CHAIN_WORDS = _UNIT_WORDS | word_set(
    "premier deuxieme second troisieme quatrieme cinquieme sixieme septieme huitieme neuvieme dixieme dernier rez re"
    " rdc rdj entresol lieu lieudit ld hameau ham quartier cite clos domaine rezidence residense foyer camping chalet"
    " hotel hlm peniche"
)
_FIRST_WORDS = _CHAIN_WORDS | word_set(
    "sous mas copropriete za zac zi rue r avenue av ave boulevard bd bld impasse imp allee all chemin chem route rte"
    " place pl square quai montee sentier passage n numero no pk rn rd cd vc bp cs tsa boite"
)


_ASKS = re.compile(r"[a-z]-(?:ce|vous|je|ils?|elles?|on|moi|nous|ci|tu)$")  # "est-ce"


def town_after(text: Text, end: int) -> tuple[int, int, bool] | None:
    """Give the town on no list that follows an address: where it begins and ends, whether "à" leads to it."""
    link = _TO_TOWN.match(text.folded, end)
    if link is None or not (link["at"] or link[0].strip() or "\n" in link[0]):
        return None
    town = _TOWN.match(text.written, link.end())
    if (town is None or town[0].isupper()) and (lower := _LOWER_TOWN.match(text.written, link.end())):
        town = lower if text.written[link.start() : lower.end()].islower() or lower[0].isupper() else town
    if town is None or _ASKS.search(town[0]):
        return None
    word = Word.of(re.split(r"[ -]", town[0])[0])
    if not word.may_be_name and "-" not in town[0]:
        return None
    if word.any_first_name and not link["at"] and spaced(town[0]) not in communes() and "-" not in town[0]:
        return None
    return town.start(), town.end(), bool(link["at"])


# What tells of a home. Without it, a chain of parts may be where an office is: "au 2e étage, porte 4".
_HOME = re.compile(
    r"\bj?h?abit\w+|\bdemeur\w+|\bresid(?:e|ons|ant)|domicil|\blog(?:e|es|eons|ement|ee?)\b|\bviv(?:ons|ant)|\bvi[st]\b"
    r"|\badress?e?\b(?! (?:mail|e-mail|du site))|\bchez (?:moi|nous|elle|lui|eux)|\bbail\b"
    r"|\bmon (?:app|immeuble|bat|etage|voisin|hall|escalier|palier|studio)"
    r"|\bma (?:maison|residence|tour|cage|porte|chambre|rue)|voisin|locat(?:aire|ion)|proprieta|livr(?:e|aison)|colis"
    r"|courrier|facteur|recommande|interphone|sonne|degat|sinistre|infiltr|chauffage|a?menag|compteur"
)
_OFFICE = re.compile(
    rf"\b(?:{SERVICE}|salle|cabinet|consultation|hopital|clinique|laboratoire|rendez-vous|rdv|convoqu\w+|audience)\b"
)
_LIVED_IN = re.compile(
    r"\b(?:j?h?abit\w+|demeur\w+|resid\w+|domicilie\w*|loge\w*|vi[st]|vivons|adresse?(?: c'?(?:est)?|est)? ?:?|et pas"
    r"|appel\w+ au) ?(?:bien |toujours |desormais |actuellement )?(?:dans |sur )?(?:au |a la |a l'|a |le |la |l'|du )?"
    r"(?:n° ?)?$"
)


def bare_chains(text: Text, taken: set[int], *, told: bool) -> Iterator[Place]:
    """Find chains of parts without a street: of a home, by what stands around them.

    `told`: the text gives an address already, so that a single part belongs to it as well.
    """
    read = text.folded
    until = 0
    for at in text.places_of(_CHAIN_WORDS):
        if at < until or at in taken:
            continue
        parts = parts_from(text, at)
        while parts and parts[-1].kind in ("way", "house") and len(parts) > 1 and parts[-1].start in taken:
            parts.pop()
        kinds = [part.kind for part in parts]
        if not {"unit", "floor", "named"}.intersection(kinds):
            continue
        end = parts[-1].end
        start_of_sentence = max(read.rfind(mark, max(0, at - 90), at) for mark in (". ", "! ", "? ", "\n", "; "))
        before = read[start_of_sentence + 1 if start_of_sentence >= 0 else max(0, at - 90) : at]
        after = re.split(r"[.!?;\n]", read[end : end + 70])[0]
        lived_in = _LIVED_IN.search(before) is not None
        if _OFFICE.search(before[-60:] + " § " + after[:40]) and not lived_in:
            continue
        at_home = lived_in or _HOME.search(before) or _HOME.search(after)
        sure = sum(kind in ("unit", "floor", "named", "house") for kind in kinds)
        building = kinds[0] == "unit" and _is_building(read, at)
        several = sure >= 2 and ("unit" in kinds or "named" in kinds) and (at_home or sure >= 3 or building)
        if several or ("unit" in kinds and lived_in) or (building and (at_home or told)):
            until = end
            yield at, end


def _is_building(read: str, at: int) -> bool:
    return read.startswith(("bat", "bt", "app", "apt", "esc", "cage"), at)
