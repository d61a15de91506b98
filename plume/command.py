"""What every command line of plume shares: lazy groups, default commands, one-line errors, progress."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from typer.core import TyperGroup

from plume.errors import PlumeError

stderr = Console(stderr=True, highlight=False, emoji=False)


class LazyGroup(TyperGroup):
    """Mounts sub-commands by name, so that a stage is imported only when one of its commands is looked at."""

    stages: ClassVar[dict[str, str]] = {}  # command -> "module:attribute"

    def list_commands(self, ctx: Any) -> list[str]:
        return [*self.stages, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        target = self.stages.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, attribute = target.split(":")
        command = typer.main.get_command(getattr(import_module(module), attribute))
        command.name = cmd_name
        return command


class DefaultGroup(TyperGroup):
    """A group whose first command, `run`, is meant when no other is named: `plume train CONFIG`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h")):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The group's help, then that of `run`: its options are what most people look for."""
        super().format_help(ctx, formatter)
        run = self.commands["run"]
        run.format_help(run.make_context("run", [], parent=ctx, resilient_parsing=True), formatter)


class _Terminated(SystemExit):
    """SIGTERM, as an exception: what was begun is cleaned up on the way out."""


def run(app: typer.Typer, name: str) -> None:
    """Run an app: PlumeError becomes its line(s) on stderr and its exit code; Ctrl-C becomes 130.

    SIGTERM leaves as an exception does, so that partial files are removed and engines stopped, then ends the process.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(prog_name=name)
    except _Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    except PlumeError as error:
        stderr.print(f"{name}: {error}", style="red" if stderr.is_terminal else None, markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:  # a full disk, a folder where a file is meant, no permission
        if error.filename is None:
            raise
        stderr.print(f"{name}: {error.filename}: {error.strerror}", markup=False, soft_wrap=True)
        sys.exit(2)


def _terminate(*_: Any) -> None:
    raise _Terminated


def progress(*columns: str) -> Progress:
    """A progress bar on stderr; silent when stderr is not a terminal. `columns` are extra task fields to show."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *[TextColumn("{task.fields[" + c + "]}") for c in columns],
        TimeRemainingColumn(),
        console=stderr,
        disable=not stderr.is_terminal,
    )


def say(*parts: object) -> None:
    """Print a result for the user on stdout."""
    typer.echo(" ".join(str(p) for p in parts))


def status(message: str) -> Any:
    """A spinner with a message on stderr, for waits without a count; silent when not on a terminal."""
    return Console(file=sys.stderr).status(message) if stderr.is_terminal else _Silent()


class _Silent:
    update: Callable[..., None] = staticmethod(lambda *_a, **_k: None)

    def __enter__(self) -> "_Silent":
        return self

    def __exit__(self, *_: object) -> None:
        return None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back for the moment that a few renames take."""
    held = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(each, signal.SIG_IGN) for each in held]
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for each, handler in zip(held, before, strict=True):
            signal.signal(each, handler)
