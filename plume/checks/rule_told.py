"""Says whether a sentence tells a rule of a passage that it cites, rather than promise: "un SMS partira [1]".

Nearly all that it says, the passage says. Whoever writes "nous" or decides on a citizen's request promises all the
same.
"""

import re

from plume.checks.case import Case
from plume.checks.hollow import claims, is_grounded, weigh

_WE = re.compile(r"\b(?:nous|notre|nos|je|mes?|mon)\b|\bj'")
_ON_A_FILE = re.compile(
    r"\b(?:votre|vos|la|le|cette|ce) (?:dossier|demande|reclamation|recours|situation|requete|droits?|inscription)s?\b"
    r"[^.;:]{0,40}\b(?:ser(?:a|ont)|accept\w+|accord\w+|valid\w+|trait\w+|regularis\w+|rembours\w+|debloqu\w+|retabli\w*)"
)
_HELD = 6.0  # nats that the passage must hold, if it holds no fact that is told; it may lack as much


def is_rule_told(case: Case, said: str) -> bool:
    """Say whether words of a draft stand before a citation whose passages hold what is said there."""
    at = case.draft.find(said) if case.passages else -1
    for claim in claims(case) if at >= 0 else ():
        if claim.start <= at < claim.end:
            beyond = case.draft[claim.end : at + len(said)]
            told = case.text.folded[claim.start : claim.end]
            held, missing, _ = weigh(case, claim, claim.start, claim.end)
            return (
                not any(map(str.isalpha, beyond))
                and not (_WE.search(told) or _ON_A_FILE.search(told))
                and (is_grounded(case, claim) or (held >= _HELD and missing <= held))
            )
    return False
