"""Read the counters that a page sends of one tab, and tell what the server's clock does not allow.

Refused is what no page of ours sends: no number, below 0, beyond any day's work. What is only more than the clock of
the server allows is kept as it came, and marked: a lost connection may delay the opening of a tab, and two clocks
may differ. The organiser sees how often that was, and the records name the writings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval.study.refusal import Refusal

_SLACK = 2.0  # s: two clocks, and the way between them
_KEYS_A_SECOND = 40  # more is no person
_MOST_ACTIVE = 86_400.0  # s
_MOST_PAUSE = 1e7  # s: a tab may stay open for weeks
_MOST_PAUSES = 5_000
_MOST_COUNTED = 10_000_000  # keys, characters pasted


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
            _number(values.get("active_seconds", 0), _MOST_ACTIVE),
            tuple(_number(pause, _MOST_PAUSE) for pause in pauses),
            int(_number(values.get("keystrokes", 0), _MOST_COUNTED)),
            int(_number(values.get("pasted_characters", 0), _MOST_COUNTED)),
        )

    def beyond(self, elapsed: float, idle_seconds: float) -> set[str]:
        """Name what cannot be true `elapsed` seconds after the tab was opened.

        Active time, and the pauses that are no work, do not exceed together the time that passed.
        """
        most = max(0.0, elapsed) + _SLACK
        idle = sum(pause for pause in self.pauses if pause > idle_seconds)
        told = {
            "active_seconds": self.active_seconds + idle > most,
            "keystrokes": self.keystrokes > _KEYS_A_SECOND * most,
        }
        return {name for name, impossible in told.items() if impossible}

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


def _number(value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:  # NaN is neither
        raise Refusal("bad_counters")
    return float(value)
