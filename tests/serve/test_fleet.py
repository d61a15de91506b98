"""Several replicas on one PostgreSQL, without engines: what each copies, loads and says; a sync for all of them."""

import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from plume import registry as plume_registry
from plume.errors import InputError, PlumeError
from serve import alias, champion, fleet, key_commands, keys, sync, vllm_process
from serve import replica as replica_process
from serve.alias import Aliases
from serve.database import DatabaseAway
from serve.fleet import Replica
from serve.replica import Follower
from serve.state import Started, State, write_json


class StubClient:
    """What one engine knows by name."""

    def __init__(self, *names):
        self.names, self.answers, self.compared = dict.fromkeys(names, ""), True, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def known(self):
        if not self.answers:
            raise PlumeError("does not answer")
        return ["base", *self.names]

    def load(self, name, folder):
        assert Path(folder).is_dir()
        self.names[name] = folder

    def unload(self, name):
        del self.names[name]


class OneReplica:
    """A replica as `plume serve` starts it, but for its engine; `follow` lets it look all the time."""

    def __init__(self, config, folder):
        self.config = config.model_copy(update={"state": folder})
        self.state = State.of(self.config)
        self.client, self._over = None, threading.Event()
        self.start()

    def start(self):
        """Resolve what to serve, write the state, begin an engine that knows that."""
        state, _ = fleet.reachable(self.state)
        self.served, self.remarks = champion.resolve(self.config, state)
        vllm_process.write_state(self.served, self.config, state)
        self.client = StubClient(*(deployed.name for deployed in self.served.adapters))
        self.follower = Follower(self.state, Started.read(state), self.client)

    def answering(self):
        """What the guard reads."""
        return alias.read(self.state.local)

    def follow(self):
        def go_on():
            while not self._over.wait(0.02):
                with suppress(DatabaseAway):
                    self.follower.look()
                    fleet.beat(self.follower.state.database, self.follower.told)

        self._over.clear()
        self._thread = threading.Thread(target=go_on)
        self._thread.start()

    def end(self):
        self._over.set()
        self._thread.join()


@pytest.fixture(scope="module")
def versions(registry):
    numbers = [registry.add({}) for _ in range(3)]
    return [champion.deploy(plume_registry.find_version(str(number)), 16) for number in numbers]


@pytest.fixture
def replicas(registry, versions, postgres_uri, tmp_path, monkeypatch):
    """Two replicas in step that serve the first version; `sync` and `rollback` run beside the first."""
    promote(versions[0])
    config = registry.config.model_copy(update={"database": postgres_uri, "golden": False})
    found = [OneReplica(config, tmp_path / name) for name in ("one", "two")]
    monkeypatch.setattr(sync, "Client", lambda _: found[0].client)
    compared = []
    monkeypatch.setattr(sync.golden, "compare", lambda *_: compared.append(1))
    found[0].compared = compared
    with ExitStack() as stack:
        for replica in found:
            replica.follow()
            stack.callback(replica.end)
        wait_for(lambda: sum(each.answers for each in fleet.replicas(found[0].state.database)) == 2)
        yield found


def promote(deployed):
    plume_registry.set_alias("champion", deployed.version, {})


def wait_for(condition):
    over = threading.Event()
    for _ in range(1000):
        if condition():
            return
        over.wait(0.02)
    raise AssertionError


def test_one_sync_loads_a_version_everywhere_compares_it_once_and_then_all_answer_with_it(replicas, versions):
    one, two = replicas
    promote(versions[1])
    compared = one.config.model_copy(update={"golden": True})
    told = sync.sync(compared, compare=True)
    assert f"{versions[1].name} answers now" in told
    wait_for(lambda: all(replica.answering().champion == versions[1] for replica in replicas))
    assert "already" in sync.sync(two.config, compare=True)
    assert one.compared == [1]
    sync.rollback(two.config)
    wait_for(lambda: all(replica.answering().champion == versions[0] for replica in replicas))
    assert "was rolled back" in sync.sync(one.config)
    for replica in replicas:
        replica.end()
        replica.follower._asked = -60.0
        replica.follower.look()
        assert versions[1].name in replica.client.names  # a request that came before may ask for it yet
        replica.follower._answered[versions[1].name] -= 1000.0
        replica.follower._asked = -60.0
        replica.follower.look()
        assert versions[1].name not in replica.client.names
        replica.follow()


