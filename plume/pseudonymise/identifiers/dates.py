"""What a number may be that points to nobody: a date, some years, thousands, an amount."""

import re

from plume.french.phrases import MONTH_OR_SHORT
from plume.pseudonymise.identifiers.rule import ANY_SIGN, SIGN

_DAY, _MONTH_NUMBER, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d{2}"
DATE = re.compile(
    r"(?=[\djfmasond])(?:"  # most characters begin no date
    rf"(?<![\d./])(?<!\d[ -])(?:{_DAY}(?: ?{SIGN} ?){_MONTH_NUMBER}(?: ?{SIGN} ?)(?:{_YEAR}|\d{{2}})"
    rf"|{_DAY} {_MONTH_NUMBER} (?:{_YEAR}|\d{{2}}))(?![ ./\-]?\d)"
    rf"|(?<!\d){_DAY}(?:er)?[ .\-]{{0,2}}{MONTH_OR_SHORT}\.?[ .\-]{{0,2}}(?:{_YEAR}|\d{{2}})(?!\d)"
    rf"|(?<!\d){_YEAR}[-/]\d{{1,2}}[-/]\d{{1,2}}(?!\d)|(?<!\w){MONTH_OR_SHORT} {_YEAR}(?!\d))"
)
YEARS = re.compile(rf"(?:19|20)\d{{2}}(?:{ANY_SIGN}{{1,3}}(?:19|20)\d{{2}})*")
THOUSANDS = re.compile(r"[1-9]\d{0,2}[ .]\d{3}|[1-9]\d?(?:[ .]000){2,}")  # "884 120 776" counts nothing
UNIT = re.compile(
    r"\s?(?:€|euros?\b|eur\b|k€|centimes|%|ans\b|mois\b|jours?\b|j\b|heures?\b|h\b|fois\b|personnes?\b|km\b|m2\b|m²"
    r"|francs?\b)"
)
