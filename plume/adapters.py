"""The adapter folder: a PEFT adapter with what it was trained from. Written once, then immutable."""

import json
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from plume.errors import InputError
from plume.files import folder_sha256
from plume.models import Base
from plume.prompt import FORMATS, load_prompt

CONFIG, WEIGHTS, TRAINING, TEMPLATE = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "training.json",
    "chat_template.jinja",
)


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter on disk.

    Attributes:
        folder: holds `adapter_config.json`, `adapter_model.safetensors`, `chat_template.jinja`, `training.json`, card.
        base: the model that it was trained on.
        prompt: the prompt version that it was trained with.
        rank: the LoRA rank that a server must allow.
        peft: `adapter_config.json`.
        training: `training.json`: resolved config, dataset digests, template hash, base revision, counts.
    """

    folder: Path
    base: Base
    prompt: str
    rank: int
    training: dict[str, Any]
    peft: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path) -> "Adapter":
        """Read an adapter folder. Raises InputError if it is none or if a file of it is damaged."""
        folder = Path(folder)
        missing = [name for name in (CONFIG, WEIGHTS, TRAINING, TEMPLATE) if not (folder / name).is_file()]
        if WEIGHTS in missing and (pickled := folder / "adapter_model.bin").is_file():
            raise InputError(f"{pickled}: pickled weights, and plume reads safetensors alone; train the adapter again")
        if missing:
            raise InputError(f"{folder}: not an adapter folder of plume (no {', no '.join(missing)})")
        try:
            training = json.loads((folder / TRAINING).read_text(encoding="utf-8"))
            peft = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            base = Base.model_validate(training["base"])
            return cls(folder, base, training["prompt"]["version"], int(peft["r"]), training, peft)
        except (ValueError, KeyError, TypeError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
            raise InputError(f"{folder}: {TRAINING} or {CONFIG} is damaged ({what}); fetch the adapter again") from None

    def check_prompt(self) -> None:
        """Raise InputError if what the model reads has changed since the adapter was trained."""
        prompt, template = self.training["prompt"].get("sha256"), self.training.get("chat_template_sha256")
        for what, same in (
            (f"prompt {self.prompt}", prompt == load_prompt(self.prompt).sha256),
            ("the chat template", template in {chat.sha256 for chat in FORMATS}),
        ):
            if not same:
                raise InputError(f"{self.folder}: {what} has changed since training; restore it, or train again")

    def attach(self, model: Any, *, trainable: bool = False) -> Any:
        """The base model with this adapter, for inference unless it is `trainable`: then in float32.

        Raises InputError if its file lacks a tensor or is damaged.

        PEFT only warns of one that is missing, and leaves it as it was drawn.
        """
        from peft import PeftModel, get_peft_model_state_dict
        from safetensors import safe_open

        try:
            with safe_open(self.folder / WEIGHTS, "pt") as weights:
                held = set(weights.keys())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Where the model is: PEFT would take memory of a GPU that an engine fills.
                options = {"torch_device": str(model.device), "is_trainable": trainable}
                options |= {"autocast_adapter_dtype": trainable}
                model = PeftModel.from_pretrained(model, str(self.folder), **options)
        except Exception as error:  # of PEFT, safetensors, torch: as many kinds as a file can be wrong
            told = str(error).strip().partition("\n")[0][:200]
            raise InputError(f"{self.folder}: its adapter cannot be loaded ({told}); fetch it again") from None
        if lacking := sorted(set(get_peft_model_state_dict(model, save_embedding_layers=False)) - held):
            raise InputError(
                f"{self.folder / WEIGHTS}: lacks {len(lacking)} tensors of the adapter ({lacking[0]} …); fetch it again"
            )
        return model

    def load_into(self, model: Any) -> None:
        """Give a PEFT model's adapter these weights. Raises InputError unless it has the same tensors, of one shape."""
        from peft import get_peft_model_state_dict, set_peft_model_state_dict
        from safetensors.torch import load_file

        try:
            held = load_file(self.folder / WEIGHTS)
        except Exception as error:  # of safetensors, torch: as many kinds as a file can be wrong
            told = str(error).strip().partition("\n")[0][:200]
            raise InputError(f"{self.folder}: its weights cannot be loaded ({told}); fetch the adapter again") from None
        wanted = get_peft_model_state_dict(model, save_embedding_layers=False)
        shapes, needs = ({name: tuple(t.shape) for name, t in of.items()} for of in (held, wanted))
        if differing := sorted(name for name in {**shapes, **needs} if shapes.get(name) != needs.get(name)):
            name = differing[0]
            raise InputError(
                f"{self.folder / WEIGHTS}: {len(differing)} tensors are not as this base and lora.target_modules want "
                f"them ({name}: {shapes.get(name, 'none')}, wanted {needs.get(name, 'none')}); name the base and the "
                "modules that it was trained with"
            )
        set_peft_model_state_dict(model, held)

    @cached_property
    def sha256(self) -> str:
        """Hash over the names and contents of the folder's files."""
        return folder_sha256(self.folder)
