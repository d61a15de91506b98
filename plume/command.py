"""Give every command line of plume the same lazy groups, default commands, one-line errors and progress."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Self, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text
from typer.core import TyperGroup

from plume import boundary
from plume.errors import PlumeError
from plume.files import keep_private
from plume.interrupt import leave

# What is printed is not changed: a line stays a line, whatever the width, and `data[1]` is a path, not markup.
stderr = Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)

_T = TypeVar("_T")
_EVERY = 30.0  # seconds between two lines without a terminal
_DIGITS = re.compile(r"\d+")


class LazyGroup(TyperGroup):
    """Mounts sub-commands by name: a stage is imported only when one of its commands is asked for."""

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
    """Runs its command `run` when no other is named: `plume train CONFIG`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        completing = ctx.resilient_parsing and not args  # what comes next is not known yet
        if not completing and (not args or (args[0] not in self.commands and args[0] not in ("--help", "-h"))):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete the names of the commands, and the options of `run`."""
        run = self.commands["run"]
        below = run.make_context("run", [], parent=ctx, resilient_parsing=True)
        found = [*super().shell_complete(ctx, incomplete), *run.shell_complete(below, incomplete)]
        return list({item.value: item for item in found}.values())

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the group's help, then that of `run`, whose options most people look for."""
        super().format_help(ctx, formatter)
        run = self.commands["run"]
        run.format_help(run.make_context("run", [], parent=ctx, resilient_parsing=True), formatter)


class _Terminated(SystemExit):
    """Turns SIGTERM into an exception, so that what was begun is cleaned up on the way out."""


def run(app: typer.Typer, name: str) -> None:
    """Run an app: PlumeError becomes its line(s) on stderr and its exit code; Ctrl-C becomes 130.

    What nobody foresaw becomes one line too (`boundary`). SIGTERM leaves as an exception does, so that partial files
    are removed and engines stopped, then ends the process.
    """
    boundary.speak_utf8()
    keep_private()
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        boundary.never_raise(stream)
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(app(prog_name=name, standalone_mode=False))
    except _Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    except PlumeError as error:
        _complain(f"{name}: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get(boundary.TRACEBACK):
            raise
        line, code = boundary.refused(error) or boundary.unexpected(error)
        _complain(line if line.startswith("Usage") else f"{name}: {line}")
        sys.exit(code)


def _complain(line: str) -> None:
    stderr.print(line, style="red" if stderr.is_terminal else None)


def _terminate(*_: Any) -> None:
    raise _Terminated


def progress(*columns: str) -> "Progress | PlainProgress":
    """Show progress on stderr: a bar on a terminal; elsewhere a line at the start, every 30 s, and at the end.

    `columns` are extra task fields to show. A task's field `unit` names what is counted ("drafts"); with a field
    `every`, a line is also written each time that the count has grown by so many.
    """
    if not _has_terminal():
        return PlainProgress(columns)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        *[TextColumn("{task.fields[" + c + "]}", markup=False) for c in columns],
        TimeRemainingColumn(),
        console=stderr,
    )


def status(message: str) -> Any:
    """Show a wait without a count on stderr: a spinner on a terminal; elsewhere a line, if it takes a second.

    The line is written again when `update` brings another message (numbers in it do not count), and every 30 s.
    """
    return Console(file=sys.stderr).status(Text(message)) if _has_terminal() else PlainStatus(message)


def _has_terminal() -> bool:
    """Tell whether stderr can show a bar. FORCE_COLOR asks for colours, not for bars in a log file."""
    return stderr.is_interactive and sys.stderr.isatty() and not is_other_rank()


