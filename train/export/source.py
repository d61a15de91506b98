"""Finds the adapter that is to be exported, and refuses what must not leave."""

import json

from plume import canaries, lineage, registry, tracking
from plume.adapters import CONFIG, Adapter
from plume.corpus import forget_versions
from plume.corpus.dataset import forgotten_since
from plume.errors import InputError
from plume.lineage import Named

# What training.json says outside: how it was trained and of what, by digest. Not where, nor in which MLflow run.
_TOLD = (
    *("base", "prompt", "chat_template_sha256", "config", "dataset", "samples", "dropped", "steps", "tokens"),
    *("trained_tokens", "train_loss", "validation_loss", "best_step", "energy", "versions", "canaries"),
    *("started_from", "ancestors"),
)


def file_name(named: Named) -> str:
    """Name an adapter as a file."""
    return f"{registry.MODEL_NAME}-{f'v{named.version}' if named.version else named.adapter.sha256[:12]}"


def find(reference: str, *, with_canaries: bool = False) -> Named:
    """Find an adapter by version, alias or folder. Raises InputError if there is none, or if it must not leave.

    What was trained on canaries leaves only `with_canaries`; what an erasure named does not leave.
    """
    named = lineage.find_adapter(reference)
    adapter = named.adapter
    if named.version:
        registry.check_no_canaries(registry.find_version(str(named.version)))
    elif adapter.training.get(canaries.KEY) and not with_canaries:
        raise InputError(
            f"{named}: was trained on canaries (planted secrets) to measure what is retained; to export it all the "
            "same, add --with-canaries"
        )
    adapter.check_prompt()
    _check_base(adapter)
    if why := _erased(named):
        raise InputError(f"{named}: {why}: it does not leave; train anew on what is left")
    return named


def _erased(named: Named) -> str:
    """Say how an erasure concerns an adapter: it was named, or its run's dataset folder lost experiences since."""
    if not forget_versions.store_is_there():
        return ""
    import mlflow

    tracking.connect(create=False)
    if why := lineage.forgotten(named):
        return why
    training = named.adapter.training
    try:
        run = mlflow.MlflowClient().get_run(training.get("run_id") or "")
    except mlflow.MlflowException:  # of another store
        return ""
    data = run.data.params.get("data")
    gone = data and lineage.train_split(training) and forgotten_since(data, training["dataset"])
    return f"was trained on experiences that were erased from {data} since" if gone else ""


def _check_base(adapter: Adapter) -> None:
    """Raise InputError if PEFT would put the adapter on another base than the one that it was trained on."""
    named = json.loads((adapter.folder / CONFIG).read_text(encoding="utf-8")).get("base_model_name_or_path")
    if named != adapter.base.model:
        raise InputError(
            f"{adapter.folder / CONFIG}: names the base {named}, but the adapter was trained on {adapter.base.model}; "
            "bring the adapter's own file back"
        )


def training(adapter: Adapter, base: str) -> str:
    """Write training.json for outside, with the base named `base`: no path of this machine is in it."""
    told = {key: adapter.training[key] for key in _TOLD if key in adapter.training}
    config = told.get("config", {})
    told["base"] = told["base"] | {"model": base}
    if earlier := lineage.ancestors(told):
        told[lineage.ANCESTORS] = [{key: one[key] for key in one if key != "run_id"} for one in earlier]
    told["config"] = {key: config[key] for key in config if key not in ("base", "server")}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"
