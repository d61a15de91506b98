"""`configs/eval/study.yaml`, typed: what a study is to show, with how many people, and what is assumed of them."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from eval.study.records import LEAST_PAUSE
from plume.config import Config


class Assumed(Config):
    """What the simulation assumes of agents and reviews. Spreads are standard deviations of the logarithm of time."""

    minutes: float = Field(6.0, gt=0, le=240, description="median active minutes of a reply without a draft")
    between_agents: float = Field(0.35, ge=0, le=2, description="spread of agents' speed")
    between_items: float = Field(0.25, ge=0, le=2, description="spread of what reviews ask for")
    effect_between_agents: float = Field(0.15, ge=0, le=1, description="spread of the draft's effect among agents")
    residual: float = Field(0.45, gt=0, le=2, description="spread of one agent's times, all else equal")
    learning: float = Field(0.1, ge=0, lt=1, description="share of time that the whole sitting's practice saves")
    drop_out: float = Field(0.1, ge=0, lt=0.9, description="share of agents who leave before the end")
    preferred: float = Field(
        0.5, gt=0, lt=1, description="share of pairs of finals won by the one that began as a draft, ties halved"
    )
    equal: float = Field(0.3, ge=0, lt=1, description="share of pairs of finals that are judged equal, or both bad")


class StudyConfig(Config):
    """A study with agents: timed writing with and without a draft, blind comparison of drafts and of final replies."""

    command = "study"

    data: Path = Field(description="dataset folder: one of its splits gives the reviews")
    split: Literal["test", "train"] = Field(
        "test",
        description="test: minutes, and choices that judge; train: choices and edits to learn from (plume train "
        "preferences), whose minutes are no measure: the system may have learnt these replies",
    )
    drafts: tuple[Path, ...] = Field(
        min_length=1, description="drafts.jsonl files; timed writing shows the first one's, comparisons show all"
    )
    out: Path = Field(description="the study's folder, to be made")
    agents: int | None = Field(None, ge=4, le=500, description="people who take part; null: as many as power needs")
    items: int | None = Field(
        None, ge=2, le=200, description="reviews that each agent answers, half with a draft; null: as power needs"
    )
    effect: float = Field(
        0.8, gt=0.1, lt=1, description="time with a draft over time without that the study is to show: 0.8 is a fifth"
    )
    quality_margin: float = Field(
        0.1, gt=0, lt=0.5, description="largest tolerable loss of quality: share of pairs won, below one half"
    )
    power: float = Field(0.8, gt=0.5, lt=1, description="wanted probability to show the effect")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="of the intervals; two-sided for time")
    idle_seconds: float = Field(
        60, ge=LEAST_PAUSE, le=600, description="longer without key, pointer, scroll or focus is a pause, not work"
    )
    comparisons: int = Field(
        10, ge=0, le=500, description="pairs of two systems' drafts that each agent compares; none with one system"
    )
    finals: int = Field(10, ge=0, le=500, description="pairs of final replies, one of each arm, that each agent rates")
    near_duplicate: float = Field(
        0.8, ge=0.5, le=1, description="likeness of word triples from which two reviews count as the same"
    )
    assumed: Assumed = Field(Assumed(), description="what is assumed of agents and reviews, for power alone")
    agent_choices: tuple[int, ...] = Field(
        (8, 12, 16, 20, 24, 32, 48), description="numbers of agents to try; fours balance all"
    )
    item_choices: tuple[int, ...] = Field((8, 12, 16, 20, 24), description="numbers of reviews an agent to try")
    simulations: int = Field(
        400, ge=20, le=20_000, description="simulated studies of the design that is chosen; half for each one tried"
    )
    url: str | None = Field(
        None, pattern=r"^https?://\S+$", description="address that agents' browsers reach; null: that of the server"
    )
    seed: int = Field(20231005, ge=0, lt=2**32, description="of the draw of reviews, the allocation, the simulations")

    @field_validator("drafts", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | Path) else value

    @field_validator("agent_choices", "item_choices")
    @classmethod
    def _are_counts(cls, counts: tuple[int, ...]) -> tuple[int, ...]:
        if not counts or min(counts) < 2 or max(counts) > 500:
            raise ValueError("give one or several numbers from 2 to 500")
        return tuple(sorted(set(counts)))

    @model_validator(mode="after")
    def _are_even(self) -> Self:
        """Half of the agents begin with the draft, half of the reviews have one."""
        odd = [name for name in ("agents", "items") if (getattr(self, name) or 0) % 2]
        odd += [name for name in ("agent_choices", "item_choices") if any(n % 2 for n in getattr(self, name))]
        if odd:
            raise ValueError(f"even numbers are wanted, halves of them are compared: {', '.join(odd)}")
        return self
