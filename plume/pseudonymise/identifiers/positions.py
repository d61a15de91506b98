"""Where somebody is, in a network or on a map: network addresses, coordinates, plus codes."""

import ipaddress
import re

from plume.french.phrases import ANY_SIGN
from plume.french.rules import Text, table
from plume.pseudonymise.identifiers.rule import Identifier


def _is_no_ip(match: re.Match[str], _: Text) -> bool:
    try:
        return not ipaddress.ip_address(match[match.lastindex or 0])
    except ValueError:
        return True


def _is_short(match: re.Match[str], _: Text) -> bool:
    """Say whether an IPv6 address could be an hour: few groups, all digits."""
    groups = [group for group in re.split(r"[:.]", match[0]) if group]
    return not (len(groups) > 3 or (len(groups) > 1 and re.search(r"[a-f]", match[0])))


# Degrees: four decimals tell a house from its neighbour; so do minutes of arc.
_DEGREES = r"[-+−]?\d{1,3}[.,]\d{4,}(?!\d) ?°?"
_MINUTES = (
    r"\d{1,3} ?(?:°|deg\w{0,4}\b) ?\d{1,2}(?:[.,]\d+)? ?(?:['′]|min\w{0,4}\b)"
    r"(?: ?\d{1,2}(?:[.,]\d+)? ?(?:[\"″”′]|''))?"
)
_CARDINAL = r"(?: ?\b(?:nord|sud|est|ouest|[nsewo])\b)?"

POSITIONS = table(
    Identifier(
        "position.mac",
        r"(?<![\w:-])[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}(?![\w:-])",
        kind="NUMERO",
        hint=(":", "-"),
        digit=True,
        examples=("adresse MAC ‹00:1B:44:11:3A:B7›", "12:30:45"),
    ),
    Identifier(
        "position.ipv6",
        # Hexadecimal groups, two at least, perhaps with an IPv4 address after them.
        r"(?<![\w:.])(?=[0-9a-f:]{0,6}:)[0-9a-f:]{3,39}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?![\w:]|\.\d)",
        kind="NUMERO",
        hint=(":",),
        digit=True,
        unless=(_is_short, _is_no_ip),
        examples=("depuis ‹2001:db8::ff00:42:8329›", "à 12:30"),
    ),
    Identifier(
        "position.ipv4",
        r"\b(?:ip|ipv4|adresse|connexions?|connecte\w*|serveur|reseau|box)\b[^\d\n]{0,30}?"
        r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w]|\.\d)",
        kind="NUMERO",
        hint=("ip", "adresse", "connex", "connecte", "serveur", "reseau", "box"),
        digit=True,
        group=1,
        unless=_is_no_ip,
        examples=("mon adresse IP ‹192.0.2.17›", "version 192.0.2.17", "adresse 392.0.2.17"),
    ),
    Identifier(
        "position.coordinates",
        rf"(?<![\w.,])(?:[nsewo] ?)?{_DEGREES}{_CARDINAL}{ANY_SIGN}{{1,4}}"
        rf"(?:(?:et|longitude|long?|lng|[nsewoxy])\b{ANY_SIGN}{{0,3}})?"
        rf"{_DEGREES}{_CARDINAL}(?![\w%€])",
        kind="ADRESSE",
        hint=(".", ","),
        digit=10,
        examples=("au ‹48.85837, 2.29448›", "de 48.85 à 2.29"),
    ),
    Identifier(
        "position.latitude",
        rf"\b(?:latitude|lat|longitude|long?|lng|gps)\b{ANY_SIGN}{{0,4}}[-+−]?\d{{1,3}}[.,]\d{{3,}}(?!\d)",
        kind="ADRESSE",
        hint=("lat", "lon", "lng", "gps"),
        digit=4,
        examples=("‹latitude : 48.858›", "long 3"),
    ),
    Identifier(
        "position.minutes-of-arc",
        rf"(?<![\w.,])(?:[nsewo] ?)?{_MINUTES}{_CARDINAL}(?:{ANY_SIGN}{{0,4}}(?:[nsewo] ?)?{_MINUTES}{_CARDINAL})?",
        kind="ADRESSE",
        hint=("°", "deg"),
        digit=True,
        examples=("par ‹48°51'29\" N 2°17'40\" E›", "il fait 28 °C"),
    ),
    Identifier(
        "position.plus-code",
        r"(?<![\w+])(?:(?=[a-z]{0,7}\d)[2-9cfghjmpqrvwx]{4,8}|[2-9cfghjmpqrvwx]{2,6}0{2,6})\+"
        r"(?:[2-9cfghjmpqrvwx]{2,4})?(?![\w+])"
        r"|(?<![\w+])[cfghjmpqrvwx]{4,8}\+(?=[a-z]?\d)[2-9cfghjmpqrvwx]{2,4}(?![\w+])",
        kind="ADRESSE",
        hint=("+",),
        digit=True,
        examples=("au ‹8FW4V75V+8Q›", "le service public+"),
    ),
)
