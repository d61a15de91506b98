"""Finds the clone, and the folder for what runs leave behind."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Find the folder for caches, the MLflow store and results: $PLUME_HOME, by default `var/` in the clone."""
    return Path(os.environ.get("PLUME_HOME") or ROOT / "var").resolve()


def in_clone(path: str | Path) -> Path:
    """Find a path of a config: absolute, else below the working directory if it is there, else below the clone."""
    path = Path(path)
    if path.is_absolute() or path.exists():
        return path.resolve()
    return ROOT / path
