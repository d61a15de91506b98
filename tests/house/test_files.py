"""No file is longer than can be read in one sitting, and ARCHITECTURE.md names files that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 400


def test_no_file_is_longer_than_one_sitting():
    files = (path for top in ("plume", "train", "eval", "serve") for path in (ROOT / top).rglob("*.py"))
    long = {str(path.relative_to(ROOT)) for path in files if path.read_text(encoding="utf-8").count("\n") > LONGEST}
    assert not long


def test_the_files_to_open_are_there():
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:plume|train|eval|serve|configs|tests|datasets|docs)/[^`\s|]*)`", page)
    assert len(named) > 30
    assert not {path for path in named if not (ROOT / path).exists()}
