"""The real engine under load: canary, swaps, rollback, a killed engine, a drain. Nothing dropped, nothing mixed up."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from types import SimpleNamespace

import httpx
import psutil
import pytest

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed (make install)")

MARKER = "Zorglub-5521"  # a word of every review that no log may hold
SUBJECTS = ["la carte grise", "le guichet", "une attestation", "un rendez-vous", "le formulaire", "la ligne", "le site"]
REVIEWS = [
    f"Depuis {n} semaines {subject} pose problème, {MARKER} attend. " * (1 + n % 3)
    for n, subject in zip(range(2, 16), itertools.cycle(SUBJECTS))
]


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
        deadline = time.monotonic() + 400
        while time.monotonic() < deadline:
            try:
                if self.starts >= starts and httpx.get(f"{url}/ready", timeout=5).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        raise AssertionError(self.log.read_text()[-3000:])


@pytest.fixture(scope="module")
def site(tmp_path_factory, embedded_model, make_adapter, share_caches):
    """A registry with four versions, a running service, and a client's key."""
    import mlflow

    from plume import tracking
    from plume.adapters import folder_sha256
    from serve import keys
    from serve.config import ServeConfig
    from serve.state import State

    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(embedded_model.parent)
    share_caches(home)
    uri = f"sqlite:///{home / 'mlflow.db'}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"port": port, "dtype": "float32", "max_model_len": 1024, "max_new_tokens": 16, "maskers": 1}
    settings |= {"drain_timeout": 60, "tracking_uri": uri}
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(home))
        tracking.connect(uri)
        for n in range(1, 5):
            folder = make_adapter(tmp_path_factory.mktemp(f"adapter-{n}"), seed=n, std=0.5).folder
            with tracking.run("adapter of a test", kind="train") as run:
                mlflow.log_artifacts(str(folder), "adapter")
            tracking.register(run.info.run_id, "adapter", {tracking.ADAPTER_HASH: folder_sha256(folder)})
        tracking.set_alias("champion", 1, {})
        config = ServeConfig(**settings)
        key = keys.add(State(config.folder), "agents")
        service = Service(home, [f"{name}={value}" for name, value in settings.items()])
        try:
            service.wait(config.url)
            yield SimpleNamespace(home=home, config=config, key=key, service=service, state=State(config.folder))
        finally:
            service.stopped = True
            if service.process.poll() is None:
                service.process.terminate()
                service.process.wait(120)
            mlflow.set_tracking_uri(before)
            mlflow.set_registry_uri(before)


class Load:
    """Clients that ask without pause; what came back, and what failed, with the time."""

    def __init__(self, site, clients=6):
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
                body = {"review": REVIEWS[number % len(REVIEWS)], "conversation": f"c{number}"}
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


def served_tokenizer(site):
    from plume.models import Base, load_tokenizer
    from serve import state as files

    return load_tokenizer(Base.model_validate(files.read(site.state.serve)["base"]))


def expected(site, tokenizer, key):
    """The draft of a review by a version, asked of the engine itself and checked here."""
    from plume.checks.withhold import withhold
    from plume.contacts import Directory
    from plume.prompt import encode_prompt, load_prompt
    from serve.client import Client

    version, review = key
    prompt, shown = load_prompt("short-1"), {"review": review}
    asked = {
        "model": f"plume-reply@v{version}",
        "prompt": encode_prompt(tokenizer, prompt, shown),
        "max_tokens": 16,
        "temperature": 0,
        "stop_token_ids": [32000],
    }
    with Client(site.config) as client:
        if asked["model"] not in client.known():
            folder = next((site.home / "adapters").glob(f"{version}-*"))
            client.load(asked["model"], str(folder))
        text = client.complete(asked)["choices"][0]["text"].strip()
    given = {"review": shown["review"], "prompt": prompt.text(shown), "directory": Directory.load()}
    return withhold(text, **given)[0]


def promote(**aliases):
    from plume import tracking

    for name, number in aliases.items():
        tracking.set_alias(name, number, {})


def scenario(site, each):
    """Every step under load, `each` drafts at least between two steps."""
    from serve.sync import rollback, sync

    load, steps = Load(site), []

    def after(name):
        steps.append((name, len(load.done)))
        load.until(len(load.done) + each)

    after("v1")
    promote(challenger=2)
    half = site.config.model_copy(update={"challenger_weight": 0.5})
    sync(half)
    after("canary")
    for number in (2, 3, 4):
        promote(champion=number)
        sync(site.config)
        after(f"swap to v{number}")
    rollback(site.config)
    after("rollback")
    assert "rolled back" in sync(site.config)  # the registry still says 4
    killed = time.monotonic()
    engine = next(
        p for p in psutil.Process(site.service.process.pid).children(recursive=True) if "EngineCore" in p.name()
    )
    engine.send_signal(signal.SIGKILL)
    site.service.wait(site.config.url, starts=2)
    back = time.monotonic()
    after("back")
    load.finish()
    return load, steps, killed, back


