"""Read the counters that a page sends of one tab, and hold them to what the clock allows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eval.study.refusal import Refusal

_SLACK = 2.0  # s: two clocks, and the way between them
_KEYS_A_SECOND = 40  # more is a key that is held down, or no person
_MOST_PASTED = 1_000_000
_MOST_PAUSES = 5_000


@dataclass(frozen=True)
class Counters:
    """Holds what one tab counted since it was opened: seconds, gaps longer than 10 s, keys, characters pasted."""

    active_seconds: float = 0.0
    pauses: tuple[float, ...] = ()
    keystrokes: int = 0
    pasted_characters: int = 0

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Counters":
        """Read what a page sent. Raises Refusal `bad_counters` for what no page of ours sends: NaN, below 0, a text."""
        pauses = values.get("pauses", ())
        if not isinstance(pauses, list | tuple) or len(pauses) > _MOST_PAUSES:
            raise Refusal("bad_counters")
        return cls(
            _number(values.get("active_seconds", 0)),
            tuple(map(_number, pauses)),
            int(_number(values.get("keystrokes", 0))),
            int(_number(values.get("pasted_characters", 0))),
        )

    def within(self, elapsed: float, idle_seconds: float) -> tuple["Counters", set[str]]:
        """Cap what cannot be true `elapsed` seconds after the tab was opened; say what was capped.

        Active time and the pauses that are no work do not exceed the time that passed.
        """
        most = max(0.0, elapsed) + _SLACK
        pauses, idle = [], 0.0
        for pause in self.pauses:
            idle += pause if pause > idle_seconds else 0
            if idle > most or pause > most:
                break
            pauses.append(pause)
        active = min(self.active_seconds, max(0.0, most - sum(p for p in pauses if p > idle_seconds)))
        capped = replace(
            self,
            active_seconds=active,
            pauses=tuple(pauses),
            keystrokes=min(self.keystrokes, int(most * _KEYS_A_SECOND)),
            pasted_characters=min(self.pasted_characters, _MOST_PASTED),
        )
        return capped, {name for name in vars(self) if getattr(self, name) != getattr(capped, name)}

    def at_least(self, other: "Counters") -> "Counters":
        """Keep the larger of each: counters only grow, and requests may overtake each other."""
        return Counters(
            max(self.active_seconds, other.active_seconds),
            max(self.pauses, other.pauses, key=len),
            max(self.keystrokes, other.keystrokes),
            max(self.pasted_characters, other.pasted_characters),
        )

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            self.active_seconds + other.active_seconds,
            self.pauses + other.pauses,
            self.keystrokes + other.keystrokes,
            self.pasted_characters + other.pasted_characters,
        )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
        raise Refusal("bad_counters")
    return float(value)
