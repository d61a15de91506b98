"""Refuse what cannot be analysed before anything heavy is imported: scipy, matplotlib and MLflow take five seconds."""

from pathlib import Path

from eval.time.claims.published import Baseline
from eval.time.minutes import constants
from plume.errors import InputError
from plume.export.source import read_rows
from plume.paths import check_output, in_clone


def refuse(
    export: str | Path,
    out: str | Path,
    *,
    claims: str | Path,
    constants_file: str | Path,
    decisions: str | Path | None = None,
    force: bool = False,
) -> None:
    """Raise the InputError that the command would end with: a file that is missing or of another kind, a bad option."""
    Baseline.load(in_clone(claims))
    constants.load(in_clone(constants_file))
    check_output(Path(out), force=force)
    next(iter(read_rows(Path(export))), None)
    if decisions and not Path(decisions).is_file():
        raise InputError(f"{decisions}: no such file of decisions; write them with plume serve decisions")
