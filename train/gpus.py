"""Know a GPU by its name: how fast it multiplies bfloat16 matrices, and how much memory it has (`gpus.tsv`)."""

import re
from dataclasses import dataclass
from pathlib import Path

from plume.french.vocabulary import rows


@dataclass(frozen=True)
class Gpu:
    """A row of gpus.tsv: its name, dense bfloat16 operations a second, bytes of memory."""

    name: str
    flops: float
    memory: float


GPUS = tuple(
    Gpu(row["name"], 1e12 * float(row["tflops"]), 1e9 * float(row["memory_gb"]))
    for row in rows("gpus", Path(__file__).parent)
)


def known(name: str) -> Gpu | None:
    """Find the row of a GPU by the name that torch gives; None for one that is not listed, or a part or kind of one."""
    told = _words(name)
    if {"LAPTOP", "MIG", "TI", "D"} & set(told):  # of another speed or memory, under the name of the whole
        return None
    fitting = [gpu for gpu in GPUS if _holds(told, _words(gpu.name))]
    return max(fitting, key=lambda gpu: len(_words(gpu.name)), default=None)


def _words(name: str) -> list[str]:
    return re.findall(r"\w+", name.upper())


def _holds(told: list[str], wanted: list[str]) -> bool:
    """Whether all the wanted words are told, in their order: "A100-SXM4-80GB" holds "A100 80GB"."""
    left = iter(told)
    return all(word in left for word in wanted)
