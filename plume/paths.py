"""Finds plume's own files, and the folder for what runs leave behind.

In a clone, configs/ and datasets/ lie beside the packages. A wheel holds them in plume/shipped, where setup.py puts
them: in an environment, the `datasets` beside the packages is Hugging Face's.
"""

import os
from pathlib import Path

CODE = Path(__file__).resolve().parent.parent  # holds the packages plume, train, eval and serve
_SHIPPED = CODE / "plume" / "shipped"
IN_CLONE = not _SHIPPED.is_dir()
ROOT = CODE if IN_CLONE else _SHIPPED  # holds configs/ and datasets/
# The command that mends a missing package.
INSTALL = "make install" if IN_CLONE else "uv tool install 'CLONE[train,eval,serve-cpu,postgres]'"


def home() -> Path:
    """Find the folder for caches, the MLflow store and results: $PLUME_HOME, else as `usual_home` says."""
    return Path(os.environ.get("PLUME_HOME") or usual_home()).resolve()


def usual_home() -> Path:
    """Name `var/` in a clone; for an installed plume the user's data folder, which outlives an upgrade."""
    if IN_CLONE:
        return ROOT / "var"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "plume"


def in_clone(path: str | Path) -> Path:
    """Find a path of a config: absolute, else below the working directory if it is there, else one of plume's own.

    A path that is nowhere is given back as it is, so that an error names what was typed.
    """
    path = Path(path)
    if path.exists():
        return path.resolve()
    return own if (own := ROOT / path).exists() else path
