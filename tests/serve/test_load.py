"""The real engine under load: canary, swaps, rollback, a killed engine. Nothing dropped, nothing mixed up."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec

import httpx
import psutil
import pytest

pytestmark = [
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed (make install)"),
    pytest.mark.usefixtures("at_site"),
]


def served_tokenizer(site):
    from plume.models import load_tokenizer
    from serve.state import Started

    return load_tokenizer(Started.read(site.state).base)


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
    from plume import registry as plume_registry

    for name, number in aliases.items():
        plume_registry.set_alias(name, number, {})


def scenario(site, load, each, *, kill):
    """Every step under load, `each` drafts at least between two steps; `kill`: the engine, at the end."""
    from serve.sync import rollback, sync

    steps = []

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
    if not kill:
        load.finish()
        return steps, time.monotonic(), time.monotonic()
    killed = time.monotonic()
    engine = next(
        p for p in psutil.Process(site.service.process.pid).children(recursive=True) if "EngineCore" in p.name()
    )
    starts = site.service.starts
    engine.send_signal(signal.SIGKILL)
    site.service.wait(site.config.url, starts=starts + 1)
    back = time.monotonic()
    after("back")
    load.finish()
    return steps, killed, back


def check(site, load, steps, killed, back):
    numbers = [number for number, _, _ in load.done]
    assert len(set(numbers)) == len(numbers)
    keys = {(answer["version"], site.reviews[number % len(site.reviews)]) for number, answer, _ in load.done}
    for version in {version for version, _ in keys}:  # which the engine may have to load: once, not by six at a time
        expected(site, served_tokenizer(site), (version, site.reviews[0]))
    with ThreadPoolExecutor(6) as pool:
        known = dict(zip(keys, pool.map(partial(expected, site, served_tokenizer(site)), keys), strict=True))
    wrong = []
    for number, answer, header in load.done:
        review = site.reviews[number % len(site.reviews)]
        assert answer["version"] == int(header)
        assert answer["model"] == f"plume-reply@v{answer['version']}"
        draft = known[answer["version"], review]
        if answer["draft"] != draft:
            wrong.append((number, answer["version"], number % len(site.reviews), answer["draft"], draft))
    of = {text: (version, site.reviews.index(review)) for (version, review), text in known.items()}
    assert not wrong, [(*row, of.get(row[3])) for row in wrong]
    texts = {version: tuple(sorted(t for (v, _), t in known.items() if v == version)) for version in (1, 2, 3, 4)}
    assert len(set(texts.values())) == 4, "the versions write alike: nothing would show a mix-up"
    spans = dict(steps)
    between = lambda a, b: {answer["version"] for _, answer, _ in load.done[spans[a] + 6 : spans[b]]}  # noqa: E731
    assert between("canary", "swap to v2") == {1, 2}
    assert between("swap to v3", "swap to v4") <= {3, 4}
    # The rollback holds, and survives a restart.
    assert {answer["version"] for _, answer, _ in load.done[spans[steps[-1][0]] + 6 :]} == {3}
    # Only what was being answered when the engine was killed may fail, with a message.
    assert all(killed - 60 < begun < back for begun, _ in load.failed), load.failed
    assert len({begun for begun, _ in load.failed}) <= 60
    assert all(message for _, message in load.failed)


def test_swaps_canary_and_rollback_under_load(site, make_load):
    load = make_load()
    told = scenario(site, load, each=16, kill=False)
    assert len(load.done) >= 100
    assert load.failed == []
    check(site, load, *told)


@pytest.mark.long
def test_the_same_with_a_thousand_drafts_and_a_killed_engine(site, make_load):
    load = make_load()
    told = scenario(site, load, each=170, kill=True)
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

    from serve.guard.access import find

    log = site.service.log.read_text()
    found = set(re.findall(r"Route: (\S+), Methods: ([A-Z, ]+)", log)) | set(
        re.findall(r"Route: (\S+), Endpoint: (\w+)", log)
    )
    assert len(found) > 15
    closed = 0
    for path, methods in found:
        for method in methods.split(", ") if methods.isupper() else ("GET", "POST"):
            concrete = re.sub(r"\{[^}]*\}", "x", path)
            if find(method, concrete) is not None:
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

    from plume import registry as plume_registry
    from plume import tracking
    from plume.errors import InputError
    from plume.files import folder_sha256
    from serve.alias import read
    from serve.sync import sync

    folder = make_adapter(tmp_path / "dora", seed=9).folder
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"use_dora": True}))
    tracking.connect(site.config.tracking_uri)
    with tracking.run("adapter of a test", kind="train") as run:
        mlflow.log_artifacts(str(folder), "adapter")
    number = plume_registry.register(run.info.run_id, "adapter", {plume_registry.ADAPTER_HASH: folder_sha256(folder)})
    before = read(site.state)
    promote(champion=number)
    with pytest.raises(InputError, match="DoRA"):
        sync(site.config)
    assert read(site.state) == before
    assert httpx.get(f"{site.config.url}/ready", timeout=10).is_success


def test_batch_asks_each_review_once_and_resumes(site, cli, tmp_path):
    reviews, out = tmp_path / "reviews.jsonl", tmp_path / "drafts.jsonl"
    reviews.write_text("".join(json.dumps({"id": i, "review": review}) + "\n" for i, review in enumerate(site.reviews)))
    options = [f"port={site.config.port}", f"state={site.state.folder}", "dtype=float32"]
    done = cli("serve", "batch", reviews, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    first = out.read_text().splitlines()
    assert [json.loads(line)["id"] for line in first] == [str(i) for i in range(len(site.reviews))]
    drafted = lambda: site.state.audit.read_text().count('"route": "drafts"')  # noqa: E731
    asked = drafted()
    out.write_text("\n".join(first[:5]) + "\n" + first[5][:40])  # as a kill leaves it
    assert cli("serve", "batch", reviews, "--out", out, *options).returncode == 0
    again = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["draft"] for row in again] == [json.loads(line)["draft"] for line in first]
    assert drafted() - asked == len(site.reviews) - 5
