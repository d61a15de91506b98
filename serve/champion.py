"""Resolves what an engine loads, base model and verified adapters, from the registry or from what was served before."""

import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from plume import canaries, models, registry, tracking
from plume.adapters import CONFIG, TRAINING, Adapter
from plume.errors import InputError
from plume.models import Base, same_base
from plume.prompt import find_format, format_of
from plume.registry import Version
from serve import alias, merged
from serve.alias import Aliases, Deployed
from serve.config import ServeConfig
from serve.state import Merged, State


@dataclass(frozen=True)
class Served:
    """Holds what an engine starts with.

    Attributes:
        aliases: who answers.
        adapters: every version that the engine knows from the start, the champion first; names it must not forget.
        base: the model that all of them were trained on, and `model`, its folder.
        stop_token_id: the tokenizer's end of turn.
        merged: the champion's merged weights, if the engine loads these; it then knows no other version.
    """

    aliases: Aliases
    adapters: tuple[Deployed, ...]
    base: Base
    model: str
    stop_token_id: int
    merged: Merged | None = None

    @property
    def name(self) -> str:
        return self.aliases.champion.name


def resolve(config: ServeConfig, state: State, again: bool = False, fetch: bool = True) -> tuple[Served, list[str]]:
    """Decide what to serve; return it with remarks for the log.

    What alias.json says is served again if its adapters are whole and it is of the same registry, so that a restart
    undoes no rollback; then what was served before that; else what the registry says. A dead registry stops no restart.
    A replica serves what all of them serve, and nothing else.
    What was rolled back is served only `again`. Without `fetch` nothing is written: folders are named, not made.
    Raises InputError if nothing can be served, or if the base model is not on this machine.
    """
    remarks: list[str] = []
    if state.database and (shared := alias.current(state)):
        return _served_by_all(shared, config, state, fetch=fetch)
    if config.merged:
        config = merged.following(config)
    try:
        aliases = from_registry(config, config.max_lora_rank, fetch=fetch, needs_challenger=False)
    except InputError as error:
        aliases = None
        remarks.append(str(error))
    try:
        held = frozenset() if again else alias.History.read(state).held
    except InputError:
        held = frozenset()
        remarks.append(f"{state.folder}: its history is not understood; what was rolled back may be served again")
    known: list[Deployed] = []
    pinned = config.version != "champion"
    refused = aliases is not None and aliases.champion in held
    if not (pinned and aliases and not refused) and (recovered := _recover(state, aliases, held, remarks)):
        if pinned and not refused and str(recovered.champion.version) != config.version:
            raise InputError(f"{remarks[0]}; what was served before is {recovered.champion.name}")
        if refused:
            how = f"plume serve --again version={config.version}" if pinned else "plume serve sync --again"
            remarks.append(f"{aliases.champion.name} was rolled back; to serve it all the same: {how}")
        elif aliases and recovered.champion != aliases.champion:
            remarks.append(f"the registry's champion is {aliases.champion.name}; `plume serve sync` follows it")
        aliases, known = recovered, alias.known(state)
    elif refused:
        raise InputError(
            f"{aliases.champion.name}: was rolled back, and nothing else is left to serve; promote another version, or "
            "serve it all the same with: plume serve --again"
        )
    if aliases is None:
        raise InputError(remarks[0])
    if aliases.challenger in held:
        remarks.append(f"{aliases.challenger.name}, the challenger, was rolled back and is left out")
        aliases = Aliases(aliases.champion)
    if config.merged:
        if str(aliases.champion.version) == config.version:
            # What was served before can be gone back to, at the next start.
            return _served_merged(config, Aliases(aliases.champion), alias.known(state), state, fetch=fetch), remarks
        remarks.append(f"{aliases.champion.name} is served by its adapter, not by merged weights")
    base = _base_of(aliases.champion)
    adapters = dict.fromkeys([*aliases.deployed, *_of_base(base, known)])
    model = models.resolve(base, fetch=fetch)
    return Served(aliases, tuple(adapters), base, model, _stop_token(base, model) if fetch else 0), remarks


def _served_merged(
    config: ServeConfig, aliases: Aliases, known: list[Deployed], state: State, *, fetch: bool
) -> Served:
    model, champion = str(config.merged), aliases.champion
    base = Base(model=model, tokens=_base_of(champion).tokens)
    adapters = tuple(dict.fromkeys([champion, *known]))
    if not fetch:
        return Served(aliases, adapters, base, model, 0, Merged(folder=config.merged, sha256=""))
    verified = merged.verified(config, champion.sha256, state)
    return Served(aliases, adapters, base, model, _stop_token(base, model), verified)


def _served_by_all(aliases: Aliases, config: ServeConfig, state: State, *, fetch: bool) -> tuple[Served, list[str]]:
    """Give what the replicas serve, each adapter verified or fetched: a start switches nothing."""
    if fetch:
        aliases = aliases.mapped(lambda deployed: at_hand(deployed, config, config.max_lora_rank))
    champion, remarks = aliases.champion, []
    if config.version not in ("champion", str(champion.version)):
        remarks.append(f"all replicas serve {champion.name}; switch them with: plume serve sync version=N")
    base = _base_of(champion)
    adapters = dict.fromkeys([*aliases.deployed, *_of_base(base, alias.known(state))])
    model = models.resolve(base, fetch=fetch)
    return Served(aliases, tuple(adapters), base, model, _stop_token(base, model) if fetch else 0), remarks


