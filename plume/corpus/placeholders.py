"""The platform's placeholder: what Services Publics + publishes when a body cannot reply yet. It is not a reply."""

import re

from plume.checks.text import fold
from plume.corpus.clean import clean

# Every variant seen since 2020 opens with the first clause or holds the second; the years, lists and signatures vary.
# A body that says of itself that it cannot answer yet ("nous ne sommes pas encore en mesure") does reply.
_OPENING = re.compile(
    r"services? publics? (?:concerne|vise|destinataire)e?s?\b[^.]{0,60}"
    r"\b(?:n.?est|ne sont|ne serait|n.?etait) (?:malheureusement )?pas (?:encore )?en mesure (?:de |d.)(?:vous )?"
    r"(?:repondre|apporter une reponse)"
    r"|tous les services publics puissent vous (?:apporter une reponse|repondre)"
)


def is_placeholder(reply: str | None) -> bool:
    """Whether a published reply is the platform's placeholder."""
    if not reply or "public" not in reply.lower():  # every variant holds the word: most replies need no cleaning
        return False
    return bool(_OPENING.search(" ".join(fold(clean(reply)).split())))
