"""Writes numbers, shares, intervals and dates as French does. What is not known (None) is a dash."""

import datetime as dt
from collections.abc import Callable

NARROW = "\u202f"  # narrow no-break space: groups thousands, stands before %
NO_BREAK = "\u00a0"
UNKNOWN = "–"


def number(value: float | None, decimals: int = 1, *, signed: bool = False) -> str:
    """Write `-1234.5` -> `−1 234,5`; never `−0`."""
    if value is None:
        return UNKNOWN
    text = f"{abs(value):,.{decimals}f}".replace(",", NARROW).replace(".", ",")
    zero = not any(c in "123456789" for c in text)
    sign = "" if zero else "−" if value < 0 else "+" if signed else ""
    return sign + text


def percent(share: float | None, decimals: int = 1, *, signed: bool = False) -> str:
    """Write `0.125` -> `12,5 %`."""
    return UNKNOWN if share is None else f"{number(100 * share, decimals, signed=signed)}{NARROW}%"


def points(difference: float | None, decimals: int = 1, *, signed: bool = True, unit: bool = True) -> str:
    """Write a difference of two shares: `-0.03` -> `−3,0 points`; a bound of an interval goes without `unit`."""
    if difference is None:
        return UNKNOWN
    plural = "s" if abs(difference) >= 0.02 else ""
    return number(100 * difference, decimals, signed=signed) + (f"{NO_BREAK}point{plural}" if unit else "")


def interval(lower: float | None, upper: float | None, say: Callable[[float], str]) -> str:
    """Write `de 7,5 à 8,9`, with both bounds as `say` writes them; a missing bound leaves no interval."""
    if lower is None or upper is None:
        return "intervalle non estimable"
    return NO_BREAK.join(("de", say(lower), "à", say(upper)))


def count(n: int, noun: str) -> str:
    """Write `count(2, "brouillon")` -> `2 brouillons`."""
    return f"{number(n, 0)}{NO_BREAK}{noun}{'s' if n > 1 and not noun.endswith(('s', 'x')) else ''}"


def day(date: dt.date | str | None) -> str:
    """Write a date, or ISO text that may lack day and month: `2023-10` -> `10/2023`."""
    if date is None or date == "":
        return UNKNOWN
    return "/".join(reversed(str(date).split("-")))
