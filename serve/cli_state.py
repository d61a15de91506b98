"""`plume serve backup`, `restore`, `prune`: keeps what a server noted elsewhere, and not for ever."""

from pathlib import Path
from typing import Annotated

import typer

from plume.command import say, status
from plume.errors import InputError
from serve.config import ConfigFile, Overrides, ServeConfig
from serve.state import State

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _state(config: Path | None, overrides: list[str] | None) -> State:
    return State.of_server(ServeConfig.load_for(("state", "database"), config, overrides or ()))


@app.command()
def backup(
    out: Annotated[Path, typer.Option(help="A new file, readable by its owner alone: it holds pseudonymised texts.")],
    overrides: Overrides = None,
    config: ConfigFile = None,
) -> None:
    """Write journal, alias, history and hashes of keys to one archive with digests, while the server runs or not."""
    from serve.backup import backup as write

    state = _state(config, overrides)
    with status("copying the journal"):
        told = write(state, out)
    say(told)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `plume serve backup` wrote.")],
    overrides: Overrides = None,
    config: ConfigFile = None,
) -> None:
    """Put a backup into an empty state folder, or, with database=…, into an empty database, where no server runs."""
    from serve.backup import restore as put_back

    state = State.of(ServeConfig.load_for(("state", "database"), config, overrides or ()))
    with status("verifying the backup"):
        told = put_back(state, source)
    say(told)


@app.command()
def prune(
    overrides: Overrides = None,
    config: ConfigFile = None,
    unsent: Annotated[bool, typer.Option("--unsent", help="Also what MLflow has not got: nobody has it then.")] = False,
) -> None:
    """Delete drafts and decisions older than journal_days, and audit lines older than audit_days; for a timer, daily.

    What MLflow has not got stays, unless it is sent nothing (traces=false). MLflow's own traces are not touched.
    """
    from serve.retention import prune_audit, prune_journal

    uses = ("state", "database", "journal_days", "audit_days", "traces")
    settings = ServeConfig.load_for(uses, config, overrides or ())
    if not (settings.journal_days or settings.audit_days):
        raise InputError("prune: nothing says how long to keep what: set journal_days=N, audit_days=N, or both")
    state = State.of_server(settings)
    if settings.journal_days and not (state.database or state.journal.exists()):
        say(f"{state.journal}: is not there; no server has run with this state folder")
    elif settings.journal_days:
        pruned = prune_journal(state, settings.journal_days, unsent=unsent or not settings.traces)
        stay = f"; {pruned.unsent} older drafts stay, which MLflow has not got whole" if pruned.unsent else ""
        say(f"journal: {pruned.drafts} drafts and {pruned.decisions} decisions deleted{stay}")
    if settings.audit_days:
        say(f"audit: {prune_audit(state.audit, settings.audit_days)} files deleted")
