"""A real nginx with the rendered nginx.conf before the real guard: what passes, what is refused, what a drain costs."""

import asyncio
import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import ClassVar

import httpx
import pytest
import uvicorn

from serve import keys
from serve.config import ServeConfig
from serve.desk.config import DeskConfig
from serve.guard import access
from serve.guard.refusal import Reason, Refusal
from serve.render.render import rendered

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx-light is not installed (.ci/run)")
SECRET = "dossier-zorglub"  # in reviews, URLs and headers: nothing of them may be in a log
DRAFT = {"review": f"Deux semaines sans réponse, {SECRET}."}


class Replica:
    """The guard on a socket of its own; `state` may be: up, draining, killed (once it has read a request)."""

    def __init__(self, guarded, path):
        self.guarded, self.path, self.state, self.seen = guarded, path, "up", []
        http = guarded.server.config.http_protocol_class
        config = uvicorn.Config(
            self.app, uds=str(path), log_level="error", lifespan="off", http=http, interface="asgi3"
        )
        self.server = uvicorn.Server(config)
        self.serving = asyncio.run_coroutine_threadsafe(self.server._serve(), guarded.loop)
        wait_for(lambda: self.server.started)

    async def app(self, scope, receive, send):
        self.seen.append((scope["method"], scope["path"], dict(scope["headers"])))
        if self.state == "draining":
            response = Refusal(Reason.DRAINING).response()
            response.headers["X-Request-Id"] = "the guard's"
            return await response(scope, receive, send)
        if self.state == "killed":
            for connection in list(self.server.server_state.connections):
                connection.transport.abort()
            return None
        return await self.guarded.server.config.app(scope, receive, send)

    def stop(self):
        self.server.should_exit = True
        self.serving.result(30)


