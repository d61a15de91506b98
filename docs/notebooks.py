"""Execute the notebooks and keep their outputs in them: python docs/notebooks.py [NAME…]

The tests execute them anew (`execute`), and compare what they say with what is kept (`said`). A cell whose output may
differ from machine to machine or from run to run bears the tag `varies`.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from plume.files import write
from plume.models import Base, resolve
from plume.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
VARIES = "varies"


def execute(path: Path) -> nbformat.NotebookNode:
    """Run a notebook from the root of the clone, in this PLUME_HOME; return it with its outputs.

    Raises CellExecutionError.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(ROOT)}}).execute()
    for cell in notebook.cells:
        cell.metadata = {"tags": tags} if (tags := cell.metadata.get("tags")) else {}
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [_kept(output) for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return notebook


def _kept(output: Any) -> Any:
    """Drop what is of this run alone."""
    output = nbformat.NotebookNode(output)
    output.pop("execution_count", None)
    if "metadata" in output:
        output.metadata = {}
    if output.output_type == "execute_result":
        output.output_type = "display_data"
    return output


def said(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """List what each code cell says, plots as the word `plot`; of cells that vary, whether they say anything."""
    told = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines = [_text(output) for output in cell.outputs]
            told.append([str(bool(lines))] if VARIES in cell.metadata.get("tags", ()) else ["".join(lines)])
    return told


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return output.text
    return "plot" if "image/png" in output.data else output.data["text/plain"]


def main() -> None:
    models = Path(resolve(Base())).parent  # unpacked once a machine
    asked = [path for path in NOTEBOOKS if path.stem in sys.argv[1:] or not sys.argv[1:]]
    if unknown := sorted({*sys.argv[1:]} - {path.stem for path in asked}):
        sys.exit(f"no such notebook: {', '.join(unknown)}; there are {', '.join(path.stem for path in NOTEBOOKS)}")
    for path in asked:
        with tempfile.TemporaryDirectory(prefix="plume-home-") as home:
            (Path(home) / "models").symlink_to(models, target_is_directory=True)
            os.environ["PLUME_HOME"] = home
            write(path, nbformat.writes(execute(path)) + "\n")
        print(path.name)  # noqa: T201


if __name__ == "__main__":
    main()
