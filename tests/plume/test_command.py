"""Progress where there is no terminal: plain lines, never wrapped, from the first moment on and while nothing moves."""

import io
import os
import sys
import time
from contextlib import redirect_stderr

import pytest
from rich.progress import Progress

from plume import command


@pytest.fixture
def lines(capsys):
    """What stderr holds by now, once `ready` says that it is enough: lines come from a thread."""
    seen = ""

    def read(ready=lambda _: True):
        nonlocal seen
        until = time.monotonic() + 20
        while True:
            seen += capsys.readouterr().err
            if ready(seen.splitlines()) or time.monotonic() > until:
                return seen.splitlines()
            time.sleep(0.01)

    return read


def test_progress_is_a_line_at_the_start_and_one_at_the_end(lines):
    with command.progress("speed") as bar:
        task = bar.add_task("drafts: base", total=700, completed=20, unit="drafts", speed="")
        assert lines() == ["drafts: base: 20/700"]
        for _ in range(5):
            bar.update(task, advance=6, speed="812 tok/s")
    *_, last = lines()
    assert last.startswith("drafts: base: 50/700, ")
    assert " drafts/s, 812 tok/s, " in last
    assert last.endswith(" left")
    assert len(lines()) == 2


def test_a_line_comes_every_so_many_units_if_asked_for(lines):
    with command.progress("loss") as bar:
        task = bar.add_task("training", total=25, unit="steps", every=10, loss="")
        for step in range(25):
            bar.update(task, advance=1, loss=f"loss {step}")
    assert [line.split(",")[0] for line in lines()] == [f"training: {n}/25" for n in (0, 10, 20, 25)]
    assert "done in" in lines()[-1]


def test_a_line_comes_while_nothing_moves(lines, monkeypatch):
    monkeypatch.setattr(command, "_EVERY", 0.01)
    with command.progress() as bar:
        bar.add_task("anonymising", total=None)
        assert len(lines(lambda told: len(told) > 2)) > 2


def test_a_long_wait_tells_each_phase_once_and_a_short_one_nothing(lines, monkeypatch):
    with command.status("starting"):
        pass
    assert lines() == []
    monkeypatch.setattr(command.PlainStatus, "delay", 0.01)
    with command.status("starting: weights (1 s)") as wait:
        assert lines(bool) == ["starting: weights (1 s)"]
        wait.update("starting: weights (2 s)")
        wait.update("starting: warm-up (3 s)")
    assert lines() == ["starting: weights (1 s)", "starting: warm-up (3 s)"]
    with command.status("reading"), redirect_stderr(io.StringIO()):
        assert lines(lambda told: len(told) > 2)[-1] == "reading ..."


def test_nothing_wraps_and_nothing_is_drawn_in_a_pipe(lines, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on many CI machines
    name = "x" * 300
    with command.progress() as bar:
        assert all(bar.track([1, 2], description=f"scores: {name}\nsecond line"))
    command.stderr.print(f"a remark: {name}", markup=False)
    told = lines()
    assert [line for line in told if line.startswith("\x1b")] == []
    assert told[0] == f"scores: {name} second line: 0/2"
    assert told[-1] == f"a remark: {name}"


def test_of_many_ranks_the_first_speaks(lines, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    for rank, told in (("1", 0), ("0", 2)):
        monkeypatch.setenv("RANK", rank)
        with command.progress() as bar:
            list(bar.track([1], description="training"))
        assert len(lines()) == told


def test_a_closed_stderr_stops_no_work(monkeypatch):
    broken = os.fdopen(os.dup(2), "w")
    broken.close()
    monkeypatch.setattr(sys, "stderr", broken)
    with command.PlainProgress(()) as bar:
        assert list(bar.track([1, 2])) == [1, 2]


def test_a_terminal_shows_a_bar(monkeypatch):
    monkeypatch.setattr(command, "_has_terminal", lambda: True)
    assert isinstance(command.progress("speed"), Progress)
