"""The files by which others find, cite, check and extend plume are true, and in the form that readers expect."""

import csv
import importlib.util
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml

from plume import __version__

ROOT = Path(__file__).parents[2]
TOOL = [sys.executable, "-m", "check_jsonschema"]
CITATION = ("CITATION.cff", "--builtin-schema", "vendor.citation-file-format")
PUBLICCODE = ("publiccode.yml", "--schemafile", str(ROOT / "tests/house/publiccode.schema.json"))

_spec = importlib.util.spec_from_file_location("audit", ROOT / "requirements" / "audit.py")
audit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(audit)


def checked(content: dict, schema: tuple[str, ...], folder: Path) -> int:
    path = folder / "file.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return subprocess.run([*TOOL, *schema, path], capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("name", "schema", "planted"),
    [(CITATION[0], CITATION[1:], {"authors": []}), (PUBLICCODE[0], PUBLICCODE[1:], {"developmentStatus": "finished"})],
)
def test_what_catalogues_read_is_valid(name, schema, planted, tmp_path):
    content = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    assert checked(content, schema, tmp_path) == 0
    assert checked(content | planted, schema, tmp_path) == 1
    assert content.get("version", content.get("softwareVersion")) == __version__


def test_the_changelog_names_the_version_and_what_is_not_yet_one():
    page = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert headings[1].startswith(f"[{__version__}] - ")
    kinds = set(re.findall(r"^### (.*)$", page, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert page.count("\n") <= 120


def test_hooks_start_tools_that_make_install_puts_there():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tools = {re.split(r"[>=<]", package)[0] for package in project["optional-dependencies"]["dev"]}
    assert [repo["repo"] for repo in hooks] == ["local"]
    for hook in hooks[0]["hooks"]:
        program, *arguments = hook["entry"].split()
        assert program == "git" or program.removeprefix(".venv/bin/") in tools
        assert all((ROOT / word).exists() for word in arguments if "/" in word)
        assert hook["language"] == "system"


def pins(file: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
    return dict(re.match(r"([\w.-]+)==(\S+)", line).groups() for line in lines if re.match(r"[\w.-]+==", line))


def test_every_pin_has_its_hashes():
    page = (ROOT / "requirements" / "hashes.txt").read_text(encoding="utf-8")
    assert pins("hashes.txt") == pins("constraints.txt")
    assert all("--hash=sha256:" in block for block in re.split(r"^(?=\w)", page, flags=re.MULTILINE)[1:])


@pytest.mark.long
def test_a_file_with_another_hash_is_refused(tmp_path):
    page = (ROOT / "requirements" / "hashes.txt").read_text(encoding="utf-8")
    (block,) = re.findall(r"^wasabi==.*\n(?:    .*\n)+", page, re.MULTILINE)
    uv = [Path(sys.executable).parent / "uv", "pip", "install", "--no-deps", "--require-hashes", "--no-cache"]
    for given, code in ((block, 0), (re.sub(r"sha256:....", "sha256:0000", block), 1)):
        (tmp_path / "asked.txt").write_text(given)
        command = [*uv, "--target", tmp_path / str(code), "-r", tmp_path / "asked.txt"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    assert "Hash mismatch" in done.stderr


def test_every_licence_is_permissive_or_explained():
    pinned = {audit.name_of(name) for name in pins("constraints.txt")}  # a GPU machine has more; make audit tells
    here = [package for package in distributions() if audit.name_of(package.metadata["Name"]) in pinned]
    assert len(here) > 100
    assert audit.unexplained(here, audit.exceptions()) == []


def test_a_licence_that_nobody_explained_and_a_weakness_are_told():
    class Package:
        def __init__(self, name, licence):
            self.metadata = FakeMetadata({"Name": name, "License-Expression": licence})

    class FakeMetadata(dict):
        def get_all(self, name):
            return []

    packages = [Package("a", "MIT"), Package("b", "AGPL-3.0-only"), Package("C_d", ""), Package("e", "GPL-3.0")]
    assert audit.unexplained(packages, {"e"}) == ["b: AGPL-3.0-only", "c-d: no licence named"]
    weak = {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
    report = {"dependencies": [weak, {"name": "b", "version": "1", "skip_reason": "not found"}]}
    assert audit.weaknesses(report) == (["a 1: X-1, mended in 2"], 1, 1)


def test_exceptions_are_for_packages_that_are_pinned():
    lines = (ROOT / "requirements" / "licences.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = list(csv.DictReader(lines, delimiter="\t"))
    assert all(row["why"] for row in rows)
    assert {row["package"] for row in rows} - {"setuptools"} <= {
        audit.name_of(name) for name in pins("constraints.txt")
    }
