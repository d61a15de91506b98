"""What a cell of the export says: one notion of empty, of yes and no, of dates, votes and numbers, for every reader.

A reader gives None for what it does not understand; `Experience.misread` then names the column.
"""

import datetime as dt
import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from plume.export.body_names import body_name
from plume.export.cleaning import clean
from plume.french.text import fold

# How programs write that there is nothing: pandas, R, SQL, JavaScript, spreadsheets, and a dash by hand.
_NOTHING = frozenset({
    "nan", "none", "null", "na", "n/a", "n.a.", "<na>", "nat", "nil", "undefined", "#n/a", "#n/d", "\\n", "()", "[]",
    "{}", "-", "--", "–", "—", "infinity", "-infinity", "inf", "-inf",
})  # fmt: skip
_LONGEST = max(map(len, _NOTHING))
# A pseudonym may be "Nan" or "Nil": of a person's own words only the spellings that no hand types are nothing.
_NOTHING_TYPED = frozenset(["NaN", "NULL", "None", "<NA>", "NaT", "N/A", "#N/A", "undefined", "\\N"])
TYPED_BY_PEOPLE = frozenset(["pseudonyme_usager"])


def is_empty(text: str, column: str = "") -> bool:
    """Say whether a cell holds nothing: blank, or what a program writes for a missing value."""
    if len(text) > 2 * _LONGEST:
        return not text.strip()
    text = text.strip()
    return not text or (text in _NOTHING_TYPED if column in TYPED_BY_PEOPLE else text.lower() in _NOTHING)


_WHOLE = re.compile(r"([0-9]+)[.,]0{1,2}")  # "1,000" is a thousand


def whole(text: str) -> str:
    """Give a whole number without the decimals that a spreadsheet or a data frame gave it: "59.0" -> "59"."""
    text = text.strip()
    found = _WHOLE.fullmatch(text)
    return found[1] if found else text


_YES = frozenset(["o", "oui", "true", "vrai", "1", "yes", "y", "t", "x"])
_NO = frozenset(["n", "non", "false", "faux", "0", "no", "f"])


def yes_or_no(text: str | None) -> bool | None:
    """Give O/N, oui/non, true/false, vrai/faux, yes/no, 1/0, in any case; else None."""
    word = whole(text or "").lower()
    return True if word in _YES else False if word in _NO else None


_VOTES = {"utile": "utile", "pas utile": "pas utile", "inutile": "pas utile"}


def vote(text: str | None) -> str | None:
    """Give "utile", "pas utile" or None."""
    return _VOTES.get(" ".join((text or "").lower().split()))


def percent(text: str | None) -> float | None:
    """Give a share of 100, from 0 to 100, as it is written: "49,5 %" -> 49.5; None for what is none."""
    try:
        value = float((text or "").strip().replace(",", ".").rstrip(" %\u00a0\u202f"))
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 100 else None


_DEPARTMENT = re.compile(r"[0-9][0-9AB][0-9]?")


def department(text: str | None) -> str | None:
    """Give a department's code; spreadsheets lose its zero ("6" -> "06") or give it decimals ("59.0" -> "59")."""
    code = whole(text or "").upper()
    if code.isdigit() and len(code) == 1 and code != "0":
        code = f"0{code}"
    if re.fullmatch(r"0\d\d", code):
        code = code[1:]
    return code if _DEPARTMENT.fullmatch(code) and code != "00" else None


def words(text: str | None) -> str:
    """Give a text without markup, in lower case and without accents."""
    return fold(clean(text))


_SENTIMENTS = {"positif": "Positif", "neutre": "Neutre", "negatif": "Négatif", "négatif": "Négatif"}


def sentiment(text: str | None) -> str | None:
    """Give "Positif", "Neutre", "Négatif" or None."""
    return _SENTIMENTS.get((text or "").strip().lower())


_FRANCE = ZoneInfo("Europe/Paris")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](.*))?$", re.DOTALL)
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ,].*)?$", re.DOTALL)
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T ,].*)?$", re.DOTALL)


def parse_date(text: str | None) -> dt.date | None:
    """Read a date as the platform wrote it over the years: `YYYY-MM-DD`, ISO with a time, `DD/MM/YYYY`; else None.

    A spreadsheet's `1/3/2024`, `01-03-2024` and `01.03.2024` are read, day first, and `2024/3/1`.
    A time with a zone is told in France's: the API writes midnight of 6 October as `2023-10-05T22:00:00+00:00`.
    """
    text = (text or "").strip()
    try:
        if match := _ISO.match(text):
            day = dt.date.fromisoformat(match[1])
            return _in_france(text) or day if match[2] else day
        if match := _DAY_FIRST.match(text):
            return dt.date(int(match[3]), int(match[2]), int(match[1]))
        if match := _YEAR_FIRST.match(text):
            return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    return None


def _in_france(text: str) -> dt.date | None:
    """Give the day of a time with a zone; None if it has none or cannot be read."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(_FRANCE).date() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


# How a cell is read, by the name that `columns.tsv` gives. What is read as text was not looked at: it is for masking.
READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "name": body_name,
    "words": lru_cache(1 << 10)(words),
    "date": lru_cache(1 << 13)(parse_date),
    "department": lru_cache(1 << 10)(department),
    "sentiment": sentiment,
    "yes or no": yes_or_no,
    "percent": percent,
    "vote": vote,
}
