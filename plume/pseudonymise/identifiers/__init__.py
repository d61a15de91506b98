"""Identifiers that have a shape, a checksum or a telling word before them: one family a file, as tables of rules.

A failed checksum changes the type of a number, it never clears it.
"""

from plume.contacts import Directory
from plume.french.rules import reading
from plume.pseudonymise.identifiers.ages import ages
from plume.pseudonymise.identifiers.births import births
from plume.pseudonymise.identifiers.contacts import contacts
from plume.pseudonymise.identifiers.establishments import ESTABLISHMENTS
from plume.pseudonymise.identifiers.health_phrases import health
from plume.pseudonymise.identifiers.labelled import LABELLED, columns
from plume.pseudonymise.identifiers.numbers import numbers
from plume.pseudonymise.identifiers.positions import POSITIONS
from plume.pseudonymise.identifiers.read_aloud import READ_ALOUD
from plume.pseudonymise.identifiers.rule import spans
from plume.pseudonymise.identifiers.towns import places
from plume.pseudonymise.identifiers.villages import VILLAGES
from plume.pseudonymise.spans import Span

_OTHERS = (*POSITIONS, *ESTABLISHMENTS, *READ_ALOUD, *LABELLED, *VILLAGES)


def find_by_rules(text: str, directory: Directory) -> list[Span]:
    """Find every span that a rule claims, overlapping ones included."""
    read = reading(text)
    found = [*contacts(read, directory), *places(read), *births(read), *ages(read)]
    found += [*health(read), *columns(read)]
    found += spans(read, _OTHERS)
    return [*found, *numbers(read)] if read.has_digit else found  # most texts hold none
