"""What a client may ask for, and who asks for it: limits, keys that expire, agents told apart and not named."""

import asyncio
import json
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import prometheus_client
import pytest
from starlette.datastructures import Headers

from serve import key_use, keys
from serve.config import ServeConfig
from serve.guard import client_limits
from serve.guard.agents import Agents
from serve.guard.client_limits import ClientLimits
from serve.guard.mlflow_export import _feedback
from serve.guard.refusal import Refusal
from serve.keys import Holder
from serve.state import State, read_json

REVIEW = {"review": "Ma demande dort depuis mars."}


class Limited:
    """Limits with a clock of their own."""

    def __init__(self, **config):
        self.now = 1000.0
        counter = prometheus_client.Counter("limited", "", ("client", "limit"), registry=None)
        self.limits = ClientLimits(ServeConfig(**config), counter, lambda: self.now)
        self.counted = lambda *labels: counter.labels(*labels)._value.get()

    def ask(self, agent=None, *, name="agents", role="client", **limits):
        """The seconds after which to ask again; 0 if it was begun."""
        try:
            with self.limits.within(Holder(name, role, "", **limits), agent):
                return 0
        except Refusal as refusal:
            return int(refusal.response().headers["retry-after"])


def test_so_many_a_minute_and_the_next_when_the_first_is_a_minute_old():
    limited = Limited(client_per_minute=2)
    assert limited.ask() == 0
    limited.now += 20
    assert [limited.ask(), limited.ask(), limited.ask()] == [0, 40, 40]
    assert limited.ask(name="others") == 0
    limited.now += 39.5
    assert limited.ask() == 1
    limited.now += 0.5
    assert [limited.ask(), limited.ask()] == [0, 20]  # what was refused did not count
    assert limited.counted("agents", "per_minute") == 4


def test_a_keys_own_limit_goes_before_the_configs_and_changes_at_once():
    limited = Limited(client_per_minute=1)
    assert [limited.ask(per_minute=3) for _ in range(4)] == [0, 0, 0, 60]
    assert limited.ask(per_minute=5) == 0
    limited.now += 5
    assert limited.ask(per_minute=2) == 55  # lowered: until two of the last four are left
    assert limited.ask(per_minute=0) == 0
    assert [limited.ask(role="admin", name="admin") for _ in range(5)] == [0] * 5
    assert [Limited().ask() for _ in range(5)] == [0] * 5


def test_so_many_at_a_time_whatever_becomes_of_them():
    limited = Limited(client_at_once=2)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(limited.limits.within(Holder("agents", "client", ""), None))
        assert limited.ask() == 1
        assert limited.ask(at_once=3) == 0
    with pytest.raises(ZeroDivisionError), limited.limits.within(Holder("agents", "client", ""), None):
        raise ZeroDivisionError
    assert [limited.ask(), limited.ask(), limited.ask()] == [0, 0, 0]
    assert limited.counted("agents", "at_once") == 1


def test_an_agent_has_a_limit_of_its_own_and_takes_none_of_the_others():
    limited = Limited(client_per_minute=4, agent_per_minute=2)
    assert [limited.ask("a"), limited.ask("a"), limited.ask("a")] == [0, 0, 60]
    assert [limited.ask("b"), limited.ask(), limited.ask("b")] == [0, 0, 60]
    assert (limited.counted("agents", "agent_per_minute"), limited.counted("agents", "per_minute")) == (1, 1)


def test_agents_that_a_client_invents_fill_no_memory():
    limited = Limited(agent_per_minute=1)
    for n in range(9000):
        limited.now += 0.1
        limited.ask(str(n))
    assert len(limited.limits._begun) < 5000
    limited = Limited()
    for n in range(100):
        limited.ask(str(n))
    assert len(limited.limits._begun) == 0


def test_what_others_agents_fill_loosens_no_clients_limit(monkeypatch):
    monkeypatch.setattr(client_limits, "_MANY", 3)
    limited = Limited(client_per_minute=2, agent_per_minute=1)
    for number in range(5):
        assert limited.ask(f"agent-{number}", name="flood", per_minute=0) == 0
    assert [limited.ask(f"agent-{number}") for number in range(4)] == [0, 0, 60, 60]


def test_over_its_limit_a_client_is_told_when_and_counted(guarded):
    key = keys.add(guarded.state, "hasty", per_minute=1)
    assert guarded.request("POST", "/v1/drafts", key=key, json=REVIEW).status_code == 200
    answer = guarded.request("POST", "/v1/drafts", key=key, json=REVIEW)
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert f"(1 a minute); ask again in {answer.headers['retry-after']} s" in answer.json()["error"]["message"]
    assert len(guarded.engine.asked) == 1
    line = json.loads(guarded.state.audit.read_text().splitlines()[-1])
    assert (line["client"], line["status"], line["error"], line["version"]) == ("hasty", 429, "rate", None)
    metrics = guarded.request("GET", "/metrics", key=guarded.metrics).text
    assert 'plume_limited_total{client="hasty",limit="per_minute"} 1.0' in metrics
    assert 'plume_errors_total{kind="rate",version=""} 1.0' in metrics
    draft = "draft-" + "0" * 24  # what costs no draft is not limited
    for path in (f"/v1/drafts/{draft}/decision", "/v1/models"):
        method = "POST" if "decision" in path else "GET"
        asked = {"json": {"outcome": "accepted"}} if method == "POST" else {}
        assert guarded.request(method, path, key=key, **asked).status_code in (404, 200)
    keys.change(guarded.state, "hasty", per_minute=9)  # the server runs
    assert guarded.request("POST", "/v1/drafts", key=key, json=REVIEW).status_code == 200