def wait_for(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A certificate, and place for logs, pid and temporary files."""
    folder = tmp_path_factory.mktemp("nginx")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", *words.split(), *files], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def site(folder):
    """The config of a server with two replicas, for this user and this folder."""
    place = {"certificate": folder / "cert.pem", "certificate_key": folder / "key.pem", "logs": folder}
    place |= {"nginx_temp": folder, "nginx_pid": folder / "pid", "nginx_user": pwd.getpwuid(os.getuid()).pw_name}
    (folder / "desk.yaml").write_text(f"url: https://bureau.localhost\nport: {free_port()}\n")
    limits = {
        "rate": 60,
        "burst": 20,
        "concurrency": 4,
        "replicas": 2,
        "desk": folder / "desk.yaml",
        "desk_users": folder / "users",
    }
    return ServeConfig(
        socket=folder / "vllm.sock",
        database="postgresql://plume@localhost/plume",  # wanted of two, and not asked here
        header_timeout=1,
        body_timeout=1,
        site={"listen": [f"127.0.0.1:{free_port()}"], "metrics_from": ["127.0.0.1"], **place, **limits},
    )


@pytest.fixture(scope="module")
def nginx(guarded, folder, site):
    replicas = [Replica(guarded, folder / name) for name in ("vllm.sock", "vllm-2.sock")]
    file = folder / "nginx.conf"
    file.write_text(rendered(site)["nginx/nginx.conf"])
    process = subprocess.Popen(["nginx", "-c", file, "-g", "daemon off;"], stderr=subprocess.PIPE)
    trusted = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    host, port = site.site.listen[0].split(":")
    url = f"https://localhost:{port}"
    wait_for(lambda: process.poll() is not None or is_open(host, port))
    assert process.poll() is None, process.stderr.read().decode()
    with httpx.Client(base_url=url, verify=trusted, timeout=30) as client:

        def ask(method, path, *, key="", **options):
            key = proxy.key if key == "" else key
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            return client.request(method, path, headers=headers | options.pop("headers", {}), **options)

        log = folder / "plume.access.log"
        proxy = SimpleNamespace(ask=ask, client=client, trusted=trusted, port=int(port), replicas=replicas)
        proxy.log, proxy.file, proxy.keys = log, file, []
        yield proxy
    process.send_signal(signal.SIGQUIT)
    process.wait(30)
    for replica in replicas:
        replica.stop()
    written = "".join(file.read_text() for file in folder.glob("*.log"))
    assert SECRET not in written
    assert not [key for key in (*proxy.keys, guarded.metrics, guarded.admin) if key in written]


def is_open(host, port):
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture(autouse=True)
def all_up(nginx, guarded):
    """Each test begins with two servers, and a key whose rate nobody has used up."""
    for replica in nginx.replicas:
        replica.state, replica.seen = "up", []
    nginx.key = keys.add(guarded.state, "nginx")
    nginx.keys.append(nginx.key)
    yield
    keys.remove(guarded.state, "nginx")


def lines(nginx):
    return [json.loads(line) for line in nginx.log.read_text().splitlines()]


def logged(nginx, **told):
    """The line of the log that says this, once it is there."""
    wait_for(lambda: any(told.items() <= line.items() for line in lines(nginx)))
    return [line for line in lines(nginx) if told.items() <= line.items()][-1]


def refusal(answer):
    """What a refusal says, in the form of the API, with an id."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    told = answer.json()["error"]
    assert set(told) == {"type", "message"}
    return answer.status_code, told["type"]


def reached(nginx):
    return [(method, path) for replica in nginx.replicas for method, path, _ in replica.seen]


def test_a_draft_passes_with_the_clients_id_and_leaves_a_line_without_text(nginx, guarded):
    passed = {"X-Agent-Id": "agent-7", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    answer = nginx.ask("POST", "/v1/drafts", json=DRAFT, headers={"X-Request-Id": "abc-123", **passed})
    assert answer.status_code == 200
    assert answer.json()["draft"].endswith("remercions de votre avis.")
    ((_, _, headers),) = [each for replica in nginx.replicas for each in replica.seen]
    assert headers[b"x-request-id"] == b"abc-123"
    assert passed == {name: headers[name.lower().encode()].decode() for name in passed}
    line = logged(nginx, request="abc-123")
    assert (line["route"], line["status"], line["upstream_status"]) == ("drafts", 200, "200")
    assert line["bytes"] > 0
    assert "vllm" in line["upstream"]
    # What is no id might be a text, and becomes one of nginx's own.
    for replica in nginx.replicas:
        replica.seen.clear()
    nginx.ask("POST", "/v1/drafts", json=DRAFT, headers={"X-Request-Id": f"M. Dupont, {SECRET}"})
    ((_, _, headers),) = [each for replica in nginx.replicas for each in replica.seen]
    assert re.fullmatch(rb"[0-9a-f]{32}", headers[b"x-request-id"])
    logged(nginx, request=headers[b"x-request-id"].decode())


def sample(pattern):
    path = pattern.replace("[0-9a-f]{24}", "0" * 24).replace("(decision|again)", "again").replace("\\", "")
    assert access.find("POST", path) or access.find("GET", path)
    return path


OPEN = [(method, sample(pattern), route.role) for method, pattern, route in access.routes()]


@pytest.mark.parametrize(("method", "path", "role"), OPEN)
def test_the_guards_own_routes_pass_and_the_admins_do_not(nginx, guarded, method, path, role):
    answer = nginx.ask(method, path, key=guarded.admin, json={})
    passes = role in (access.PUBLIC, "client")
    assert bool(reached(nginx)) == passes
    if not passes:
        assert refusal(answer) == (404, "route")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1/drafts"),
        ("DELETE", "/v1/models"),
        ("HEAD", "/v1/models"),
        ("POST", f"/v1/drafts?review={SECRET}"),
        ("POST", "/v1/drafts/"),
        ("POST", "/V1/drafts"),
        ("POST", "/v1/drafts/x/again"),
        ("POST", "/v1/completions"),
        ("POST", "/anonymize"),
        ("GET", "/docs"),
        ("GET", f"/{SECRET}"),
        ("GET", "/nginx_status"),
        ("GET", "/metrics/3"),
        ("POST", "/prod/run/ditp-get-data"),
    ],
)
def test_everything_else_is_404_before_it_reaches_a_server(nginx, method, path):
    answer = nginx.ask(method, path)
    assert answer.status_code == 404
    assert not answer.content or refusal(answer) == (404, "route")
    assert reached(nginx) == []


