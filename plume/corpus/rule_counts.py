"""How often each named rule fires over the texts of a file, so that dead rules are found and deleted."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import plume.checks
import plume.pseudonymise
from plume.errors import InputError
from plume.export.reader import read_records
from plume.french.rules import Rule, Text, find, registered
from plume.french.text import plain


def all_rules() -> tuple[Rule, ...]:
    """List the rules of the checks and of the pseudonymiser, by name."""
    for package in (plume.checks, plume.pseudonymise):  # their tables register when they are imported
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return registered()


def texts_of(path: Path) -> Iterator[str]:
    """Yield the texts of an export, of a JSON-lines file, or of the files of a dataset folder: values of several words.

    Raises InputError if there is no such file, or no text in it.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not path.exists() or not files:
        raise InputError(f"{path}: no export, JSON-lines file or dataset folder; name one")
    count = 0
    for file in files:
        for record in read_records(file):
            for value in (record.fields or {}).values():
                if isinstance(value, str) and " " in value.strip():
                    count += 1
                    yield value
    if not count:
        raise InputError(f"{path}: holds no text: no value of two words or more in {len(files)} file(s)")


def count(texts: Iterable[str], rules: Iterable[Rule]) -> tuple[dict[str, tuple[int, int]], int]:
    """Count by rule the hits and the texts that hold one, and the texts in all."""
    rules = tuple(rules)
    hits: Counter[str] = Counter()
    holding: Counter[str] = Counter()
    total = 0
    for text in texts:
        total += 1
        found = Counter(one.rule.name for one in find(Text(plain(text)), rules))
        hits.update(found)
        holding.update(found.keys())
    return {rule.name: (hits[rule.name], holding[rule.name]) for rule in rules}, total
