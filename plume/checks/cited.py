"""Lists the facts that a draft tells, and where each stands: in what else was given, in a passage shown, in one cited.

A sentence's citations hold for all of it; one that stands alone after a sentence (". [1]") is that sentence's.
"""

import re
from collections.abc import Hashable
from typing import NamedTuple

from plume.checks import derived
from plume.checks.case import Case
from plume.checks.contacts import is_listed
from plume.checks.follows import follows
from plume.checks.held import Known, holds, known, loosely_known, mentions_of, of_passage
from plume.contacts import national
from plume.french.mentions import Mention
from plume.french.mentions.contacts import contacts, without_contacts
from plume.passages import HEADING, Shown, citations


class Fact(NamedTuple):
    """A fact that a draft tells.

    Attributes:
        kind: "amount", "duration", "date", "time", "law", "count", "url", "email", "phone" or "handle".
        text, start, end: as the draft writes it, and where.
        in_given: whether the review, the title or the line of contacts holds it, or it follows from these and passages.
        passages: the numbers of the shown passages that hold it.
        cited: the numbers that its sentence cites.
        value: what it is compared by.
    """

    kind: str
    text: str
    start: int
    end: int
    in_given: bool
    passages: frozenset[int]
    cited: frozenset[int]
    value: Hashable


class Sentence(NamedTuple):
    """A sentence of a draft, `start:end` of it, with the places of its citations and what they cite."""

    start: int
    end: int
    citations: tuple[tuple[int, int, tuple[int, ...]], ...]

    @property
    def cited(self) -> frozenset[int]:
        return frozenset(number for _, _, numbers in self.citations for number in numbers)


def cited_sentences(case: Case) -> list[Sentence]:
    """Split a draft into sentences with their citations."""
    return case.once(_sentences)


def _sentences(case: Case) -> list[Sentence]:
    every = [*citations(case.draft)]
    ends = {start: end for start, end, _ in every}
    starts, at = [], 0
    for sentence in case.sentences:
        start = at = case.draft.index(sentence, at)
        while starts and start in ends:  # it follows the full stop of the sentence that it is of
            start = ends[start]
            start += len(case.draft) - start - len(case.draft[start:].lstrip(" .,;"))
        starts.append(start)
        at += len(sentence)
        if len(starts) > 1 and _CUT.search(case.draft, max(0, starts[-2], start - 8), start):
            starts.pop()  # "l'article L. 226-2" is no end of a sentence
    spans = zip(starts, [*starts[1:], len(case.draft)], strict=True)
    parts = [Sentence(a, b, tuple(one for one in every if a <= one[0] < b)) for a, b in spans if b > a]
    for at in range(len(parts) - 2, -1, -1):  # a list is cited once, behind its last item
        one, following = parts[at], parts[at + 1]
        if not one.citations and _ITEM.match(case.draft, following.start) and _ITEM.match(case.draft, one.start):
            parts[at] = one._replace(citations=following.citations)
    return parts


_ITEM = re.compile(r"\s*(?:[-•*–—]|\d{1,2}[.)]) ")


_CUT = re.compile(r"(?:\b[A-Z]|\b(?:art|no?|tél|env))\. ?$")


def facts(case: Case) -> list[Fact]:
    """List the facts of a draft in the order of its text."""
    return [_fact(case, *one) for one in _held(case)]


def ungrounded(case: Case) -> list[Fact]:
    """List the facts of a draft that no passage holds that its sentence cites."""
    return case.once(_ungrounded)


def _ungrounded(case: Case) -> list[Fact]:
    return [_fact(case, *one) for one in _held(case) if not one[1] & _cited(one[2])]


def grounded(case: Case) -> list[Mention]:
    """List the mentions of a draft that a passage holds that their sentence cites."""
    return case.once(_grounded)


def _grounded(case: Case) -> list[Mention]:
    return [one for one, holding, part in _held(case) if holding & _cited(part)]


