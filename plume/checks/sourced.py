"""Checks that a draft says of the passages of sources that it cites what they say, and cites those that it uses.

What a passage alone holds, a draft tells in a sentence that cites it. What the sentence before a citation tells, the
passage holds. Without passages there is nothing to ask.
"""

from collections.abc import Iterator

from plume.checks.bound import swapped
from plume.checks.case import Answer, Case, Fault, none_of
from plume.checks.cited import Fact, facts
from plume.passages import citations

_SMALL = 3  # "deux démarches", "tous les trois": what so few count is in the eye of the writer
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
    return none_of(faults, "ne dit pas ce que disent les sources citées")


def _misquoted(case: Case) -> Iterator[tuple[Fact, str]]:
    """Yield the facts of a draft that no passage cited beside them holds, though one should."""
    told = facts(case)
    grounded = {(one.kind, one.value) for one in told if one.cited & one.passages}
    for one in told:
        if one.in_given or one.cited & one.passages or not _counts(one):
            continue
        if one.passages and (one.kind, one.value) not in grounded:
            yield one, "sources.uncited"
        elif not one.passages and one.cited:
            yield one, "sources.altered"


def _counts(one: Fact) -> bool:
    """Say whether a fact is one that only a source can tell: "deux démarches" may be the writer's own count."""
    return one.kind != "count" or one.value >= _FORM
