"""What can write a draft: a base model, optionally an adapter, and a prompt version."""

from pathlib import Path
from typing import Any

from pydantic import Field

from plume.adapters import Adapter
from plume.config import Config
from plume.errors import InputError
from plume.models import Base, load_model
from plume.prompt import load_prompt


class System(Config):
    """A system, written in YAML (`configs/eval/*.yaml`) or named on the command line."""

    base: Base = Base()
    adapter: str | None = Field(None, description="adapter folder, or a version or alias of plume-reply")
    prompt: str | None = Field(None, description="prompt version; by default the one that the adapter was trained with")


class Resolved:
    """A system with everything that its name stands for: what a fingerprint is made of."""

    def __init__(self, name: str, base: Base, adapter: Adapter | None, version: int | None, prompt: str) -> None:
        self.name, self.base, self.adapter, self.version = name, base, adapter, version
        self.prompt = load_prompt(prompt)

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "base": self.base.model_dump(mode="json"),
            "adapter_sha256": self.adapter.sha256 if self.adapter else None,
            "adapter_version": self.version,
            "prompt": self.prompt.version,
            "prompt_sha256": self.prompt.sha256,
        }

    def load(self, dtype: str) -> Any:
        """The model, with the adapter attached, ready to generate."""
        model = load_model(self.base, dtype)
        if self.adapter:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(self.adapter.folder), autocast_adapter_dtype=False)
            if dtype == "float32":  # merging is exact enough here, and small matrices cost a CPU more than they save
                model = model.merge_and_unload()
        model.config.use_cache = True  # OpenHermes ships false
        return model.eval()


def resolve(system: str, *, prompt: str | None = None, tracking_uri: str | None = None) -> Resolved:
    """Find what a name stands for: `base`, a YAML file, an adapter folder, or a version or alias of `plume-reply`.

    Raises InputError if it is none of these, or if the base named for an adapter is not the one that it was trained on.
    """
    spec = System.load(system) if system.endswith((".yaml", ".yml")) else None
    reference = spec.adapter if spec else None if system == "base" else system
    if reference is None:
        base = spec.base if spec else Base()
        version = prompt or (spec and spec.prompt) or "v1"
        return Resolved(f"base:{base.model}", base, None, None, version)
    number = None
    if Path(reference).is_dir():
        adapter = Adapter.load(reference)
        name = f"adapter:{adapter.sha256[:12]}"
    else:
        from plume import tracking

        tracking.connect(tracking_uri)
        version = tracking.find_version(reference)
        adapter, number = Adapter.load(tracking.fetch_adapter(version)), version.number
        name = f"{tracking.MODEL_NAME}@v{number}"
    adapter.check_prompt()
    base = adapter.base
    if spec and "base" in spec.model_fields_set:
        if spec.base.model != base.model and not Path(spec.base.model).is_dir():
            raise InputError(f"{system}: base {spec.base.model} is not what the adapter was trained on ({base.model})")
        base = spec.base
    return Resolved(name, base, adapter, number, prompt or (spec and spec.prompt) or adapter.prompt)
