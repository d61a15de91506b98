"""Copes with odd terminals and locales, and turns whatever a command raises into one line."""

import locale
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from plume.errors import PlumeError, first_line
from plume.files import make_folder, write
from plume.paths import CODE, INSTALL, home

TRACEBACK = "PLUME_TRACEBACK"  # set to anything, this variable lets unexpected errors through as Python prints them
_OURS = ("plume", "train", "eval", "serve")
_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, NotImplementedError, TypeError)
# What these raise says of the machine, or of what it reaches, not of the input.
_LACKING = ("mlflow", "sqlalchemy", "alembic", "requests", "urllib3", "httpx", "httpx2", "httpcore", "huggingface_hub")


def refused(error: Exception) -> tuple[str, int] | None:
    """Turn typer's refusal of a command line into one line and its exit code; None if the error is not typer's."""
    if not hasattr(error, "format_message"):
        return None
    context = getattr(error, "ctx", None)
    if context is None or type(error).__name__ == "NoArgsIsHelpError":  # the message is the help itself
        return error.format_message(), error.exit_code
    told = error.format_message().rstrip(".")
    return f"{told}; see {context.command_path} --help", error.exit_code


def speak_utf8() -> None:
    """Start anew in Python's UTF-8 mode where the locale is another; the terminal is written to in its own encoding.

    Libraries open files in the locale's encoding: text would be lost, or be read as another text elsewhere.
    """
    if not sys.flags.utf8_mode and locale.getencoding().lower() not in ("utf-8", "utf8"):
        os.environ.setdefault("PYTHONIOENCODING", getattr(sys.stdout, "encoding", None) or "utf-8")
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - no shell
    os.environ.pop("PYTHONIOENCODING", None)  # of this terminal, not of the processes that plume talks to


def never_raise(stream: Any) -> None:
    """Show a `?` for what a terminal or a pipe cannot encode: no result is lost to an accent."""
    if hasattr(stream, "reconfigure"):  # None without a terminal, something else in a notebook or a test
        stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")


def unexpected(error: BaseException) -> tuple[str, int]:
    """Turn an unforeseen error into a line and an exit code; write its traceback to <home>/traceback.txt.

    2 for what a library or the file system makes of the input, 3 for what the machine lacks, 1 for a fault of plume.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, PlumeError):
        return str(error), error.exit_code
    if isinstance(error, OSError) and error.filename is not None:  # a folder where a file is meant, no permission
        name = error.filename
        return f"{os.fsdecode(name) if isinstance(name, str | bytes) else name}: {error.strerror or error}", 2
    if isinstance(error, ModuleNotFoundError) and (package := (error.name or "plume").partition(".")[0]) not in _OURS:
        return f"the package {package} is not installed; mend it with: {INSTALL}", 3
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _of_plume(frame.filename)]
    fault = isinstance(error, _FAULTS) and ours and ours[-1] is frames[-1]
    code = 1 if fault else 3 if _lacking(error) else 2
    library, kind = type(error).__module__, type(error).__qualname__
    told, kind = first_line(error), kind if library == "builtins" else f"{library}.{kind}"
    where = f" (at {Path(ours[-1].filename).relative_to(CODE)}:{ours[-1].lineno})" if ours else ""
    line = f"{kind}{where}" if told == type(error).__name__ else f"{kind}: {told}{where}"
    if "database is locked" in told:
        line = f"MLflow store: another process holds it; wait for that one, then run this again ({line})"
    elif code == 1:
        line = f"a fault of plume itself, please report it: {line}"
    return f"{line}; the whole: {kept(error)}", code


def _lacking(error: BaseException) -> bool:
    if getattr(error, "error_code", None) in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):  # MLflow's
        return False
    library = type(error).__module__.partition(".")[0]
    short = isinstance(error, MemoryError | ImportError | OSError) or type(error).__name__ == "OutOfMemoryError"
    return short or library in _LACKING


def _of_plume(file: str) -> bool:
    return any(Path(file).is_relative_to(CODE / stage) for stage in _OURS)


def kept(error: Exception) -> str:
    """Keep the traceback, which hours of work may have led to; say where."""
    file = home() / "traceback.txt"
    try:
        make_folder(file.parent)
        text = "".join(traceback.format_exception(error))
        write(file, text.encode(errors="backslashreplace"), private=True)
    except (OSError, PlumeError):
        return f"run it again with {TRACEBACK}=1"
    return str(file)