def test_nobody_answers_with_a_version_that_one_replica_cannot_load(replicas, versions, monkeypatch):
    one, two = replicas

    def cannot(name, folder):
        raise PlumeError("no room for another adapter")

    monkeypatch.setattr(two.client, "load", cannot)
    promote(versions[1])
    with pytest.raises(InputError, match=r"two: no room for another adapter; all replicas go on with what they serve"):
        sync.sync(one.config)
    assert alias.read(one.state).champion == versions[0]
    wait_for(lambda: versions[1].name not in one.client.names)  # taken back
    monkeypatch.undo()
    monkeypatch.setattr(sync, "Client", lambda _: one.client)
    sync.sync(one.config)
    wait_for(lambda: two.answering().champion == versions[1])


def test_a_version_that_does_not_write_as_peft_is_taken_back_everywhere(replicas, versions, monkeypatch):
    def differs(*_):
        raise InputError("does not write as PEFT does")

    monkeypatch.setattr(sync.golden, "compare", differs)
    promote(versions[1])
    with pytest.raises(InputError, match="does not write"):
        sync.sync(replicas[0].config, compare=True)
    assert [replica.answering().champion for replica in replicas] == [versions[0]] * 2
    wait_for(lambda: all(versions[1].name not in replica.client.names for replica in replicas))


def test_a_replica_that_is_gone_is_not_waited_for_and_comes_back_with_what_all_serve(replicas, versions, monkeypatch):
    one, two = replicas
    two.end()
    monkeypatch.setattr(fleet, "LIVES", 0.5)
    wait_for(lambda: not next(r for r in fleet.replicas(one.state.database) if "two" in r.id).lives)
    promote(versions[1])
    sync.sync(one.config)
    assert two.answering().champion == versions[0]
    two.follower.look()  # it was only cut off
    assert two.answering().champion == versions[1]
    promote(versions[2])
    sync.sync(one.config)
    two.start()  # it begins anew
    assert two.answering().champion == versions[2]
    assert versions[2].name in two.client.names
    two.follow()


def test_a_replica_says_it_is_not_ready_until_it_serves_what_all_do(replicas, versions):
    one, two = replicas
    two.end()
    assert not two.state.behind.exists()
    two.start()
    assert two.state.behind.exists()
    two.client.names.clear()  # its engine lost everything, and cannot be asked yet
    two.client.answers = False
    alias.write(one.state, Aliases(versions[1]))  # meanwhile
    two.follower.look()
    assert versions[1].name in two.state.behind.read_text()
    assert two.answering().champion == versions[0]  # nothing that its engine does not know
    two.client.answers = True
    two.follower.look()
    assert not two.state.behind.exists()
    assert two.answering().champion == versions[1]
    two.follow()


def test_an_adapter_that_is_not_on_this_machine_is_fetched_and_another_of_its_number_refused(replicas, versions):
    one, two = replicas
    two.end()
    moved = Aliases(alias.Deployed(versions[1].version, "/elsewhere", versions[1].sha256))
    alias.write(one.state, moved)
    two.follower.look()
    assert two.answering().champion.folder == versions[1].folder
    other = alias.Deployed(versions[2].version, "/elsewhere", "0" * 64)
    alias.write(one.state, Aliases(other))
    two.follower.look()
    assert "is another adapter in the registry" in two.follower.told.failed[other.name]
    assert two.answering().champion == versions[1]
    alias.write(one.state, Aliases(versions[1]))
    two.follow()


