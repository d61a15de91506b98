"""Gives patterns of French verbs by what they are used for: infinitives, future stems, participles. Pure.

The forms are data (`vocabulary/verbs.tsv`): nothing is worked out here but how a participle agrees.
"""

import re

from plume.french.vocabulary import any_of, rows


def infinitives(*uses: str) -> str:
    """Give a pattern of the infinitives of some uses: "rappeler", "tenir informée"."""
    return _agreeing(_forms("infinitive", uses))


def futures(*uses: str) -> str:
    """Give a pattern of the future stems of some uses, which -a, -ont, -ons or -ai follows: "rappeller"."""
    return any_of(stem for stems in _forms("future", uses) for stem in stems.split(" "))


def participles(*uses: str) -> str:
    """Give a pattern of the participles of some uses as they agree: "rappelées", "mise en", "tenue au courant"."""
    return _agreeing(_forms("participle", uses), r"^\w+|\w+é$")


def _forms(column: str, uses: tuple[str, ...]) -> list[str]:
    return [row[column] for row in rows("verbs") if not {*uses}.isdisjoint(row["uses"].split(" "))]


def _agreeing(forms: list[str], words: str = r"\w+é$") -> str:
    """Any of the forms, those `words` of each that agree with or without -e and -s; the longest form first."""
    longest_first = sorted(dict.fromkeys(forms), key=len, reverse=True)
    return "(?:" + "|".join(re.sub(words, r"\g<0>e?s?", form) for form in longest_first) + ")"
