"""Where things are: the clone, and the folder for what runs leave behind."""

import os
from pathlib import Path

from plume.errors import InputError

ROOT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Folder for caches, the MLflow store and results: $PLUME_HOME, by default `var/` in the clone."""
    return Path(os.environ.get("PLUME_HOME") or ROOT / "var").resolve()


def in_clone(path: str | Path) -> Path:
    """A path named in a config: absolute, else below the working directory if it is there, else below the clone."""
    path = Path(path)
    if path.is_absolute() or path.exists():
        return path.resolve()
    return ROOT / path


def check_output(folder: Path, *, force: bool, option: str = "--out") -> None:
    """Refuse, before any work, a folder that holds something, unless `force`. Changes nothing."""
    if folder.is_file():
        raise InputError(f"{folder} is a file; name a folder with {option}")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise InputError(f"{folder} is not empty; name another folder with {option}, or overwrite it with --force")


def claim_output(folder: Path, *, force: bool, holds: tuple[str, ...], option: str = "--out") -> Path:
    """Make `folder` ready to be written. One that holds anything is refused, unless `force`.

    `force` removes only what plume writes there (the file names in `holds`), never what it does not know.
    """
    check_output(folder, force=force, option=option)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in holds:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); name another folder with {option}") from None
    return folder
