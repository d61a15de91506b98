"""README's pictures are made by docs/screenshots.py, or drawn; they are small, and each is shown."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LARGEST = 150_000  # bytes


def made() -> set[str]:
    """Read the names of the pictures that the script makes, without importing it."""
    tree = ast.parse((ROOT / "docs" / "screenshots.py").read_text(encoding="utf-8"))
    (pictures,) = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "PICTURES"]
    return {key.value for key in pictures.keys}


def test_every_picture_of_readme_is_made_by_the_script():
    shown = set(re.findall(r"!\[[^\]]+\]\(docs/([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {name for name in shown if name.endswith(".png")} == made()
    assert {path.name for path in (ROOT / "docs").glob("*.png")} == made()
    for name in shown:
        assert 1000 < (ROOT / "docs" / name).stat().st_size < LARGEST, name
