"""alias.json: replaced in one step, read again when it was, the last good one kept; who gets the challenger."""

import errno
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plume.errors import InputError
from plume.paths import ROOT
from serve import alias, cli, cli_state, key_commands, keys
from serve.alias import KEPT, Aliases, Deployed
from serve.config import ServeConfig
from serve.state import State, read_json, write_json


def version(number):
    return Deployed(number, f"/adapters/{number}", str(number) * 64)


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state")


@pytest.fixture
def kept(tmp_path, shared):
    """A state in files, and one that replicas share."""
    return State.of(ServeConfig(state=tmp_path / "state", database=shared))


def test_what_was_served_before_is_kept_newest_first_and_only_three(kept):
    for number in range(1, 7):
        alias.write(kept, Aliases(version(number)))
    assert [old.champion.version for old in alias.previous(kept)] == [5, 4, 3]
    assert len(alias.previous(kept)) == KEPT
    assert alias.read(kept).champion.version == 6
    assert [deployed.version for deployed in alias.known(kept)] == [6, 5, 4, 3]


def test_writing_the_same_again_forgets_nothing(kept):
    for number in (1, 2, 2, 1):
        alias.write(kept, Aliases(version(number)))
    assert [old.champion.version for old in alias.previous(kept)] == [2]


def test_only_versions_at_hand_can_be_gone_back_to(kept):
    for number in (1, 2):
        alias.write(kept, Aliases(version(number)))
    alias.write(kept, Aliases(version(3)), among=[version(3), version(2)])
    assert [old.champion.version for old in alias.previous(kept)] == [2]


@pytest.mark.parametrize("damage", ["", "{", "null", '{"champion": null}', '{"champion": {"version": 1}}', "[]"])
def test_a_damaged_file_never_replaces_a_good_one(state, damage):
    alias.write(state, Aliases(version(1)))
    watched = alias.watched(state)
    assert watched.current.champion.version == 1
    state.alias.write_text(damage)
    assert watched.current.champion.version == 1
    state.alias.unlink()
    assert watched.current.champion.version == 1
    alias.write(state, Aliases(version(2)))
    assert watched.current.champion.version == 2


def who(known, key):
    holder = known.holder(key)
    return holder.name, holder.role


def test_keys_that_are_made_at_once_are_all_kept(tmp_path, shared):
    """By as many commands, each with a connection of its own."""
    config = ServeConfig(state=tmp_path / "state", database=shared)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: keys.add(State.of(config), f"client-{n}"), range(8)))
    state = State.of(config)
    write_json(state.local.keys, read_json(state.keys))  # as a replica does
    known = keys.Keys(state.local)
    assert [who(known, key) for key in made] == [(f"client-{n}", "client") for n in range(8)]


