"""What a draft that leaves the house may not hold: personal data and contacts that nobody gave, with their places.

The checks of the same name say that there are some; here they are withheld.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plume.checks.addresses import invented_addresses
from plume.checks.case import Case
from plume.checks.contacts import invented
from plume.checks.privacy import find_personal_data
from plume.marks import mark

if TYPE_CHECKING:
    from plume.contacts import Directory

_PLACEHOLDERS = {"email": "EMAIL", "url": "URL", "phone": "TEL", "handle": "PSEUDO", "PERSONNE": "TIERS"}


@dataclass(frozen=True)
class Withheld:
    """Where a placeholder was written instead of something: `start` and `end` index the new text."""

    check: str
    rule: str
    placeholder: str
    start: int
    end: int


def withhold(draft: str, *, review: str, prompt: str = "", directory: "Directory") -> tuple[str, list[Withheld]]:
    """The draft in one typography, a typed placeholder for each invented contact and each piece of personal data."""
    return withhold_from(Case.of(draft, review, prompt, directory, None))


def withhold_from(case: Case) -> tuple[str, list[Withheld]]:
    """`withhold` from a case, whose checks may have found all of it before."""
    found = [(d.start, d.end, "contacts", d.kind, d.rule) for d in case.once(invented)]
    found += [(start, end, "contacts", "ADRESSE", "postal.address") for start, end in case.once(invented_addresses)]
    found += [(d.start, d.end, "personal_data", d.kind, d.rule) for d in case.once(find_personal_data)]
    pieces, withheld, at, length = [], [], 0, 0
    for start, end, check, kind, rule in sorted(found):
        if end <= at:
            continue  # inside what was withheld before
        placeholder = mark(_PLACEHOLDERS.get(kind, kind))
        before = case.draft[at : max(at, start)]
        pieces += [before, placeholder]
        length += len(before)
        withheld.append(Withheld(check, rule, placeholder, length, length + len(placeholder)))
        length += len(placeholder)
        at = end
    return "".join([*pieces, case.draft[at:]]), withheld
