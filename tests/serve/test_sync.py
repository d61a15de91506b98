"""Following the registry and going back, with real adapters in a real registry; the engine alone is a stub."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from plume import tracking
from plume.errors import InputError
from plume.models import Base
from serve import alias, champion, cli, engine, sync
from serve import state as files
from serve.alias import Aliases
from serve.state import State


class StubClient:
    """What an engine knows by name, and nothing of what it would write."""

    names: dict[str, str]

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def known(self):
        return list(self.names)

    def load(self, name, folder):
        self.names.setdefault(name, folder)

    def unload(self, name):
        del self.names[name]


@pytest.fixture
def served(registry, tmp_path, monkeypatch):
    """A server of three versions of the registry, the first of them in service; `say` sets the registry's aliases."""
    state = State(tmp_path / "state")
    config = registry.config.model_copy(update={"state": state.folder, "golden": False})
    numbers = [registry.add({}) for _ in range(3)]
    versions = [champion.deploy(tracking.find_version(str(n)), 16) for n in numbers]
    started = {"config": config.model_dump(mode="json"), "base": Base().model_dump(mode="json"), "dtype": "float32"}
    files.write(state.serve, started)
    alias.write(state, Aliases(versions[0]))
    names = {versions[0].name: versions[0].folder}
    monkeypatch.setattr(StubClient, "names", names, raising=False)
    monkeypatch.setattr(sync, "Client", StubClient)

    class Served:
        pass

    here = Served()
    here.state, here.config, here.versions, here.names = state, config, versions, names
    here.say = lambda **to: [tracking.set_alias(name, versions[n - 1].version, {}) for name, n in to.items()]
    here.answers = lambda: versions.index(alias.read(state).champion) + 1
    return here


def test_what_was_rolled_back_stays_so_whatever_becomes_of_the_challenger(served):
    served.say(champion=2)
    sync.sync(served.config)
    sync.rollback(served.config)
    assert served.answers() == 1
    served.say(challenger=3)
    canary = served.config.model_copy(update={"challenger_weight": 0.1})
    assert "was rolled back" in sync.sync(canary)
    assert served.answers() == 1
    served.say(champion=3, challenger=2)
    assert "the challenger, was rolled back and is left out" in sync.sync(canary)
    assert alias.read(served.state) == Aliases(served.versions[2])
    assert "left out" in sync.sync(canary)  # as long as the registry names it
    sync.sync(canary, again=True)
    assert alias.read(served.state).challenger == served.versions[1]
    assert not served.state.held.exists()


def test_a_second_rollback_goes_further_back_and_over_what_is_damaged(served):
    for number in (2, 3):
        served.say(champion=number)
        sync.sync(served.config)
    sync.rollback(served.config)
    assert served.answers() == 2
    sync.rollback(served.config)
    assert served.answers() == 1
    with pytest.raises(InputError, match="nothing else to go back to"):
        sync.rollback(served.config)
    sync.sync(served.config, again=True)
    weights = Path(served.versions[1].folder) / "adapter_model.safetensors"
    before = weights.read_bytes()
    alias.write(served.state, Aliases(served.versions[1]))
    alias.write(served.state, Aliases(served.versions[2]))
    weights.chmod(0o644)
    weights.write_bytes(b"damaged")
    try:
        assert "was changed" in sync.rollback(served.config)
        assert served.answers() == 1
    finally:
        weights.write_bytes(before)


def test_a_damaged_alias_file_is_mended_by_a_switch(served):
    served.say(champion=2)
    sync.sync(served.config)
    served.state.alias.write_text("{")
    assert "a damaged alias.json" in sync.rollback(served.config)
    assert served.answers() == 1
    odd = {"champion": {"version": "7", "folder": 1, "sha256": ""}, "challenger": None, "weight": 0}
    served.state.alias.write_text(json.dumps(odd))
    served.say(champion=3)
    sync.sync(served.config)
    assert served.answers() == 3


def test_another_adapter_under_a_name_in_service_is_refused(served):
    mixed = replace(served.versions[1], version=served.versions[0].version)
    alias.write(served.state, Aliases(mixed))
    served.say(champion=1)
    with pytest.raises(InputError, match="is another adapter than the one that was served"):
        sync.sync(served.config)


def test_a_damaged_list_of_what_was_before_stops_no_restart(served):
    served.say(champion=2)
    sync.sync(served.config)
    served.state.previous.write_text("[{")
    dead = served.config.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    for config in (dead, served.config):
        found, _ = champion.resolve(config, served.state)
        assert found.aliases.champion == served.versions[1]
        engine.write_state(found, config, served.state)
    tracking.connect(served.config.tracking_uri)


def test_a_pinned_version_starts_without_a_registry_if_it_is_what_was_served(served):
    pinned = {"version": str(served.versions[0].version), "tracking_uri": "http://127.0.0.1:9"}
    found, remarks = champion.resolve(served.config.model_copy(update=pinned), served.state)
    assert found.aliases.champion == served.versions[0]
    assert "does not answer" in remarks[0]
    with pytest.raises(InputError, match="what was served before is"):
        champion.resolve(served.config.model_copy(update=pinned | {"version": "99"}), served.state)
    tracking.connect(served.config.tracking_uri)


def test_a_full_disk_stops_no_restart(served, monkeypatch):
    found, _ = champion.resolve(served.config, served.state)
    engine.write_state(found, served.config, served.state)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    engine.write_state(found, served.config, served.state)
    with pytest.raises(InputError, match="No space left"):  # here something would change
        engine.write_state(found, served.config.model_copy(update={"max_new_tokens": 7}), served.state)


def test_a_state_folder_has_one_server(served, monkeypatch):
    monkeypatch.setattr(engine, "HAND_OVER", 0.1)
    refused = pytest.raises(InputError, match="a server runs with this state folder already")
    with engine.hold(served.state), refused, engine.hold(served.state):
        pass
    with engine.hold(served.state):
        pass


def test_the_watch_outlives_whatever_goes_wrong(served, monkeypatch, capsys):
    told = iter([OSError(errno.ENOSPC, "No space left"), RuntimeError("not enough memory"), KeyboardInterrupt()])

    def once(*_, **__):
        raise next(told)

    monkeypatch.setattr(sync, "sync", once)
    monkeypatch.setattr(cli.time, "sleep", lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        cli.sync([f"state={served.state.folder}"], watch=1)
    assert "not synced: RuntimeError: not enough memory" in capsys.readouterr().out