def at_hand(deployed: Deployed, config: ServeConfig, max_rank: int) -> Deployed:
    """Find a version that another replica named on this machine, or fetch it. Raises InputError."""
    with suppress(InputError):
        deployed.check()
        return deployed
    tracking.connect(config.tracking_uri, create=False)
    found = deploy(registry.find_version(str(deployed.version)), max_rank)
    if found != deployed:
        raise InputError(f"{deployed.name}: is another adapter in the registry than the one that replicas serve")
    return found


def _base_of(deployed: Deployed) -> Base:
    if Path(deployed.folder).is_dir():
        return deployed.adapter.base
    training = registry.read_file(registry.find_version(str(deployed.version)), TRAINING)
    return Base.model_validate(json.loads(training)["base"])


def _stop_token(base: Base, model: str) -> int:
    """Find the tokenizer's end of turn, in its file if it has one: transformers takes seconds to import.

    The guard loads the whole tokenizer, and refuses what is wrong with it.
    """
    from tokenizers import Tokenizer

    with suppress(Exception):  # `tokenizers` raises Exception itself for a file that it cannot read
        found = Tokenizer.from_file(str(Path(model) / "tokenizer.json"))
        if chat := find_format(found.get_vocab()):
            return found.token_to_id(chat.end)
    tokenizer = models.load_tokenizer(base)
    return format_of(tokenizer).end_id(tokenizer)


def deploy(version: Version, max_rank: int, *, fetch: bool = True) -> Deployed:
    """Fetch a version's adapter to this machine, and verify that it can be served. Raises InputError.

    Without `fetch`, where it would lie.
    """
    if not fetch:
        folder, sha256 = registry.adapter_folder(version)
        return Deployed(version.number, str(folder), sha256)
    adapter = Adapter.load(registry.fetch_adapter(version))
    adapter.check_prompt()
    canaries.refuse(adapter.training, f"{registry.MODEL_NAME} version {version.number}")
    check_servable(adapter, max_rank)
    return Deployed(version.number, str(adapter.folder), adapter.sha256)


def check_servable(adapter: Adapter, max_rank: int) -> None:
    """Raise InputError for what vLLM refuses or would serve wrongly: the engine would only say so at a request."""
    config = json.loads((adapter.folder / CONFIG).read_text(encoding="utf-8"))
    highest = max(adapter.rank, *config.get("rank_pattern", {}).values(), 0)
    problems = [
        (config.get("peft_type", "LORA") != "LORA", f"is {config.get('peft_type')}, not LORA"),
        (config.get("use_dora"), "uses DoRA"),
        (config.get("modules_to_save"), "holds whole modules (modules_to_save)"),
        (config.get("bias", "none") != "none", "trains biases"),
        (config.get("trainable_token_indices"), "trains tokens"),
        (config.get("layer_replication"), "replicates layers"),
        (highest > max_rank, f"has rank {highest}, above the server's max_lora_rank={max_rank}"),
    ]
    if found := [text for wrong, text in problems if wrong]:
        raise InputError(f"{adapter.folder}: cannot be served: {', '.join(found)}; train it again without")


def _find(reference: str) -> Version:
    """Find a version in the registry. Raises InputError that says how to make a first champion."""
    try:
        return registry.find_version(reference)
    except InputError as error:
        if reference != "champion":
            raise
        raise InputError(
            f"{error}; there is no champion yet, set one with: plume eval promote VERSION --initial --reason … --by …"
        ) from None


def from_registry(config: ServeConfig, max_rank: int, *, fetch: bool = True, needs_challenger: bool = True) -> Aliases:
    """Ask the registry who answers, and fetch their adapters. Raises InputError."""
    tracking.connect(config.tracking_uri, create=False)
    champion = deploy(_find(config.version), max_rank, fetch=fetch)
    if not config.challenger_weight:
        return Aliases(champion)
    try:
        version = registry.find_version("challenger")
    except InputError as error:
        if needs_challenger:
            raise InputError(f"{error}; name one with: plume eval challenge VERSION") from None
        return Aliases(champion)
    if version.number == champion.version:  # it was promoted since
        return Aliases(champion)
    return Aliases(champion, deploy(version, max_rank, fetch=fetch), config.challenger_weight)


def _recover(
    state: State, registered: Aliases | None, held: Collection[Deployed], remarks: list[str]
) -> Aliases | None:
    """Choose the newest that can be served of alias.json and what was served before; it must be of this registry."""
    try:
        current = alias.read(state)
    except InputError as error:
        remarks.append(str(error))
        current = None
    for candidate in [*([current] if current else []), *alias.previous(state)]:
        try:
            if candidate.champion in held:  # a rollback was killed before alias.json was replaced
                raise InputError(f"{candidate.champion.name} was rolled back")
            for deployed in candidate.deployed:
                deployed.check()
                if registered and not _is_registered(deployed):
                    raise InputError(f"version {deployed.version} is not the registry's of that number")
        except InputError as error:
            remarks.append(f"not served again: {error}")
        else:
            return candidate
    return None


def _is_registered(deployed: Deployed) -> bool:
    try:
        return registry.find_version(str(deployed.version)).tags.get(registry.ADAPTER_HASH) == deployed.sha256
    except InputError:
        return False


def _of_base(base: Base, adapters: list[Deployed]) -> Iterator[Deployed]:
    """Keep the adapters that are whole and were trained on `base`: one engine can load them all."""
    for deployed in adapters:
        with suppress(InputError):
            deployed.check()
            if same_base(deployed.adapter.base, base):
                yield deployed
