"""Weighs a sentence: above zero, it likely says something of one citizen's file; below, a rule, a feeling, advice.

Linear: the sum of the weights of what a sentence holds (words, pairs of words, rows of verb forms). The weights are
learnt from invented sentences (`weighing_training`). They stand in for no rule, but say which finding of one counts,
and find what no rule foresees.
"""

import json
import re
from array import array
from base64 import b64decode
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zlib import crc32, decompress

from plume.french.text import fold

WEIGHTS = Path(__file__).parent / "weighing.json"
_TOKEN = re.compile(r"[a-zà-ÿœ]+'?|\d+|[?!:;,.«»\"()]")
_STEM = 5  # letters of a word that its family shares
# What an ending tells, the first that fits; a participle tells gender and number too.
_PARTICIPLE = r"^(?:\w{2,}(?:é|i|u)|\w*(?:mis|pris|fait|dit|clos|ouvert|écrit|duit|truit|joint|acquis))"
_SHAPES = [
    (shape, re.compile(ending))
    for shape, ending in {
        "9": r"^\d",
        "future-a": r"^\w{3,}ra$",
        "future-ont": r"^\w{2,}ront$",
        "future-ons": r"^\w{2,}rons$",
        "future-ez": r"^\w{2,}rez$",
        "future-ai": r"^\w{2,}rai$",
        "imperfect": r"(?:ions|iez|ait|aient|rais)$",
        "done-es": _PARTICIPLE + "es$",
        "done-e": _PARTICIPLE + "e$",
        "done-s": _PARTICIPLE + "s$",
        "done": _PARTICIPLE + "$",
        "-ant": r"ant$",
        "infinitive": r"\w(?:er|ir|re|oir)$",
        "-ons": r"ons$",
        "-ez": r"ez$",
        "-ent": r"(?<!m)ent$",
        "-ment": r"ment$",
        "-tion": r"(?:tion|sion|age|ance|ence|té)$",
        "-s": r"[sx]$",
        "-e": r"e$",
    }.items()
]


class Weights(NamedTuple):
    """One weight, in units, for each bucket of features; the words that are frequent enough to stand for themselves."""

    of: array  # of signed bytes
    unit: float
    bias: float
    frequent: frozenset[str]


@cache
def shipped() -> Weights:
    """Read the weights of this repository."""
    held = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    of = array("b", decompress(b64decode(held["weights"])))
    return Weights(of, held["unit"], held["bias"], frozenset(held["frequent"]))


def tokens(sentence: str) -> list[str]:
    """Cut a sentence in lower case into words, numbers and signs."""
    return _TOKEN.findall(sentence)


def features(sentence: str, frequent: frozenset[str]) -> set[str]:
    """List what a sentence in lower case holds, whatever its order but for neighbours."""
    read = tokens(sentence)
    words = ["^", *map(fold, read), "$"]
    shapes = ["^", *(_shape(word, word in frequent) for word in read), "$"]
    return {
        *words,
        *map(" ".join, pairwise(words)),
        *("=" + one for one in shapes),
        *map("={} {}".format, shapes, shapes[1:]),
        *map("={} {} {}".format, shapes, shapes[1:], shapes[2:]),
        *("-" + word[:_STEM] for word in words if len(word) > _STEM),
    }


def buckets(held: set[str], size: int) -> Iterator[int]:
    """Give the bucket of each feature: two may share one."""
    return (crc32(one.encode()) % size for one in held)


def weight(sentence: str, weights: Weights | None = None) -> float:
    """Weigh a sentence in lower case, by the weights of this repository unless others are given."""
    of, unit, bias, frequent = weights or shipped()
    return bias + unit * sum(map(of.__getitem__, buckets(features(sentence, frequent), len(of))))


@lru_cache(maxsize=1 << 16)
def _shape(word: str, frequent: bool) -> str:
    """Give a frequent word itself, else what its ending tells of it."""
    if frequent or not word[0].isalnum():
        return word
    return next((shape for shape, ending in _SHAPES if ending.search(word)), "x")
