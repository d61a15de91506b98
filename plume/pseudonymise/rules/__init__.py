"""Rules: identifiers that have a shape, a checksum or a telling word before them. Pure.

Each module finds one family: how to reach a person, numbers, places, facts of a life. A failed checksum changes the
type of a number, it never clears it.
"""

from plume.contacts import Directory
from plume.pseudonymise.rules.life import find_life
from plume.pseudonymise.rules.numbers import find_numbers, has_digit
from plume.pseudonymise.rules.places import find_places
from plume.pseudonymise.rules.reach import find_reach
from plume.pseudonymise.spans import Span


def find_by_rules(text: str, directory: Directory) -> list[Span]:
    """Every span that a rule claims, overlapping ones included."""
    numbers = find_numbers(text) if has_digit(text) else ()
    return [*find_reach(text, directory), *numbers, *find_places(text), *find_life(text)]
