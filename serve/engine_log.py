"""Reads in the engine's log what it is doing, and why it died."""

import re
from itertools import pairwise
from pathlib import Path

_PREFIX = re.compile(
    r"^(\([^)]*pid=\d+\)\s*)?([A-Z]+\s+[\d-]+\s+[\d:.]+\s+\[[^\]]*\]\s*)?"
)  # (worker) LEVEL time [file]
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CAUSE = re.compile(
    r"^([\w.]+\.)?[A-Z]\w*(Error|Exception|Interrupt)\b|^\S*\.py: error: |^error: |^plume: the guard cannot start"
)
# Messages that only say that something else went wrong.
_CONSEQUENCE = ("Engine core initialization failed", "WorkerProc initialization failed", "cancelled")
_WIDTH = 300
# Fragments of vLLM's start log, latest phase first, and what they mean to the person who waits.
_PHASES = (
    ("Starting vLLM server", "opening the port"),
    ("Graph capturing", "capturing graphs"),
    ("KV cache size", "warming up"),
    ("Loading weights took", "preparing the cache"),
    ("Starting to load model", "loading weights"),
    ("Initializing a V1", "starting workers"),
)


def phase(log: Path) -> str:
    """Say what a starting engine does now."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return next((meaning for fragment, meaning in _PHASES if fragment in text), "importing libraries")


def cause(log: Path) -> str:
    """Find the line that says why the engine stopped: its first error that does not repeat another one.

    Without any error (a kill by the system, say), the last line.
    """
    text = _ANSI.sub("", log.read_text(encoding="utf-8", errors="replace"))
    lines = [line for raw in text.splitlines() if (line := _PREFIX.sub("", raw).strip())]
    for line, following in pairwise([*lines, ""]):
        if _CAUSE.match(line) and not any(echo in line for echo in _CONSEQUENCE):
            told = following if "validation error" in line else line  # pydantic tells in the next line
            return told.removeprefix("Value error, ")[:_WIDTH]
    return lines[-1][:_WIDTH] if lines else "its log is empty"
