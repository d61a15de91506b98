"""Find the system that a name stands for: a base model, maybe an adapter, a prompt version, examples to follow."""

from pathlib import Path
from typing import Any

from pydantic import Field

from plume import lineage, registry
from plume.adapters import Adapter
from plume.config import Config
from plume.errors import InputError
from plume.models import Base, context_length, load_model, located
from plume.prompt import load_prompt

REMOTE = "endpoint"  # names the system of which plume has no part but the prompt
MAX_CONTEXT = 4096  # tokens: what serving allows a base that could take more


class Examples(Config):
    """Past replies to similar reviews of the same network, shown before the review (`plume.retrieval`)."""

    k: int = Field(0, ge=0, le=20, description="how many; 0 shows none")


class System(Config):
    """A system, written in YAML (`configs/eval/systems/*.yaml`) or named on the command line."""

    command = "eval"

    base: Base = Field(Base(), description="the base model; an adapter has its own")
    adapter: str | None = Field(None, description="adapter folder, or a version or alias of plume-reply")
    prompt: str | None = Field(None, description="prompt version; by default the one that the adapter was trained with")
    examples: Examples = Field(Examples(), description="past replies that are shown before the review")


class Resolved:
    """Holds a system and everything that its name stands for: what a fingerprint is made of.

    `base` is None for a model that only its endpoint knows. `k` past replies are shown as examples.
    """

    def __init__(
        self, name: str, base: Base | None, adapter: Adapter | None, version: int | None, prompt: str, *, k: int = 0
    ) -> None:
        self.alone, self.name = name, f"{name}+{k}ex" if k else name
        self.base, self.adapter, self.version, self.k = base, adapter, version, k
        self.prompt = load_prompt(prompt)
        self.served_name = name if version else None if adapter else "base"  # as `plume serve` calls it

    def context(self, wanted: int | None = None) -> int | None:
        """Say how many tokens prompt and draft may have: as wanted, or what the base was made for, at most 4096.

        None if only the endpoint knows. Raises InputError if more is wanted than the base was made for.
        """
        made_for = context_length(self.base) if self.base else None
        if wanted and made_for and wanted > made_for:
            raise InputError(f"--context {wanted}: {self.base.model} was made for {made_for} tokens")
        return wanted or (made_for and min(made_for, MAX_CONTEXT))

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "base": self.base.model_dump(mode="json") if self.base else {"model": self.alone},
            "adapter_sha256": self.adapter.sha256 if self.adapter else None,
            "adapter_version": self.version,
            "trained_on": _trained_on(self.adapter) if self.adapter else None,
            "prompt": self.prompt.version,
            "prompt_sha256": self.prompt.sha256,
        }

    def load(self, dtype: str) -> Any:
        """Load the model, with the adapter attached, ready to generate."""
        model = load_model(self.base, dtype)
        if self.adapter:
            model = self.adapter.attach(model)
            if dtype == "float32":  # merging is exact enough here, and small matrices cost a CPU more than they save
                model = model.merge_and_unload()
        model.config.use_cache = True  # OpenHermes ships false
        return model.eval()


def _trained_on(adapter: Adapter) -> dict[str, Any] | None:
    """Read the digests of the splits that an adapter was trained on, and of those before it; None if it tells none."""
    splits = (adapter.training.get("dataset") or {}).get("splits", {})
    told = {name: split["sha256"] for name, split in splits.items() if "sha256" in split}
    earlier = lineage.earlier_train_splits(adapter.training)
    return told | ({lineage.EARLIER: earlier} if earlier else {}) or None


def resolve(
    system: str,
    *,
    prompt: str | None = None,
    examples: int | None = None,
    model: str | None = None,
) -> Resolved:
    """Find what a name stands for: `base`, a YAML file, an adapter folder, a version or alias of `plume-reply`.

    `endpoint` stands for a model of which plume knows only the name that its server gives it, `model`. `prompt` and
    `examples` go before what a YAML file says. Raises InputError if the name is none of these, or if the base named for
    an adapter is not the one that it was trained on.
    """
    if system == REMOTE:
        return Resolved(f"{REMOTE}:{model}", None, None, None, prompt or "v1", k=examples or 0)
    spec = System.load(system) if system.endswith((".yaml", ".yml")) else None
    k = examples if examples is not None else spec.examples.k if spec else 0
    reference = spec.adapter if spec else None if system == "base" else system
    if reference is None:
        base = located(spec.base) if spec else Base()
        version = prompt or (spec and spec.prompt) or "v1"
        return Resolved(f"base:{base.model}", base, None, None, version, k=k)
    found = lineage.find_adapter(reference)
    adapter, number = found.adapter, found.version
    name = f"{registry.MODEL_NAME}@v{number}" if number else f"adapter:{adapter.sha256[:12]}"
    adapter.check_prompt()
    base = adapter.base
    if spec and "base" in spec.model_fields_set:
        if located(spec.base).model != located(base).model and not Path(spec.base.model).is_dir():
            raise InputError(f"{system}: base {spec.base.model} is not what the adapter was trained on ({base.model})")
        base = located(spec.base)
    return Resolved(name, base, adapter, number, prompt or (spec and spec.prompt) or adapter.prompt, k=k)
