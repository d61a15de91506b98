"""`configs/train/preferences.yaml`, typed."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from plume.config import Config
from plume.store import StoreUri
from train.config import Optimiser, StartingBase


class HeldOut(Config):
    """What is kept apart to see whether the model learns the taste, and what it decides."""

    share: float = Field(0.1, ge=0, le=0.5, description="share of the reviews whose judgements are held out")
    every: int = Field(20, ge=1, description="steps")
    patience: int | None = Field(
        None, ge=1, description="stop after so many validations without a lower loss; null: never"
    )


class PreferencesConfig(Config):
    """Learning from agents' work. Files are named on the command line: decisions=FILE, or decisions=[FILE, FILE]."""

    command = "preferences"

    data: Path = Field(description="dataset folder: the reviews that ids name, and those that are held out for eval")
    out: Path = Field(description="folder of the run, as of plume train")
    decisions: tuple[Path, ...] = Field((), description="files of plume serve decisions --reviews")
    ratings: tuple[Path, ...] = Field((), description="files of ratings: which of two systems' drafts is better")
    drafts: tuple[Path, ...] = Field((), description="drafts.jsonl files of the systems that ratings name")
    base: StartingBase = Field(
        StartingBase(),
        description="where learning starts: adapter; the base model is its own, so leave that out",
    )
    prompt: str | None = Field(None, description="prompt version; always the adapter's, so leave it out")
    method: Literal["dpo", "kto"] = Field(
        "dpo", description="dpo learns from pairs (final over draft); kto from each text, accepted drafts too"
    )
    beta: float = Field(0.1, gt=0, description="how closely the model stays to where it starts; higher is closer")
    anchor: float = Field(
        1.0,
        ge=0,
        description="of dpo: weight of plain training on the wanted texts, beside the preference; 0: none",
    )
    optimiser: Optimiser = Field(
        Optimiser(learning_rate=2e-5), description="AdamW, with linear warm-up and cosine decay"
    )
    validation: HeldOut = Field(HeldOut(), description="what is looked at on the way")
    least_edit: float = Field(
        0.03, ge=0, lt=1, description="share of the words that an edit must change, greeting and closing apart"
    )
    ner: bool = Field(True, description="look for names with the recogniser, too, in what people wrote")
    least_judgements: int = Field(50, ge=2, description="fewer to learn from are refused: they teach chance")
    max_tokens: int = Field(1024, ge=16, description="of a prompt and a text together; longer ones are left out")
    batch_size: int = Field(8, ge=2, description="judgements a step")
    micro_batch: int | None = Field(
        None, ge=1, description="judgements computed at once; null: batch_size. Only dpo's steps can be cut"
    )
    recompute: bool = Field(False, description="activations made again in the backward pass: less memory")
    max_epochs: float = Field(1.0, gt=0, description="times that every judgement is seen, at most")
    max_steps: int | None = Field(None, ge=1, description="stop here, even in the middle of an epoch")
    checkpoint_every: int = Field(20, ge=1, description="steps")
    max_loss_jump: float | None = Field(
        None, gt=0, description="above the last 20 losses' median, what stops a run; null: never"
    )
    dtype: Literal["float32", "bfloat16"] = Field("bfloat16", description="of the base weights and of what is computed")
    seed: int = Field(20231005, ge=0, lt=2**62, description="of the order of judgements and of what is held out")
    country: str = Field("FRA", pattern="^[A-Z]{3}$", description="ISO code, for the carbon intensity of electricity")
    tracking_uri: StoreUri | None = Field(
        None, description="MLflow store; by default $MLFLOW_TRACKING_URI, else the local one"
    )
    register_version: bool = Field(True, description="register the adapter as a version of plume-reply")

    @field_validator("decisions", "ratings", "drafts", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | Path) else value

    @model_validator(mode="after")
    def _consistent(self) -> "PreferencesConfig":
        problems = []
        if not (self.decisions or self.ratings):
            problems.append("nothing to learn from: give decisions=FILE, ratings=FILE or both")
        if self.ratings and not self.drafts:
            problems.append("ratings name systems: give their drafts, too: drafts=[FILE, FILE]")
        if self.method == "kto" and self.micro_batch not in (None, self.batch_size):
            problems.append(
                f"micro_batch={self.micro_batch}: kto compares the texts of a whole step, so it cannot be cut; use "
                "micro_batch=null, with a lower batch_size where memory is short, or method=dpo"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def anchored(self) -> bool:
        """Whether the wanted texts are trained on, too. trl's kto has no such term."""
        return self.method == "dpo" and self.anchor > 0

    @property
    def canaries(self) -> int:
        """Plants none: what is measured of secrets is of plain training."""
        return 0
