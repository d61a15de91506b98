"""Drafts from an OpenAI-compatible server: a real one over HTTP that answers, fails, hangs and talks nonsense."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from eval.backends import TOO_LONG, endpoint
from eval.backends.endpoint import Endpoint
from eval.generate import Decoding, generate
from eval.systems import Resolved
from plume.corpus.dataset import read_split
from plume.errors import InputError, PlumeError
from plume.models import Base, load_tokenizer
from plume.prompt import EXAMPLES, encode_prompt, load_prompt

KEY = "sk-a-secret-of-nobody-4417"
DECODING = Decoding(max_new_tokens=12)
SOON = {"retry-after-ms": "5"}  # so that the client's waits do not slow the tests


class Server(ThreadingHTTPServer):
    """Answers every request with `reply`, unless `faults` holds (status, headers, body) or a callable for it."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.asked, self.headers, self.faults, self.models = [], [], [], ["tiny"]
        self.delay, self.now, self.most, self.lock = 0.0, 0, 0, threading.Lock()
        self.fault_of = lambda body: self.faults.pop(0) if self.faults else None
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        models = self.server.models
        self.answer(*(models if isinstance(models, tuple) else (200, {}, {"data": [{"id": m} for m in models]})))

    def do_POST(self):
        server, body = self.server, json.loads(self.rfile.read(int(self.headers["content-length"])))
        with server.lock:
            server.asked.append((self.path, body))
            server.headers.append({k.lower(): v for k, v in self.headers.items()})
            server.now += 1
            server.most = max(server.most, server.now)
            fault = server.fault_of(body)
        time.sleep(server.delay)
        with server.lock:
            server.now -= 1
        if fault == "hang":
            time.sleep(5)
            return
        if fault == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.answer(*(fault or (200, {}, reply(body))))

    def answer(self, status, headers, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": len(data), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)


def reply(body, finish="stop", **usage):
    text = "  Bonjour, merci de votre avis. "
    choice = {"message": {"role": "assistant", "content": text}} if "messages" in body else {"text": text}
    counts = {"prompt_tokens": len(body.get("prompt", [0] * 77)), "completion_tokens": 9} | usage
    return {"choices": [{"index": 0, "finish_reason": finish, **choice}], "usage": counts}


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def system(tiny_mistral):
    return Resolved("base:tiny", Base(model=str(tiny_mistral)), None, None, "short-1")


@pytest.fixture
def ask(server, system, small_dataset, tmp_path):
    """Generate through the server; returns the rows by id and what was said if drafts failed."""

    def call(asked=system, *, split="test", out="drafts.jsonl", **options):
        out, said = tmp_path / out, ""
        backend = Endpoint(server.url, "tiny", **{"timeout": 20, "limit": 60} | options)
        try:
            generate(asked, small_dataset, out, DECODING, split=split, backend=backend)
        except InputError:
            raise
        except PlumeError as error:
            said = str(error)
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert len({r["id"] for r in rows}) == len(rows)
        return {r["id"]: r for r in rows}, said

    return call


def errors(rows):
    return [r["error"] for r in rows.values() if "error" in r]


def test_the_server_reads_the_token_ids_of_training(server, ask, system, small_dataset, tmp_path):
    rows, said = ask()
    pairs = read_split(small_dataset, "test")
    tokenizer = load_tokenizer(system.base)
    expected = {p["id"]: encode_prompt(tokenizer, load_prompt("short-1"), p) for p in pairs}
    assert not said
    assert {path for path, _ in server.asked} == {"/v1/completions"}
    assert sorted(body["prompt"] for _, body in server.asked) == sorted(expected.values())
    body = server.asked[0][1]
    assert (body["temperature"], body["max_tokens"], body["stop_token_ids"]) == (0, 12, [32000])
    assert {i: r["prompt_tokens"] for i, r in rows.items()} == {i: len(ids) for i, ids in expected.items()}
    row = rows["916-1"]
    assert (row["draft"], row["draft_tokens"], row["stopped"]) == ("Bonjour, merci de votre avis.", 9, True)
    meta = json.loads((tmp_path / "drafts.meta.json").read_text())
    assert meta["system"]["endpoint"] == {"url": server.url, "model": "tiny"}
    assert (meta["decoding"]["backend"], meta["decoding"]["api"]) == ("endpoint", "completions")
    assert meta["decoding"]["dtype"] is None


def test_generated_ids_are_read_like_those_of_the_other_backends(server, ask, system):
    ids = load_tokenizer(system.base)("Bonjour", add_special_tokens=False)["input_ids"]
    answer = reply({"prompt": []}, prompt_tokens=None)
    answer["choices"][0]["token_ids"] = [*ids, 32000]
    server.fault_of = lambda body: (200, {}, answer)
    rows, _ = ask()
    assert {(r["draft"], r["draft_tokens"], r["stopped"]) for r in rows.values()} == {("Bonjour", len(ids) + 1, True)}


def test_a_busy_or_failing_server_is_asked_again(server, ask):
    server.faults = [(429, SOON, {}), (500, SOON, b"oops"), (503, SOON, {}), "cut"]
    rows, said = ask(concurrency=1)
    assert not said
    assert len(rows) == 3
    assert len(server.asked) == 3 + 4


def test_a_failed_draft_is_a_row_with_its_error_and_is_tried_by_the_next_run(server, ask):
    first = {}

    def hang_for_one(body):
        first.setdefault("prompt", body["prompt"])
        return "hang" if body["prompt"] == first["prompt"] else None

    server.fault_of = hang_for_one
    rows, said = ask(timeout=0.5, limit=1.2)
    assert errors(rows) == ["no draft within 1.2 s"]
    assert "1 of 3 drafts failed: no draft within 1.2 s (1)" in said
    [failed] = [i for i, r in rows.items() if "error" in r]
    assert rows[failed].keys() == {"id", "error", "system", "sha256"}
    server.fault_of, before = lambda body: None, len(server.asked)
    rows, said = ask(timeout=0.5, limit=1.2)
    assert not said
    assert [body["prompt"] for _, body in server.asked[before:]] == [first["prompt"]]
    assert len(rows) == 3


NONSENSE = [
    (b"<html>Bad gateway", "not an answer of this API"),
    (b'{"choices": []}', "not an answer of this API"),
    (b'{"choices": [{"text": null, "finish_reason": "stop"}]}', "the server ended the draft: stop"),
    (b"[1]", "not an answer of this API"),
    (json.dumps(reply({"prompt": []}, "content_filter", prompt_tokens=None)).encode(), "content_filter"),
    (json.dumps(reply({"prompt": []}, prompt_tokens=5)).encode(), "the server read 5 tokens where"),
    (b"[" * 20000, "not an answer of this API"),
    (b'{"choices": ' + b"9" * 5000 + b"}", "not an answer of this API"),
    (b'{"choices": [{"text": "Bonjour \\ud83d", "finish_reason": "stop"}]}', "half of a character"),
    (b'{"choices": [{"text": "a", "finish_reason": "stop", "token_ids": [1, -3]}]}', "token ids that are none"),
    (b'{"choices": [{"text": "a", "finish_reason": "stop", "token_ids": 5}]}', "not an answer of this API"),
]


@pytest.mark.parametrize(("body", "error"), NONSENSE)
def test_nonsense_is_an_error_of_that_draft_alone(server, ask, body, error):
    server.faults = [(200, {}, body)]
    rows, said = ask(concurrency=1)
    assert len(rows) == 3
    assert len(errors(rows)) == 1
    assert error in errors(rows)[0]
    assert error in said


@pytest.mark.parametrize("count", ["9", [], {}, -1, True, 1e400, 2**70])
def test_an_odd_count_is_no_count_and_loses_no_draft(server, ask, count):
    server.fault_of = lambda body: (200, {}, reply(body, completion_tokens=count))
    rows, said = ask()
    assert not said
    assert {(r["draft"], r["draft_tokens"]) for r in rows.values()} == {("Bonjour, merci de votre avis.", None)}


def test_a_refusal_is_not_repeated_and_quotes_nothing(server, ask, small_dataset, monkeypatch):
    monkeypatch.setenv("PLUME_API_KEY", KEY)
    server.fault_of = lambda body: (400, {}, {"error": {"message": f"cannot read {body} with {KEY}"}})
    rows, said = ask()
    assert len(server.asked) == 3
    assert set(errors(rows)) == {"HTTP 400 (a server that takes no token ids wants --api chat)"}
    assert KEY not in said
    assert "prompt" not in said


def test_the_key_is_sent_and_written_nowhere(server, ask, tmp_path, monkeypatch, capfd, caplog):
    monkeypatch.setenv("THE_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another-service")
    caplog.set_level("DEBUG")
    server.faults = [(500, SOON, {})]
    ask(key_env="THE_KEY")
    assert {h["authorization"] for h in server.headers} == {f"Bearer {KEY}"}
    assert not any("org-of-another-service" in h.values() for h in server.headers)
    written = "".join(p.read_text() for p in tmp_path.iterdir() if p.is_file())
    output = capfd.readouterr()
    assert KEY not in written + output.out + output.err + caplog.text
    assert "pose problème" not in caplog.text  # of the reviews


def test_no_more_requests_at_once_than_asked_for(server, ask):
    server.delay = 0.05
    rows, _ = ask(split="train", concurrency=3)
    assert len(rows) == 13
    assert server.most == 3


def test_a_server_that_fails_on_and_on_is_left_alone(server, ask, monkeypatch):
    monkeypatch.setattr(endpoint, "GIVE_UP", 4)
    server.fault_of = lambda body: (422, {}, {})
    rows, said = ask(split="train", concurrency=1)
    assert len(server.asked) == 4
    assert sum("not asked for" in e for e in errors(rows)) == 9
    assert "13 of 13 drafts failed" in said


def test_examples_are_left_out_until_the_server_accepts_the_prompt(server, ask, system):
    shown = Resolved("base:tiny", system.base, None, None, "short-1", k=3)
    ask(shown)
    lengths = sorted({len(body["prompt"]) for _, body in server.asked})
    server.asked.clear()
    refusal = {"error": {"message": "This model's maximum context length is smaller"}}
    server.fault_of = lambda body: (400, {}, refusal) if len(body["prompt"]) >= lengths[0] else None
    rows, said = ask(shown, out="again.jsonl")
    assert not said
    assert all(len(r["examples"]) + r["examples_dropped"] == 3 for r in rows.values())
    assert all(r["examples_dropped"] >= 1 and r["prompt_tokens"] < lengths[0] for r in rows.values())
    assert sorted(r["prompt_tokens"] for r in rows.values()) == sorted(
        len(body["prompt"]) for _, body in server.asked if len(body["prompt"]) < lengths[0]
    )


def test_chat_sends_messages_and_what_the_standard_knows_only(server, ask, small_dataset):
    remote = Resolved("endpoint:tiny", None, None, None, "short-1", k=2)
    server.faults = [(400, {}, {"error": {"message": "maximum context length"}})]
    rows, said = ask(remote, api="chat", concurrency=1)
    assert not said
    assert {path for path, _ in server.asked} == {"/v1/chat/completions"}
    assert {frozenset(body) for _, body in server.asked} == {
        frozenset(("model", "messages", "max_tokens", "temperature", "stop"))
    }
    (first, second), pair = (body["messages"] for _, body in server.asked[:2]), read_split(small_dataset, "test")[0]
    assert EXAMPLES in first[0]["content"]
    assert len(first) == len(second) + 2
    assert second[-1] == load_prompt("short-1").messages(pair)[-1]
    assert {r["prompt_tokens"] for r in rows.values()} == {77}
    assert rows[pair["id"]]["examples_dropped"] == 1


def test_too_long_without_examples_is_an_error(server, ask):
    server.faults = [(400, {}, {"error": {"message": "maximum context length is 10 tokens"}})]
    rows, _ = ask(concurrency=1)
    assert errors(rows) == [TOO_LONG]


def test_a_server_that_cannot_be_used_is_refused_before_any_draft(server, system, small_dataset, tmp_path):
    def refused(match, url=server.url, **options):
        with pytest.raises(InputError, match=match):
            generate(system, small_dataset, tmp_path / "d.jsonl", DECODING, backend=Endpoint(url, "tiny", **options))

    server.models = ["large", "small"]
    refused("has no model 'tiny', but: 'large', 'small'; name one with --model")
    server.models = (401, {}, {"error": KEY})
    refused("refuses the key .*THE_KEY", key_env="THE_KEY")
    refused("does not answer", url="http://127.0.0.1:9/v1")
    for url in ("127.0.0.1:8300", "http://[::1", "http://127.0.0.1:99999/v1", "http://127.0.0.1:x/v1", "http:///v1"):
        refused("an address such as", url=url)
    refused("an address such as", url="http://127.0.0.1:8300/v1\nX: y")
    refused("an address such as", url=f"http://user:{KEY}@127.0.0.1:8300/v1")
    assert server.asked == []
    remote = Resolved("endpoint:tiny", None, None, None, "short-1")
    with pytest.raises(InputError, match="--api chat"):
        generate(remote, small_dataset, tmp_path / "d.jsonl", DECODING, backend=Endpoint(server.url, "tiny"))


def test_killed_in_the_middle_it_goes_on_and_asks_for_nothing_twice(server, tiny_mistral, small_dataset, tmp_path, cli):
    spec, out = tmp_path / "system.yaml", tmp_path / "drafts.jsonl"
    spec.write_text(f"base: {{model: {tiny_mistral}}}\nprompt: short-1\nexamples: {{k: 1}}\n")
    server.delay = 0.3
    words = ["eval", "generate", "--system", spec, "--data", small_dataset, "--split", "train", "--out", out]
    words += ["--endpoint", server.url, "--model", "tiny", "--concurrency", "2"]
    process = subprocess.Popen([sys.executable, "-m", "plume.cli", *map(str, words)])
    deadline = time.monotonic() + 200
    while (not out.exists() or out.read_text().count("\n") < 4) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    time.sleep(0.5)
    kept, before = out.read_text(), len(server.asked)
    done = kept.count("\n")
    assert 4 <= done < 13
    assert before <= done + 2  # those under way, two at a time
    with out.open("a") as file:
        file.write('{"id": "903-1", "draft": "Bonj')  # as a full disk or a torn write would leave it
    server.delay = 0
    finished = cli(*words)
    assert finished.returncode == 0, finished.stderr
    assert f"{13 - done} new drafts" in finished.stdout
    assert len(server.asked) == before + 13 - done
    assert out.read_text().startswith(kept)
    assert len({json.loads(line)["id"] for line in out.read_text().splitlines()}) == 13
    assert cli(*words).returncode == 0
    assert len(server.asked) == before + 13 - done


def test_failed_drafts_end_with_one_line_and_exit_code_1(server, tiny_mistral, small_dataset, tmp_path, refused):
    spec = tmp_path / "system.yaml"
    spec.write_text(f"base: {{model: {tiny_mistral}}}\nprompt: short-1\n")
    words = ["eval", "generate", "--system", spec, "--data", small_dataset, "--out", tmp_path / "d.jsonl"]
    server.fault_of = lambda body: (400, {}, {})
    line = refused(*words, "--endpoint", server.url, "--model", "tiny", code=1)
    assert "3 of 3 drafts failed: HTTP 400" in line
    assert "--endpoint URL" in refused(*words, "--model", "tiny")
    assert "--endpoint URL --model NAME" in refused(*words[:3], "endpoint", *words[4:], "--api", "chat")
