"""Looks for known weaknesses of the pinned packages, and for licences that plume could not use. Run by `make audit`.

Not part of the tests: what databases say changes from one day to the next, and they are asked over the network.
"""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

HERE = Path(__file__).parent
TOOL = "pip-audit==2.10.1"
PERMISSIVE = re.compile(r"MIT|BSD|Apache|ISC\b|PSF|Python Software Foundation|CC0|Unlicense")
LIMITED = re.compile(r"GPL|MPL|Mozilla|Proprietary|LGPL|EUPL|CC-BY-NC")


def name_of(package: str) -> str:
    """Write a package's name as the index does."""
    return re.sub(r"[-_.]+", "-", package).lower()


def licence(package: Distribution) -> str:
    """Give the licence that a package's metadata names; empty if none does."""
    told = package.metadata
    classes = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier") or () if c.startswith("License ::")]
    lines = (told.get("License") or "").strip().splitlines()
    return told.get("License-Expression") or "; ".join(classes) or (lines[0] if lines else "")


def unexplained(packages: Iterable[Distribution], known: set[str]) -> list[str]:
    """List packages whose licence is not permissive, and that the list of exceptions does not explain."""
    told = {name_of(package.metadata["Name"]): licence(package) for package in packages}
    allowed = {name for name, text in told.items() if PERMISSIVE.search(text) and not LIMITED.search(text)}
    return [f"{name}: {told[name] or 'no licence named'}" for name in sorted(set(told) - allowed - known)]


def exceptions() -> set[str]:
    """Read the packages of licences.tsv."""
    lines = (HERE / "licences.tsv").read_text(encoding="utf-8").splitlines()
    return {name_of(row["package"]) for row in csv.DictReader(lines[1:], delimiter="\t")}


def weaknesses(report: dict) -> tuple[list[str], int, int]:
    """Read pip-audit's report: the weaknesses, how many packages were looked up, how many could not be."""
    looked_up = [package for package in report["dependencies"] if "skip_reason" not in package]
    found = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in {', '.join(weakness['fix_versions'])}"
        for package in looked_up
        for weakness in package["vulns"]
    ]
    return found, len(looked_up), len(report["dependencies"]) - len(looked_up)


def ask() -> dict | None:
    """Ask the databases of PyPI about all pins; None if pip-audit could not run."""
    uvx = Path(sys.executable).parent / "uvx"
    command = [uvx, TOOL, "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    told = subprocess.run([*command, "-r", HERE / "hashes.txt"], capture_output=True, text=True, check=False)
    try:
        return json.loads(told.stdout)
    except ValueError:
        return None


def main() -> int:
    """Print what was found. 0: nothing speaks against the packages; 1: something does; 3: nobody could be asked."""
    strange = unexplained(distributions(), exceptions())
    found, looked_up, skipped = weaknesses(ask() or {"dependencies": []})
    lines = [f"licence: {line}; explain it in requirements/licences.tsv" for line in strange]
    lines += [f"weakness: {line}" for line in found]
    total = f"{looked_up} packages looked up, {skipped} not known to the database"
    if not looked_up:
        total = "the database of weaknesses cannot be reached: run it where PyPI itself answers"
    lines.append(f"audit: {total}; weaknesses {len(found)}, licences to explain {len(strange)}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found or strange else 0 if looked_up else 3


if __name__ == "__main__":
    sys.exit(main())
