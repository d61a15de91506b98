"""Follows the registry while the server runs: verifies, compares, loads beside, switches in one step; goes back."""

import time
from contextlib import suppress
from typing import Any

from plume import registry
from plume.errors import InputError, PlumeError
from plume.models import same_base
from serve import alias, fleet, golden
from serve.alias import Aliases, Deployed, History
from serve.champion import at_hand, from_registry
from serve.client import Client
from serve.config import ServeConfig
from serve.state import Started, State, alone, read_json, write_json

Engines = Client | fleet.Fleet


def sync(config: ServeConfig, *, again: bool = False, compare: bool | None = None) -> str:
    """Serve what the registry says; one line that says what was done. What was rolled back is served only `again`.

    `compare` is whether a new version must write as PEFT does, by default what the server was started with.

    Raises InputError or PlumeError, with the version in service untouched, if the registry or the server does not
    answer, or if the new version is not what was registered, cannot be served, or does not write as PEFT does.
    """
    state = State.of_server(config)
    _current(state)  # before anything is made in a folder that no server has
    with alone(state, "sync"), _engines(config, state) as client:
        history = History.read(state)
        started = Started.read(state)
        if started.merged:
            return _sync_merged(config, history, _current(state), state, again=again)
        current = _current(state) if again else _finished(_current(state), history, client, config, state)
        wanted = from_registry(config, started.config.max_lora_rank)
        held = frozenset() if again else history.held
        if wanted.champion in held:
            return (
                f"{_told(current)}: the registry's {wanted.champion.name} was rolled back; promote another version, "
                "or serve it all the same with --again"
            )
        remark = ""
        if wanted.challenger in held:
            remark = f"; {wanted.challenger.name}, the challenger, was rolled back and is left out"
            wanted = Aliases(wanted.champion)
        for deployed in wanted.deployed:
            if current is None or deployed not in current.deployed or deployed.name not in client.known():
                _load(client, deployed, state, compare=compare)
        alias.write(state, wanted)
        _forget(client, state)
        with suppress(InputError):  # a full disk
            write_json(state.synced, {"at": time.time()})
    if wanted == current:
        return f"{_told(wanted)} already{remark}"
    return f"{_told(wanted)} now, before it {_told(current)}{remark}"


def _sync_merged(config: ServeConfig, history: History, current: Aliases | None, state: State, *, again: bool) -> str:
    """Say whether merged weights of the registry's champion are served; they are switched by a restart alone."""
    wanted = from_registry(config, Started.read(state).config.max_lora_rank).champion
    told = f"{_told(current)}, by merged weights, which a restart alone can switch"
    if current and current.champion in history.held:
        raise InputError(f"{told}; it was rolled back: restart the server")
    if wanted in history.held and not again:
        return f"{told}; the registry's {wanted.name} was rolled back; promote another version"
    if current is None or wanted != current.champion:
        raise InputError(
            f"{told}; the registry's is {wanted.name}: plume train export {wanted.version} --to merged --out DIR, then "
            "restart with merged=DIR, or without merged="
        )
    with suppress(InputError):  # a full disk
        write_json(state.synced, {"at": time.time()})
    return f"{_told(current)} already, by merged weights"


def rollback(config: ServeConfig) -> str:
    """Serve what was served last before this, and was never rolled back.

    What it takes the place of is held: neither `sync` nor a later rollback serves it again, whatever came between.
    Raises InputError if there is nothing before, or all of it is damaged.
    """
    state = State.of_server(config)
    _current(state)  # before anything is made in a folder that no server has
    with alone(state, "sync"), _engines(config, state) as client:
        history, current, damaged = History.read(state), _current(state), []
        served = current or history.now
        ways = history.ways_back(served)
        for at, old in enumerate(ways):
            bad = _bad(served, old)
            wanted = Aliases(old.champion) if old.challenger in bad else old
            try:
                wanted = _at_hand(wanted, config, state)
            except InputError as error:
                damaged.append(str(error))
                continue
            gone_back = History(wanted, tuple(ways[at + 1 :]), history.held | bad)
            if Started.read(state).merged:  # alias.json stays: this engine knows no other version
                gone_back.write(state)
                told = f"{_told(wanted)} from the next start on, by its adapter: restart the server now"
                return "; ".join([f"{told}, {_told(current)} until then", *damaged])
            for deployed in wanted.deployed:
                client.load(deployed.name, deployed.folder)
            alias.go_back(state, gone_back)
            return "; ".join([f"{_told(wanted)} now, before it {_told(current)}", *damaged])
    raise InputError("; ".join([f"{state.history}: names nothing else to go back to", *damaged]))


def _bad(current: Aliases | None, old: Aliases) -> frozenset[Deployed]:
    """List what is rolled back when `old` replaces `current`: its champion, and every version that does not stay."""
    if current is None:
        return frozenset()
    champion = {current.champion} - {old.champion}
    return frozenset(champion | (set(current.deployed) - set(old.deployed)))


