"""The platform's placeholder: what Services Publics + publishes when a body cannot reply yet. It is not a reply."""

import re

from plume.export.cleaning import clean
from plume.french.text import fold

_ABOUT = (
    r"(?:(?:concerne|vise|destinataire|mentionne|cite|interroge|sollicite)e?s?|que vous (?:citez|mentionnez|evoquez))"
)
_REVIEW = r"(?:temoignages?|experiences?|avis|messages?|retours?|recits?|publications?|contributions?|demandes?)"
_BODY = (
    rf"(?:services? publics? {_ABOUT}"
    rf"|(?:administrations?|organismes?|etablissements?|structures?|services?|institutions?) (?:publi\w+ )?{_ABOUT}"
    rf" par (?:votre|vos|cette|cet|ce) {_REVIEW})"
)
_NOT = (
    r"\bn(?:e |.?)(?:est|sont|serait|etait|sera|peut|peuvent|pourra|pourrait|a|ont) "
    r"(?:\w+ ){0,3}?pas (?:[\w'’]+ ){0,3}?"
)
_ABLE = r"(?:(?:en mesure|en capacite|a meme|en position|en etat) (?:de |d.))?"
_REPLY = (
    r"(?:vous |y )?(?:(?:repondre|reagir)\b"
    r"|(?:apporter|donner|adresser|fournir|faire|formuler|publier) (?:de |une |sa |leur |vous )*reponse"
    r"|(?:encore )?rejoint|(?:encore )?(?:raccorde|engage|inscrit|present|deploye)e?s?\b)"
)
# Every variant seen since 2020 opens with the first clause or holds the second; the years, lists and signatures vary.
# A body that says of itself that it cannot answer yet ("nous ne sommes pas encore en mesure") does reply.
_OPENING = re.compile(
    rf"{_BODY}\b[^.]{{0,60}}?(?:{_NOT}{_ABLE}{_REPLY}|\bne repond(?:ent)? pas encore\b)"
    r"|tous les services publics puissent vous (?:apporter une reponse|repondre)"
)
# Nor is it a body's reply when the platform's own team signs.
_SIGNED = re.compile(
    r"\bequipe (?:de )?services? publics? ?(?:\+|plus\b)(?:[\s,;.-]*direction interministerielle[\w\s'’()-]{0,60})?\W*$"
    r"|\bdirection interministerielle de la transformation publique(?: \(ditp\))?\W*$"
)
_TELLING = ("publi", "concern", "transformation")  # most replies need no cleaning


def is_placeholder(reply: str | None) -> bool:
    """Say whether a published reply is the platform's placeholder."""
    if not reply or not any(map(reply.lower().__contains__, _TELLING)):
        return False
    text = " ".join(fold(clean(reply)).replace(",", " ").split())
    return bool(_OPENING.search(text) or _SIGNED.search(text))
