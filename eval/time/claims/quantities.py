"""Lists what a claim may be of, once: by which values it is given, and how the export is read for it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eval.time.effects.satisfaction import voted
from eval.time.measurement import MAIN
from eval.time.waits.from_export import Waits
from eval.time.waits.periods import follow_up, values


@dataclass(frozen=True)
class Quantity:
    """Says how a claimed quantity is held against an export.

    Attributes:
        given_by: values that a claim may give; any other could not be held against an estimate.
        what: what its estimate is, in French.
        records: what its records are called, in French.
        usable: masks the waits that it can be read of.
        read: its value for each wait.
        share: a share, of which changes are differences; else days, of which changes are ratios.
        of_waits: read of waits, which need a delay and a follow-up; else of votes, as of the reply's day.
        tau: days that a wait must be seen.
    """

    given_by: frozenset[str]
    what: str
    records: str
    usable: Callable[[Waits], np.ndarray]
    read: Callable[[Waits], np.ndarray]
    share: bool
    of_waits: bool
    tau: int = 0


WRITING = "writing_minutes"  # of a study alone: no export tells how long a reply took to write
OF_STUDY = {WRITING: frozenset({"before", "after", "ratio"})}

CLAIMABLE = {
    "mean_response_days": Quantity(
        frozenset({"before", "after", "ratio"}),
        f"attente moyenne limitée à {follow_up(MAIN)} jours",
        "délais observables",
        usable=lambda waits: waits.timed,
        read=lambda waits: values(waits, MAIN),
        share=False,
        of_waits=True,
        tau=follow_up(MAIN),
    ),
    "useful_share": Quantity(
        frozenset({"before", "after", "difference"}),
        "votes « utile »",
        "votes",
        usable=voted,
        read=lambda waits: (waits.vote == 1).astype(float),
        share=True,
        of_waits=False,
    ),
}