def _finished(
    current: Aliases | None, history: History, client: Engines, config: ServeConfig, state: State
) -> Aliases | None:
    """Finish a rollback that was killed after its first file; return what answers."""
    if current is None or history.now is None or current.champion not in history.held:
        return current
    for deployed in _at_hand(history.now, config, state).deployed:
        client.load(deployed.name, deployed.folder)
    alias.go_back(state, history)
    return history.now


def _engines(config: ServeConfig, state: State) -> Engines:
    """Give what loads a version: this machine's engine, or those of all replicas."""
    client = Client(config)
    return fleet.Fleet(client, state) if state.database else client


def _at_hand(aliases: Aliases, config: ServeConfig, state: State) -> Aliases:
    """Verify the adapters of what was served; what another replica has is fetched. Raises InputError."""
    if not state.database:
        for deployed in aliases.deployed:
            deployed.check()
        return aliases
    rank = Started.read(state).config.max_lora_rank
    return aliases.mapped(lambda deployed: at_hand(deployed, config, rank))


def describe(config: ServeConfig) -> str:
    """Write what `plume serve status` prints. Raises PlumeError if the server does not answer."""
    state = State.of_server(config)
    current = _current(state)
    with Client(config, timeout=30) as client:
        ready = "ready" if client.is_ready() else "not ready"
        now = client.status()
        known = ", ".join(name for name in client.known() if name.startswith(registry.MODEL_NAME))
    merged = None
    with suppress(InputError):  # damaged: the rest is told all the same
        merged = Started.read(state).merged
    before = ", ".join(old.champion.name for old in alias.previous(state)) or "nothing"
    held = ", ".join(sorted(deployed.name for deployed in alias.history(state).held)) or "nothing"
    return "\n".join(
        [
            f"{_told(current)}; {ready}, {now['running']} requests running",
            f"engine knows    {known}" + (f", merged: {merged.folder}" if merged else ""),
            f"rollback to     {before}",
            f"rolled back     {held}",
            f"last synced     {_synced(state)}",
            f"sources         {_sources(now.get('sources'))}",
            f"maskers         restarted {now['masker_restarts']} times",
            *(f"replica         {each}" for each in (fleet.replicas(state.database) if state.database else ())),
        ]
    )


def _sources(told: dict[str, Any] | None) -> str:
    if not told:
        return "none"
    dates = f"imported {told['imported_on']}, the newest sheet of {told['updated_on']}"
    return f"{told['passages']} passages of {told['folder']}, {dates}; digest {told['digest'][:12]}"


def _synced(state: State) -> str:
    """Say when `sync` last succeeded."""
    try:
        synced = read_json(state.synced)
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(synced["at"])) if synced else "never"
    except (InputError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return f"not known: {state.synced} is not understood; the next sync writes it anew"


def _current(state: State) -> Aliases | None:
    """Read alias.json; None if it is damaged, which a switch mends. Raises InputError if there is none."""
    if not state.alias.exists():
        raise InputError(f"{state.alias}: is not there; start the server with `plume serve` first")
    return alias.current(state)


def _load(client: Engines, deployed: Deployed, state: State, *, compare: bool | None) -> None:
    """Load a version into the engine and compare it with PEFT; unload it again if they differ."""
    started = Started.read(state)
    deployed.check()
    fresh = deployed.name not in client.known()
    served = {*alias.known(state), *(() if fresh else alias.history(state).held)}
    if any(other.name == deployed.name and other != deployed for other in served):
        raise InputError(f"{deployed.name}: is another adapter than the one that was served; restart the server")
    trained_on = deployed.adapter.base
    if not same_base(trained_on, started.base):
        raise InputError(
            f"{deployed.name}: was trained on {trained_on.model}, the server has {started.base.model}; "
            "start another server for it"
        )
    client.load(deployed.name, deployed.folder)
    if not (started.config.golden if compare is None else compare):
        return
    try:
        golden.compare(client, deployed, started.dtype)
    except PlumeError:
        if fresh:
            client.unload(deployed.name)
        raise


def _forget(client: Engines, state: State) -> None:
    """Unload names that neither answer nor can be gone back to. Their folders stay: the engine may still read them."""
    kept = {deployed.name for deployed in alias.known(state)}
    for name in client.known():
        if name.startswith(f"{registry.MODEL_NAME}@v") and name not in kept:
            client.unload(name)


def _told(aliases: Aliases | None) -> str:
    if aliases is None:
        return "what a damaged alias.json named"
    if aliases.challenger is None:
        return f"{aliases.champion.name} answers"
    return f"{aliases.champion.name} answers, {aliases.challenger.name} {aliases.weight:.0%} of the conversations"
