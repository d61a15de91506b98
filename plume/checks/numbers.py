"""Numbers as French writes them, in digits ("1 200,50") or in words ("quatre-vingt-dix"). Pure."""

import re

from plume.checks.text import words

_VALUES = {
    **{
        w: n for n, w in enumerate(words("deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze"), 2)
    },
    **{w: n * 10 for n, w in enumerate(words("dix vingt trente quarante cinquante soixante"), 1)},
    **dict.fromkeys(("un", "une"), 1),
    **dict.fromkeys(("cent", "cents"), 100),
    "quinze": 15,
    "seize": 16,
    "vingts": 20,
    "mille": 1000,
}
# "une centaine d'euros" is the number, said roughly.
ROUGH = {
    **dict(zip(words("dizaine quinzaine vingtaine trentaine quarantaine"), (10, 15, 20, 30, 40), strict=True)),
    **dict(zip(words("cinquantaine soixantaine centaine"), (50, 60, 100), strict=True)),
}
UNITS = "un|une|deux|trois|quatre|cinq|six|sept|huit|neuf"
_WORD = "|".join(sorted(_VALUES, key=len, reverse=True))
DIGITS = r"\d{1,3}(?:[ .]\d{3})+(?:,\d+)?(?!\d)|(?<!\d)\d+(?:[.,]\d+)?"
# The longest number below a million has 13 words. Without a bound, each of 800 words would be read up to the last.
WORDS = rf"(?:{_WORD})\b(?:(?:-| |-et-| et )(?:{_WORD})\b){{0,15}}"
NUMBER = rf"(?:(?<![\d.,]){DIGITS}|\b(?>{WORDS}))"


def value(number: str) -> float:
    """The value of what NUMBER matched. Raises ValueError for anything else."""
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
