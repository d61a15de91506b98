"""The one boundary of every command: what is raised is one line and an exit code, what is printed is printed."""

import errno
import io
import sqlite3
import sys
from types import SimpleNamespace

import pytest
import requests
import sqlalchemy.exc
import typer
import yaml
from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException

from plume import boundary, command
from plume.errors import EnvironmentMissing, InputError


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(boundary.TRACEBACK, raising=False)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # pytest's own
    return tmp_path / "home"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `plume thing` whose body is given; its exit code and its lines on stderr."""

    def call(body, *arguments: str) -> tuple[int, list[str]]:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command()(body)
        monkeypatch.setattr(sys, "argv", ["plume", *arguments])
        with pytest.raises(SystemExit) as left:
            command.run(app, "plume")
        return left.value.code or 0, capsys.readouterr().err.splitlines()

    return call


def raising(error: BaseException):
    def body() -> None:
        raise error

    return body


def in_a_library():
    yaml.safe_load("a: [")


ours = compile("def fault():\n    return {}['review']\n", str(boundary.CODE / "train" / "loop.py"), "exec")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (InputError("data[1]: is [red]not[/red] there :smile:"), 2, "data[1]: is [red]not[/red] there :smile:"),
        (EnvironmentMissing("no vLLM"), 3, "no vLLM"),
        (OSError(errno.ENOSPC, "No space left on device"), 3, "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "/x[1]/y"), 2, "/x[1]/y: Permission denied"),
        (UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"), 2, "surrogates not allowed"),
        (
            sqlalchemy.exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked")),
            3,
            "holds it",
        ),
        (MlflowException("(sqlite3.OperationalError) database is locked\nDetails"), 3, "another process holds it"),
        (MlflowException("Invalid alias", error_code=INVALID_PARAMETER_VALUE), 2, "Invalid alias"),
        (requests.ConnectionError("http://ann:s3cret@store.test: refused"), 3, "http://store.test: refused"),
        (MemoryError(), 3, "MemoryError"),
        (ImportError("Using SOCKS proxy, but 'socksio' is not installed"), 3, "socksio"),
        (RuntimeError("CUDA error\nmore\nlines"), 2, "RuntimeError: CUDA error"),
        (RecursionError("maximum recursion depth exceeded"), 2, "RecursionError"),
        (ExceptionGroup("two", [InputError("the first"), ValueError("x")]), 2, "the first"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_whatever_is_raised_is_one_line(run, error, code, told):
    got, lines = run(raising(error))
    assert (got, len(lines)) == (code, 1), lines
    assert told in lines[0]
    assert lines[0].startswith("plume: ")
    assert "s3cret" not in lines[0]


def test_a_librarys_error_says_its_type_and_where_the_whole_is(run, home):
    code, [line] = run(in_a_library)
    assert code == 2
    assert "yaml.parser.ParserError" in line
    assert str(home / "traceback.txt") in line
    kept = (home / "traceback.txt").read_text(encoding="utf-8")
    assert "Traceback" in kept
    assert "in_a_library" in kept
    assert (home / "traceback.txt").stat().st_mode & 0o077 == 0


def test_a_fault_of_plumes_own_is_told_as_such_with_its_place(run):
    exec(ours, namespace := {})
    code, [line] = run(namespace["fault"])
    assert code == 1
    assert line.startswith("plume: a fault of plume itself, please report it: KeyError: 'review' (at train/loop.py:2)")


def test_the_whole_is_shown_to_who_asks(run, monkeypatch, home):
    monkeypatch.setenv(boundary.TRACEBACK, "1")
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError("x")))
    assert not home.exists()


def test_where_nothing_can_be_kept_the_line_says_how_to_see_it(run, home):
    home.write_text("a file")
    assert "PLUME_TRACEBACK=1" in run(raising(RuntimeError("x")))[1][0]


def test_exit_codes_of_commands_and_of_interruptions_pass(run):
    assert run(raising(typer.Exit(20)))[0] == 20
    assert run(raising(KeyboardInterrupt()))[0] == 130
    assert run(lambda: None) == (0, [])


@pytest.mark.parametrize("arguments", [("--nope",), ("a", "b"), ("--n", "[red]x")])
def test_what_typer_refuses_is_one_line_too(run, arguments):
    def body(n: int = 1) -> None: ...

    code, [line] = run(body, *arguments)
    assert code == 2
    assert line.endswith("see plume --help")


@pytest.mark.parametrize(
    ("encoding", "mode", "again"),
    [("ISO-8859-1", 0, True), ("ANSI_X3.4-1968", 0, True), ("UTF-8", 0, False), ("x", 1, False)],
)
def test_where_libraries_would_write_another_encoding_python_is_started_anew(monkeypatch, encoding, mode, again):
    started = []
    monkeypatch.setattr(boundary.locale, "getencoding", lambda: encoding)
    terminal = SimpleNamespace(encoding="latin-1", write=len, flush=lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr(boundary.os, "environ", {})
        patch.setattr(boundary.os, "execv", lambda *words: started.append((*words, dict(boundary.os.environ))))
        patch.setattr(sys, "orig_argv", ["python", "-m", "plume.cli", "doctor"])
        patch.setattr(sys, "stdout", terminal)
        patch.setattr(sys, "flags", SimpleNamespace(utf8_mode=mode))
        boundary.speak_utf8()
    words = [sys.executable, "-X", "utf8", "-m", "plume.cli", "doctor"]
    kept = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "latin-1"}  # the terminal's own encoding
    assert started == ([(sys.executable, words, kept)] if again else [])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_encoding_of_the_terminal_costs_a_result(run, monkeypatch, encoding):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)

    def body() -> None:
        command.say("INCONCLUSIVE – « l’œuvre » … 🏃 \udce9")
        raise typer.Exit(20)

    assert run(body)[0] == 20
    out.flush()
    assert out.buffer.getvalue().startswith(b"INCONCLUSIVE")


def test_lines_and_bars_show_brackets_and_are_not_folded(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(command.stderr, "_file", shown)  # `file` would stay this test's own
    monkeypatch.setattr(command, "_has_terminal", lambda: True)
    command.stderr.print("training: /a/data[1]/x.jsonl" + "y" * 200)
    with command.progress("loss") as bar:
        task = bar.add_task("drafts: data[1]", total=2, loss="[2]")
        rendered = [column.render(bar.tasks[task]) for column in bar.columns if hasattr(column, "text_format")]
    assert shown.getvalue().startswith("training: /a/data[1]/x.jsonl" + "y" * 200 + "\n")
    assert [str(text) for text in rendered] == ["drafts: data[1]", "[2]"]
