"""Keys over time: last days, rotation with an overlap, limits, when each was last used; what an older plume reads."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from plume.errors import InputError
from serve import key_commands, key_use, keys
from serve.config import ServeConfig
from serve.key_use import KeyUse
from serve.replica import Follower
from serve.state import State, read_json, write_json

HOUR = timedelta(hours=1)


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state")


@pytest.fixture
def later(monkeypatch):
    """later(delta): the clock of keys, moved."""

    def move(delta):
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + delta

        monkeypatch.setattr(keys, "datetime", Clock)

    return move


def told(capfd):
    """The rows of `key list`, by name and role: the words that follow."""
    lines = capfd.readouterr().out.splitlines()[1:]
    return {tuple(line.split()[:2]): line.split()[2:] for line in lines}


def test_a_key_opens_until_its_last_day_is_over(state, later):
    key = keys.add(state, "agents", expires=keys.now() + HOUR)
    known = keys.Keys(state)
    assert not known.holder(key).expired
    later(2 * HOUR)
    assert known.holder(key).expired
    keys.change(state, "agents", expires=None)
    assert not known.holder(key).expired


def test_a_rotated_key_opens_beside_the_new_one_until_the_overlap_ends(state, later):
    old = keys.add(state, "agents", per_minute=5)
    known = keys.Keys(state)
    new = keys.rotate(state, "agents", HOUR)
    for key in (old, new):
        holder = known.holder(key)
        assert (holder.name, holder.role, holder.per_minute, holder.expired) == ("agents", "client", 5, False)
    newest = keys.rotate(state, "agents", 3 * HOUR)
    later(2 * HOUR)
    assert [known.holder(key).expired for key in (old, new, newest)] == [True, False, False]
    keys.rotate(state, "agents", HOUR)
    assert known.holder(old) is None  # forgotten once it was of no use
    keys.remove(state, "agents")
    assert [known.holder(key) for key in (new, newest)] == [None, None]


def test_a_rotation_outlives_no_last_day(state, later):
    at = keys.now() + HOUR
    old = keys.add(state, "agents", expires=at)
    new = keys.rotate(state, "agents", 24 * HOUR)
    known = keys.Keys(state)
    assert [known.holder(key).expires for key in (old, new)] == [at, at]
    later(2 * HOUR)
    with pytest.raises(InputError, match="--expires"):
        keys.rotate(state, "agents", HOUR)
    third = keys.rotate(state, "agents", HOUR, keys.now() + HOUR)
    assert known.holder(third).expired is False
    assert known.holder(new) is None


def test_what_an_earlier_plume_wrote_is_read_and_what_it_could_write_is_written_as_it_did(state):
    keys.add(state, "agents")
    old = read_json(state.keys)
    assert {*old["agents"]} == {"sha256", "role", "made"}
    write_json(state.keys, {"older": {"sha256": old["agents"]["sha256"], "role": "client"}})
    keys.change(state, "older", at_once=2)
    assert read_json(state.keys) == {"older": {**old["agents"], "made": "", "at_once": 2}}


@pytest.mark.parametrize("command", [keys.remove, keys.change, lambda *a: keys.rotate(*a, HOUR)])
def test_of_nobody_nothing_is_changed_and_nothing_made(state, command):
    with pytest.raises(InputError, match="known: nobody"):
        command(state, "agents")
    assert not state.folder.exists()


@pytest.mark.parametrize(
    ("text", "hours"), [("24h", 24), ("7d", 168), ("90", 2160), ("1h", 1), ("tomorrow", None), ("2999-01-01", None)]
)
def test_how_long_a_key_opens(text, hours):
    if hours is None:
        with pytest.raises(InputError, match=f"--expires .*{text}"):
            key_commands.until(text)
    else:
        assert timedelta(0) <= key_commands.until(text) - keys.now() - timedelta(hours=hours) <= timedelta(seconds=5)


@pytest.mark.parametrize(
    "text", ["0d", "-1", "0", "1.5h", "", " ", "9999-12-31", "2026-02-30", "2020-01-01", "4000d", "٣d"]
)
def test_a_day_that_is_none_or_over_is_refused(text):
    with pytest.raises(InputError, match=r"^--expires"):
        key_commands.until(text)


def test_today_is_a_day_until_it_ends():
    today = datetime.now().astimezone()
    assert key_commands.until(today.strftime("%Y-%m-%d")).astimezone().date() == today.date() + timedelta(days=1)


def test_the_list_tells_what_a_key_is_for_and_nothing_that_opens(state, capfd, later):
    made = keys.add(state, "agents", expires=keys.now() + 3 * HOUR, per_minute=60, at_once=0)
    keys.add(state, "prometheus", "metrics")
    made_next = keys.rotate(state, "agents", HOUR)
    where = [f"state={state.folder}"]
    at = datetime.now().astimezone()
    key_use.add(state, {keys.Keys(state).holder(made).key: at.timestamp()})
    key_commands.list_keys(where)
    rows = told(capfd)
    assert (rows["agents", "client"][2], rows["agents", "client"][-2:]) == ("-", ["60", "none"])  # not used yet
    assert " ".join(rows["agents", "former"][2:4]) == at.strftime("%Y-%m-%d %H:%M")
    assert rows["prometheus", "metrics"][-3:] == ["never", "default", "default"]
    later(2 * HOUR)
    key_commands.list_keys(where)
    assert ("agents", "former") not in told(capfd)
    later(4 * HOUR)
    key_commands.list_keys(where)
    said = capfd.readouterr().out
    assert "expired" in said
    hashes = [one["sha256"] for one in read_json(state.keys).values()]
    assert not [secret for secret in (made, made_next, *hashes) if secret in said]


def test_commands_show_a_key_once_and_a_change_wants_something(state, capfd):
    where = [f"state={state.folder}"]
    key_commands.add_key("agents", where, expires="90", per_minute=3)
    first = capfd.readouterr().out.strip()
    key_commands.rotate_key("agents", where, overlap="7d")
    second = capfd.readouterr().out.strip()
    assert [keys.Keys(state).holder(key).per_minute for key in (first, second)] == [3, 3]
    key_commands.change_key("agents", where, expires="never", at_once=1)
    holder = keys.Keys(state).holder(second)
    assert (holder.expires, holder.per_minute, holder.at_once) == (None, 3, 1)
    for bad, said in (
        (lambda: key_commands.change_key("agents", where), "say what changes"),
        (lambda: key_commands.rotate_key("agents", where, overlap="7"), "--overlap '7'"),
        (lambda: key_commands.rotate_key("nobody", where), "known: agents"),
        (lambda: key_commands.add_key("agents", where, expires=""), "--expires ''"),
        (lambda: key_commands.change_key("agents", where, expires=""), "--expires ''"),
        (lambda: key_commands.add_key("prometheus", where, role="metrics", at_once=1), "limits are for the role"),
    ):
        with pytest.raises(InputError, match=said):
            bad()
    text = state.keys.read_text()
    assert not [key for key in (first, second) if key in text]


def test_the_last_use_is_written_once_a_minute_and_read_after_a_restart(state, monkeypatch):
    keys.add(state, "agents")
    (digest,) = [one["sha256"] for one in read_json(state.keys).values()]
    clock, written = [1000.0], []
    monkeypatch.setattr(key_use.time, "time", lambda: clock[0])
    monkeypatch.setattr(key_use, "write_json", lambda path, value: (written.append(value), write_json(path, value)))

    async def use(*seconds):
        noting = KeyUse(state)
        for clock[0] in seconds:
            noting.note(digest)
            noting.note("0" * 64)  # of a key that was removed meanwhile
            await noting.stop()

    asyncio.run(use(1000.0, 1030.0, 1059.0, 1061.0))
    assert [one[digest] for one in written] == [1000, 1061]
    assert key_use.read(state) == {digest: 1061}
    asyncio.run(use(1050.0))  # another replica, which is behind
    assert key_use.read(state) == {digest: 1061}


@pytest.mark.parametrize("damage", ["", "null", "[]", '{"a": true, "b": "x"}'])
def test_a_damaged_file_of_uses_says_nothing_and_is_begun_anew(state, damage):
    keys.add(state, "agents")
    state.used.write_text(damage)
    assert key_use.read(state) == {}
    (digest,) = [one["sha256"] for one in read_json(state.keys).values()]
    key_use.add(state, {digest: 5.0})
    assert json.loads(state.used.read_text()) == {digest: 5}


def test_a_use_that_cannot_be_written_is_told_once(state, capfd):
    keys.add(state, "agents")
    state.used.mkdir()
    (digest,) = [one["sha256"] for one in read_json(state.keys).values()]

    async def use():
        noting = KeyUse(state)
        for _ in range(3):
            noting._noted.clear()  # as if minutes lay between
            noting.note(digest)
            await noting.stop()

    asyncio.run(use())
    assert capfd.readouterr().err.count("cannot be noted") == 1


def test_times_of_keys_are_instants_not_local_hours(state):
    keys.add(state, "agents", expires=datetime(2030, 1, 1, tzinfo=UTC))
    assert read_json(state.keys)["agents"]["expires"] == "2030-01-01T00:00:00Z"


def test_a_use_at_one_replica_is_listed_at_all(tmp_path, postgres_uri, capfd):
    one, other = (State.of(ServeConfig(state=tmp_path / name, database=postgres_uri)) for name in ("one", "other"))
    key = keys.add(one, "agents")
    keys.rotate(other, "agents", HOUR)
    write_json(one.local.keys, read_json(one.keys))  # as a replica does
    digest = keys.Keys(one.local).holder(key).key
    at = datetime.now().astimezone()
    key_use.add(one.local, {digest: at.timestamp()})
    Follower(one, None, None)._share_use()
    key_commands.list_keys([f"state={other.folder}", f"database={postgres_uri}"])
    assert at.strftime("%Y-%m-%d %H:%M") == " ".join(told(capfd)["agents", "former"][2:4])
    assert one.agents_key() == other.agents_key()
