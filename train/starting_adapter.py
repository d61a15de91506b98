"""Begin a training at an adapter (`base.adapter`): find it, and see that what is trained goes on from just that."""

from pathlib import Path
from typing import Any

from plume import canaries, lineage
from plume.errors import InputError
from plume.lineage import Named
from plume.models import same_base
from plume.prompt import ChatFormat
from train.config import StartingBase, TrainConfig

_SHAPE = {"rank": "r", "alpha": "lora_alpha", "rslora": "use_rslora"}  # key of `lora` -> PEFT's
_UNTRAINED = ("rank_pattern", "alpha_pattern", "use_dora", "modules_to_save")  # of PEFT's keys


def find(config: TrainConfig) -> tuple[TrainConfig, Named | None]:
    """Find the adapter that a config starts from, None if it names none; returns it with the config.

    There, an alias is replaced by its version's number, which does not move, and a folder by its full path. Raises
    InputError if there is none, if it was trained with canaries, or if base, prompt or shape are not the config's.
    """
    if config.base.adapter is None:
        return config, None
    start = lineage.find_adapter(config.base.adapter, config.tracking_uri)
    canaries.refuse(start.adapter.training, f"base.adapter={config.base.adapter}: {start}")
    start.adapter.check_prompt()
    _check_same(config, start)
    return config.model_copy(update={"base": config.base.model_copy(update={"adapter": start.reference})}), start


def check_base(base: StartingBase, start: Named) -> None:
    """Raise InputError if the adapter was trained on another base than that."""
    adapter = start.adapter
    moved = Path(base.model).is_dir() and "/" in adapter.base.model and not Path(adapter.base.model).is_dir()
    if not same_base(base, adapter.base) and not moved:  # a folder is taken at its word where the other is not here
        revision = f" at {adapter.base.revision}" if adapter.base.revision else ""
        raise InputError(
            f"base.adapter={base.adapter}: was trained on {adapter.base.model}{revision}, not on base.model="
            f"{base.model}{f' at {base.revision}' if base.revision else ''}; an adapter fits its own base alone"
        )


def _check_same(config: TrainConfig, start: Named) -> None:
    """Raise InputError, a line that says which, if the adapter was made otherwise than the config says."""
    adapter, base = start.adapter, config.base
    check_base(base, start)
    here = config.lora.model_dump(mode="json", include={*_SHAPE, "target_modules"}) | {"prompt": config.prompt}
    there: dict[str, Any] = {key: adapter.peft.get(name) for key, name in _SHAPE.items()}
    there["target_modules"] = _modules(adapter.training, adapter.peft.get("target_modules"), here["target_modules"])
    there["prompt"] = adapter.prompt
    here["target_modules"] = _sorted(here["target_modules"])
    name = lambda key: key if key == "prompt" else f"lora.{key}"  # noqa: E731
    if differing := [key for key in here if here[key] != there[key]]:
        was, now = (", ".join(f"{name(key)}={of[key]}" for key in differing) for of in (there, here))
        raise InputError(
            f"base.adapter={base.adapter}: was trained with {was}, the config says {now}; a training that goes on from "
            "it keeps them: set what it was trained with"
        )
    if odd := [key for key in _UNTRAINED if adapter.peft.get(key)]:
        raise InputError(f"base.adapter={base.adapter}: uses {', '.join(odd)}, which plume does not train")


def _modules(training: dict[str, Any], of_peft: Any, wanted: Any) -> Any:
    """Name the modules as the config did, "all-linear" for one; as PEFT wrote them down if it does not tell.

    One of preferences does not. Whether PEFT's list is all of the base's is seen where the weights are loaded.
    """
    told = training.get("config", {}).get("lora", {}).get("target_modules")
    return _sorted(told or ("all-linear" if wanted == "all-linear" else of_peft))


def _sorted(modules: Any) -> Any:
    return sorted(modules) if isinstance(modules, list) else modules


def check_chat(start: Named | None, chat: ChatFormat) -> None:
    """Raise InputError unless the base's tokenizer writes the chat template that the adapter was trained with."""
    if start and start.adapter.training.get("chat_template_sha256") != chat.sha256:
        raise InputError(
            f"base.adapter: {start}: was trained with another chat template than the base's ({chat.name}); name the "
            "base that it was trained on"
        )


def check_not_erased(start: Named | None, manifest: dict[str, Any]) -> None:
    """Raise InputError if the weights saw a train split of this dataset folder from before an erasure."""
    if not start:
        return
    training = start.adapter.training
    seen = {lineage.train_split(training), *lineage.earlier_train_splits(training)}
    if seen & set(manifest.get("history", [])):
        raise InputError(
            f"base.adapter: {start}: was trained on experiences that were erased from the dataset since (plume data "
            "forget): nothing is trained from it any more; train anew without base.adapter"
        )
