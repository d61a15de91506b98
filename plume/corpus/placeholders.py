"""The platform's placeholder: what Services Publics + publishes when a body cannot reply yet. It is not a reply."""

import re

from plume.corpus.clean import clean

# Every variant seen since 2020 opens with the first clause or holds the second; the years, lists and signatures vary.
_OPENING = re.compile(
    r"le service public (concerné|visé|destinataire)[^.]{0,60}n['’]est pas encore en mesure de (vous )?répondre"
    r"|tous les services publics puissent vous apporter une réponse",
    re.IGNORECASE,
)


def is_placeholder(reply: str | None) -> bool:
    """Whether a published reply is the platform's placeholder."""
    return bool(reply) and bool(_OPENING.search(" ".join(clean(reply).split())))