def _held(case: Case) -> list[tuple[Mention, frozenset[int], Sentence | None]]:
    """List the mentions of a draft, each with the passages that hold it and with its sentence."""
    return case.once(_hold)


def _hold(case: Case) -> list[tuple[Mention, frozenset[int], Sentence | None]]:
    parts = cited_sentences(case)
    passages = {one.number: of_passage(one) for one in case.passages}
    found = []
    for one in said(case):
        part = next((part for part in parts if part.start <= one.start < part.end), None)
        holding = frozenset(number for number, told in passages.items() if holds(told, one, case.text))
        found.append((one, holding, part))
    return found


def _cited(part: Sentence | None) -> frozenset[int]:
    return part.cited if part else frozenset()


def _fact(case: Case, one: Mention, holding: frozenset[int], part: Sentence | None) -> Fact:
    # What stands before a citation is told of the passage; elsewhere it may follow from what the citizen told.
    claimed = part is not None and any(start >= one.end for start, _, _ in part.citations)
    ahead = one.kind == "duration" and derived.is_ahead(case.text, one.start)
    # A term to come is the passage's, whatever the citizen was told, if that tells any.
    theirs = claimed and ahead and any(of_passage(each).values["duration"] for each in _those(case, part))
    beside = given_beside(case)
    loosely = one.kind == "amount" or not (claimed or ahead)  # "je dois 2000" is a sum
    in_given = (not theirs and holds(loosely_known(beside) if loosely else known(beside), one, case.text)) or (
        _is_listed(one, case) and not any(_has_another(of_passage(each), one) for each in _those(case, part))
    )
    if not in_given and (not holding or (_cited(part) and not holding & _cited(part))):
        in_given = follows_from(case, one, part)
    text = case.draft[one.start : one.end]
    return Fact(one.kind, text, one.start, one.end, in_given, holding, _cited(part), one.value)


def _those(case: Case, part: Sentence | None) -> list[Shown]:
    """List the passages that a sentence cites."""
    return [each for each in case.passages if each.number in _cited(part)]


def follows_from(case: Case, one: Mention, part: Sentence | None) -> bool:
    """Say whether a value follows by one step from the passages that its sentence cites, all of them if none."""
    numbers = _cited(part)
    texts = [f"{each.title}\n{each.text}" for each in case.passages if not numbers or each.number in numbers]
    return follows(case, one, said(case), texts, given_beside(case))


def said(case: Case) -> list[Mention]:
    """List the mentions of a draft; the numbers of its citations are none."""
    return case.once(_said)


def _said(case: Case) -> list[Mention]:
    cites = [(start, end) for start, end, _ in citations(case.draft)]
    return mentions_of(contacts(case.text), without_contacts(case.text).blanked(cites), case.text)


def _has_another(told: Known, one: Mention) -> bool:
    """Say whether a passage's own text gives a contact of the same kind; its link is of the sheet."""
    return bool(told.values.get(one.kind, frozenset()) - {told.link})


def said_by_a_passage(case: Case, start: int, end: int) -> bool:
    """Say whether what a draft tells at some place is a fact that a passage holds."""
    return any(
        one.start < end and start < one.end and (holding or follows_from(case, one, part))
        for one, holding, part in _held(case)
    )


def _is_listed(one: Mention, case: Case) -> bool:
    match one.kind:
        case "phone":
            return case.directory.knows_phone(national(one.value))
        case "email":
            return case.directory.knows_email(one.value)
        case "url":
            return one.value == "gouv.fr" or ("/" not in str(one.value) and is_listed(str(one.value), case))
    return False


def given_beside(case: Case) -> str:
    """What a writer was given beside the passages: the review, and the prompt's lines without its instructions."""
    before, _, _ = case.prompt.partition(f"\n{HEADING}\n") if case.passages else (case.prompt, "", "")
    _, _, lines = before.rpartition("\nService : ")
    return f"{lines}\n{case.review}"
