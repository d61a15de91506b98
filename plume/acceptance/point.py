"""A point of the acceptance: what is expected, what was measured, and whether it holds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

Verdict = Literal["ok", "not ok", "not checked"]
ENDED = "the part as a whole"  # the point that a part has which was cut short, left out, or never begun


@dataclass(frozen=True)
class Point:
    """Holds one line of the report; `why` says what is wrong, or why it was not checked."""

    name: str
    expected: str
    measured: str
    verdict: Verdict
    why: str = ""

    @classmethod
    def judged(cls, name: str, expected: str, measured: object, holds: bool, why: str = "") -> Self:
        """Make a point that holds or not; `why` is told only if it does not."""
        return cls(name, expected, str(measured), "ok" if holds else "not ok", "" if holds else why)

    @classmethod
    def unchecked(cls, name: str, expected: str, why: str, measured: object = "") -> Self:
        return cls(name, expected, str(measured), "not checked", why)


@dataclass(frozen=True)
class Part:
    """Holds a part's points and the seconds that it took; `missing` is whether the machine lacked something."""

    name: str
    points: Sequence[Point]
    seconds: float = 0.0
    missing: bool = False

    @property
    def is_ok(self) -> bool:
        """Tell whether it was done and nothing is wrong: --resume leaves it as it is."""
        return not any(p.verdict == "not ok" or p.name == ENDED for p in self.points)

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(**{**told, "points": [Point(**point) for point in told["points"]]})

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
