"""A real vLLM with a real LoRA adapter, started and stopped by `plume serve`: one engine for the whole file."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import requests

from plume.errors import InputError
from serve.client import Client
from serve.config import ServeConfig
from serve.engine import check_startable
from serve.state import State

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed (make install)")

MARKER = "Zorglub-4417"  # a word of the request that no log may hold
PAIRS = [
    {"structure": structure, "network": network, "title": title, "review": review}
    for structure, network, title, review in [
        ("CAF de la Loire", "CAF", "Dossier bloqué", f"Mon dossier {MARKER} attend depuis trois mois, sans réponse."),
        ("CPAM du Rhône", "CNAM", "Merci", "Accueil parfait, conseillère à l'écoute, tout a été réglé en dix minutes."),
        ("Préfecture de l'Isère", "Préfectures", "Rendez-vous", "Aucun créneau pour déposer ma demande de titre."),
        ("ANTS", None, "Permis", "Le site plante à l'étape du paiement. J'ai essayé deux navigateurs."),
        ("Carsat Bretagne", "CNAV", None, "Ma retraite est versée à temps, merci pour le suivi."),
        ("MSA Auvergne", "MSA", "Attente", "Trente minutes d'attente au téléphone puis la communication coupe."),
        ("Tribunal de Lille", "Justice", "Convocation", "Convocation reçue après la date de l'audience !"),
        ("France Travail", None, "Actualisation", "Je n'arrive pas à m'actualiser : <|im_end|> page blanche."),
    ]
]


def first_token_logprobs(model, ids):
    import torch

    torch.set_num_threads(1)  # the engine starts meanwhile: threads that wait for each other would lose
    with torch.inference_mode():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].float(), -1)


@pytest.fixture(scope="module")
def system(tmp_path_factory, make_adapter, share_caches):
    """Home with a registered champion, the adapter in process, and its prompt."""
    import mlflow
    from peft import PeftModel

    from plume import tracking
    from plume.adapters import folder_sha256
    from plume.models import Base, load_model, load_tokenizer, resolve
    from plume.prompt import encode_prompt, load_prompt

    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(Path(resolve(Base())).parent)  # unpacked once for all tests
    share_caches(home)
    tokenizer, prompt = load_tokenizer(Base()), load_prompt("short-1")
    folder = make_adapter(tmp_path_factory.mktemp("adapter"), seed=20231005, base=Base()).folder
    # PEFT's own model of what was written: the reference that knows nothing of how plume trains or serves. The same
    # weights as the engine's, without bfloat16's rounding of what is computed.
    model = PeftModel.from_pretrained(load_model(Base(), "bfloat16"), str(folder), autocast_adapter_dtype=False)
    model = model.eval().float()
    uri = f"sqlite:///{home / 'mlflow.db'}"
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(home))
        tracking.connect(uri)
        with tracking.run("adapter of a test", kind="train") as run:
            mlflow.log_artifacts(str(folder), "adapter")
        number = tracking.register(run.info.run_id, "adapter", {tracking.ADAPTER_HASH: folder_sha256(folder)})
        tracking.set_alias("champion", number, {})
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)
    return SimpleNamespace(
        home=home,
        uri=uri,
        model=model,
        prompt=prompt,
        name=f"plume-reply@v{number}",
        end=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        ids=[encode_prompt(tokenizer, prompt, pair) for pair in PAIRS],
    )


@pytest.fixture(scope="module")
def server(system):
    """`plume serve` as a subprocess; the reference log-probabilities are computed while it starts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = system.home / "plume-serve.log"
    settings = {"port": port, "tracking_uri": system.uri, "dtype": "bfloat16", "maskers": 1, "max_new_tokens": 48}
    config = ServeConfig(state=system.home / "serve", **settings)
    words = [sys.executable, "-m", "plume.cli", "serve", *(f"{name}={value}" for name, value in settings.items())]
    with output.open("wb") as sink:
        env = {**os.environ, "PLUME_HOME": str(system.home)}
        process = subprocess.Popen(words, env=env, stdout=sink, stderr=subprocess.STDOUT)
    try:
        tuned = [first_token_logprobs(system.model, ids) for ids in system.ids]
        with system.model.disable_adapter():
            base = first_token_logprobs(system.model, system.ids[0])
        deadline = time.monotonic() + 540
        with Client(config) as client:
            while not client.is_ready() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.5)
            assert client.is_ready(), output.read_text()
            yield SimpleNamespace(
                process=process, config=config, client=client, url=config.url, output=output, tuned=tuned, base=base
            )
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(120)


def ask(server, system, model, index):
    """First token of the draft for a pair: the prompt's ids as the engine's own template renders them, its top five."""
    body = {
        "model": model,
        "messages": system.prompt.messages(PAIRS[index]),
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": True,
        "top_logprobs": 5,
        "return_token_ids": True,
        "return_tokens_as_token_ids": True,
    }
    key = State(server.config.folder).admin_key()
    headers = {"Authorization": f"Bearer {key}"}
    answer = requests.post(f"{server.url}/engine/v1/chat/completions", json=body, headers=headers, timeout=120).json()
    top = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return answer["prompt_token_ids"], {int(t["token"].removeprefix("token_id:")): t["logprob"] for t in top}


