"""From a version of the registry to what the engine loads: base model, verified adapter, versioned name."""

from dataclasses import dataclass

from plume.adapters import Adapter
from plume.errors import InputError
from serve.config import ServeConfig


@dataclass(frozen=True)
class Served:
    """A version of `plume-reply` that is ready to be served.

    Attributes:
        name: what clients ask for, with the version in it: a swap is a new name, never new weights under an old one.
        model: folder of the base model.
        adapter: the verified adapter folder; it must not change while an engine knows it.
        stop_token_id: the tokenizer's end of turn.
    """

    name: str
    model: str
    adapter: Adapter
    stop_token_id: int


def resolve(config: ServeConfig) -> Served:
    """Find the version, fetch and verify its adapter, find its base model.

    Raises InputError if there is no such version or its adapter is missing or changed, or if the base model is
    not on this machine.
    """
    from plume import models, tracking
    from plume.prompt import IM_END

    tracking.connect(config.tracking_uri)
    try:
        version = tracking.find_version(config.version)
    except InputError as error:
        if config.version != "champion":
            raise
        raise InputError(
            f"{error}; there is no champion yet, set one with: plume eval promote VERSION --initial --reason … --by …"
        ) from None
    adapter = Adapter.load(tracking.fetch_adapter(version))
    adapter.check_prompt()
    return Served(
        name=f"{tracking.MODEL_NAME}@v{version.number}",
        model=models.resolve(adapter.base),
        adapter=adapter,
        stop_token_id=models.load_tokenizer(adapter.base).convert_tokens_to_ids(IM_END),
    )
