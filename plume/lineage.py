"""Finds the adapter that a name stands for, and says what its weights have seen: its data, and its ancestors'.

A training may begin at an adapter. Its training.json then names that one (`started_from`) and lists it with those
before it (`ancestors`, the nearest first), each with the dataset that it was trained on: whoever reads one file knows
all that the weights have seen.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plume import registry, tracking
from plume.adapters import Adapter
from plume.errors import InputError

STARTED_FROM, ANCESTORS = "started_from", "ancestors"  # of training.json; the first is of run.json and a tag, too
EARLIER = "earlier_train_splits"  # tag of runs and versions: digests of the ancestors' train splits
UNKNOWN = "unknown"  # in place of a digest, where an ancestor does not tell
FORGOTTEN = "forgotten"  # tag of a version: when experiences that it was trained on were erased


@dataclass(frozen=True)
class Named:
    """An adapter, and the number of the version that it was found as; None for a folder."""

    adapter: Adapter
    version: int | None = None

    def __str__(self) -> str:
        return f"{registry.MODEL_NAME} version {self.version}" if self.version else str(self.adapter.folder)

    @property
    def reference(self) -> str:
        """Name it for good: an alias may move, and a relative folder is another one elsewhere."""
        return str(self.version or self.adapter.folder.resolve())


def find_adapter(reference: str, tracking_uri: str | None = None) -> Named:
    """Find an adapter by its folder, or by a number or an alias of `plume-reply`. Raises InputError.

    A version is fetched to this machine, and verified.
    """
    if Path(reference).is_dir():
        return Named(Adapter.load(reference))
    registry.check_reference(reference, tracking_uri)
    tracking.connect(tracking_uri, create=False)
    version = registry.find_version(reference)
    return Named(Adapter.load(registry.fetch_adapter(version)), version.number)


def forgotten(named: Named) -> str:
    """Say why an erasure forbids to use an adapter further: it named it, or one that it was trained from; else empty.

    Needs a connected store. What `plume data forget` named while there was none is not found here.
    """
    for digest in (named.adapter.sha256, *(one.get("adapter_sha256") for one in ancestors(named.adapter.training))):
        version = registry.version_with(str(digest))
        if version and (day := version.tags.get(FORGOTTEN)):
            itself = digest == named.adapter.sha256
            of = "" if itself else f" from {registry.MODEL_NAME} version {version.number}, which was trained"
            return f"was trained{of} on experiences that were erased since (plume data forget, {day})"
    return ""


def check_not_forgotten(named: Named) -> None:
    """Raise InputError if an erasure named a version that holds this adapter, or one that it was trained from."""
    if why := forgotten(named):
        raise InputError(f"{named}: {why}: nothing is trained from it any more; train anew without base.adapter")


def told(named: Named | None) -> dict[str, Any]:
    """Give what training.json says of the adapter that a training began at: nothing where there is none."""
    if named is None:
        return {}
    training = named.adapter.training
    start = {"version": named.version, "adapter_sha256": named.adapter.sha256}
    itself = {**start, "dataset": training.get("dataset"), "run_id": training.get("run_id")}
    return {STARTED_FROM: start, ANCESTORS: [itself, *ancestors(training)]}


def tags(named: Named | None) -> dict[str, str]:
    """Give the tags of a run that began at an adapter, and of its version."""
    if named is None:
        return {}
    return {STARTED_FROM: named.adapter.sha256, EARLIER: " ".join(earlier_train_splits(told(named)))}


def ancestors(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List what a training.json tells of the adapters that its weights were trained from, the nearest first."""
    return [one for one in training.get(ANCESTORS) or [] if isinstance(one, dict)]


def earlier_train_splits(training: Mapping[str, Any]) -> list[str]:
    """List the digests of the train splits of its ancestors, each once."""
    return list(dict.fromkeys(train_split(ancestor) or UNKNOWN for ancestor in ancestors(training)))


def train_split(training: Mapping[str, Any]) -> str | None:
    """Give the digest of the train split that a training.json tells of."""
    with suppress(KeyError, TypeError):
        return training["dataset"]["splits"]["train"]["sha256"]
    return None
