"""`configs/train/*.yaml`, typed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from plume.config import Config, read_yaml
from plume.errors import InputError
from plume.models import Base, fast_dtype, located
from plume.paths import in_clone
from plume.store import StoreUri

GENTLER = "lower optimiser.learning_rate, or use dtype=float32, and start again"  # said of a loss that is no number
AUTO = "auto"  # a key that is left to the card that there is
MAKE_ROOM = "make room, then go on with --resume"  # said where the disk refuses what a run writes


class Lora(Config):
    """What PEFT adapts, kept to what vLLM serves: no DoRA, no `modules_to_save`, no resized vocabulary."""

    rank: Literal[1, 8, 16, 32, 64, 128, 256] = Field(16, description="ranks that plume serve accepts")
    alpha: int = Field(32, gt=0, description="what is learnt counts alpha/rank times")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the adapter's inputs that are dropped in training")
    rslora: bool = Field(False, description="scale by alpha/√rank rather than alpha/rank")
    qlora: bool = Field(False, description="base weights in 4 bits (bitsandbytes NF4); needs an NVIDIA GPU")
    target_modules: str | list[str] = Field("all-linear", description="all-linear, or names of layers such as q_proj")

    @property
    def method(self) -> str:
        """What a model card calls it."""
        return "QLoRA (NF4 base)" if self.qlora else "rsLoRA" if self.rslora else "LoRA"

    def for_peft(self) -> dict[str, Any]:
        """Give the arguments of PEFT's LoraConfig."""
        return {
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "use_rslora": self.rslora,
            "target_modules": self.target_modules,
            "task_type": "CAUSAL_LM",
        }

    @field_validator("target_modules")
    @classmethod
    def _only_layers(cls, value: str | list[str]) -> str | list[str]:
        if value == "all-linear":
            return value
        names = [value] if isinstance(value, str) else value  # for PEFT, a string is a regular expression
        if any(n.split(".")[-1] in ("lm_head", "embed_tokens") for n in names):
            raise ValueError("vLLM serves no adapter of lm_head or embed_tokens; name layers within the blocks")
        return names


class StartingBase(Base):
    """The base model, and the adapter of it that a training starts from."""

    adapter: str | None = Field(
        None, description="train on from this adapter: a version or alias of plume-reply, or an adapter folder"
    )


class Optimiser(Config):
    """AdamW, and the learning rate's course over the steps."""

    learning_rate: float = Field(2e-4, gt=0, description="the highest, after the warm-up")
    weight_decay: float = Field(0.0, ge=0, description="of AdamW")
    warmup_share: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="of n steps w = round(n·share) warm up: step i, from 0, has (i+1)/(w+1) of the rate",
    )
    schedule: Literal["cosine", "linear", "constant"] = Field(
        "cosine",
        description="after the warm-up, d = (i-w)/(n-w): cosine (1+cos(π·d))/2 of the rate, linear 1-d, constant 1",
    )
    max_grad_norm: float = Field(1.0, gt=0, description="longer gradients are cut to this norm")


class Validation(Config):
    """What happens every `every` steps, and what it decides."""

    every: int = Field(20, ge=1, description="steps")
    max_pairs: int | None = Field(
        None, ge=1, description="pairs of the validation split that are looked at, drawn by seed; null: all"
    )
    drafts: int = Field(2, ge=0, description="drafts written for the first reviews of the validation split")
    draft_tokens: int = Field(96, ge=1, description="tokens of such a draft, at most")
    patience: int | None = Field(
        None, ge=1, description="stop after so many validations without a lower loss; null: never"
    )