def test_an_unknown_key_is_refused_by_the_guard(nginx):
    for key in (None, "wrong"):
        assert refusal(nginx.ask("POST", "/v1/drafts", key=key, json=DRAFT)) == (401, "key")


def test_metrics_are_each_servers_own_and_for_prometheus_alone(nginx, guarded, site):
    for number, replica in enumerate(nginx.replicas, 1):
        answer = nginx.ask("GET", f"/metrics/{number}", key=guarded.metrics)
        assert "plume_requests_total" in answer.text
        assert [path for _, path, _ in replica.seen] == ["/metrics"]
    assert nginx.ask("GET", "/metrics/1", key="wrong").status_code == 401
    elsewhere = site.model_copy(update={"site": site.site.model_copy(update={"metrics_from": ("192.0.2.1",)})})
    nginx.file.write_text(rendered(elsewhere)["nginx/nginx.conf"])
    reload(nginx)
    wait_for(lambda: status(nginx, guarded) == 404)
    assert refusal(nginx.ask("GET", "/metrics/1", key=guarded.metrics)) == (404, "route")
    nginx.file.write_text(rendered(site)["nginx/nginx.conf"])
    reload(nginx)
    wait_for(lambda: status(nginx, guarded) == 200)


def status(nginx, guarded):
    """The status of the metrics; none from a worker that ends, for a reload replaces the workers."""
    with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
        return nginx.ask("GET", "/metrics/1", key=guarded.metrics).status_code


def reload(nginx):
    subprocess.run(["nginx", "-c", nginx.file, "-s", "reload"], check=True, capture_output=True)


def test_what_is_too_large_is_refused_in_the_guards_words(nginx):
    kib = 1 << 10
    at_most = {"review": "a" * (access.BODY - 100)}
    assert nginx.ask("POST", "/v1/drafts", json=at_most).status_code != 413 or reached(nginx)
    nginx.replicas[0].seen.clear(), nginx.replicas[1].seen.clear()
    assert refusal(nginx.ask("POST", "/v1/drafts", content=b"a" * (access.BODY + 1))) == (413, "size")
    parts = (b"a" * kib for _ in range(100))
    assert refusal(nginx.ask("POST", "/v1/drafts", content=parts)) == (413, "size")
    assert refusal(nginx.ask("GET", "/health", headers={"A": "a" * 9 * kib})) == (431, "size")
    assert nginx.ask("GET", f"/{'a' * 9 * kib}").status_code == 414
    assert reached(nginx) == []


def test_a_key_has_its_rate_and_others_have_theirs(nginx, guarded):
    answers = [nginx.ask("GET", "/v1/models", key="greedy") for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 5 <= len(refused) <= 9
    assert {refusal(answer) for answer in refused} == {(429, "rate")}
    assert {answer.headers["retry-after"] for answer in refused} == {"5"}
    assert nginx.ask("GET", "/v1/models").status_code == 200


def test_a_key_asks_so_many_at_once_and_no_more(nginx, guarded):
    guarded.engine.hold = asyncio.Event()
    headers = {"Authorization": f"Bearer {nginx.key}"}

    async def together():
        async with httpx.AsyncClient(base_url=nginx.client.base_url, verify=nginx.trusted, timeout=30) as client:
            asked = [asyncio.create_task(client.post("/v1/drafts", json=DRAFT, headers=headers)) for _ in range(6)]
            while len([task for task in asked if task.done()]) < 2:
                await asyncio.sleep(0.05)
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(guarded.engine.set(), guarded.loop))
            return await asyncio.gather(*asked)

    answers = asyncio.run(together())
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 2


