"""The rule that a comparison is judged by, written before the drafts: `configs/eval/gate.yaml`, typed."""

import difflib
import json
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from plume.checks import GATING
from plume.config import Config
from plume.corpus.dataset import file_sha256

PRIMARY = "pass_all"
GATED = (PRIMARY, *(f"check:{name}" for name in GATING))


class Judged(Config):
    """A measure that the rule judges: a gating check, or all of them. Likeness to a published reply never is one."""

    measure: str = Field(description="pass_all, or check:NAME of a gating check")

    @field_validator("measure")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in GATED:
            near = difflib.get_close_matches(name, GATED, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known ones: {', '.join(GATED)}"
            raise ValueError(f"not a measure that may decide; {hint}")
        return name


class Safety(Judged):
    limit: float = Field(gt=0, lt=1, description="largest tolerable share of drafts that fail, as an upper bound")


class Guardrail(Judged):
    margin: float = Field(gt=0, lt=1, description="largest tolerable loss, as a difference of shares")


class Primary(Judged):
    measure: str = Field(PRIMARY, description="pass_all, or check:NAME of a gating check")
    worthwhile: float = Field(0.05, gt=0, lt=1, description="smallest gain worth a replacement")


class Integrity(Config):
    minimum: int = Field(30, ge=2, description="fewest items to judge by")
    prompts_may_differ: bool = Field(False, description="systems, not adapters, are compared")
    near_duplicate: float = Field(
        0.8, ge=0.5, le=1, description="likeness of word triples from which a test item is near a training item"
    )


class Slices(Config):
    by: tuple[Literal["network", "sentiment", "review_length"], ...] = Field(
        ("network", "sentiment", "review_length"), description="what items are grouped by"
    )
    minimum: int = Field(30, ge=2, description="fewest items to judge a slice by")
    margin: float = Field(0.1, gt=0, lt=1, description="a slice that certainly loses more on the primary vetoes")


class Rule(Config):
    """Integrity, then safety, guardrails, one primary measure, and a veto by slice.

    Limits and margins are judged by one-sided bounds at `confidence`; the primary by its two-sided interval.
    """

    command = "eval"

    confidence: float = Field(0.95, gt=0.5, lt=1, description="of bounds (one-sided) and of the primary's interval")
    power: float = Field(0.8, gt=0.5, lt=1, description="probability to conclude that advice on sample size aims at")
    integrity: Integrity = Field(Integrity(), description="what may be compared at all")
    safety: tuple[Safety, ...] = Field(description="measures of which not one draft may fail")
    guardrails: tuple[Guardrail, ...] = Field(description="measures that may not get worse by their margin")
    primary: Primary = Field(Primary(), description="the measure that a replacement must gain on")
    slices: Slices = Field(Slices(), description="groups of items, each of which may veto")

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [judged.measure for judged in (*self.safety, *self.guardrails)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"judged twice, as safety or guardrail: {', '.join(twice)}")
        if not self.safety:
            raise ValueError("safety: at least one measure is wanted")
        return self

    @property
    def measures(self) -> tuple[str, ...]:
        """Every measure that must be there for every item of both arms."""
        return tuple(dict.fromkeys(j.measure for j in (*self.safety, *self.guardrails, self.primary)))


def noted_before(gate: str | Path | None, sidecar: Path, *, kept: bool) -> str | None:
    """Digest of the rule that drafts.meta.json is to carry as `gate_sha256`, written before the first draft.

    While drafts are `kept` (a run is resumed), the rule noted first stays noted: a rule that was changed since is then
    seen by `plume eval compare`. None if no rule is given and none was noted. Raises InputError if `gate` is no rule.
    """
    if kept:
        try:
            noted = json.loads(sidecar.read_text(encoding="utf-8")).get("gate_sha256")
        except (OSError, ValueError, AttributeError):
            noted = None
        return noted  # drafts were there before any rule: none can be noted for them now
    if gate is None:
        return None
    Rule.load(gate)
    return file_sha256(gate)
