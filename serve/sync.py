"""Following the registry while the server runs: verify, compare, load beside, switch in one step; and going back."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from plume import tracking
from plume.errors import InputError, PlumeError
from plume.models import Base
from serve import alias, golden
from serve import state as files
from serve.alias import Aliases, Deployed
from serve.champion import deploy, find
from serve.client import Client
from serve.config import ServeConfig
from serve.state import State


def sync(config: ServeConfig, *, again: bool = False) -> str:
    """Serve what the registry says; one line that says what was done. What was rolled back is served only `again`.

    Raises InputError or PlumeError, with the version in service untouched, if the registry or the server does not
    answer, or if the new version is not what was registered, cannot be served, or does not write as PEFT does.
    """
    state = State(config.folder)
    with _alone(state), Client(config) as client:
        current = _current(state)
        tracking.connect(config.tracking_uri)
        champion = deploy(find("champion"), _started(state).max_lora_rank)
        challenger = _challenger(config, state)
        wanted = Aliases(champion, challenger, config.challenger_weight if challenger else 0.0)
        if not again and files.read(state.held) == asdict(wanted):
            return (
                f"{_told(current)}: what the registry says was rolled back; promote another version, "
                "or serve it all the same with --again"
            )
        for deployed in wanted.deployed:
            if deployed not in current.deployed:
                _load(client, deployed, state)
        if wanted != current:
            alias.write(state, wanted)
            state.held.unlink(missing_ok=True)
        _forget(client, state)
        files.write(state.synced, {"at": time.time()})
    if wanted == current:
        return f"{_told(wanted)} already"
    return f"{_told(wanted)} now, before it {_told(current)}"


def rollback(config: ServeConfig) -> str:
    """Serve what was served before the last switch. Raises InputError if there is nothing before, or it is damaged."""
    state = State(config.folder)
    with _alone(state), Client(config) as client:
        current = _current(state)
        before = [old for old in alias.previous(state) if old != current]  # equal where a switch was killed half-way
        if not before:
            raise InputError(f"{state.previous}: nothing was served before; there is nothing to go back to")
        wanted = before[0]
        for deployed in wanted.deployed:
            deployed.check()
            client.load(deployed.name, deployed.folder)
        files.write(state.held, asdict(current))
        alias.write(state, wanted)
    return f"{_told(wanted)} now, before it {_told(current)}"


def describe(config: ServeConfig) -> str:
    """What `plume serve status` prints. Raises PlumeError if the server does not answer."""
    state = State(config.folder)
    current = _current(state)
    synced = files.read(state.synced)
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(synced["at"])) if synced else "never"
    with Client(config, timeout=30) as client:
        ready = "ready" if client.is_ready() else "not ready"
        now = client.status()
        known = ", ".join(name for name in client.known() if name.startswith(tracking.MODEL_NAME))
    before = ", ".join(old.champion.name for old in alias.previous(state)) or "nothing"
    return "\n".join(
        [
            f"{_told(current)}; {ready}, {now['running']} requests running",
            f"engine knows    {known}",
            f"rollback to     {before}",
            f"last synced     {when}",
            f"maskers         restarted {now['masker_restarts']} times",
        ]
    )


@contextmanager
def _alone(state: State) -> Iterator[None]:
    """Two of `sync` and `rollback` at once would each undo the other's work: the second waits."""
    state.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state.folder / "sync.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _current(state: State) -> Aliases:
    current = alias.read(state)
    if current is None:
        raise InputError(f"{state.alias}: is not there; start the server with `plume serve` first")
    return current


def _started(state: State) -> ServeConfig:
    started = files.read(state.serve)
    if started is None:
        raise InputError(f"{state.serve}: is not there; start the server with `plume serve` first")
    return ServeConfig.model_validate(started["config"])


def _challenger(config: ServeConfig, state: State) -> Deployed | None:
    if not config.challenger_weight:
        return None
    return deploy(tracking.find_version("challenger"), _started(state).max_lora_rank)


def _load(client: Client, deployed: Deployed, state: State) -> None:
    """Known to the engine under its own name, and as PEFT has it; forgotten again if not."""
    started = files.read(state.serve)
    deployed.check()
    _same_base(deployed, Base.model_validate(started["base"]))
    fresh = deployed.name not in client.known()
    client.load(deployed.name, deployed.folder)
    if not started["config"]["golden"]:
        return
    try:
        golden.compare(client, deployed, started["dtype"])
    except PlumeError:
        if fresh:
            client.unload(deployed.name)
        raise


def _same_base(deployed: Deployed, base: Base) -> None:
    from plume.adapters import Adapter

    trained_on = Adapter.load(deployed.folder).base
    if trained_on != base:
        raise InputError(
            f"{deployed.name}: was trained on {trained_on.model}, the server has {base.model}; "
            "start another server for it"
        )


def _forget(client: Client, state: State) -> None:
    """Names that neither alias.json nor previous.json holds; their folders stay, the engine may still read them."""
    kept = {deployed.name for deployed in alias.known(state)}
    for name in client.known():
        if name.startswith(f"{tracking.MODEL_NAME}@v") and name not in kept:
            client.unload(name)


def _told(aliases: Aliases) -> str:
    if aliases.challenger is None:
        return f"{aliases.champion.name} answers"
    return f"{aliases.champion.name} answers, {aliases.challenger.name} {aliases.weight:.0%} of the conversations"