def gaps(seen, expected):
    """|difference| of the log-probabilities of the tokens that are in both top fives."""
    both = set(seen) & set(expected.topk(5).indices.tolist())
    return [abs(seen[token] - expected[token].item()) for token in both]


def test_served_draft_comes_from_the_versioned_champion(server, system):
    asked = {name: PAIRS[1][name] for name in ("review", "structure", "network", "title")}
    draft = server.client.draft(asked)
    assert draft["model"] == system.name
    assert draft["usage"]["prompt_tokens"] == len(system.ids[1])
    assert draft["draft"]


def test_engine_and_peft_agree_on_token_ids_and_log_probabilities(server, system):
    worst = []
    for index, ids in enumerate(system.ids):
        seen_ids, top = ask(server, system, system.name, index)
        assert seen_ids == ids
        near = gaps(top, server.tuned[index])
        assert len(near) >= 3, f"prompt {index}: the top fives have {len(near)} tokens in common"
        worst.append(max(near))
    assert len(worst) >= 8
    assert max(worst) <= 0.3, worst


def test_evaluation_drafts_through_the_server_from_the_same_token_ids(
    server, system, small_dataset, tmp_path, monkeypatch
):
    """The engine itself, for whoever holds the admin's key."""
    from eval.backends.endpoint import Endpoint
    from eval.generate import Decoding, generate
    from eval.systems import resolve
    from plume.corpus.dataset import read_split
    from plume.models import Base, load_tokenizer
    from plume.prompt import encode_prompt

    monkeypatch.setenv("PLUME_API_KEY", State(server.config.folder).admin_key())
    drafts = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(system.home))
        asked = resolve("champion", tracking_uri=system.uri)
    assert asked.served_name == system.name
    for api in ("completions", "chat"):
        out = tmp_path / f"{api}.jsonl"
        backend = Endpoint(f"{server.url}/engine/v1", system.name, api=api, concurrency=3)
        assert generate(asked, small_dataset, out, Decoding(max_new_tokens=6), backend=backend) == 3
        drafts[api] = {row["id"]: row for row in map(json.loads, out.read_text().splitlines())}
    tokenizer = load_tokenizer(Base())
    ids = {p["id"]: encode_prompt(tokenizer, system.prompt, p) for p in read_split(small_dataset, "test")}
    for rows in drafts.values():  # a server's own template renders the same ids
        assert {i: row["prompt_tokens"] for i, row in rows.items()} == {i: len(read) for i, read in ids.items()}
        assert all(1 <= row["draft_tokens"] <= 6 for row in rows.values())
        assert all(row["stopped"] or row["draft_tokens"] == 6 for row in rows.values())
    with pytest.raises(InputError, match=f"has no model 'plume-reply@v99', but: .*{system.name}"):
        generate(
            asked,
            small_dataset,
            tmp_path / "none.jsonl",
            Decoding(max_new_tokens=6),
            backend=Endpoint(f"{server.url}/engine/v1", "plume-reply@v99"),
        )


def test_base_is_served_without_the_adapter_and_the_adapter_changes_it(server, system):
    _, top = ask(server, system, "base", 0)
    assert max(gaps(top, server.base)) <= 0.3
    _, tuned = ask(server, system, system.name, 0)
    moved = [abs(logprob - server.base[token].item()) for token, logprob in tuned.items()]
    assert max(moved) > 1, f"the adapter hardly changes the base ({moved}): agreement would prove nothing"


def test_a_review_too_long_is_refused_without_quoting_it(server):
    with pytest.raises(InputError, match="tokens") as too_long:
        server.client.draft({"review": f"{MARKER} n'en finit pas. " * 600})
    assert MARKER not in str(too_long.value)


def test_everything_listens_on_loopback_only(server):
    processes = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    listening = [c.laddr.ip for p in processes for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_no_log_holds_text_of_a_request(server, system):
    server.client.draft({"review": PAIRS[0]["review"], "title": PAIRS[0]["title"]})
    for file in (server.output, system.home / "serve" / "audit.jsonl"):
        text = file.read_text()
        assert text
        assert MARKER not in text
        assert "attend depuis trois mois" not in text


def test_port_of_a_running_server_is_refused_before_the_slow_start(server):
    with pytest.raises(InputError, match="cannot be used"):
        check_startable(server.config)


def test_sigterm_stops_the_engine_and_leaves_no_process(server):  # last: it ends the server of this file
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(120) == 0
    _, left = psutil.wait_procs(children, timeout=60)  # what sends to MLflow sends the rest first
    assert [p for p in left if p.status() != psutil.STATUS_ZOMBIE] == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/health", timeout=5)
