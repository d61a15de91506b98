"""Checks that a draft says of the passages of sources that it cites what they say, and cites those that it uses.

What a passage alone holds, a draft tells in a sentence that cites it. What the sentence before a citation tells, the
passage holds. Without passages there is nothing to ask.
"""

import re
from collections.abc import Iterator

from plume.checks.bound import swapped
from plume.checks.case import Answer, Case, Fault, none_of
from plume.checks.cited import Fact, grounded, ungrounded
from plume.checks.held import noun_after, of_passage
from plume.checks.hollow import hollow, misplaced
from plume.checks.meaning import likeness
from plume.checks.reversed import reversed_claims
from plume.checks.stems import stem
from plume.french.vocabulary import word_set
from plume.passages import citations

_OF_CLAIMS = (
    (hollow, "sources.hollow"),
    (misplaced, "sources.misplaced"),
    (reversed_claims, "sources.reversed"),
)
_MANY = 4  # "deux démarches", "tous les trois": fewer may be the writer's own count
# What a writer lists and counts: "quatre pièces sont à joindre : carte, bail, facture et RIB".
_LISTED = frozenset(
    map(stem, word_set("pieces documents justificatifs conditions cas etapes elements motifs points demarches voies"))
)
_FORM = 1000  # a number of a form, from here on


def sources(case: Case) -> Answer:
    """Check citations, the facts that they stand behind, and the facts of passages that none stands behind."""
    if not case.passages:
        return Answer(True, "sans objet : aucune source montrée")
    shown = {one.number for one in case.passages}
    faults = [
        Fault(case.draft[start:end], "sources.no-passage")
        for start, end, numbers in citations(case.draft)
        if not shown.issuperset(numbers)
    ]
    faults += [Fault(one.text, rule) for one, rule in _misquoted(case)]
    faults += [Fault(case.draft[one.start : one.end], "sources.swapped") for one in swapped(case)]
    for find, rule in _OF_CLAIMS:
        faults += [Fault(case.draft[one.start : one.end], rule) for one in find(case)]
    return none_of(faults, "ne dit pas ce que disent les sources citées")


def _misquoted(case: Case) -> Iterator[tuple[Fact, str]]:
    """Yield the facts of a draft that no passage cited beside them holds, though one should."""
    told = {(one.kind, one.value) for one in grounded(case)}
    for one in ungrounded(case):
        if one.in_given or _is_rate(case, one) or one.text == "un trimestre":  # as a rule: "un trimestre coûte"
            continue
        if one.passages:
            counts = one.kind != "count" or (one.value >= _MANY and _counts_the_same(case, one, one.passages))
            if counts and (one.kind, one.value) not in told:
                yield one, "sources.uncited"
        elif one.cited:
            if one.kind != "count" or _is_told_of(case, one):
                yield one, "sources.altered"
        elif one.kind == "count" and _is_limit(case, one):  # what else no passage holds, the checks of facts find
            yield one, "sources.uncited"


def _is_told_of(case: Case, one: Fact) -> bool:
    """Say whether a number is told of the passages, rather than the writer's own count."""
    own = _is_new(case, one) or noun_after(case.text.folded, one.end) in _LISTED
    return (one.value >= _MANY and not own) or _counts_the_same(case, one, one.cited)


def _is_limit(case: Case, one: Fact) -> bool:
    """Say whether a number is told as a limit: "que deux procurations", "au plus trois fois"."""
    return _LIMIT.search(case.text.folded, max(0, one.start - 60), one.start) is not None


_LIMIT = re.compile(r"(?:(?:\bne |\bn')[^.;:,]{1,40} qu(?:e |')|\bau (?:plus|moins|maximum|minimum) |\blimite\w* a )$")


def _is_rate(case: Case, one: Fact) -> bool:
    """Say whether a number is of how much time: "neuf mois sur douze", "cinq jours sur sept"."""
    return one.kind == "count" and _OUT_OF.search(case.text.folded, max(0, one.start - 16), one.start) is not None


_OUT_OF = re.compile(r"\b(?:mois|jours|heures|fois) sur $")


def _is_new(case: Case, one: Fact) -> bool:
    """Say whether "neuf" is no number: "un certificat neuf est imprimé"."""
    return one.text == "neuf" and not _OF_NINE.search(case.text.folded, max(0, one.start - 12), one.start)


_OF_NINE = re.compile(
    r"(?:\b(?:a|de|du|le|les|des|ces|vos|nos|leurs?|sur|et|ou|sous|en|entre|pour|dont|il y a|tous les)|\d) $"
)


def _counts_the_same(case: Case, one: Fact, numbers: frozenset[int]) -> bool:
    """Say whether some passages count what a draft counts: the number of a form, vaccines."""
    noun = noun_after(case.text.folded, one.end)
    given = {name for each in case.passages if each.number in numbers for name in of_passage(each).nouns}
    return one.value >= _FORM or (bool(noun) and any(likeness(noun, name) == 1 for name in given))
