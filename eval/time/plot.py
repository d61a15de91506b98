"""The figure of the report: the share of citizens still waiting, day after day, before and after the pilot's start."""

import base64
import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

# Dark enough on white to be read (contrast above 4.5:1), and told apart by the dashes, not by the colour alone.
STYLES = {"avant": {"color": "#8a3d00", "linestyle": "--"}, "après": {"color": "#00428a", "linestyle": "-"}}
LONGEST = 60  # days shown


def still_waiting(survival_before: Sequence[float], survival_after: Sequence[float]) -> str:
    """A `data:` address holding the SVG; each curve gives the share still waiting at the end of day 0, 1, 2 …"""
    # A fixed salt and no date: the same figures give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "plume", "font.size": 11}):
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.add_subplot()
        for (name, style), curve in zip(STYLES.items(), (survival_before, survival_after), strict=True):
            shown = 100 * np.asarray(curve[: LONGEST + 1])
            axes.step(range(len(shown)), shown, where="post", linewidth=2, label=f"{name} le lancement", **style)
        axes.set(xlabel="jours d'attente", ylabel="encore sans réponse (%)", ylim=(0, 101), xlim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode("ascii")
