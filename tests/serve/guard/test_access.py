"""What is open, to whom, and what never leaves: keys, sizes, fields, logs."""

import json

import pytest

from serve import keys
from serve.guard.access import find
from serve.guard.refusal import Reason

REVIEW = {"review": "Ma demande dort depuis mars."}
CLOSED = [
    ("POST", "/adapters"),
    ("DELETE", "/adapters/plume-reply@v1"),
    ("POST", "/invocations"),
    ("POST", "/tokenize"),
    ("POST", "/detokenize"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/load_lora_adapter"),
    ("POST", "/v1/unload_lora_adapter"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/embeddings"),
    ("GET", "/docs"),
    ("GET", "/load"),
    ("POST", "/sleep"),
    ("POST", "/scale_elastic_ep"),
    ("GET", "/v1/drafts"),
    ("PUT", "/v1/drafts"),
    ("POST", "/v1/drafts/"),
    ("POST", "//v1/drafts"),
    ("POST", "/v1/drafts/../completions"),
    ("POST", "/engine/adapters"),
    ("POST", "/engine/tokenize"),
    ("POST", "/engine/../adapters"),
    ("POST", "/engine"),
    ("OPTIONS", "/v1/drafts"),
    ("HEAD", "/v1/models"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize("holder", [None, "key", "admin"])
def test_a_route_that_is_not_named_is_closed_to_everybody(guarded, method, path, holder):
    key = getattr(guarded, holder) if holder else None
    assert guarded.request(method, path, key=key).status_code == 404
    assert guarded.engine.seen == []


@pytest.mark.parametrize("path", ["/v1/load_lora_adapter", "/v1/completions", "/v1/unload_lora_adapter"])
def test_the_engine_is_for_the_admin_alone(guarded, path):
    for key in (guarded.key, guarded.metrics):
        assert guarded.request("POST", f"/engine{path}", key=key, json={"prompt": [1]}).status_code == 404
    assert guarded.request("POST", f"/engine{path}", json={}).status_code == 401
    assert guarded.engine.seen == []
    assert guarded.request("POST", f"/engine{path}", key=guarded.admin, json={"prompt": [1]}).status_code == 200
    assert guarded.engine.seen[0][1] == path


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "Basic x", "Bearer", "bearer\u00e9"])
def test_without_a_known_key_nothing_is_read_or_asked(guarded, header):
    headers = {"Authorization": header.encode("latin-1")} if header else {}
    answer = guarded.request("POST", "/v1/drafts", json=REVIEW, headers=headers)
    assert answer.status_code == 401
    assert guarded.engine.asked == []


def test_a_key_works_at_once_and_is_gone_at_once(guarded):
    key = keys.add(guarded.state, "temp")
    assert guarded.request("POST", "/v1/drafts", key=key, json=REVIEW).status_code == 200
    keys.remove(guarded.state, "temp")
    assert guarded.request("POST", "/v1/drafts", key=key, json=REVIEW).status_code == 401
    assert key not in guarded.state.keys.read_text()
    assert guarded.state.keys.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_refused_whatever_it_declares(guarded, declared):
    body = json.dumps({"review": "a" * 70_000}).encode()

    async def parts():
        for i in range(0, len(body), 1000):
            yield body[i : i + 1000]

    answer = guarded.request("POST", "/v1/drafts", key=guarded.key, content=body if declared else parts())
    assert answer.status_code == 413
    assert guarded.engine.asked == []


@pytest.mark.parametrize(
    "extra",
    [
        {"model": "base"},
        {"temperature": 2},
        {"max_tokens": 9999},
        {"n": 4},
        {"logprobs": True},
        {"chat_template": "{{ 1 }}"},
        {"lora_path": "/etc"},
        {"system": "Obéis."},
        {"stop": "x"},
    ],
)
def test_hidden_fields_are_refused_by_name(guarded, extra):
    for path, body in (
        ("/v1/drafts", {**REVIEW, **extra}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "a"}], **extra}),
    ):
        answer = guarded.ask(path, body)
        assert answer.status_code == 422
        assert next(iter(extra)) in answer.json()["error"]["message"]
    assert guarded.engine.asked == []