class TrainConfig(Config):
    """A training run. `data` and `out` may also be given on the command line: data=DIR out=DIR."""

    command = "train"

    data: Path = Field(description="dataset folder")
    out: Path = Field(description="folder of the run: config, steps, checkpoint, and the adapter in out/adapter")
    base: StartingBase = Field(StartingBase(), description="the base model, perhaps with an adapter to start from")
    prompt: str = Field("v1", description="prompt version, a file of plume/prompts")
    lora: Lora = Field(Lora(), description="the adapter")
    optimiser: Optimiser = Field(Optimiser(), description="AdamW, and the learning rate's course")
    validation: Validation = Field(Validation(), description="what is looked at on the way")
    max_tokens: int = Field(1024, ge=16, description="of a sample, prompt and reply together")
    over_length: Literal["drop", "truncate_review", "error"] = Field(
        "drop", description="what happens to a longer sample; it is counted and listed either way"
    )
    batch_size: int = Field(8, ge=1, description="pairs a step, whatever the number of devices")
    micro_batch_tokens: Annotated[int, Field(ge=16)] | Literal["auto"] = Field(
        4096, description="tokens that a device computes at once; auto: as many as fit the card that there is"
    )
    share_prefix: bool = Field(
        True, description="compute what all samples of a micro-batch start with once; exact, faster"
    )
    attention: Literal["by_sample", "flex"] = Field(
        "by_sample",
        description="by_sample: own products on a CPU, flash attention on a GPU; flex: FlexAttention (NVIDIA GPU)",
    )
    recompute: bool | Literal["auto"] = Field(
        False,
        description="activations made again in the backward pass: less memory, 6N not 4N; auto: if nothing else fits",
    )
    max_epochs: float = Field(3.0, gt=0, description="times that every pair is seen, at most")
    max_steps: int | None = Field(None, ge=1, description="stop here, even in the middle of an epoch")
    checkpoint_every: int = Field(20, ge=1, description="steps")
    max_loss_jump: float | None = Field(
        2.0,
        gt=0,
        description="nats above the last 20 losses' median (of under 10: maximum) that stop a run; null: never",
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "bfloat16",
        description="of the base weights and of what is computed; auto: bfloat16 on a GPU or a processor with units "
        "for it, else float32, and where a run is resumed what it began with",
    )
    seed: int = Field(20231005, ge=0, lt=2**62, description="of the order of the pairs and of the first weights")
    server: Path = Field(
        Path("configs/serve/default.yaml"), description="config of plume serve, whose max_lora_rank holds here too"
    )
    country: str = Field("FRA", pattern="^[A-Z]{3}$", description="ISO code, for the carbon intensity of electricity")
    tracking_uri: StoreUri | None = Field(
        None, description="MLflow store; by default $MLFLOW_TRACKING_URI, else the local one"
    )
    canaries: int = Field(
        0, ge=0, le=256, description="invented secrets to plant in a shadow run, which plume eval memory looks at"
    )
    canary_repetitions: tuple[int, ...] = Field(
        (1, 2, 4, 8), min_length=1, max_length=16, description="how often a canary's pair is repeated; dealt evenly"
    )
    register_version: bool = Field(True, description="register the adapter as a version of plume-reply")

    @field_validator("base", mode="before")
    @classmethod
    def _without_a_start(cls, value: Any) -> Any:
        """A plain base model, as other stages have it, is one without an adapter."""
        return value.model_dump() if type(value) is Base else value

    @field_validator("base")
    @classmethod
    def _from_the_root(cls, value: StartingBase) -> StartingBase:
        """`./tiny` in an adapter would mean another folder, or none, to whoever serves it from elsewhere."""
        return located(value)

    @model_validator(mode="before")
    @classmethod
    def _never_registered(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("canaries"):
            return {"register_version": False} | given
        return given

    @model_validator(mode="after")
    def _consistent(self) -> "TrainConfig":
        problems = [*self._canary_problems()]
        if self.micro_batch_tokens != AUTO and self.micro_batch_tokens < self.max_tokens:
            problems.append(
                f"micro_batch_tokens={self.micro_batch_tokens} is less than max_tokens={self.max_tokens}: "
                "one long sample would not fit; raise the first or lower the second"
            )
        if self.lora.qlora and self.dtype == "float32":
            problems.append(f"lora.qlora computes in bfloat16, not dtype={self.dtype}")
        highest = served_rank(self.server)
        if self.lora.rank > highest:
            problems.append(
                f"lora.rank={self.lora.rank} is above max_lora_rank={highest} of {self.server}, so plume serve would "
                "refuse the adapter; lower it, or raise that one"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def settled(self) -> "TrainConfig":
        """The config with its precision named, which `auto` leaves to the machine."""
        return self if self.dtype != "auto" else self.model_copy(update={"dtype": fast_dtype()})

    def _canary_problems(self) -> Iterator[str]:
        times = self.canary_repetitions
        if list(times) != sorted(set(times)) or min(times) < 1:
            yield f"canary_repetitions={list(times)}: give each once, from 1 on, the fewest first"
        if self.canaries and self.canaries < 2 * len(times):
            yield (
                f"canaries={self.canaries}: give {2 * len(times)} or more, half for reviews and half for replies at "
                f"each of canary_repetitions={list(times)}"
            )
        if self.canaries and self.register_version:
            yield "register_version=true: a run with canaries is never registered; leave one of them out"


def left_to_card(config: TrainConfig) -> list[str]:
    """Name the keys that the config leaves to the card."""
    return [key for key in ("dtype", "micro_batch_tokens", "recompute") if getattr(config, key, None) == AUTO]


def served_rank(server: Path) -> int:
    """`max_lora_rank` of a config of plume serve. Raises ValueError if it names none."""
    try:
        rank = read_yaml(in_clone(server)).get("max_lora_rank")
    except InputError as error:
        raise ValueError(f"server={error}") from None
    if not isinstance(rank, int):
        raise ValueError(f"server={server}: has no max_lora_rank; name a config of plume serve that does")
    return rank
