"""Adapters for what is served, attached and written by `plume train`'s own code with random weights; the one engine."""

import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from plume import paths, tracking
from plume import registry as plume_registry
from plume.adapters import Adapter
from plume.files import folder_sha256
from plume.models import Base
from plume.prompt import CHATML, load_prompt
from serve.config import ServeConfig
from serve.state import State


@pytest.fixture(scope="session")
def tiny_base(make_tiny_mistral: Callable[..., Path]) -> Base:
    """The tiny OpenHermes-shaped model as a base, its heads as large as vLLM's CPU attention wants."""
    return Base(model=str(make_tiny_mistral(hidden_size=128)))


@pytest.fixture(scope="session")
def share_caches() -> Callable[[Path], None]:
    """share_caches(home): what vLLM learnt about the architectures, kept from test to test."""

    def share(home: Path) -> None:
        cache = paths.home() / "serve" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        (home / "serve").mkdir()
        (home / "serve" / "cache").symlink_to(cache)

    return share


@pytest.fixture(scope="session")
def make_adapter(tiny_base: Base) -> Callable[..., Adapter]:
    """make_adapter(folder, seed=1, base=…, rank=8): an adapter of rank 8 on all linear layers in `folder`."""

    def make(
        folder: Path, *, seed: int = 1, base: Base = tiny_base, prompt: str = "short-1", std: float = 0.12
    ) -> Adapter:
        import torch

        from plume.models import load_model
        from train import adapter
        from train.config import Lora, TrainConfig

        folder.mkdir(parents=True, exist_ok=True)
        told = base.model_dump()
        config = TrainConfig(data=folder, out=folder, prompt=prompt, base=told, lora=Lora(rank=8, alpha=16))
        torch.manual_seed(seed)
        model = adapter.attach(load_model(base, "bfloat16"), config)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=std)
        facts = {
            "dataset": {"splits": {"train": {"pairs": 0, "sha256": "none"}}, "source": {"name": "none"}},
            "samples": {"dropped": 0, "truncated": 0},
            "steps": 0,
            "tokens": 0,
            "trained_tokens": 0,
            "train_loss": 0.0,
            "validation_loss": None,
        }
        adapter.write(folder, model, config, load_prompt(prompt), CHATML, facts)
        return Adapter.load(folder)

    return make


@pytest.fixture(scope="module")
def registry(tmp_path_factory, embedded_model):
    """A real store in a home of its own; `add(base)` registers a version with a small adapter folder."""
    import mlflow

    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(embedded_model.parent)
    before = mlflow.get_tracking_uri()
    patch = pytest.MonkeyPatch()
    patch.setenv("PLUME_HOME", str(home))
    config = ServeConfig(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    tracking.connect(config.tracking_uri)

    def add(base):
        folder = tmp_path_factory.mktemp("adapter")
        training = {
            "base": base,
            "prompt": {"version": "short-1", "sha256": load_prompt("short-1").sha256},
            "chat_template_sha256": CHATML.sha256,
        }
        (folder / "training.json").write_text(json.dumps(training))
        (folder / "adapter_config.json").write_text('{"r": 8}')
        (folder / "adapter_model.safetensors").write_bytes(os.urandom(64))
        (folder / "chat_template.jinja").write_text("{{ messages }}")
        with tracking.run("test", kind="train") as run:
            mlflow.log_artifacts(str(folder), "adapter")
        return plume_registry.register(run.info.run_id, "adapter", {plume_registry.ADAPTER_HASH: folder_sha256(folder)})

    yield SimpleNamespace(add=add, config=config, state=State(config.folder), home=home)
    patch.undo()
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)


MARKER = "dossier-zorglub"  # a word of every review, no name to mask, that no file of the service may hold
SUBJECTS = ["la carte grise", "le guichet", "une attestation", "un rendez-vous", "le formulaire", "la ligne", "le site"]
REVIEWS = [
    f"Depuis {n} semaines {subject} pose problème, {MARKER} attend. " * (1 + n % 3)
    for n, subject in zip(range(2, 16), itertools.cycle(SUBJECTS))
]


