"""The two routes of Services Publics +: a review is left, masked and kept; its draft is written and fetched later."""

import asyncio
import json
import sqlite3
import time
import uuid

import pytest

from plume.prompt import encode_prompt, load_prompt
from serve import keys
from serve.config import ServeConfig
from serve.guard import platform_writer
from serve.guard.access import find
from serve.guard.journal import Journal
from serve.guard.platform_queue import PlatformQueue
from serve.postgres import Postgres

LEAVE, FETCH = "/anonymize", "/prod/run/ditp-get-data"
TEXT = "Deux mois sans réponse.\nCordialement,\nJosiane Tessier, 06 39 98 44 55"
MASKED = "Deux mois sans réponse.\nCordialement,\n[USAGER], [TEL]"


@pytest.fixture
def quick(monkeypatch):
    """Second tries come at once."""
    monkeypatch.setattr(platform_writer, "_WAIT", 0)
    monkeypatch.setattr(platform_writer, "_LOOK", 0.02)


@pytest.fixture
def held(platform):
    """The engine holds what it is asked; `let_go()` ends that."""
    platform.engine.hold = asyncio.Event()
    yield platform
    platform.run(platform.engine.set())


def fetched(platform, body, key=None):
    """Ask until the draft is written, as the platform does."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = platform.request("POST", FETCH, key=key or platform.key, json=body)
        if answer.status_code != 400 or answer.json()["error"]["type"] != "writing":
            return answer
        time.sleep(0.02)
    raise AssertionError(answer.text)


def asked(platform, count=1):
    deadline = time.monotonic() + 60
    while len(platform.engine.asked) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def drafted(guarded):
    """By review as the model saw it, the id of the draft that was written last."""
    with sqlite3.connect(guarded.state.journal) as db:
        return {json.loads(row)["review"]: identity for identity, row in db.execute("SELECT id, row FROM draft")}


def test_the_routes_are_closed_unless_the_config_opens_them(guarded):
    assert ServeConfig().platform_api is False
    assert guarded.lifecycle.platform is None
    for path in (LEAVE, FETCH):
        assert guarded.ask(path, {"id": "1", "text": "Panne."}).status_code == 404
        assert find("POST", path) is None
        assert find("POST", path, platform=True).role == "client"


def test_a_review_that_is_left_is_drafted_and_its_draft_fetched(platform):
    left = platform.ask(LEAVE, {"id": "exp-1", "text": TEXT})
    assert (left.status_code, left.json()) == (200, {"body": {"id": "exp-1"}})
    answer = fetched(platform, {"id": "exp-1"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"body": {"generated_answer": "Bonjour,\n\nNous vous remercions de votre avis."}}
    assert answer.headers["x-plume-version"] == "1"
    decided = platform.ask(f"/v1/drafts/{answer.headers['x-plume-draft']}/decision", {"outcome": "accepted"})
    assert decided.status_code == 200, decided.text


def test_what_is_kept_and_what_the_model_reads_is_masked(platform):
    platform.ask(LEAVE, {"id": "exp-2", "text": TEXT})
    fetched(platform, {"id": "exp-2"})
    assert platform.engine.asked[-1]["prompt"] == encode_prompt(
        platform.tokenizer, load_prompt("short-1"), {"review": MASKED}
    )
    kept = b"".join(file.read_bytes() for file in platform.state.folder.glob("journal.db*"))
    assert b"Tessier" not in kept
    assert "Tessier" not in platform.state.audit.read_text()
    metrics = platform.request("GET", "/metrics", key=platform.metrics).text
    assert 'plume_masked_entities_total{type="TEL",version="1"}' in metrics
    assert "plume_platform_waiting 0.0" in metrics


def test_each_request_and_each_draft_has_its_line_in_the_audit(platform):
    platform.ask(LEAVE, {"id": "exp-3", "text": TEXT})
    answer = fetched(platform, {"id": "exp-3"})
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:  # the writer's line comes after the draft is kept
        lines = [json.loads(line) for line in platform.state.audit.read_text().splitlines()]
        written = [line for line in lines if line.get("route") == "platform-draft"]
        if written and written[-1]["id"] == answer.headers["x-plume-draft"]:
            break
    assert (written[-1]["client"], written[-1]["status"], written[-1]["version"]) == ("agents", 200, 1)
    assert written[-1]["masked"] == {"USAGER": 1, "TEL": 1}
    left = [line for line in lines if line.get("route") == "anonymize"][-1]
    assert (left["queued"], left["masked"]) == (1, {"USAGER": 1, "TEL": 1})


@pytest.mark.parametrize("sent", [{}, {"id": None}, {"id": ""}])
def test_a_review_without_an_id_gets_one(platform, sent):
    identity = platform.ask(LEAVE, {**sent, "text": "Le guichet est fermé."}).json()["body"]["id"]
    assert uuid.UUID(identity).version == 4
    assert fetched(platform, {"id": identity}).status_code == 200


def test_a_list_is_answered_in_its_order_and_a_bad_row_loses_no_other(platform):
    left = platform.ask(LEAVE, [{"id": "a", "text": "Panne."}, {"id": "b", "text": " "}, {"id": "c", "text": "Merci."}])
    first, bad, last = left.json()["body"]
    assert (left.status_code, first, last) == (200, {"id": "a"}, {"id": "c"})
    assert bad == {"id": None, "error": {"type": "request", "message": "text: is empty"}}
    for identity in "ac":
        fetched(platform, {"id": identity})
    answer = platform.ask(FETCH, [{"id": "c"}, {"id": "nobody"}, {"id": 3}, {"id": "a"}])
    written = {"generated_answer": "Bonjour,\n\nNous vous remercions de votre avis."}
    none = {"generated_answer": None}
    assert (answer.status_code, answer.json()) == (200, {"body": [written, none, none, written]})
    assert platform.ask(LEAVE, []).json() == platform.ask(FETCH, []).json() == {"body": []}


def test_an_unknown_id_and_another_clients_are_the_same(platform):
    platform.ask(LEAVE, {"id": "mine", "text": "Panne."})
    fetched(platform, {"id": "mine"})
    other = keys.add(platform.state, "other-site")
    for key, identity in ((platform.key, "nobody"), (other, "mine")):
        answer = platform.request("POST", FETCH, key=key, json={"id": identity})
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "unknown")
    assert platform.request("POST", LEAVE, json={"text": "Panne."}).status_code == 401
    assert platform.request("POST", LEAVE, key=platform.metrics, json={"text": "Panne."}).status_code == 404


def test_a_draft_that_is_being_written_is_no_answer_yet(held):
    held.ask(LEAVE, {"id": "slow", "text": "Panne."})
    asked(held)
    answer = held.ask(FETCH, {"id": "slow"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "writing")
    assert held.ask(FETCH, [{"id": "slow"}]).json() == {"body": [{"generated_answer": None}]}
    held.run(held.engine.set())
    assert fetched(held, {"id": "slow"}).status_code == 200


def test_the_same_text_again_is_answered_the_same_and_another_text_anew(platform):
    platform.ask(LEAVE, {"id": "twice", "text": "Panne."})
    before = fetched(platform, {"id": "twice"})
    platform.engine.draft = "Bonjour,\n\nUn autre texte."
    platform.ask(LEAVE, {"id": "twice", "text": "Panne."})
    again = platform.ask(FETCH, {"id": "twice"})
    assert (again.json(), again.headers["x-plume-draft"]) == (before.json(), before.headers["x-plume-draft"])
    platform.ask(LEAVE, {"id": "twice", "text": "Une autre panne."})
    assert fetched(platform, {"id": "twice"}).json()["body"]["generated_answer"] == "Bonjour,\n\nUn autre texte."


def test_a_text_that_takes_anothers_place_is_not_answered_with_the_others_draft(held):
    held.ask(LEAVE, {"id": "changed", "text": "Panne."})
    asked(held)
    held.ask(LEAVE, {"id": "changed", "text": "Une autre panne."})
    asked(held, 2)
    held.run(held.engine.set())
    assert fetched(held, {"id": "changed"}).headers["x-plume-draft"] == drafted(held)["Une autre panne."]


def test_what_was_withheld_stays_withheld(platform):
    platform.engine.draft = "Bonjour [USAGER],\n\nAppelez le 06 39 98 44 55."
    platform.ask(LEAVE, {"id": "tel", "text": "Panne."})
    assert fetched(platform, {"id": "tel"}).json()["body"]["generated_answer"] == "Bonjour,\n\nAppelez le [TEL]."


def test_a_review_that_makes_no_draft_is_answered_as_failed(platform):
    platform.ask(LEAVE, {"id": "long", "text": "dossier bloqué " * 1300})
    answer = fetched(platform, {"id": "long"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "failed")
    assert "tokens" in answer.json()["error"]["message"]
    assert platform.ask(FETCH, [{"id": "long"}]).json() == {"body": [{"generated_answer": None}]}


def test_a_failing_engine_is_asked_again_a_few_times(platform, quick):
    platform.engine.status = 500
    platform.ask(LEAVE, {"id": "down", "text": "Panne."})
    answer = fetched(platform, {"id": "down"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "failed")
    assert len(platform.engine.asked) == platform_writer._TRIES
    platform.engine.status = 200
    platform.ask(LEAVE, {"id": "down", "text": "Panne."})  # asked for again: written
    assert fetched(platform, {"id": "down"}).status_code == 200


def test_a_full_queue_refuses_and_a_list_keeps_what_there_was_room_for(held):
    drafts = held.lifecycle.drafts
    started = drafts.started
    drafts.started = started.model_copy(update={"config": started.config.model_copy(update={"max_queued_requests": 2})})
    try:
        left = held.ask(LEAVE, [{"id": f"q{n}", "text": "Panne."} for n in range(3)])
        assert [row["id"] for row in left.json()["body"]] == ["q0", "q1", None]
        assert left.json()["body"][2]["error"]["type"] == "busy"
        full = held.ask(LEAVE, {"id": "q3", "text": "Panne."})
        assert (full.status_code, full.headers["retry-after"]) == (503, "5")
        assert held.ask(LEAVE, {"id": "q0", "text": "Panne."}).status_code == 200  # it is in the queue
    finally:
        drafts.started = started
    held.run(held.engine.set())
    for n in range(2):
        fetched(held, {"id": f"q{n}"})


def test_a_server_that_ends_in_the_middle_writes_the_draft_after_its_start(held):
    async def start():
        before.start()

    held.ask(LEAVE, {"id": "killed", "text": "Panne."})
    asked(held)
    before = held.lifecycle.platform
    held.run(before.stop())
    assert held.ask(FETCH, {"id": "killed"}).json()["error"]["type"] == "writing"
    held.run(held.engine.set())
    held.run(start())
    assert fetched(held, {"id": "killed"}).status_code == 200


def test_a_drain_finishes_what_is_begun_and_begins_nothing(held, quick):
    held.ask(LEAVE, {"id": "begun", "text": "Panne."})
    asked(held)
    held.state.drain.touch()
    try:
        assert held.ask(LEAVE, {"id": "late", "text": "Panne."}).status_code == 503
        assert len(held.lifecycle.in_flight) == 1  # what a stop waits for
        held.run(held.engine.set())
        assert fetched(held, {"id": "begun"}).status_code == 200
        held.run(held.lifecycle.platform.add("agents", "kept", "Panne.", {}))
        time.sleep(0.2)
        assert held.ask(FETCH, {"id": "kept"}).json()["error"]["type"] == "writing"
    finally:
        held.state.drain.unlink()
    assert fetched(held, {"id": "kept"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"id": "x"}, "text: Field required"),
        ({"id": "x", "text": ""}, "text: is empty"),
        ({"id": 7, "text": "Panne."}, "id: Input should be a valid string"),
        ({"id": "x\n", "text": "Panne."}, "id: holds a control character"),
        ({"id": "x", "text": "a" * 20_001}, "text: String should have at most 20000 characters"),
        ({"id": "x", "text": "Panne.", "model": "base"}, "model: Extra inputs are not permitted"),
        ("Panne.", "body: "),
        (None, "body: "),
        ([{"id": "x"}], "text: Field required"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_field(platform, body, told):
    answer = platform.ask(LEAVE, body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "request")
    assert told in answer.json()["error"]["message"]
    assert "Panne" not in answer.text


def test_answers_are_forgotten_after_48_hours(tmp_path, monkeypatch, shared):
    journal = Journal(Postgres(shared) if shared else tmp_path / "journal.db")
    queue = PlatformQueue(journal)
    assert queue.add("site", "1", "Panne.", {}, most=9)
    job = queue.take()
    queue.finish(job.seq, "draft-1", "Bonjour.", 1)
    assert queue.get("site", "1").text == "Bonjour."
    now = journal.database.now()
    monkeypatch.setattr(journal.database, "now", lambda: now + 48 * 3600 - 60)
    assert queue.get("site", "1").text == "Bonjour."
    monkeypatch.setattr(journal.database, "now", lambda: now + 48 * 3600 + 60)
    assert queue.get("site", "1") is None
    assert queue.take() is None
    assert journal.database.run("SELECT count(*) FROM platform") == [(0,)]


@pytest.mark.parametrize("day", [86_400, -86_400])
def test_a_clock_that_jumps_delays_no_review(tmp_path, monkeypatch, shared, day):
    """Queued, taken and put back under the other time, a review is due all the same once the clock is right."""
    journal = Journal(Postgres(shared) if shared else tmp_path / "journal.db")
    queue = PlatformQueue(journal)
    with monkeypatch.context() as patch:
        now = journal.database.now()
        patch.setattr(journal.database, "now", lambda: now + day)
        for name in ("taken", "put back", "new"):
            assert queue.add("site", name, "Panne.", {}, most=9)
        first, second = queue.take(), queue.take()
        queue.put_back(second.seq, 5.0, second.tries)
    assert {job.id for job in (queue.take(), queue.take(), queue.take())} == {"taken", "put back", "new"}
    assert queue.take() is None
    assert first.tries == 1


def test_the_schema_tells_the_two_routes(platform):
    paths = platform.request("GET", "/openapi.json").json()["paths"]
    one, many = paths[LEAVE]["post"]["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert set(one["properties"]) == {"id", "text"}
    assert many["items"] == one
    assert FETCH in paths