DAMAGES = ["", "null", "[]", "0", '"x"', "{", '{"agents": null}', '{"agents": {"role": "client"}}']
DAMAGES += [
    '{"agents": {"sha256": "é", "role": "client"}}',
    '{"agents": {"sha256": "%s", "role": "admin"}}' % ("0" * 64),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_keys_is_said_and_shuts_nobody_out(state, capfd, damage):
    key = keys.add(state, "agents")
    known = keys.Keys(state)
    assert who(known, key) == ("agents", "client")
    state.keys.write_text(damage)
    for _ in range(3):
        assert who(known, key) == ("agents", "client")
    assert who(known, state.admin_key()) == ("admin", "admin")
    assert capfd.readouterr().err.count("keys.json: ") == 1  # told once, not for each request
    for command in (
        lambda: keys.Keys(state),  # a start
        lambda: keys.add(state, "others"),
        lambda: keys.remove(state, "agents"),
        lambda: key_commands.list_keys([f"state={state.folder}"]),
    ):
        with pytest.raises(InputError, match=r"keys.json: (is no list of keys|cannot be read)"):
            command()
    assert state.keys.read_text() == damage


def test_a_file_of_keys_that_names_nobody_any_more_is_said(state, capfd):
    key = keys.add(state, "agents")
    known = keys.Keys(state)
    assert known.holder(key)
    state.keys.unlink()
    assert known.holder(key) is None
    assert "every client is refused" in capfd.readouterr().err


def test_keys_are_listed_without_what_opens(state, capfd):
    made = [keys.add(state, "agents"), keys.add(state, "prometheus", "metrics")]
    old = read_json(state.keys)
    old["older"] = {name: old["agents"][name] for name in ("sha256", "role")}  # as earlier plumes wrote it
    write_json(state.keys, old)
    key_commands.list_keys([f"state={state.folder}"])
    told = capfd.readouterr().out
    assert [line.split()[:2] for line in told.splitlines()[1:]] == [
        ["agents", "client"],
        ["older", "client"],
        ["prometheus", "metrics"],
    ]
    assert time.strftime("%Y-") in told
    assert not [secret for secret in (*made, state.admin_key(), old["agents"]["sha256"]) if secret in told]
    assert who(keys.Keys(state), made[0])[1] == "client"


def test_where_nobody_has_a_key_the_list_says_how_to_make_one(tmp_path, capfd):
    key_commands.list_keys([f"state={tmp_path / 'typo'}"])
    assert "plume serve key add NAME" in capfd.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (cli.sync, "max_new_tokens=5"),
        (cli.sync, "max_lora_rank=64"),
        (cli.rollback, "golden=false"),
        (cli.rollback, "tracking_uri=x"),
        (cli.show_status, "version=3"),
        (key_commands.list_keys, "port=8400"),
        (cli.resend, "traces=false"),
        (lambda overrides: cli.draft(Path("data"), overrides), "maskers=2"),
        (lambda overrides: cli.draft(Path("data"), overrides), "state=x"),
        (lambda overrides: cli.batch(Path("in"), Path("out"), overrides), "golden=false"),
        (lambda overrides: key_commands.add_key("agents", overrides), "port=8400"),
        (lambda overrides: key_commands.remove_key("agents", overrides), "socket=x"),
        (lambda overrides: cli.decisions(Path("out"), overrides), "tracking_uri=x"),
        (lambda overrides: cli_state.backup(Path("out"), overrides), "audit_days=3"),
        (lambda overrides: cli_state.restore(Path("in"), overrides), "port=8400"),
        (cli_state.prune, "maskers=3"),
    ],
)
def test_a_key_that_a_command_cannot_use_is_refused(plume_home, command, key):
    with pytest.raises(InputError, match=f"{key.partition('=')[0]}: not used by this command, which uses .*; leave it"):
        command([key])
    assert not (plume_home / "serve").exists()


def test_a_file_of_config_may_hold_every_key(plume_home, capfd):
    key_commands.list_keys(None, ROOT / "configs/serve/default.yaml")
    assert "nobody has a key" in capfd.readouterr().out


def test_a_full_disk_leaves_the_file_as_it_was(state, monkeypatch):
    alias.write(state, Aliases(version(1)))

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="as it was"):
        write_json(state.alias, {"champion": None})
    assert alias.read(state).champion.version == 1
    assert [path.name for path in state.folder.iterdir() if path.name.startswith(".")] == []


def test_a_conversation_always_gets_the_same_version_and_shares_are_the_weights():
    aliases = Aliases(version(1), version(2), 0.3)
    chosen = [aliases.choose(f"conversation {i}").version for i in range(4000)]
    assert chosen == [aliases.choose(f"conversation {i}").version for i in range(4000)]
    assert 0.27 < chosen.count(2) / 4000 < 0.33
    wider = Aliases(version(1), version(2), 0.6)
    assert all(wider.choose(f"conversation {i}").version == 2 for i, v in enumerate(chosen) if v == 2)
    assert {Aliases(version(1), version(2), 0.0).choose(str(i)).version for i in range(50)} == {1}
    assert {Aliases(version(1), version(2), 1.0).choose(str(i)).version for i in range(50)} == {2}


@pytest.mark.parametrize("weight", [-0.1, 1.1, "x"])
def test_a_weight_that_is_no_share_is_refused(weight):
    value = {"champion": {"version": 1, "folder": "/a", "sha256": "0"}, "challenger": None, "weight": weight}
    with pytest.raises(InputError):
        Aliases.of(value)


@pytest.mark.parametrize("name", ["", "a b", "../x", "admin", "x" * 41])
def test_a_key_wants_a_plain_name(state, name):
    with pytest.raises(InputError, match="name"):
        keys.add(state, name)


def test_a_new_key_takes_the_place_of_the_old_one(state):
    first, second = keys.add(state, "agents"), keys.add(state, "agents")
    holders = keys.Keys(state)
    assert holders.holder(first) is None
    assert who(holders, second) == ("agents", "client")
    assert who(holders, state.admin_key()) == ("admin", "admin")
    assert second not in json.dumps(read_json(state.keys))
    with pytest.raises(InputError, match="known: agents"):
        keys.remove(state, "nobody")
