"""Writes what was measured: bench.json, a plot of it, and the table that the terminal shows."""

import json
import math
from pathlib import Path
from typing import Any

from plume import files

PROMISES = ("first_token_p99", "token_p99", "draft_p99")
_HEAD = ("in flight", "guard", "drafts/s", "first token s", "token ms", "draft s", "of limit", "promise")

_CAUTION = (
    "With the guard a client gets a draft whole: its first word takes as long as the draft. First token and token are "
    "then the engine's, by the guard's histograms."
)


def write(told: dict[str, Any], out: Path) -> None:
    """Write bench.json and bench.png, both in one step."""
    with files.telling(out, "name another folder with --out"):
        files.make_folder(out)
        files.write(out / "bench.json", json.dumps(_finite(told), ensure_ascii=False, indent=1) + "\n")
        files.write(out / "bench.png", plot(told))


def _finite(value: Any) -> Any:
    """Write what is above the last bucket of a histogram, or was never seen, as null: JSON has no infinity."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(told: dict[str, Any]) -> str:
    """Write a line a run, p50 / p99, and whether all that is promised holds."""
    lines = [_HEAD]
    for row in told["rows"]:
        broken = [name for name, holds in row["holds"].items() if not holds]
        failed = f", {row['failed']} failed" if row["failed"] else ""
        lines.append(
            (
                str(row["in_flight"]),
                "on" if row["guard"] else "off",
                f"{row['drafts_a_second']:.2f}",
                _both(row, "first_token", 1),
                _both(row, "token", 1000),
                _both(row, "draft", 1),
                f"{100 * row['share_of_limit']:.0f} %",
                (f"broken: {', '.join(broken)}" if broken else "holds") + failed,
            )
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    promised = told["promised"]
    n = sorted({row["drafts"] for row in told["rows"]})
    of = f"{told['version']} of {told['model']}, {told['dtype']}, vLLM {told['vllm']}"
    each = f"token {1000 * promised['token_p99']:g} ms, draft {promised['draft_p99']:g} s"
    lines = (
        f"{of}; p50 / p99 of {n[0]} to {n[-1]} drafts",
        *rows,
        f"promised at p99: first token {promised['first_token_p99']:g} s, {each}",
        _CAUTION,
        _ratios(told["rows"]),
    )
    return "\n".join(lines)


def _ratios(rows: list[dict[str, Any]]) -> str:
    speed = {(row["in_flight"], row["guard"]): row["drafts_a_second"] for row in rows}
    told = [f"{speed[n, True] / speed[n, False]:.2f} at {n}" for n, guard in speed if guard and speed.get((n, False))]
    return f"Drafts a second with the guard, of those without: {', '.join(told)}"


def _both(row: dict[str, Any], name: str, factor: int) -> str:
    return " / ".join(
        f"{factor * value:.3g}" if math.isfinite(value) else "?" for value in (row[f"{name}_p50"], row[f"{name}_p99"])
    )


def plot(told: dict[str, Any]) -> bytes:
    """Draw drafts a second and the seconds to a draft at p99 over the drafts in flight, beside limit and promise."""
    import io

    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        speed, wait = figure.subplots(1, 2)
        for guard, label, style in ((False, "engine alone", "o--"), (True, "with the guard", "s-")):
            rows = sorted((r for r in told["rows"] if r["guard"] is guard), key=lambda r: r["in_flight"])
            at = [row["in_flight"] for row in rows]
            speed.plot(at, [row["drafts_a_second"] for row in rows], style, label=label)
            wait.plot(at, [row["draft_p99"] for row in rows], style, label=label)
            if guard:
                most = [row["limit"]["drafts_a_second"] for row in rows]
                speed.plot(at, most, ":", color="grey", label="physical limit")
        wait.axhline(told["promised"]["draft_p99"], linestyle=":", color="grey", label="promised")
        for axes, title in ((speed, "drafts a second"), (wait, "seconds to a draft, p99")):
            axes.set(xlabel="drafts in flight", title=title, xscale="log", yscale="log")
            axes.set_xticks(ticks := sorted({row["in_flight"] for row in told["rows"]}), [str(n) for n in ticks])
            axes.minorticks_off()
            axes.legend()
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=120)
        return drawn.getvalue()