def check(site, load, steps, killed, back):
    numbers = [number for number, _, _ in load.done]
    assert len(set(numbers)) == len(numbers)
    keys = {(answer["version"], REVIEWS[number % len(REVIEWS)]) for number, answer, _ in load.done}
    with ThreadPoolExecutor(6) as pool:
        known = dict(zip(keys, pool.map(partial(expected, site, served_tokenizer(site)), keys), strict=True))
    wrong = []
    for number, answer, header in load.done:
        review = REVIEWS[number % len(REVIEWS)]
        assert answer["version"] == int(header)
        assert answer["model"] == f"plume-reply@v{answer['version']}"
        draft = known[answer["version"], review]
        if answer["draft"] != draft:
            wrong.append((number, answer["version"], number % len(REVIEWS), answer["draft"], draft))
    of = {text: (version, REVIEWS.index(review)) for (version, review), text in known.items()}
    assert not wrong, [(*row, of.get(row[3])) for row in wrong]
    texts = {version: tuple(sorted(t for (v, _), t in known.items() if v == version)) for version in (1, 2, 3, 4)}
    assert len(set(texts.values())) == 4, "the versions write alike: nothing would show a mix-up"
    spans = dict(steps)
    between = lambda a, b: {answer["version"] for _, answer, _ in load.done[spans[a] + 6 : spans[b]]}  # noqa: E731
    assert between("canary", "swap to v2") == {1, 2}
    assert between("swap to v3", "swap to v4") <= {3, 4}
    assert {answer["version"] for _, answer, _ in load.done[spans["back"] + 6 :]} == {
        3
    }  # the rollback survives a restart
    # Only what was being answered when the engine was killed may fail, with a message.
    assert all(killed - 60 < begun < back for begun, _ in load.failed), load.failed
    assert len({begun for begun, _ in load.failed}) <= 60
    assert all(message for _, message in load.failed)


def test_swaps_canary_rollback_and_a_killed_engine_under_load(site):
    load, *told = scenario(site, each=16)
    assert len(load.done) >= 100
    check(site, load, *told)


@pytest.mark.long
def test_the_same_with_a_thousand_drafts(site):
    load, *told = scenario(site, each=170)
    assert len(load.done) >= 1000
    check(site, load, *told)


def test_status_tells_who_answers(site, cli):
    options = [f"port={site.config.port}", f"state={site.state.folder}"]
    done = cli("serve", "status", *options)
    assert done.returncode == 0, done.stderr
    assert "plume-reply@v3 answers; ready" in done.stdout
    assert "rollback to" in done.stdout


def test_every_route_of_the_real_server_that_is_not_named_is_closed(site):
    """The routes as vLLM prints them at its start: a new version cannot open one."""
    import re

    from serve.guard.routes import route

    log = site.service.log.read_text()
    found = set(re.findall(r"Route: (\S+), Methods: ([A-Z, ]+)", log)) | set(
        re.findall(r"Route: (\S+), Endpoint: (\w+)", log)
    )
    assert len(found) > 15
    closed = 0
    for path, methods in found:
        for method in methods.split(", ") if methods.isupper() else ("GET", "POST"):
            concrete = re.sub(r"\{[^}]*\}", "x", path)
            if route(method, concrete) is not None:
                continue
            for key in (None, site.key):
                headers = {"Authorization": f"Bearer {key}"} if key else {}
                answer = httpx.request(method, f"{site.config.url}{concrete}", headers=headers, timeout=30)
                assert answer.status_code == 404, (method, concrete)
            closed += 1
    assert closed > 10
    assert ("/adapters", "POST") in found


def test_a_version_that_cannot_be_served_leaves_the_champion(site, make_adapter, tmp_path):
    import mlflow

    from plume import tracking
    from plume.adapters import folder_sha256
    from plume.errors import InputError
    from serve.alias import read
    from serve.sync import sync

    folder = make_adapter(tmp_path / "dora", seed=9).folder
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"use_dora": True}))
    tracking.connect(site.config.tracking_uri)
    with tracking.run("adapter of a test", kind="train") as run:
        mlflow.log_artifacts(str(folder), "adapter")
    number = tracking.register(run.info.run_id, "adapter", {tracking.ADAPTER_HASH: folder_sha256(folder)})
    before = read(site.state)
    promote(champion=number)
    with pytest.raises(InputError, match="DoRA"):
        sync(site.config)
    assert read(site.state) == before
    assert httpx.get(f"{site.config.url}/ready", timeout=10).is_success


def test_batch_asks_each_review_once_and_resumes(site, cli, tmp_path):
    reviews, out = tmp_path / "reviews.jsonl", tmp_path / "drafts.jsonl"
    reviews.write_text("".join(json.dumps({"id": i, "review": review}) + "\n" for i, review in enumerate(REVIEWS)))
    options = [f"port={site.config.port}", f"state={site.state.folder}", "dtype=float32"]
    done = cli("serve", "batch", reviews, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    first = out.read_text().splitlines()
    assert [json.loads(line)["id"] for line in first] == [str(i) for i in range(len(REVIEWS))]
    asked = len(site.state.audit.read_text().splitlines())
    out.write_text("\n".join(first[:5]) + "\n" + first[5][:40])  # as a kill leaves it
    assert cli("serve", "batch", reviews, "--out", out, *options).returncode == 0
    again = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["draft"] for row in again] == [json.loads(line)["draft"] for line in first]
    assert len(site.state.audit.read_text().splitlines()) - asked == len(REVIEWS) - 5


def test_no_file_of_the_service_holds_text_of_a_request(site):
    for file in [site.service.log, site.state.audit, site.home / "serve" / "engine.log"]:
        if file.exists():
            assert MARKER not in file.read_text(errors="replace"), file


def test_sigterm_finishes_begun_drafts_and_refuses_new_ones(site):  # last: it ends the service of this file
    load = Load(site, clients=4)
    load.until(8)
    site.service.stopped = True
    begun = len(load.done)
    site.service.process.send_signal(signal.SIGTERM)
    assert site.service.process.wait(120) == 0
    load.finish()
    assert load.failed == []
    assert len(load.done) >= begun
    assert {kind for _, kind in load.refused} <= {"draining"}
    children = [p for p in psutil.process_iter(["cmdline"]) if str(site.home) in " ".join(p.info["cmdline"] or [])]
    assert not [p for p in children if "vllm" in " ".join(p.info["cmdline"]).lower()]
