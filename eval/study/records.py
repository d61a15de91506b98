"""Define the records of a study, which all that comes after the server reads, and their form as JSON lines.

Records that plume makes are not validated again; those that a file gives are, line by line.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from plume.errors import InputError
from plume.files import read_jsonl, to_jsonl, write

Arm = Literal["draft", "blank"]  # the agent began from a draft, or from an empty page
Experience = Literal["novice", "expert"]  # has answered reviews for less, or for more than a year
Sequence = Literal["draft first", "blank first"]  # the arm of the first period
Outcome = Literal["accepted", "edited", "rejected"]  # what became of the draft
Choice = Literal["left", "right", "equal", "neither"]
Name = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]

ARMS: tuple[Arm, ...] = get_args(Arm)
LEAST_PAUSE = 10.0  # seconds: each longer gap between two signs of activity is kept as a pause
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Item:
    """Holds a review of the study, pseudonymised, and the draft of each system."""

    id: Name
    network: str | None
    structure: str | None
    sentiment: str | None
    title: str | None
    review: Name
    drafts: dict[str, str]
    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Agent:
    """Describes a person who takes part. `experience` is None where it was not said."""

    id: Name
    experience: Experience | None
    sequence: Sequence
    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Writing:
    """Holds one timed writing: one agent answered one review, from a draft or from an empty page.

    Attributes:
        position: from 1, over all that the agent writes in the study.
        system: which system's draft was shown; None without a draft.
        active_seconds: sum of the gaps between two signs of activity that are not longer than `idle_seconds`.
        pauses: every gap longer than LEAST_PAUSE, also those that count as active, in seconds.
        idle_seconds: the cap in force: a longer gap is a pause, not work.
        outcome: what became of the draft; None without one.
        submitted_at: ISO time.
    """

    agent: Name
    item: Name
    network: str | None
    sentiment: str | None
    arm: Arm
    period: Literal[1, 2]
    position: Annotated[int, Field(ge=1)]
    system: str | None
    active_seconds: Seconds
    pauses: tuple[Seconds, ...]
    idle_seconds: Annotated[float, Field(ge=LEAST_PAUSE, allow_inf_nan=False)]
    keystrokes: Count
    pasted_characters: Count
    draft: str | None
    final: str
    outcome: Outcome | None
    submitted_at: str
    __pydantic_config__ = _STRICT

    def active_at(self, cap: float) -> float:
        """Give the active seconds under another idle cap, of LEAST_PAUSE or more."""
        between = sum(p for p in self.pauses if min(cap, self.idle_seconds) < p <= max(cap, self.idle_seconds))
        return max(0.0, self.active_seconds + (between if cap > self.idle_seconds else -between))


@dataclass(frozen=True)
class Rating:
    """Holds one blind judgement of two texts that answer the same review.

    Of drafts, `left` and `right` are systems. Of finals they are arms, and `writers` are the agents who wrote them.
    """

    rater: Name
    item: Name
    kind: Literal["drafts", "finals"]
    left: Name
    right: Name
    choice: Choice
    reasons: tuple[str, ...]
    position: Annotated[int, Field(ge=1)]
    submitted_at: str
    writers: tuple[str, str] | None = None
    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Study:
    """Holds all that a study recorded. `flow` counts who was invited, began, finished and left, by what it names."""

    agents: tuple[Agent, ...]
    writings: tuple[Writing, ...]
    ratings: tuple[Rating, ...]
    flow: dict[str, Any] = field(default_factory=dict)


_TYPES = {"agent": Agent, "writing": Writing, "rating": Rating}  # what the key `record` of a line says


def to_lines(study: Study) -> bytes:
    """Write a study as JSON lines: its flow, then its agents, writings and ratings."""
    rows: list[dict[str, Any]] = [{"record": "flow", **study.flow}]
    for name, records in (("agent", study.agents), ("writing", study.writings), ("rating", study.ratings)):
        rows += [{"record": name, **asdict(record)} for record in records]
    return to_jsonl(rows)


def write_study(path: Path, study: Study) -> None:
    """Write a study's lines to a file. Raises OSError."""
    write(path, to_lines(study))


def read_study(path: str | Path) -> Study:
    """Read what `write_study` wrote. Raises InputError that names the first line that is wrong, and its key."""
    found: dict[str, list] = {name: [] for name in _TYPES}
    flow: dict[str, Any] = {}
    for number, row in enumerate(read_jsonl(path, needs=("record",)), 1):
        kind, values = row["record"], {key: value for key, value in row.items() if key != "record"}
        if kind == "flow":
            flow = values
        elif kind in found:
            found[kind].append(_validated(_TYPES[kind], values, f"{path}, line {number}"))
        else:
            raise InputError(f"{path}, line {number}: record {kind!r} is none of flow, {', '.join(_TYPES)}")
    study = Study(tuple(found["agent"]), tuple(found["writing"]), tuple(found["rating"]), flow)
    _check_together(study, path)
    return study


def items_lines(items: Iterable[Item]) -> bytes:
    """Write reviews as the content of items.jsonl."""
    return to_jsonl(map(asdict, items))


def write_items(path: Path, items: Iterable[Item]) -> None:
    """Write items.jsonl. Raises OSError."""
    write(path, items_lines(items))


def read_items(path: str | Path) -> list[Item]:
    """Read items.jsonl. Raises InputError."""
    rows = enumerate(read_jsonl(path, needs=("id", "review", "drafts")), 1)
    return [_validated(Item, row, f"{path}, line {number}") for number, row in rows]


@cache
def _adapter(kind: type) -> TypeAdapter:
    return TypeAdapter(kind)


def _validated(kind: type, values: dict[str, Any], where: str) -> Any:
    try:
        return _adapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        # What was given is not repeated: it may be a text.
        raise InputError(f"{where}: {key}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None


def _check_together(study: Study, path: str | Path) -> None:
    """Refuse records of unknown agents, and two writings of one review by one agent."""
    known = {agent.id for agent in study.agents}
    named = [(w.agent, "writes") for w in study.writings] + [(r.rater, "rates") for r in study.ratings]
    for agent, does in named:
        if agent not in known:
            raise InputError(f"{path}: {agent!r} {does}, and no agent of that name is recorded; export the study again")
    twice = [pair for pair, n in Counter((w.agent, w.item) for w in study.writings).items() if n > 1]
    if twice:
        raise InputError(f"{path}: agent {twice[0][0]!r} wrote {twice[0][1]!r} twice; export the study again")