# --- a server that stops, is down or dies


@pytest.mark.parametrize("number", [0, 1])
def test_while_a_server_drains_the_other_answers(nginx, number):
    nginx.replicas[number].state = "draining"
    answers = [nginx.ask("POST", "/v1/drafts", json=DRAFT) for _ in range(6)]
    assert {answer.status_code for answer in answers} == {200}
    nginx.replicas[1 - number].state = "draining"
    assert refusal(nginx.ask("POST", "/v1/drafts", json=DRAFT)) == (503, "draining")  # the guard's own words
    assert nginx.ask("GET", "/ready").status_code == 503


def test_a_request_that_a_dying_server_had_taken_is_answered_by_the_other(nginx):
    nginx.replicas[0].state = "killed"
    answers = [nginx.ask("POST", "/v1/drafts", json=DRAFT) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}
    assert nginx.replicas[0].seen
    nginx.replicas[1].state = "killed"
    assert refusal(nginx.ask("POST", "/v1/drafts", json=DRAFT)) == (502, "engine")


def test_a_server_that_is_not_there_costs_no_request(nginx, guarded):
    first, _ = nginx.replicas
    first.stop()
    answers = [nginx.ask("POST", "/v1/drafts", json=DRAFT) for _ in range(6)]
    assert {answer.status_code for answer in answers} == {200}
    nginx.replicas[0] = Replica(guarded, first.path)
    wait_for(lambda: nginx.ask("GET", "/health") and nginx.replicas[0].seen)


# --- slow clients, TLS


def connect(nginx, name="localhost", context=None):
    plain = socket.create_connection(("127.0.0.1", nginx.port), timeout=20)
    return (context or nginx.trusted).wrap_socket(plain, server_hostname=name)


def read(opened):
    """All that comes until the connection is closed."""
    received = b""
    try:
        while part := opened.recv(65536):
            received += part
    except OSError:
        pass
    return received


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /hea", 408),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: ", 408),
        (b"POST /v1/drafts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{", 408),
    ],
)
def test_a_slow_client_is_cut_off_and_reaches_no_server(nginx, sent, status):
    before = len(lines(nginx))
    with connect(nginx) as opened:
        opened.sendall(sent)
        read(opened)
    wait_for(lambda: len(lines(nginx)) > before)
    assert lines(nginx)[-1]["status"] == status
    assert reached(nginx) == []


def test_tls_is_of_today_and_only_this_host_is_answered(nginx):
    with connect(nginx) as opened:
        assert opened.version() == "TLSv1.3"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(ssl.SSLError):
        connect(nginx, "another.host", old)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        connect(nginx, context=old)
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=20) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head, _, body = read(plain).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]["type"] == "http"


class Desk(BaseHTTPRequestHandler):
    """Stands for the desk: notes what reaches it."""

    seen: ClassVar[list] = []

    def do_GET(self):
        self.seen.append((self.path, self.headers["Host"], self.headers["Authorization"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Bureau")

    def log_message(self, *words):
        pass


def test_the_desk_lets_in_whom_the_site_names(nginx, site):
    password = subprocess.run(["openssl", "passwd", "-apr1", "sésame"], check=True, capture_output=True, text=True)
    site.site.desk_users.write_text(f"agent:{password.stdout}")
    site.site.desk_users.chmod(0o644)
    port = DeskConfig.load(site.site.desk).port
    options = {"headers": {"Host": "bureau.localhost"}, "extensions": {"sni_hostname": "localhost"}}
    with HTTPServer(("127.0.0.1", port), Desk) as server, httpx.Client(verify=nginx.trusted) as client:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"{nginx.client.base_url}/?cherche={SECRET}"
        answer = client.get(url, **options)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="Bureau"')
        assert client.get(url, auth=("agent", "faux"), **options).status_code == 401
        assert client.get(url, auth=("agent", "sésame"), **options).text == "Bureau"
        server.shutdown()
    assert Desk.seen == [(f"/?cherche={SECRET}", "bureau.localhost", None)]
