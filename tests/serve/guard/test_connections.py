"""Raw sockets against uvicorn as vLLM starts it: half requests, huge ones, clients that leave, a server that stops."""

import asyncio
import json
import logging
import os
import re
import signal
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from serve.guard import connection_limits

DRAFT = b'{"review": "Ma demande dort depuis mars."}'
POST = b"POST /v1/drafts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n"
KIB = 1024


@pytest.fixture
def hurried(guarded, monkeypatch):
    """The same server with limits that a test can wait for."""
    monkeypatch.setattr(guarded.lifecycle, "config", guarded.config.model_copy(update={"body_timeout": 0.4}))
    for name in ("_SLACK", "_LINGER"):
        monkeypatch.setattr(connection_limits, name, 0.3)
    limited = guarded.server.config.http_protocol_class
    connection_limits.limit(guarded.server, connection_limits.Limits(0.4, 0.4), limited.args[1])
    yield guarded
    guarded.server.config.http_protocol_class = limited


def connect(guarded):
    opened = socket.create_connection(("127.0.0.1", guarded.port), timeout=60)
    opened.settimeout(60)
    return opened


def answer(opened):
    """Status and body of what is sent until the server closes; None if it closes without a word."""
    data = b""
    while part := opened.recv(65536):
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    return (int(head.split()[1]), body) if data else None


def keyed(guarded, *headers):
    return POST % guarded.key.encode() + b"".join(h + b"\r\n" for h in headers) + b"\r\n"


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


