"""`configs/train/*.yaml`, typed."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from plume.config import Config
from plume.models import Base


class Lora(Config):
    """What PEFT adapts, kept to what vLLM serves: no DoRA, no `modules_to_save`, no resized vocabulary."""

    rank: Literal[1, 8, 16, 32, 64, 128] = 16
    alpha: int = Field(32, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: str | list[str] = "all-linear"


class Optimiser(Config):
    """AdamW with linear warm-up and cosine decay."""

    learning_rate: float = Field(2e-4, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    warmup_share: float = Field(0.05, ge=0, lt=1, description="share of the steps")
    max_grad_norm: float = Field(1.0, gt=0)


class TrainConfig(Config):
    """A training run. `data` and `out` may also be given on the command line: data=DIR out=DIR."""

    data: Path = Field(description="dataset folder")
    out: Path = Field(description="folder of the run: config, steps, checkpoint, and the adapter in out/adapter")
    base: Base = Base()
    prompt: str = Field("v1", description="prompt version, a file of plume/prompts")
    lora: Lora = Lora()
    optimiser: Optimiser = Optimiser()
    max_tokens: int = Field(
        1024, ge=16, description="a longer sample (prompt and reply) is left out, counted and listed"
    )
    batch_size: int = Field(8, ge=1, description="pairs a step, whatever the number of devices")
    micro_batch_tokens: int = Field(4096, ge=16, description="tokens, padding included, that a device computes at once")
    max_epochs: float = Field(3.0, gt=0)
    max_steps: int | None = Field(None, ge=1, description="stop here, even in the middle of an epoch")
    validate_every: int = Field(20, ge=1, description="steps")
    checkpoint_every: int = Field(20, ge=1, description="steps")
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    seed: int = 20231005
    tracking_uri: str | None = Field(
        None, description="MLflow store; by default $MLFLOW_TRACKING_URI, else the local one"
    )
    register_version: bool = Field(True, description="register the adapter as a version of plume-reply")

    @model_validator(mode="after")
    def _room_for_one(self) -> "TrainConfig":
        if self.micro_batch_tokens < self.max_tokens:
            raise ValueError(
                f"micro_batch_tokens={self.micro_batch_tokens} is less than max_tokens={self.max_tokens}: "
                "one long sample would not fit; raise the first or lower the second"
            )
        return self