@contextmanager
def _collector():
    """A receiver of OTLP over HTTP: the spans that it got, how often it was asked, the status that it answers."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    got = SimpleNamespace(spans=[], resources=[], raw=b"", status=200, asked=0, wait=threading.Event())
    got.wait.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.asked += 1
            body = self.rfile.read(int(self.headers["content-length"]))
            got.wait.wait(30)
            if got.status == 200 and self.path == "/v1/traces":
                got.raw += body
                for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    got.resources.append({a.key: a.value.string_value for a in of_resource.resource.attributes})
                    got.spans += [span for scope in of_resource.scope_spans for span in scope.spans]
            self.send_response(got.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    got.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield got
    got.wait.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def run_collector():
    """with run_collector() as got: a collector of spans."""
    return _collector


class Service:
    """`plume serve` as a supervisor runs it: started again whenever it ends by itself."""

    def __init__(self, home, options):
        self.home, self.options = home, options
        self.log, self.starts, self.stopped = home / "service.log", 0, False
        self.process = None
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self):
        with self.log.open("ab") as sink:
            while not self.stopped:
                words = [sys.executable, "-m", "plume.cli", "serve", *self.options]
                env = {**os.environ, "PLUME_HOME": str(self.home)}
                self.process = subprocess.Popen(words, env=env, stdout=sink, stderr=subprocess.STDOUT)
                self.starts += 1
                self.process.wait()
                time.sleep(0.5)

    def wait(self, url, starts=1):
        deadline = time.monotonic() + 540
        while time.monotonic() < deadline:
            try:
                if self.starts >= starts and httpx.get(f"{url}/ready", timeout=5).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        raise AssertionError(self.log.read_text()[-3000:])


@pytest.fixture(scope="session")
def spans(run_collector):
    """Where the one engine's guard sends spans."""
    with run_collector() as got:
        yield got


@pytest.fixture(scope="session")
def site(tmp_path_factory, embedded_model, make_adapter, share_caches, spans):
    """`plume serve` with the first of four versions as champion, and a client's key: one engine for all tests.

    The last test that asks for it stops it (tests/serve/test_vllm.py).
    """
    import mlflow

    from serve import keys

    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(embedded_model.parent)
    share_caches(home)
    uri = f"sqlite:///{home / 'mlflow.db'}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"port": port, "dtype": "float32", "max_model_len": 1024, "max_new_tokens": 16, "maskers": 1}
    settings |= {"drain_timeout": 60, "tracking_uri": uri, "state": home / "serve", "otlp_endpoint": spans.endpoint}
    before, folders = mlflow.get_tracking_uri(), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(home))
        tracking.connect(uri)
        for n in range(1, 5):
            folder = make_adapter(tmp_path_factory.mktemp(f"adapter-{n}"), seed=n, std=0.5).folder
            with tracking.run("adapter of a test", kind="train") as run:
                mlflow.log_artifacts(str(folder), "adapter")
            plume_registry.register(run.info.run_id, "adapter", {plume_registry.ADAPTER_HASH: folder_sha256(folder)})
            folders[n] = folder
        plume_registry.set_alias("champion", 1, {})
        config = ServeConfig(**settings)
        key = keys.add(State(config.folder), "agents")
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)
    service = Service(home, [f"{name}={value}" for name, value in settings.items()])
    try:
        service.wait(config.url)
        yield SimpleNamespace(
            home=home,
            uri=uri,
            config=config,
            key=key,
            service=service,
            state=State(config.folder),
            folders=folders,
            reviews=REVIEWS,
            marker=MARKER,
        )
    finally:
        service.stopped = True
        if service.process.poll() is None:
            service.process.terminate()
            service.process.wait(120)


@pytest.fixture
def at_site(site, monkeypatch):
    """This process sees the home and the store of the one engine."""
    import mlflow

    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("PLUME_HOME", str(site.home))
    tracking.connect(site.uri)
    yield site
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)


class Load:
    """Clients that ask without pause; what came back, and what failed, with the time."""

    def __init__(self, site, clients):
        self.site, self.done, self.failed, self.refused = site, [], [], []
        self.numbers, self.over = itertools.count(), threading.Event()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        headers = {"Authorization": f"Bearer {self.site.key}"}
        with httpx.Client(base_url=self.site.config.url, headers=headers, timeout=120) as client:
            while not self.over.is_set():
                number = next(self.numbers)
                body = {"review": self.site.reviews[number % len(self.site.reviews)], "conversation": f"c{number}"}
                self.once(client, number, body)

    def once(self, client, number, body):
        """Asks until a draft comes; a refusal to begin (503) or a closed door is no loss, anything else is noted."""
        while not self.over.is_set():
            begun = time.monotonic()
            try:
                answer = client.post("/v1/drafts", json=body)
            except httpx.ConnectError:
                time.sleep(0.3)
                continue
            except httpx.HTTPError as error:
                self.failed.append((begun, type(error).__name__))
                continue
            if answer.status_code == 200:
                self.done.append((number, answer.json(), answer.headers["x-plume-version"]))
                return None
            if answer.status_code == 503:
                self.refused.append((begun, answer.json()["error"]["type"]))
                if self.refused[-1][1] == "draining":
                    return self.over.set()  # a proxy would ask another server
                time.sleep(0.3)
            else:
                self.failed.append((begun, answer.json()["error"]["message"]))
        return None

    def until(self, count):
        deadline = time.monotonic() + 600
        while len(self.done) < count:
            assert time.monotonic() < deadline, (len(self.done), self.failed[-3:])
            time.sleep(0.1)

    def finish(self):
        self.over.set()
        for thread in self.threads:
            thread.join(150)


