"""Following the registry and going back, with real adapters in a real registry; the engine alone is a stub."""

import errno
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from plume import registry as plume_registry
from plume import tracking
from plume.errors import InputError
from plume.models import Base
from serve import alias, champion, cli, keys, sync, vllm_process
from serve.alias import Aliases
from serve.state import Started, State, read_json, write_json


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
    versions = [champion.deploy(plume_registry.find_version(str(n)), 16) for n in numbers]
    Started(config=config, base=Base(), stop_token_id=2, dtype="float32", max_model_len=2048).write(state)
    alias.write(state, Aliases(versions[0]))
    names = {versions[0].name: versions[0].folder}
    monkeypatch.setattr(StubClient, "names", names, raising=False)
    monkeypatch.setattr(sync, "Client", StubClient)

    class Served:
        pass

    here = Served()
    here.state, here.config, here.versions, here.names = state, config, versions, names
    here.say = lambda **to: [plume_registry.set_alias(name, versions[n - 1].version, {}) for name, n in to.items()]
    here.answers = lambda: versions.index(alias.read(state).champion) + 1

    def do(steps, **canary):
        """`do("2 back 3")`: promote and sync version 2, roll back, promote and sync version 3."""
        for step in steps.split():
            if step == "back":
                sync.rollback(config)
            else:
                here.say(champion=int(step))
                sync.sync(config.model_copy(update=canary))

    def begin():
        """As if nothing but version 1 had ever been served."""
        for file in (state.alias, state.history, state.previous, state.held):
            file.unlink(missing_ok=True)
        alias.write(state, Aliases(versions[0]))

    here.do, here.begin = do, begin
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


def test_what_the_engine_lost_is_loaded_again_though_nothing_else_is_to_be_served(served):
    served.say(champion=1)
    served.names.clear()  # `/ready` says so, and sends here
    assert "already" in sync.sync(served.config)
    assert list(served.names) == [served.versions[0].name]


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


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ("2 back", [1]),
        ("2 back 3 back", [1]),  # the second rollback went to version 2
        ("2 3 back", [2, 1]),
        ("2 3 back back", [1]),
        ("2 back 3", [3, 1]),
        ("2 back 3 back 2", [1]),  # promoted again, without --again
    ],
)
def test_a_rolled_back_version_is_never_a_way_back(served, steps, left):
    """`left` is who answers, then what rollback after rollback goes back to."""
    served.do(steps)
    assert served.answers() == left[0]
    for number in left[1:]:
        sync.rollback(served.config)
        assert served.answers() == number
    with pytest.raises(InputError, match="nothing else to go back to"):
        sync.rollback(served.config)
    assert served.answers() == left[-1]


def test_again_serves_what_was_rolled_back_and_nothing_else_of_it(served):
    served.do("2 back 3 back")
    sync.sync(served.config, again=True)
    assert served.answers() == 3
    served.do("2")  # was rolled back too, and nobody asked for it
    assert served.answers() == 3
    sync.rollback(served.config)
    assert served.answers() == 1


def test_a_champion_that_was_rolled_back_does_not_go_on_as_the_challenger_it_was(served):
    """Else `sync` would find it in service, hence not bad, and make it the champion again."""
    one, two, three = served.versions
    alias.write(served.state, Aliases(one, two, 0.1))
    alias.write(served.state, Aliases(two))
    sync.rollback(served.config)
    assert alias.read(served.state) == Aliases(one)
    served.say(champion=2)
    assert "was rolled back" in sync.sync(served.config)
    alias.write(served.state, Aliases(one, three, 0.5))
    alias.write(served.state, Aliases(one, three, 0.1))
    sync.rollback(served.config)
    assert alias.read(served.state).weight == 0.5
    sync.rollback(served.config)  # further back, and not to the weight that was just left
    assert alias.read(served.state) == Aliases(one)


class Killed(BaseException):
    pass


def killed_at(count, monkeypatch, work):
    """Do `work`, killed before its file number `count` is written; False if it writes fewer."""
    left = [count]

    def until(path, value):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        write_json(path, value)

    with monkeypatch.context() as patch:
        for module in (alias, sync, sys.modules[State.__module__]):
            patch.setattr(module, "write_json", until)
        try:
            work()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("after", ["back", "sync", "restart"])
def test_a_rollback_that_is_killed_between_any_two_files_is_ended_by_the_next_command(served, monkeypatch, after):
    def restart():
        found, _ = champion.resolve(served.config, served.state)
        vllm_process.write_state(found, served.config, served.state)

    count, told = 0, True
    while told:
        count += 1
        served.begin()
        served.do("2")
        told = killed_at(count, monkeypatch, lambda: sync.rollback(served.config))
        begun = served.state.history.read_text()
        if told and served.versions[1].sha256 not in begun[begun.index("held") :]:
            assert served.answers() == 2  # nothing was done yet
            continue
        if after == "sync":
            served.do("2")
        elif after == "restart":
            restart()
        elif told:
            served.do("back")
        assert served.answers() == 1
        with pytest.raises(InputError, match="nothing else to go back to"):
            sync.rollback(served.config)
    assert count == 3  # two files