@pytest.mark.parametrize("model", ["../a/v2", "/etc/passwd", "plume-reply@v9", "base", "plume-reply/../base"])
def test_a_model_that_is_a_path_or_another_version_is_refused(guarded, model):
    body = {"messages": [{"role": "user", "content": "a"}], "model": model}
    assert guarded.ask("/v1/chat/completions", body).status_code == (404 if model == "plume-reply@v9" else 422)
    assert guarded.engine.asked == []


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "a"}],
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        [{"role": "user", "content": [{"type": "image_url"}]}],
    ],
)
def test_one_message_of_the_citizens_is_all_there_may_be(guarded, messages):
    assert guarded.ask("/v1/chat/completions", {"messages": messages}).status_code == 422


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"review": ""}', b'{"review": 3}', b"\xff\xfe"])
def test_broken_bodies_are_refused_without_quoting_them(guarded, body):
    answer = guarded.request("POST", "/v1/drafts", key=guarded.key, content=body)
    assert answer.status_code in (400, 422)
    assert guarded.engine.asked == []


def test_a_websocket_is_closed(guarded):
    sent = []

    async def send(message):
        sent.append(message)

    guarded.run(guarded.guard({"type": "websocket", "path": "/v1/realtime", "headers": []}, None, send))
    assert [m["type"] for m in sent] == ["websocket.close"]


def test_metrics_are_for_their_role_and_count_by_version(guarded):
    assert guarded.request("GET", "/metrics").status_code == 401
    assert guarded.request("GET", "/metrics", key=guarded.key).status_code == 404
    guarded.engine.draft = "Bonjour, appelez le 01 99 00 55 66."
    guarded.ask("/v1/drafts", {"review": "Mme Durand attend depuis mars."})
    text = guarded.request("GET", "/metrics", key=guarded.metrics).text
    for wanted in (
        'plume_requests_total{route="drafts",status="200",version="1"}',
        'plume_draft_tokens_total{version="1"}',
        'plume_withheld_total{check="contacts",version="1"}',
        'plume_masked_entities_total{type="AGENT",version="1"}',
        'plume_time_to_first_token_seconds_count{version="1"}',
        "plume_ready 1.0",
        "plume_maskers 1.0",
        'plume_share{alias="champion",version="1"} 1.0',
    ):
        assert wanted in text
    guarded.state.drain.touch()
    try:
        assert "plume_ready 0.0" in guarded.request("GET", "/metrics", key=guarded.metrics).text
    finally:
        guarded.state.drain.unlink()


def test_readiness_follows_the_drain_file_and_new_drafts_are_refused(guarded):
    assert guarded.request("GET", "/ready").status_code == 200
    guarded.state.drain.touch()
    try:
        assert guarded.request("GET", "/ready").status_code == 503
        assert guarded.request("GET", "/health").status_code == 200
        refused = guarded.ask("/v1/drafts", REVIEW)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    finally:
        guarded.state.drain.unlink()
    assert guarded.ask("/v1/drafts", REVIEW).status_code == 200


def test_no_text_of_a_request_or_draft_is_in_any_file_of_the_state(guarded, capfd):
    marker, written = "Zorglub4417", "Mirandole8823"
    guarded.engine.draft = f"Bonjour,\n\n{written} {marker} vous attend."
    guarded.ask("/v1/drafts", {"review": f"Je suis {marker} Tessier.", "pseudonym": marker, marker: 1})
    guarded.ask("/v1/drafts", {"review": f"Rien.\nCordialement,\n{marker} Tessier", "pseudonym": f"{marker}P"})
    guarded.engine.status = 500
    guarded.ask("/v1/drafts", {"review": f"Voici {marker}."})
    audit = guarded.state.audit.read_text()
    assert marker not in audit
    assert written not in audit
    assert json.loads(audit.splitlines()[-1])["error"] == "engine"
    said = capfd.readouterr()
    assert marker not in said.out + said.err
    assert guarded.state.audit.stat().st_mode & 0o077 == 0


def test_openapi_documents_what_is_open_and_nothing_else(guarded):
    paths = guarded.request("GET", "/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            assert find(method.upper(), path.replace("{identity}", f"draft-{'0' * 24}")) is not None
    of_draft = {f"/v1/drafts/{{identity}}/{what}" for what in ("decision", "again")}
    assert set(paths) == {"/v1/drafts", *of_draft, "/v1/chat/completions", "/v1/models"}
    told = paths["/v1/drafts"]["post"]["responses"]
    assert told["503"]["description"] == "Refused: masking, checks, busy, draining"
    assert (told["401"]["description"], "Retry-After" in told["429"]["headers"]) == ("Refused: key, expired", True)
    for described in (one for methods in paths.values() for one in methods.values()):
        names = {one["name"] for one in described["parameters"] if one["in"] == "header"}
        assert names == {"X-Request-Id", "traceparent", "X-Agent-Id", "X-Conversation-Id"}
    assert {reason.value[0] for reason in Reason} - {499} <= set(map(int, told))
