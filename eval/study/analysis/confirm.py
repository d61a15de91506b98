"""Fit the same mixed model with statsmodels: another program beside ours, on the study's own data."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.study.analysis.times import MIXED, Times, Timing
from eval.study.records import Writing

_CLOSE = 0.01  # of the ratio: beyond, the two are told apart
_WAYS = ("lbfgs", "nm", "powell")  # one alone often stops short; the likeliest that converged is taken


@dataclass(frozen=True)
class Confirmation:
    """Says what statsmodels' MixedLM finds: its ratio, its standard deviations by name; None if it has no fit.

    Its standard errors are left out: where a variance is 0 they were too small by a third (0.090, not 0.130).
    """

    ratio: float | None
    spreads: dict[str, float] | None
    converged: bool
    agrees: bool | None


def confirm(writings: Sequence[Writing], ours: Timing) -> Confirmation:
    """Fit MixedLM by REML, variances of agents, of their gains and of reviews."""
    if ours.method != MIXED:
        return Confirmation(None, None, False, None)
    import pandas as pd
    from statsmodels.regression.mixed_linear_model import MixedLM

    times = Times.of(writings)
    x = times.fixed()
    frame = pd.DataFrame(
        {"agent": times.agent, "item": times.item, "drafted": times.drafted, "y": np.log(times.seconds)}
    )
    parts = {"agents": "0 + C(agent)", "gains": "0 + C(agent):drafted", "items": "0 + C(item)"}
    names = [f"x{i}" for i in range(1, x.shape[1])]
    frame[names] = x[:, 1:]
    best = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is `converged`
        for way in _WAYS:
            try:
                model = MixedLM.from_formula(
                    f"y ~ {' + '.join(names)}", frame, groups=np.ones(len(frame)), re_formula="0", vc_formula=parts
                )
                found = model.fit(reml=True, method=[way])
            except (np.linalg.LinAlgError, ValueError):
                continue
            if best is None or (found.converged, found.llf) > (best.converged, best.llf):
                best = found
    if best is None:
        return Confirmation(None, None, False, None)
    ratio = float(np.exp(best.params["x1"]))
    spreads = dict(zip((*sorted(parts), "residual"), map(float, np.sqrt([*best.vcomp, best.scale])), strict=True))
    return Confirmation(ratio, spreads, bool(best.converged), abs(ratio / ours.estimate - 1) < _CLOSE)
