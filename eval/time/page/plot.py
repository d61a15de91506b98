"""The figures of time.html, as `data:` addresses of SVG. Each is drawn from numbers that a table beside it repeats."""

import base64
import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Dark enough on white to be read (contrast above 4.5:1), and told apart by dashes and marks, not by the colour alone.
BROWN, BLUE = "#8a3d00", "#00428a"
LONGEST = 60  # days shown


def _drawn(height: float, draw) -> str:
    # A fixed salt and no date: the same figures give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "plume", "font.size": 11}):
        figure = Figure(figsize=(8, height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def still_waiting(before: Sequence[float], after: Sequence[float]) -> str:
    """Draw two curves of the share still waiting at the end of day 0, 1, 2 …"""

    def draw(axes: Axes) -> None:
        styles = ((BROWN, "--", "avant"), (BLUE, "-", "après"))
        for (color, dashes, name), curve in zip(styles, (before, after), strict=True):
            shown = 100 * np.asarray(curve[: LONGEST + 1])
            axes.step(
                range(len(shown)), shown, dashes, where="post", linewidth=2, color=color, label=f"{name} le lancement"
            )
        axes.set(xlabel="jours d'attente", ylabel="encore sans réponse (%)", ylim=(0, 101), xlim=(0, None))
        axes.legend(frameon=False)

    return _drawn(4, draw)


Point = tuple[str, float, float | None, float | None]  # label, value, lower, upper


def series(points: Sequence[Point], *, ylabel: str, split: int | None = None, zero: bool = False) -> str:
    """Draw values with intervals in order. `split`: a vertical line before this point (the pilot's start)."""

    def draw(axes: Axes) -> None:
        for x, (_, value, low, high) in enumerate(points):
            late = split is not None and x >= split
            if low is not None and high is not None:
                axes.plot((x, x), (low, high), color=BLUE if late else BROWN, linewidth=2)
            axes.plot(x, value, marker="o" if late else "s", color=BLUE if late else BROWN)
        if split is not None:
            axes.axvline(split - 0.5, color="#1b1b1b", linestyle=":")
        if zero:
            axes.axhline(0, color="#1b1b1b", linewidth=1)
        step = max(1, len(points) // 12)
        axes.set_xticks(range(0, len(points), step), [p[0] for p in points][::step], rotation=40, ha="right")
        axes.set(ylabel=ylabel)

    return _drawn(4, draw)
