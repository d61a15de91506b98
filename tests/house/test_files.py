"""No file is longer than can be read in one sitting, and ARCHITECTURE.md names files that are there."""

import re
import tomllib
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


def test_a_file_named_without_its_folder_is_in_the_folder_that_its_row_named_before():
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## To change X")[2].partition("\n## ")[0]
    lost = []
    for row in table.split("\n- ")[1:]:
        folder = ROOT
        for name in re.findall(r"`([^`\s]+(?:\.[a-z0-9]+|/))`", row):
            path = ROOT / name if "/" in name else folder / name
            folder = path if path.is_dir() else path.parent
            lost += [] if path.exists() else [name]
    assert not lost


def test_a_wheel_holds_every_file_that_a_package_reads():
    """Templates, tables and scripts lie beside their code; setuptools takes what pyproject.toml names."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    for package in ("plume", "train", "eval", "serve"):
        there = {path for path in (ROOT / package).rglob("*.*") if path.suffix not in (".py", ".pyc", ".md")}
        assert there == {path for glob in named[package] for path in (ROOT / package).glob(glob)} & there, package
