"""The guided tours run from top to bottom, and say what is kept in them."""

import getpass
import json
import re
import socket

import nbformat
import pytest

from docs.notebooks import NOTEBOOKS, VARIES, execute, said
from plume.paths import ROOT

MOST = 300_000  # bytes of a notebook with its plots
OF_A_MACHINE = re.compile(r"/(?:home|root|work|tmp|usr|private|Users)/|\b\d\d:\d\d:\d\d\b|\x1b\[|Traceback")
named = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def _code(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["1-train", "2-evaluate", "3-time-and-serve"]


@named
def test_what_is_kept_is_small_and_says_nothing_of_a_machine(path):
    code = _code(path)
    assert path.stat().st_size < MOST
    assert all(cell.execution_count is None for cell in code)
    shown = [cell for cell in code if re.search(r"\bprint\(|plt\.show\(", cell.source) and "def " not in cell.source]
    assert shown
    assert all(cell.outputs for cell in shown)
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
    told = json.dumps([said_by for cell in code for said_by in map(_words, cell.outputs)], ensure_ascii=False)
    assert not OF_A_MACHINE.search(told)
    assert str(ROOT) not in told
    for name in (socket.gethostname(), getpass.getuser()):
        assert not re.search(rf"\b{re.escape(name)}\b", told)


def _words(output):
    return output.get("text") or [text for kind, text in output.data.items() if kind.startswith("text/")]


def test_what_may_differ_is_marked_and_seldom():
    for path in NOTEBOOKS:
        code = _code(path)
        assert sum(VARIES in cell.metadata.get("tags", ()) for cell in code) <= len(code) / 3, path.name


# The third trains and starts a server, unless one stands: tests/serve/test_notebook.py runs it there, and this at length.
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.long if "serve" in path.stem else (), id=path.stem) for path in NOTEBOOKS],
)
def test_it_runs_and_says_what_is_kept(path, plume_home):
    assert said(execute(path)) == said(nbformat.read(path, as_version=4))
