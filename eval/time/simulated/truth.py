"""What a simulated export was made with, kept beside it, and said beside what is estimated."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.time.measurement import MAIN, Measurement
from plume.errors import InputError
from plume.page.numbers import interval, number

KEYS = {"divided_by", "export_sha256", "seed", "world"}


@dataclass(frozen=True)
class Truth:
    """Holds what help divides the wait by (all reviews after the start, as MAIN limits it), and how it was drawn."""

    divided_by: float
    export_sha256: str
    seed: int
    world: dict[str, Any]

    def text(self) -> str:
        return json.dumps({"quantity": MAIN, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True)
class Told:
    """Holds the truth beside the estimate and beside the naive mean: each says by how much the wait is divided."""

    truth: Truth
    estimate: Measurement
    naive: Measurement

    @property
    def line(self) -> str:
        """Say it in one French line: the ratios, with the interval of the estimate."""
        found = "non estimable" if self.estimate.estimate is None else f"÷{number(self.estimate.estimate, 2)}"
        if self.estimate.lower is not None:
            found += f" ({interval(self.estimate.lower, self.estimate.upper, lambda bound: number(bound, 2))})"
        naive = "non calculable" if self.naive.estimate is None else f"÷{number(self.naive.estimate, 2)}"
        return f"effet simulé : ÷{number(self.truth.divided_by, 2)} ; estimé : {found} ; moyenne naïve : {naive}"

    def document(self) -> dict[str, Any]:
        """Give what time.json holds of it."""
        of = {"divided_by": self.truth.divided_by, "seed": self.truth.seed, "line": self.line}
        held = self.estimate.lower is not None and self.estimate.lower <= self.truth.divided_by <= self.estimate.upper
        return of | {"quantity": MAIN, "held": held}


def truth_file(export: Path) -> Path:
    """Name the file that holds the truth of a simulated export."""
    return export.with_suffix(".truth.json")


def read_truth(export: Path) -> Truth | None:
    """Read the truth beside an export, None where there is none. Raises InputError of a file that is damaged."""
    path = truth_file(export)
    if not path.is_file():
        return None
    try:
        row = json.loads(path.read_text("utf-8"))
        return Truth(**{key: row[key] for key in KEYS} | {"divided_by": float(row["divided_by"])})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not the truth of a simulation; remove it, or simulate anew") from error


def tell(truth: Truth, estimates: Sequence[Measurement]) -> Told | None:
    """Put the truth beside the rows of `estimates` that say the same; None where there are no two periods."""
    by = {(row.quantity, row.comparison, row.group): row for row in estimates}
    found, naive = by.get((MAIN, "before_after", "all")), by.get(("naive_mean_days", "before_after", "all"))
    return Told(truth, found, naive) if found and naive else None
