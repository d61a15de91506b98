"""The guided tours run from top to bottom, and say what is kept in them."""

import json
import re

import nbformat
import pytest

from docs.notebooks import NOTEBOOKS, execute, said


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["1-train", "2-evaluate", "3-time-and-serve"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_kept_is_small_and_says_nothing_of_a_machine(path):
    notebook = nbformat.read(path, as_version=4)
    assert path.stat().st_size < 400_000
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count is None for cell in code)
    assert sum(bool(cell.outputs) for cell in code) >= 5
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
    told = json.dumps([cell.outputs for cell in code])
    assert not re.search(r"/(home|root|work|tmp|usr)/|\bTraceback\b", told)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_says_what_is_kept(path, plume_home):
    assert said(execute(path)) == said(nbformat.read(path, as_version=4))