def is_other_rank() -> bool:
    """Tell whether torchrun started this process as one of several, and not as the first, which speaks for all."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("RANK", "0") != "0"


class _Plain:
    """Writes plain lines to stderr while something lasts; a thread writes one every 30 s, even if nothing moves."""

    delay = 0.0  # seconds before the first line

    def __enter__(self) -> Self:
        self._started, self._ended, self._lock = time.monotonic(), threading.Event(), threading.RLock()
        self._stderr = sys.stderr  # what is done meanwhile may silence a library by redirecting it
        if not is_other_rank():
            threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _beat(self) -> None:
        wait = self.delay or _EVERY
        while not self._ended.wait(wait):
            with self._lock:
                self._tell()
            wait = _EVERY

    def _tell(self) -> None:
        raise NotImplementedError

    def _write(self, line: str) -> None:
        if not is_other_rank() and not self._ended.is_set():
            with suppress(OSError, ValueError, AttributeError):  # nobody reads it, or stderr is closed
                self._stderr.write(" ".join(line.split()) + "\n")
                self._stderr.flush()


class PlainStatus(_Plain):
    """Stands in for rich's Status where there is no terminal."""

    delay = 1.0  # most waits are over before: a refusal is to stay one line

    def __init__(self, message: str) -> None:
        self._message, self._told = message, ""

    def update(self, message: str) -> None:
        with self._lock:
            self._message = message
            if self._told and _DIGITS.sub("", message) != _DIGITS.sub("", self._told):
                self._tell()

    def _tell(self) -> None:
        elapsed = f" ({_duration(self._since())})" if self._told else " ..."
        self._told = self._message
        self._write(self._message if self._message.endswith(" s)") else f"{self._message}{elapsed}")

    def _since(self) -> float:
        return time.monotonic() - self._started


class PlainProgress(_Plain):
    """Stands in for rich's Progress where there is no terminal: the methods of it that plume uses."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns, self._tasks = columns, []

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            for task in self._tasks:
                if task.completed != task.told:
                    self._line(task)
        super().__exit__(*exc)

    def add_task(self, description: str, total: float | None = None, completed: float = 0, **fields: Any) -> int:
        with self._lock:
            self._tasks.append(_Task(description, total, completed, fields))
            self._line(self._tasks[-1])
            return len(self._tasks) - 1

    def update(self, task_id: int, *, advance: float = 0, completed: float | None = None, **fields: Any) -> None:
        with self._lock:
            task = self._tasks[task_id]
            task.completed = task.completed + advance if completed is None else completed
            task.description = fields.pop("description", task.description)
            task.total = fields.pop("total", task.total)
            task.fields |= fields
            every = task.fields.get("every")
            if every and task.completed - task.told >= every:
                self._line(task)

    def advance(self, task_id: int, advance: float = 1) -> None:
        self.update(task_id, advance=advance)

    def track(self, sequence: Iterable[_T], description: str = "working") -> Iterator[_T]:
        items = list(sequence)
        task = self.add_task(description, total=len(items))
        for item in items:
            yield item
            self.advance(task)

    def _tell(self) -> None:
        for task in self._tasks:
            if task.total is None or task.completed < task.total:
                self._line(task)

    def _line(self, task: "_Task") -> None:
        task.told = task.completed
        self._write(task.line(self._columns))


@dataclass
class _Task:
    description: str
    total: float | None
    completed: float
    fields: dict[str, Any]
    told: float = 0  # the count of the last line

    def __post_init__(self) -> None:
        self._began, self._from = time.monotonic(), self.completed

    def line(self, columns: tuple[str, ...]) -> str:
        """`drafts: base: 120/700, 1.9 drafts/s, 812 tok/s, 5 min 5 s left`."""
        of = "" if self.total is None else f"/{self.total:g}"
        parts = [f"{self.description}: {self.completed:g}{of}"]
        elapsed, done = time.monotonic() - self._began, self.completed - self._from
        if done > 0:
            rate = done / max(elapsed, 1e-9)
            parts.append(f"{rate:.3g} {self.fields.get('unit', '')}/s".replace(" /s", "/s"))
        parts += [str(self.fields[column]) for column in columns if self.fields.get(column)]
        if done > 0 and self.total is not None:
            left = self.total - self.completed
            parts.append(f"{_duration(left / rate)} left" if left > 0 else f"done in {_duration(elapsed)}")
        elif elapsed >= 1:
            parts.append(f"{_duration(elapsed)} so far")
        return ", ".join(parts)


def _duration(seconds: float) -> str:
    """`4000` -> `1 h 6 min`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def say(*parts: object) -> None:
    """Print a result for the user on stdout."""
    typer.echo(" ".join(str(p) for p in parts))