@pytest.fixture
def make_load(site):
    """make_load(clients=6): clients that begin to ask at once."""
    return lambda clients=6: Load(site, clients)


class DeskPage:
    """A page of the desk as its script sends it."""

    def __init__(self, client, review):
        self.client = client
        self.token = re.search('name="token" value="(.*?)"', client.get("/").text)[1]
        self.here, self.sequence = "", 0
        self.draft, self.known, self.text, self.typed = "", 0, review, {}

    def begin(self, **form):
        answer = self.client.post("/avis", data={"token": self.token, **form})
        self.here = answer.headers["location"]
        return self.claim()

    def claim(self):
        page = self.client.get(self.here).text
        self.draft = re.search('data-draft="(.*?)"', page)[1]
        self.known = int(re.search('data-known="(.*?)"', page)[1])
        told = self.post("onglet", {}).json()
        self.tab, self.sequence = told["tab"], 0
        self.text = told["text"] or self.text
        return self

    def post(self, where, body):
        headers = {"Accept": "application/json", "X-Plume-Token": self.token}
        return self.client.post(f"{self.here}/{where}", json=body, headers=headers)

    def state(self, **more):
        self.sequence += 1
        state = {"tab": self.tab, "sequence": self.sequence, "draft": self.draft, "known": self.known}
        return state | {"text": self.text, "typed": self.typed, "active_seconds": 4.5} | more

    def press(self, where, **more):
        return self.post(where, self.state(**more))

    def with_draft(self, **more):
        self.begin()
        assert self.press("brouillon", active_seconds=0, **more).status_code == 200
        return self.claim()


@pytest.fixture
def ask_desk():
    """ask_desk(app, review=…): a page of the desk, as its script asks, while the test lasts."""
    from fastapi.testclient import TestClient

    with ExitStack() as stack:

        def ask(app, review="Ma carte grise n’arrive pas depuis trois semaines."):
            client = TestClient(app, base_url="http://127.0.0.1:8600", follow_redirects=False)
            return DeskPage(stack.enter_context(client), review)

        yield ask


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    """A PostgreSQL of the tests' own, on a socket: its folder, and `stop`, `start` for tests of what happens then."""
    found = shutil.which("pg_ctl") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")), None)
    if found is None:
        pytest.skip("no PostgreSQL on this machine (Debian: postgresql)")
    with tempfile.TemporaryDirectory(prefix="plume-pg-") as name:  # short: a socket's path has 107 characters at most
        folder = Path(name)
        owner = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            owner = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(folder, "postgres", "postgres")

        def run(*words):
            subprocess.run([*map(str, words)], check=True, capture_output=True, cwd=folder, timeout=60, **owner)

        run(Path(found).with_name("initdb"), "-D", folder / "data", "-A", "trust", "-U", "plume", "-E", "UTF8", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=100"
        start = [found, "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start"]
        run(*start)
        try:
            yield SimpleNamespace(
                folder=folder, start=lambda: run(*start), stop=lambda: run(*start[:3], "-m", "immediate", "stop")
            )
        finally:
            with suppress(subprocess.CalledProcessError):  # a test may have stopped it
                run(*start[:3], "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def make_postgres_uri(postgres_server):
    """make_postgres_uri(): the address of an empty schema, which is to plume what a database is, and made at once."""
    import psycopg

    server, numbers = f"postgresql://plume@/postgres?host={postgres_server.folder}", itertools.count()

    def make():
        name = f"plume_{next(numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{server}&options=-csearch_path%3D{name}"

    return make


@pytest.fixture
def postgres_uri(make_postgres_uri):
    """The address of an empty database of the test's own."""
    return make_postgres_uri()


@pytest.fixture(params=["files", "postgresql"])
def shared(request):
    """The address of the database that the state is in; None where it is files."""
    return request.getfixturevalue("postgres_uri") if request.param == "postgresql" else None