def test_a_key_is_known_to_all_replicas_and_removed_from_all(replicas):
    one, two = replicas
    key = keys.add(one.state, "agents")
    guard = keys.Keys(two.state.local)
    wait_for(lambda: guard.holder(key))
    keys.remove(State.of(two.config), "agents")
    wait_for(lambda: keys.known(one.state.local) == {})
    assert not guard.holder(key) or wait_for(lambda: not guard.holder(key)) is None
    assert one.state.local.admin_key() == two.state.local.admin_key()


def test_a_command_need_not_name_the_database_of_the_server(replicas):
    folder = replicas[1].config.folder
    key_commands.add_key("agents", [f"state={folder}"])
    assert list(keys.known(replicas[0].state)) == ["agents"]
    replicas[1].state.serve.write_text("{}")
    with pytest.raises(InputError, match=r"serve\.json: not understood"):
        key_commands.add_key("others", [f"state={folder}"])


def test_while_postgresql_is_away_what_was_known_holds_also_over_a_restart(replicas, versions, postgres_server, capfd):
    one, two = replicas
    key = keys.add(one.state, "agents")
    wait_for(lambda: keys.known(two.state.local))
    for replica in replicas:
        replica.end()
    postgres_server.stop()
    try:
        with pytest.raises(DatabaseAway, match=r"PostgreSQL does not answer"):
            two.follower.look()
        two.follower.stand_alone()
        with pytest.raises(DatabaseAway):
            keys.add(State.of(one.config), "others")
        with pytest.raises(DatabaseAway):
            sync.sync(one.config)
        two.start()
        assert two.answering().champion == versions[0]
        assert keys.Keys(two.state.local).holder(key)
        fresh = one.config.model_copy(update={"state": one.config.folder.with_name("three")})
        with pytest.raises(DatabaseAway):
            fleet.reachable(State.of(fresh))
    finally:
        postgres_server.start()
    for replica in replicas:
        replica.follow()
    alias.write(State.of(one.config), Aliases(versions[1]))
    wait_for(lambda: all(replica.answering().champion == versions[1] for replica in replicas))


def test_only_while_postgresql_is_away_does_a_replica_stand_alone(replicas, monkeypatch, capfd):
    """Any other fault ends its process with a line: the guard starts it again, and the fleet does not wait for it."""
    for replica in replicas:
        replica.end()
    two = replicas[1]
    monkeypatch.setattr(replica_process, "_keep_beating", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["replica", str(two.config.folder)])
    two.state.behind.write_text("not in step")
    for damaged in (two.state.alias, two.state.serve):
        damaged.write_text("{")
        with pytest.raises(SystemExit) as ended:
            replica_process.main()
        said = capfd.readouterr().err
        assert (ended.value.code, said.count("\n")) == (2, 1)
        assert f"replica: {damaged}: cannot be read" in said
        assert two.state.behind.exists()


def test_a_start_switches_nothing_that_all_serve(replicas, versions):
    two = replicas[1]
    two.end()
    two.config = two.config.model_copy(update={"version": str(versions[2].version)})
    two.start()
    assert two.served.aliases.champion == versions[0]
    assert "plume serve sync version=N" in two.remarks[-1]
    two.follow()


def test_replicas_are_listed(replicas):
    told = "\n".join(map(str, fleet.replicas(replicas[0].state.database)))
    assert told.count("answers") == 0
    assert told.count("knows plume-reply@v") == 2
    assert str(Replica("far:/away", age=61.0)) == "far:/away: gone, last seen 61 s ago"


@pytest.mark.parametrize("odd", ["odd", [], {"token": "x"}, {"token": "x", "deployed": [{"version": "1"}]}])
def test_an_odd_proposal_asks_for_nothing_and_stops_nothing(replicas, versions, odd):
    write_json(replicas[0].state.proposed, odd)
    promote(versions[1])
    sync.sync(replicas[0].config)
    wait_for(lambda: all(replica.answering().champion == versions[1] for replica in replicas))
