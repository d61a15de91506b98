"""The guided tours run from top to bottom."""

import nbformat
import pytest
from nbclient import NotebookClient

from plume.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs_and_is_committed_without_outputs(path, plume_home, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(plume_home))
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute()
    assert any("trained tokens" in str(cell.get("outputs")) for cell in notebook.cells)