HALF = {
    "nothing": (None, b""),
    "half a request line": (408, b"POST /v1/dra"),
    "half the headers": (408, b"POST /v1/drafts HTTP/1.1\r\nHost: x\r\nA:"),
    "half a body": (408, b"KEYED Content-Length: 40|{"),
    "no byte of the body": (408, b"KEYED Content-Length: 40|"),
    "half a chunk": (408, b"KEYED Transfer-Encoding: chunked|5\r\n{"),
    "no last chunk": (408, b"KEYED Transfer-Encoding: chunked|1\r\n{\r\n"),
    "the body without a key": (401, b"POST /v1/drafts HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n{"),
    "the body of no route": (404, b"POST /sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n{"),
    "the body of a GET": (408, b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n{"),
}


@pytest.mark.parametrize("drips", [b"", b" "])
@pytest.mark.parametrize("half", HALF)
def test_half_a_request_is_closed_though_it_goes_on_dripping(hurried, half, drips):
    status, sent = HALF[half]
    if sent.startswith(b"KEYED "):
        header, _, body = sent.removeprefix(b"KEYED ").partition(b"|")
        sent = keyed(hurried, header) + body
    with connect(hurried) as opened:
        opened.sendall(sent)
        over = threading.Event()

        def drip():
            while drips and not over.wait(0.05):
                try:
                    opened.sendall(drips if sent else b"\r\n")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            told = answer(opened)
        except ConnectionResetError:
            assert drips  # what is sent after the end is answered with a reset
            told = None
        over.set()
        dripping.join()
    if not drips:
        assert (told and told[0]) == status
    if told:
        assert set(json.loads(told[1])["error"]) == {"type", "message"}
    assert hurried.engine.asked == []


def test_a_request_after_another_has_its_own_time(hurried):
    whole = keyed(hurried, b"Content-Length: %d" % len(DRAFT)) + DRAFT
    with connect(hurried) as opened:
        opened.sendall(whole + whole + b"GET /hea")
        head = b""
        while part := opened.recv(65536):
            head += part
    assert re.findall(rb"HTTP/1.1 (\d+)", head) == [b"200", b"200", b"408"]


def test_a_draft_that_takes_longer_than_its_request_may_is_not_cut_off(hurried):
    hurried.engine.hold = asyncio.Event()
    with connect(hurried) as opened:
        opened.sendall(keyed(hurried, b"Connection: close", b"Content-Length: %d" % len(DRAFT)) + DRAFT + b"\r\n")
        wait_for(lambda: hurried.engine.asked)
        time.sleep(1)
        hurried.run(hurried.engine.set())
        assert answer(opened)[0] == 200


HUGE = {
    "URL": (414, b"GET /" + b"a" * 9 * KIB, b"a" * KIB),
    "one header": (431, b"GET /health HTTP/1.1\r\nHost: x\r\nA: ", b"a" * KIB),
    "many headers": (431, b"GET /health HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n" * 200),
    "header's name": (431, b"GET /health HTTP/1.1\r\nHost: x\r\n", b"a" * KIB),
    "whole headers": (431, b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70 * KIB + b"\r\n\r\n", b""),
    "garbage": (400, b"\x16\x03\x01\x02\x00 this is TLS \r\n\r\n", b""),
    "body": (413, b"KEYED Content-Length: 9000000|", b"a" * KIB),
    "chunks": (413, b"KEYED Transfer-Encoding: chunked|", b"400\r\n" + b"a" * KIB + b"\r\n"),
    "chunk extensions": (431, b"KEYED Transfer-Encoding: chunked|1;a=", b"a" * KIB),
    "trailers": (431, b"KEYED Transfer-Encoding: chunked|0\r\nA: ", b"a" * KIB),
}


@pytest.mark.parametrize("what", HUGE)
def test_what_is_too_large_is_refused_in_a_line_and_not_read_to_its_end(hurried, what):
    status, sent, part = HUGE[what]
    if sent.startswith(b"KEYED "):
        header, _, body = sent.removeprefix(b"KEYED ").partition(b"|")
        sent = keyed(hurried, header) + body
    with connect(hurried) as opened:
        opened.sendall(sent)
        for _ in range(6 * KIB * bool(part)):  # told although it is sent first, and read afterwards
            try:
                opened.sendall(part)
            except OSError:
                break
        told, body = answer(opened)
    assert told == status
    assert set(json.loads(body)["error"]) == {"type", "message"}
    assert hurried.engine.asked == []
    assert not connection_limits._log.isEnabledFor(logging.WARNING)  # none of it is worth a line each


def test_a_hundred_megabytes_are_not_taken(guarded):
    with connect(guarded) as opened:
        opened.sendall(b"GET /health HTTP/1.1\r\nA: ")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            opened.sendall(b"a" * (100 << 20))


def test_who_does_not_read_its_answers_is_cut_off(hurried):
    with connect(hurried) as opened:
        opened.setblocking(False)
        sent = 0
        while sent < 3000:
            try:
                sent += opened.send(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n") > 0
            except BlockingIOError:
                time.sleep(0.02)
            except (BrokenPipeError, ConnectionResetError):
                break
        wait_for(lambda: not hurried.server.server_state.connections)


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
@pytest.mark.parametrize(("path", "status"), [(b"/v1/realtime", 404), (b"/health", 200)])
def test_an_upgrade_is_an_ordinary_request(hurried, upgrade, path, status):
    with connect(hurried) as opened:
        opened.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n" % (path, upgrade))
        assert opened.recv(12) == b"HTTP/1.1 %d" % status


def test_head_answers_like_get_without_a_body(guarded):
    for path in (b"/health", b"/ready"):
        with connect(guarded) as opened:
            opened.sendall(b"HEAD %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
            assert answer(opened) == (200, b"")
    guarded.engine.health = 503
    assert guarded.request("HEAD", "/health").status_code == guarded.request("HEAD", "/ready").status_code == 503


def errors(guarded, kind):
    metrics = guarded.lifecycle.metrics.registry
    return sum(
        sample.value
        for metric in metrics.collect()
        for sample in metric.samples
        if sample.name == "plume_errors_total" and sample.labels["kind"] == kind
    )


@pytest.mark.parametrize("path", [b"/v1/drafts", b"/v1/chat/completions"])
def test_a_client_that_hangs_up_is_no_error_of_the_engines_and_stops_its_work(guarded, path):
    guarded.engine.hold = asyncio.Event()
    body = DRAFT if path == b"/v1/drafts" else b'{"stream": true, "messages": [{"role": "user", "content": "Merci."}]}'
    before = errors(guarded, "client_gone"), errors(guarded, "engine")
    with connect(guarded) as opened:
        sent = keyed(guarded, b"Content-Length: %d" % len(body)).replace(b"/v1/drafts", path)
        opened.sendall(sent + body)
        wait_for(lambda: guarded.engine.asked)
    wait_for(lambda: not len(guarded.lifecycle.in_flight))
    assert guarded.engine.left == 1
    assert (errors(guarded, "client_gone"), errors(guarded, "engine")) == (before[0] + 1, before[1])
    line = json.loads(guarded.state.audit.read_text().splitlines()[-1])
    assert (line["status"], line["error"], line["client"]) == (499, "client_gone", "agents")


def test_a_client_that_hangs_up_in_the_middle_of_its_body_asked_nothing(guarded):
    before = errors(guarded, "client_gone")
    with connect(guarded) as opened:
        opened.sendall(keyed(guarded, b"Content-Length: 1000") + DRAFT)
    wait_for(lambda: errors(guarded, "client_gone") > before)
    assert guarded.engine.asked == []


def test_a_draft_that_takes_too_long_is_refused_and_the_engine_stops(guarded, monkeypatch):
    monkeypatch.setattr(guarded.lifecycle, "config", guarded.config.model_copy(update={"draft_timeout": 0.5}))
    guarded.engine.hold = asyncio.Event()
    refused = guarded.ask("/v1/drafts", json.loads(DRAFT))
    assert refused.status_code == 504
    assert refused.json()["error"] == {"type": "timeout", "message": "no answer within 0.5 s; ask again"}
    assert guarded.engine.left == 1


def test_what_cannot_be_finished_at_a_stop_is_told_so_and_half_requests_are_not_waited_for(guarded, monkeypatch):
    """The order of a stop: drafts get their time, are told when it is over, then vLLM stops; a last resort is set."""
    from serve.guard import lifecycle as module

    killed, timers = [], []
    monkeypatch.setattr(module.os, "kill", lambda *words: killed.append(words))
    timer = lambda seconds, end: timers.append((seconds, end)) or SimpleNamespace(start=lambda: None)  # noqa: E731
    monkeypatch.setattr(module.threading, "Timer", timer)
    monkeypatch.setattr(guarded.lifecycle, "config", guarded.config.model_copy(update={"drain_timeout": 1}))
    guarded.engine.hold = asyncio.Event()
    whole = keyed(guarded, b"Connection: close", b"Content-Length: %d" % len(DRAFT)) + DRAFT
    halves = [b"", b"POST /v1", keyed(guarded, b"Content-Length: 40") + b"{"]
    opened = [connect(guarded) for _ in range(4)]
    try:
        for connection_, sent in zip(opened, [whole, *halves], strict=True):
            connection_.sendall(sent)
        wait_for(lambda: guarded.engine.asked and len(guarded.server.server_state.connections) == 4)
        guarded.run(guarded.lifecycle.drain())
        status, body = answer(opened[0])
        assert (status, json.loads(body)["error"]["type"]) == (503, "draining")
        assert guarded.engine.left == 1
        assert killed == [(os.getpid(), signal.SIGINT)]
        assert timers == [(1 + module.FORCED_AFTER, guarded.lifecycle._end)]
        time.sleep(0.1)

        async def shutdown():  # as uvicorn's, which then waits for all connections to close
            for connected in list(guarded.server.server_state.connections):
                connected.shutdown()

        guarded.run(shutdown())
        assert [answer(half) for half in opened[1:]] == [None, None, None]
        assert not guarded.server.server_state.connections
        assert guarded.server.config.timeout_graceful_shutdown == connection_limits.GRACE
    finally:
        guarded.lifecycle.stopping = False
        for connection_ in opened:
            connection_.close()


def test_the_last_resort_ends_the_process_with_its_maskers_and_its_engine(guarded, monkeypatch):
    from serve.guard import lifecycle as module

    ended = []
    monkeypatch.setattr(module.os, "_exit", lambda code: ended.append(code))
    monkeypatch.setattr(guarded.lifecycle, "maskers", SimpleNamespace(kill=lambda: ended.append("maskers")))
    engine = SimpleNamespace(kill=lambda: ended.append("engine"))
    monkeypatch.setattr(module.multiprocessing, "active_children", lambda: [engine])
    guarded.lifecycle._end()
    assert ended == ["maskers", "engine", 1]


def test_a_scan_without_a_key_is_counted_and_written_once(guarded, monkeypatch):
    guarded.lifecycle.audit.tell_strangers()
    written = []  # but for what clients of an earlier test left late
    late = lambda **line: line.get("client") or written.append(line)  # noqa: E731
    monkeypatch.setattr(guarded.lifecycle.audit, "write", late)
    for _ in range(30):
        guarded.request("GET", "/wp-admin")
        guarded.request("POST", "/v1/drafts", key="wrong", json={})
    assert written == []
    guarded.lifecycle.audit.tell_strangers()
    assert written == [{"without_key": {"404": 30, "401": 30}}]
    assert 'route="none",status="404"' in guarded.request("GET", "/metrics", key=guarded.metrics).text


def test_what_nobody_foresaw_is_json_too(guarded, monkeypatch):
    async def broken(*_, **__):
        raise RuntimeError("a secret")

    monkeypatch.setattr(guarded.lifecycle.drafts, "draft", broken)
    refused = guarded.ask("/v1/drafts", json.loads(DRAFT))
    assert (refused.status_code, refused.json()["error"]["type"]) == (500, "internal")
    assert "secret" not in refused.text
