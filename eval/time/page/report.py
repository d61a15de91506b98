"""time.html: one self-contained French page for readers who are no statisticians; no text of any review or reply."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.time.claims.check import UNCHECKABLE, JudgedClaim
from eval.time.claims.published import Baseline, Claim
from eval.time.claims.quantities import CLAIMABLE
from eval.time.effects.adopters import Study
from eval.time.measurement import LEAST_RECORDS, MAIN, WAITING, Measurement, Window
from eval.time.minutes.constants import NAMES
from eval.time.minutes.from_study import StudyMinutes
from eval.time.minutes.model import DRAWS, Modelled, Prior
from eval.time.page import figures
from eval.time.page import wording as w
from eval.time.simulated.truth import Told
from eval.time.waits.from_export import COUNTS, IMPOSSIBLE, Waits
from eval.time.waits.periods import follow_up
from eval.time.waits.survival import reach
from plume.page import render as render_page

TEMPLATE = Path(__file__).with_name("time.html.j2")


@dataclass(frozen=True)
class Findings:
    """Holds all that the page shows; `windows` is None where the file holds nothing on one side of the start."""

    export: str
    baseline: Baseline
    pilot_start: dt.date
    waits: Waits
    windows: tuple[Window, Window] | None
    curves: Sequence[np.ndarray] | None
    periods: dict[str, tuple[Window, Window] | None]
    estimates: Sequence[Measurement]
    differences: Sequence[Measurement]
    voting: Sequence[dict]
    study: Study
    reuse: dict
    modelled: dict[str, Modelled]
    prior: Prior
    calibrated: bool
    active: Sequence[dict]
    decided: Sequence[dict]
    measured: StudyMinutes | None
    outcomes: Sequence[JudgedClaim]
    draws: int
    inputs: dict[str, str]
    told: Told | None = None  # of a simulated export: the truth beside what is estimated


def render(f: Findings) -> str:
    """Render the whole page."""
    rows = figures.Rows(f.estimates)
    return render_page(
        TEMPLATE,
        f=f,
        w=w,
        rows=rows,
        moved=figures.Rows(f.differences),
        claim=_claim_of_a_wait(f),
        horizon=_horizon(rows),
        missing=[w.COLUMNS[column] for column in f.waits.missing],
        quantity=MAIN,
        tau=follow_up(MAIN),
        main=f.periods.get(MAIN),
        draws_of_constants=f"{DRAWS:,}".replace(",", " "),
        curves=figures.waiting_curves(f.curves or ()),
        months=figures.months(rows, f"{f.pilot_start:%Y-%m}"),
        event_study=figures.event_study(rows),
        did=[row for row in f.estimates if row.comparison == "did" and row.group == "all" and row.estimate is not None],
        associated=[row for row in f.estimates if row.comparison == "ai_vs_not" and row.estimate is not None],
        modelled=f.modelled.get("decisions") or f.modelled.get("export"),
        constants=NAMES,
        counts=COUNTS,
        similar=[r for r in f.estimates if r.quantity == "similarity" and not r.group.startswith("structure: ")],
        claims=list(zip(f.baseline.claims, f.outcomes, strict=True)),
        impossible=sum(f.waits.counts[name] for name in IMPOSSIBLE),
        least=LEAST_RECORDS,
        structures_seen=len(np.unique(f.waits.structure)),
    )


def _claim_of_a_wait(f: Findings) -> tuple[Claim, JudgedClaim] | None:
    """Find the first claim of a wait that can be checked, else the first; the page begins with it."""
    pairs = zip(f.baseline.claims, f.outcomes, strict=True)
    of_waits = {name for name, quantity in CLAIMABLE.items() if not quantity.share}
    timed = [(c, one) for c, one in pairs if c.quantity in of_waits and c.status != "target"]
    return next((pair for pair in timed if pair[1].outcome != UNCHECKABLE), timed[0] if timed else None)


def _horizon(rows: figures.Rows) -> str | None:
    """Choose the longest horizon at which the wait before and after has an interval."""
    days = {name: follow_up(name) for name in WAITING if reach(name)[1]}
    names = sorted((name for name in days if days[name] <= days[MAIN]), key=days.__getitem__, reverse=True)
    return next((name for name in names if (row := rows.get(name, "before_after")) and row.lower is not None), None)