def test_a_sync_that_is_killed_between_any_two_files_loses_no_way_back(served, monkeypatch):
    count, told = 0, True
    while told:
        count += 1
        served.begin()
        served.do("2")
        served.say(champion=3)
        told = killed_at(count, monkeypatch, lambda: sync.sync(served.config))
        ways = [served.answers()]
        for _ in alias.previous(served.state):
            sync.rollback(served.config)
            ways.append(served.answers())
        assert ways in ([2, 1], [3, 2, 1])
    assert count > 2


def test_a_state_folder_of_an_earlier_plume_is_read(served):
    one, two, three = served.versions
    served.state.history.unlink()
    write_json(served.state.alias, asdict(Aliases(three)))
    write_json(served.state.previous, [asdict(Aliases(two)), asdict(Aliases(one))])
    write_json(served.state.held, [asdict(two)])
    served.say(champion=2)
    assert "was rolled back" in sync.sync(served.config)
    sync.rollback(served.config)
    assert served.answers() == 1
    assert not served.state.previous.exists()
    assert not served.state.held.exists()
    served.state.history.unlink()
    served.state.held.write_text("{}x")
    for command in (sync.sync, sync.rollback):
        with pytest.raises(InputError, match=r"held.json: not understood; remove it"):
            command(served.config)


@pytest.mark.parametrize("damage", ["", "null", "[]", "{", '{"back": []}', '{"now": 1, "back": [], "held": []}'])
def test_a_damaged_history_is_one_line_and_stops_no_restart(served, damage):
    served.do("2")
    served.state.history.write_text(damage)
    for command in (sync.sync, sync.rollback):
        with pytest.raises(InputError, match=r"history.json: not understood; remove it"):
            command(served.config)
    found, remarks = champion.resolve(served.config, served.state)
    assert "history is not understood" in " ".join(remarks)
    vllm_process.write_state(found, served.config, served.state)
    assert served.answers() == 2
    assert len(list(served.state.folder.glob("history.json.damaged-*"))) == 1


def test_a_restart_serves_what_was_rolled_back_only_again(served):
    """Neither as the registry's champion, nor pinned in the config that a supervisor starts with."""
    served.do("2 back")
    pinned = served.config.model_copy(update={"version": str(served.versions[1].version)})
    for config in (served.config, pinned):
        found, remarks = champion.resolve(config, served.state)
        assert found.aliases == Aliases(served.versions[0])
        assert "was rolled back" in remarks[-1]
    found, _ = champion.resolve(pinned, served.state, again=True)
    assert found.aliases == Aliases(served.versions[1])
    served.state.alias.unlink()
    write_json(served.state.history, read_json(served.state.history) | {"now": None})
    with pytest.raises(InputError, match=r"nothing else is left to serve; .*--again"):
        champion.resolve(served.config, served.state)


def test_commands_about_a_server_make_nothing_where_there_is_none(tmp_path, registry):
    config = registry.config.model_copy(update={"state": tmp_path / "typo"})
    for command in (sync.sync, sync.rollback, sync.describe, lambda c: keys.remove(State(c.folder), "agents")):
        with pytest.raises(InputError):
            command(config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "started", "compared"), [(None, True, 1), (None, False, 0), (False, True, 0), (True, False, 1)]
)
def test_sync_compares_with_peft_as_it_is_told_else_as_the_server_was(served, monkeypatch, asked, started, compared):
    done = []
    monkeypatch.setattr(sync.golden, "compare", lambda *_: done.append(1))
    begun = read_json(served.state.serve)
    write_json(served.state.serve, begun | {"config": begun["config"] | {"golden": started}})
    served.say(champion=2)
    told = [] if asked is None else [f"golden={str(asked).lower()}"]
    cli.sync([f"state={served.state.folder}", f"tracking_uri={served.config.tracking_uri}", *told])
    assert len(done) == compared
    assert served.answers() == 2


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
    served.state.history.write_text("[{")
    dead = served.config.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    for config in (dead, served.config):
        found, _ = champion.resolve(config, served.state)
        assert found.aliases.champion == served.versions[1]
        vllm_process.write_state(found, config, served.state)
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
    vllm_process.write_state(found, served.config, served.state)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    vllm_process.write_state(found, served.config, served.state)
    with pytest.raises(InputError, match="No space left"):  # here something would change
        vllm_process.write_state(found, served.config.model_copy(update={"max_new_tokens": 7}), served.state)


def test_a_state_folder_has_one_server(served, monkeypatch):
    monkeypatch.setattr(vllm_process, "HAND_OVER", 0.1)
    refused = pytest.raises(InputError, match="a server runs with this state folder already")
    with vllm_process.hold(served.state), refused, vllm_process.hold(served.state):
        pass
    with vllm_process.hold(served.state):
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