def test_one_at_a_time_is_one_at_a_time_through_both_keys_of_a_rotation(guarded):
    old = keys.add(guarded.state, "slow", at_once=1)
    new = keys.rotate(guarded.state, "slow", timedelta(hours=1))

    async def held():
        guarded.engine.hold = asyncio.Event()

    guarded.run(held())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(guarded.request, "POST", "/v1/drafts", key=old, json=REVIEW)
        while not guarded.engine.asked:
            time.sleep(0.01)
        answer = guarded.request("POST", "/v1/drafts", key=new, json=REVIEW)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        guarded.run(guarded.engine.set())
        assert first.result().status_code == 200
    answer = guarded.request("POST", "/v1/drafts", key=new, json=REVIEW)
    assert answer.status_code == 200
    decided = f"/v1/drafts/{answer.json()['id']}/decision"  # both keys are one client
    assert guarded.request("POST", decided, key=old, json={"outcome": "accepted"}).status_code == 200


def test_an_expired_key_opens_nothing_and_says_so(guarded):
    key = keys.add(guarded.state, "bygone", expires=keys.now() - timedelta(seconds=1))
    for method, path in (("POST", "/v1/drafts"), ("GET", "/v1/models"), ("GET", "/metrics")):
        answer = guarded.request(method, path, key=key)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "expired")
    line = json.loads(guarded.state.audit.read_text().splitlines()[-2])
    assert (line["client"], line["error"]) == ("bygone", "expired")
    assert guarded.request("POST", "/v1/drafts/no", key=key).status_code == 404
    keys.change(guarded.state, "bygone", expires=None)
    assert guarded.request("GET", "/v1/models", key=key).status_code == 200
    guarded.run(guarded.lifecycle.key_use.stop())
    assert keys.Keys(guarded.state).holder(key).key in key_use.read(guarded.state)


def test_an_agent_is_told_apart_and_not_named(guarded, capfd):
    named = {"X-Agent-Id": "Borborygme.Tessier@mairie.example"}
    first = guarded.ask("/v1/drafts", REVIEW, headers=named).json()["id"]
    other = guarded.ask("/v1/drafts", REVIEW, headers={"x-agent-id": "b 2"}).json()["id"]
    neither = guarded.ask("/v1/drafts", REVIEW).json()["id"]
    for draft in (first, other, neither):
        guarded.ask(f"/v1/drafts/{draft}/decision", {"outcome": "accepted"}, headers=named if draft == first else {})
    audit = [json.loads(line) for line in guarded.state.audit.read_text().splitlines()[-6:]]
    agents = [line.get("agent") for line in audit]
    assert len({*agents[:2]}) == 2
    assert agents[2:] == [None, agents[0], None, None]
    assert len(agents[0]) == 16
    journal = guarded.lifecycle.drafts.journal
    assert journal.find_draft(first)[2]["agent"] == agents[0]
    assert "agent" not in journal.find_draft(neither)[2]
    decided = {row["id"]: row.get("agent") for row in journal.decisions()}
    assert [decided[draft] for draft in (first, other, neither)] == [agents[0], None, None]
    # By another process: one that closes a SQLite file lets go of its locks.
    found = subprocess.run(["grep", "-rl", "Borborygme", guarded.state.folder], capture_output=True, check=False)
    assert (found.returncode, found.stdout) == (1, b"")
    said = capfd.readouterr()
    assert "Borborygme" not in said.out + said.err
    assert not [seen for *_, seen in guarded.engine.seen if b"x-agent-id" in seen]


@pytest.mark.parametrize("bad", [["é"], ["a\x01b"], ["x" * 129], ["a", "b"], ["a", ""], [" a"], ["\t"]])
def test_an_agent_of_another_form_is_refused_and_not_quoted(tmp_path, bad):
    agents = Agents(State(tmp_path))
    headers = Headers(raw=[(b"x-agent-id", one.encode()) for one in bad])
    with pytest.raises(Refusal, match="X-Agent-Id: one, of 1 to 128") as refused:
        agents.of("agents", headers)
    assert refused.value.status == 422


def test_the_hash_of_an_agent_is_the_clients_and_lives_as_long_as_the_secret(tmp_path):
    state, headers = State(tmp_path), Headers({"X-Agent-Id": "a"})
    agents = Agents(state)
    assert agents.of("one", Headers()) is agents.of("one", Headers({"X-Agent-Id": ""})) is None
    assert agents.of("one", headers) == Agents(state).of("one", headers)
    assert agents.of("one", headers) != agents.of("other", headers)
    assert state.agents.stat().st_mode & 0o077 == 0
    before, secret = agents.of("one", headers), read_json(state.agents)
    state.agents.unlink()
    assert Agents(state).of("one", headers) != before
    assert read_json(state.agents) != secret


def test_a_feedback_in_mlflow_names_client_and_agent(monkeypatch):
    import mlflow

    sources = Counter()
    monkeypatch.setattr(mlflow, "log_feedback", lambda source, **_: sources.update([source.source_id]))
    row = {"outcome": "accepted", "final": None, "seconds": None}
    _feedback("t", "agents", row)
    _feedback("t", "agents", row | {"agent": "0f"})
    assert sources == {"agents": 1, "agents/0f": 1}
