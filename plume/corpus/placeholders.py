"""The platform's placeholder: what Services Publics + publishes when a body cannot reply yet. It is not a reply."""

import re

from plume.checks.text import fold
from plume.corpus.clean import clean

# Every variant says of the *service* that it cannot answer (yet), or promises that all will; the years, lists and
# signatures vary. A body that says of itself that it cannot answer yet ("nous ne sommes pas encore en mesure") does
# reply, unless the platform's own team signs.
_SERVICE = (
    r"services? publics?\b(?! ?\+)"
    r"|(?:service|administration|organisme|etablissement|structure|reseau|entite)s?(?: publi\w+)? "
    r"(?:concern|vis|destinatair|cit|mentionn|sollicit|competent|interrog|design)\w*"
)
_CANNOT = (  # of others: "nous" says "sommes" and "pouvons"
    r"\bn(?:e |.?)(?:est|sont|sera|serait|seront|etait|etaient|peut|peuvent|pourra|pourront|pouvait|a|ont|repond|"
    r"repondent|dispose|disposent)\b(?: \w+)? pas\b"
)
_PLACEHOLDER = re.compile(
    rf"(?:{_SERVICE})[^.!?]{{0,60}}{_CANNOT}[^.!?]{{0,80}}\brepon(?:d|s)"
    rf"|(?:{_SERVICE})[^.!?]{{0,60}}{_CANNOT}(?<=repond pas)"
    r"|tous les services publics puissent (?:vous |y )?(?:apporter (?:une |des )?reponses?|repondre)"
)
_TEAM = re.compile(r"\bequipe(?: de)? services publics ?(?:\+|plus\b)")
_NOT_YET = re.compile(
    r"\bpas (?:\w+ )?(?:encore|en (?:mesure|capacite|etat))\b|\b(?:peut|peuvent|pouvons|pourra|pourrons) (?:\w+ )?pas\b"
)
_OPENING = 400  # characters: a placeholder comes to the point
_MAY_BE = re.compile("public|concern|administration|destinataire|organisme", re.IGNORECASE)


def is_placeholder(reply: str | None) -> bool:
    """Whether a published reply is the platform's placeholder."""
    if (
        not reply or not ("pas" in reply.lower() or "puissent" in reply.lower()) or not _MAY_BE.search(reply)
    ):  # most replies need no cleaning
        return False
    text = " ".join(fold(clean(reply)).split())
    return bool(_PLACEHOLDER.search(text[:_OPENING]) or (_TEAM.search(text) and _NOT_YET.search(text)))
