"""Two replicas with an engine each on one PostgreSQL, as a supervisor runs them."""

import socket
import threading
from types import SimpleNamespace

import httpx
import pytest

from plume import registry as plume_registry
from plume import tracking
from plume.files import folder_sha256
from serve import cli, fleet, keys, sync
from serve.config import ServeConfig
from serve.state import State
from tests.serve.conftest import REVIEWS, Service

pytestmark = pytest.mark.long


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def pair(tmp_path_factory, embedded_model, make_adapter, share_caches, make_postgres_uri):
    """Two replicas of two versions, the first of them champion: their configs, services, and a client's key."""
    import mlflow

    home, uri = tmp_path_factory.mktemp("home"), make_postgres_uri()
    (home / "models").symlink_to(embedded_model.parent)
    share_caches(home)
    store = f"sqlite:///{home / 'mlflow.db'}"
    shared = {"dtype": "float32", "max_model_len": 1024, "max_new_tokens": 16, "maskers": 1, "cpu_kv_cache_gib": 1}
    shared |= {"tracking_uri": store, "database": uri}
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(home))
        tracking.connect(store)
        for number in (1, 2):
            folder = make_adapter(tmp_path_factory.mktemp(f"adapter-{number}"), seed=number, std=0.5).folder
            with tracking.run("adapter of a test", kind="train") as run:
                mlflow.log_artifacts(str(folder), "adapter")
            plume_registry.register(run.info.run_id, "adapter", {plume_registry.ADAPTER_HASH: folder_sha256(folder)})
        plume_registry.set_alias("champion", 1, {})
        configs, services = [], []
        try:
            for name in ("one", "two"):
                settings = shared | {"port": free_port(), "state": home / name}
                configs.append(ServeConfig(**settings))
                services.append(Service(home, [f"{key}={value}" for key, value in settings.items()]))
                services[-1].log = home / f"{name}.log"
            for config, service in zip(configs, services, strict=True):
                service.wait(config.url)
            key = keys.add(State.of(configs[0]), "agents")
            yield SimpleNamespace(configs=configs, services=services, key=key, database=State.of(configs[0]).database)
        finally:
            for service in services:
                service.stopped = True
                service.process.terminate()
            for service in services:
                service.process.wait(120)
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)


def ask(pair, which, path, body):
    headers = {"Authorization": f"Bearer {pair.key}"}
    return httpx.post(f"{pair.configs[which].url}{path}", json=body, headers=headers, timeout=120)


def wait_for(condition):
    over = threading.Event()
    for _ in range(3000):
        if condition():
            return
        over.wait(0.1)
    raise AssertionError


def test_two_replicas_serve_as_one(pair, postgres_server, capfd):
    one, two = pair.configs
    wait_for(lambda: ask(pair, 1, "/v1/drafts", {"review": REVIEWS[0]}).status_code != 401)
    draft = ask(pair, 0, "/v1/drafts", {"review": REVIEWS[0]}).json()
    decision = {"outcome": "accepted"}
    assert ask(pair, 1, f"/v1/drafts/{draft['id']}/decision", decision).status_code == 200
    plume_registry.set_alias("champion", 2, {})
    told = sync.sync(one)
    assert "v2 answers now" in told
    wait_for(lambda: all(ask(pair, n, "/v1/drafts", {"review": REVIEWS[1]}).json()["version"] == 2 for n in (0, 1)))
    cli.show_status([f"state={two.state}", f"port={two.port}"])
    assert capfd.readouterr().out.count("plume-reply@v2; knows") == 2
    # One is killed; it comes back with what all serve by then, and not before.
    pair.services[1].process.kill()
    sync.rollback(one)
    pair.services[1].wait(two.url, starts=2)
    assert ask(pair, 1, "/v1/drafts", {"review": REVIEWS[2]}).json()["version"] == 1
    # Without PostgreSQL drafts go on, and what was known holds.
    postgres_server.stop()
    try:
        assert ask(pair, 0, "/v1/drafts", {"review": REVIEWS[3]}).status_code == 200
        answer = ask(pair, 0, f"/v1/drafts/{draft['id']}/decision", decision)
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "journal")
        assert httpx.get(f"{one.url}/ready", timeout=10).status_code == 200
    finally:
        postgres_server.start()
    wait_for(lambda: ask(pair, 0, f"/v1/drafts/{draft['id']}/decision", decision).status_code == 200)
    wait_for(lambda: all(each.lives and each.answers for each in fleet.replicas(pair.database)))
    keys.remove(State.of(two), "agents")
    wait_for(lambda: all(ask(pair, n, "/v1/drafts", {"review": "x"}).status_code == 401 for n in (0, 1)))
