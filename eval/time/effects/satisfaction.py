"""Estimate satisfaction: the share of authors' votes that say "utile", how many vote, and the same comparisons.

Few authors vote and they choose to: the voting rate stands beside every share. Votes are not dated; a vote counts with
the review it is about. "Before" holds only replies published before the pilot's start, where dates say so.
"""

import datetime as dt

import numpy as np

from eval.stats.studentised import DRAWS, share
from eval.time.effects import with_help
from eval.time.effects.adopters import Arms
from eval.time.effects.before_after import as_rows, compare, difference_row
from eval.time.effects.difference_in_differences import did
from eval.time.measurement import BEFORE_AFTER, DESCRIPTIVE, LEAST_RECORDS, Measurement, Window, make, values_of
from eval.time.waits.from_export import Waits
from eval.time.waits.periods import Cells, grade_of, periods, within

USEFUL = "useful_share"


def voted(waits: Waits) -> np.ndarray:
    """Mask the votes: of an author, on a genuine reply."""
    return waits.replied & (waits.vote >= 0)


def votes(waits: Waits, start: dt.date) -> tuple[np.ndarray, np.ndarray] | None:
    """Mask the replies of two equal periods on which an author could vote; None if a side holds nothing."""
    windows = period(waits, start)
    if windows is None:
        return None
    early = (waits.reply == 0) | (waits.reply < start.toordinal())
    return waits.replied & within(waits, windows[0]) & early, waits.replied & within(waits, windows[1])


def period(waits: Waits, start: dt.date) -> tuple[Window, Window] | None:
    return periods(waits, start, 0)


def levels(waits: Waits, groups: dict[str, np.ndarray], draws: int = DRAWS) -> tuple[list[Measurement], list[dict]]:
    """Estimate the share of each group of waits (masks), and its voting rate: votes over replies."""
    rows, rates = [], []
    for name, mask in groups.items():
        counted, replies = voted(waits) & mask, waits.replied & mask
        useful = share((waits.vote[counted] == 1).astype(float), waits.structure[counted], draws)
        rows.append(make(USEFUL, name, "level", useful.estimate, useful.interval, useful.n, DESCRIPTIVE))
        rate = share((waits.vote[replies] >= 0).astype(float), waits.structure[replies], draws)
        rates.append({"group": name, **values_of(rate), "n": rate.n, "votes": useful.n})
    return rows, rates


def compared(
    waits: Waits, start: dt.date, arms: Arms, draws: int = DRAWS
) -> tuple[list[Measurement], list[Measurement]]:
    """Compare before and after, adopters and others, with AI help and without; then the differences in shares."""
    value = (waits.vote == 1).astype(float)
    rows, differences = [], []
    replies = votes(waits, start)
    if replies is not None:
        grade = grade_of(period(waits, start))
        masks = tuple(mask & voted(waits) for mask in replies)
        for mix in ("", ", own mix"):
            found = compare(waits, value, masks, share=True, fixed_mix=not mix, draws=draws)
            rows.append(as_rows(found, USEFUL, mix, grade)[0])
            differences.append(difference_row(found, USEFUL, f"all{mix}", grade))
        cells = Cells.of(waits.structure, masks, value, len(waits.names))
        if (found := did(cells, arms.adopted, draws)) is not None:
            span = found.interval() if found.n >= LEAST_RECORDS else None
            rows.append(make(USEFUL, "all", "did", found.effect.value, span, found.n, BEFORE_AFTER))
    usable = voted(waits) & (waits.start >= start.toordinal())
    rows.append(with_help.with_help(waits, USEFUL, value, usable, draws))
    return rows, differences
