"""Numbers as French writes them, in digits ("1 200,50") or in words ("quatre-vingt-dix"). Pure."""

import re

from plume.french.text import fold
from plume.french.vocabulary import any_of, rows

_EVERY = {fold(row["word"]): (int(row["value"]), row["kind"]) for row in rows("numbers")}
_VALUES = {word: value for word, (value, kind) in _EVERY.items() if kind in ("unit", "teen", "ten", "large")}
# "une centaine d'euros" is the number, said roughly.
ROUGH = {word: value for word, (value, kind) in _EVERY.items() if kind == "rough"}
UNITS = "|".join(word for word, (_, kind) in _EVERY.items() if kind == "unit")
_WORD = any_of(_VALUES)
DIGITS = r"\d{1,3}(?:[ .]\d{3}){1,5}(?:,\d+)?(?!\d)|(?<!\d)\d+(?:[.,]\d+)?"
# The longest number below a million has 13 words. Without a bound, each of 800 words would be read up to the last.
# "vingt et un" is one number, "trois et six" are two.
WORDS = rf"{_WORD}\b(?:(?:-| |-et-| et (?=(?:une?|onze|cent|mille)\b)){_WORD}\b){{0,15}}"
NUMBER = rf"(?:(?=\d)(?:(?<![\d.,]){DIGITS})|\b(?=[cdhmnoqstuv])(?>{WORDS}))"  # a look ahead is cheap


def number_words(least: int = 0, most: int = 1000) -> tuple[str, ...]:
    """List the single words, folded, whose value lies between two bounds: "deux" to "seize" for 2 and 19."""
    kinds = {"zero", "unit", "teen", "ten", "large"}
    return tuple(word for word, (value, kind) in _EVERY.items() if kind in kinds and least <= value <= most)


def value(number: str) -> float:
    """Give the value of what NUMBER matched. Raises ValueError for anything else."""
    number = number.lower().strip()
    if number[:1].isdigit():
        if re.fullmatch(r"\d{1,3}(?:[ .]\d{3})+(?:,\d+)?", number):
            number = re.sub(r"[ .]", "", number)
        return float(number.replace(",", "."))
    total = current = 0
    for word in re.split(r"[- ]", number):
        if word == "et":
            continue
        if word not in _VALUES:
            raise ValueError(f"{number!r} is not a French number")
        if word.startswith("cent"):
            current = max(current, 1) * 100
        elif word == "mille":
            total, current = total + max(current, 1) * 1000, 0
        elif word.startswith("vingt") and current % 100 == 4:  # quatre-vingts
            current += 76
        else:
            current += _VALUES[word]
    return float(total + current)
