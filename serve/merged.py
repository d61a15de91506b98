"""Serves a version's merged weights: which folder holds them, and that the registry knows them as they are."""

from contextlib import suppress
from pathlib import Path

from plume import registry
from plume.errors import InputError
from plume.exported import Exported, tag_of
from plume.files import folder_sha256
from serve.config import ServeConfig
from serve.state import Merged, Started, State


def following(config: ServeConfig) -> ServeConfig:
    """Name the version that the folder `merged` holds. Raises InputError if it is none, or if another was named."""
    number = _of(config.merged).version
    if number is None:
        raise InputError(
            f"merged={config.merged}: was exported from an adapter folder; export a version of "
            f"{registry.MODEL_NAME}: plume train export VERSION --to merged --out DIR"
        )
    if config.version not in ("champion", str(number)):
        raise InputError(f"merged={config.merged}: holds version {number}, not version={config.version}")
    return config.model_copy(update={"version": str(number)})


def verified(config: ServeConfig, adapter_sha256: str, state: State) -> Merged:
    """Digest the folder `merged`. Raises InputError unless it is what was exported of this adapter.

    The registry holds the digest as a tag of the version. It is not asked of what was served before.
    """
    exported, where = _of(config.merged), f"merged={config.merged}"
    if exported.adapter_sha256 != adapter_sha256:
        raise InputError(f"{where}: was made of another adapter than version {exported.version}'s; export it again")
    merged = Merged(folder=config.merged, sha256=folder_sha256(config.merged))
    with suppress(InputError):
        if Started.read(state).merged == merged:
            return merged
    if registry.find_version(str(exported.version)).tags.get(tag_of(merged.sha256)) != merged.sha256:
        raise InputError(
            f"{where}: is not what plume train export wrote of version {exported.version} (changed since, or exported "
            "with another MLflow store); export it again"
        )
    return merged


def _of(folder: Path) -> Exported:
    exported = Exported.load(folder)
    if exported.to != "merged":
        raise InputError(f"merged={folder}: is an export to {exported.to}; export the version --to merged")
    return exported
