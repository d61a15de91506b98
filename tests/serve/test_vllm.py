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

from plume.errors import InputError, PlumeError

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


def adapter_folder(folder, prompt):
    """An adapter of rank 8 on all linear layers, attached and written by `plume train`'s own code, weights random.

    Returns PEFT's own model of what was written: the reference that knows nothing of how plume trains.
    """
    import torch
    from peft import PeftModel

    from plume.models import Base, load_model
    from train import adapter
    from train.config import Lora, TrainConfig

    config = TrainConfig(data=folder, out=folder, prompt=prompt.version, lora=Lora(rank=8, alpha=16))
    torch.manual_seed(20231005)
    model = adapter.attach(load_model(Base(), "bfloat16"), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.12)
    facts = {
        "dataset": {"splits": {"train": {"pairs": 0, "sha256": "none"}}, "source": {"name": "none"}},
        "samples": {"dropped": 0, "truncated": 0},
        "steps": 0,
        "tokens": 0,
        "trained_tokens": 0,
        "train_loss": 0.0,
        "validation_loss": None,
    }
    adapter.write(folder, model, config, prompt, facts)
    model = PeftModel.from_pretrained(load_model(Base(), "bfloat16"), str(folder), autocast_adapter_dtype=False)
    return model.eval().float()  # the same weights, without bfloat16's rounding of what is computed


def first_token_logprobs(model, ids):
    import torch

    torch.set_num_threads(1)  # the engine starts meanwhile: threads that wait for each other would lose
    with torch.inference_mode():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].float(), -1)


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """Home with a registered champion, the adapter in process, and its prompt."""
    import mlflow

    from plume import paths, tracking
    from plume.adapters import folder_sha256
    from plume.models import Base, load_tokenizer, resolve
    from plume.prompt import encode_prompt, load_prompt

    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(Path(resolve(Base())).parent)  # unpacked once for all tests
    cache = paths.home() / "serve" / "cache"  # what vLLM learnt about the architecture, kept from test to test
    cache.mkdir(parents=True, exist_ok=True)
    (home / "serve").mkdir()
    (home / "serve" / "cache").symlink_to(cache)
    tokenizer, prompt = load_tokenizer(Base()), load_prompt("short-1")
    folder = tmp_path_factory.mktemp("adapter")
    model = adapter_folder(folder, prompt)
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
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "plume.cli",
                "serve",
                f"port={port}",
                f"tracking_uri={system.uri}",
                "dtype=bfloat16",
            ],
            env={**os.environ, "PLUME_HOME": str(system.home)},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        tuned = [first_token_logprobs(system.model, ids) for ids in system.ids]
        with system.model.disable_adapter():
            base = first_token_logprobs(system.model, system.ids[0])
        deadline = time.monotonic() + 540
        while "answers at" not in output.read_text() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.5)
        assert "answers at" in output.read_text(), output.read_text()
        yield SimpleNamespace(
            process=process,
            url=f"http://127.0.0.1:{port}",
            output=output,
            log=system.home / "serve" / "engine.log",
            tuned=tuned,
            base=base,
        )
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(120)


def ask(server, system, model, index):
    """First token of the draft for a pair: the prompt's ids as the engine saw them, and its top five."""
    from serve.client import Client

    answer = Client(server.url).chat(
        {
            "model": model,
            "messages": system.prompt.messages(PAIRS[index]),
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": 5,
            "return_token_ids": True,
            "return_tokens_as_token_ids": True,
        }
    )
    top = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return answer["prompt_token_ids"], {int(t["token"].removeprefix("token_id:")): t["logprob"] for t in top}


def gaps(seen, expected):
    """|difference| of the log-probabilities of the tokens that are in both top fives."""
    both = set(seen) & set(expected.topk(5).indices.tolist())
    return [abs(seen[token] - expected[token].item()) for token in both]


def test_served_draft_comes_from_the_versioned_champion(server, system):
    from serve.client import Client

    draft = Client(server.url).draft(
        system.name, system.prompt.messages(PAIRS[0]), max_new_tokens=12, stop_token_id=system.end
    )
    assert draft.model == system.name
    assert draft.prompt_tokens == len(system.ids[0])
    assert 1 <= draft.draft_tokens <= 12


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


def test_evaluation_drafts_through_the_server_from_the_same_token_ids(server, system, small_dataset, tmp_path):
    from eval.backends.endpoint import Endpoint
    from eval.generate import Decoding, generate
    from eval.systems import resolve
    from plume.corpus.dataset import read_split
    from plume.models import Base, load_tokenizer
    from plume.prompt import encode_prompt

    drafts = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(system.home))
        asked = resolve("champion", tracking_uri=system.uri)
    assert asked.served_name == system.name
    for api in ("completions", "chat"):
        out = tmp_path / f"{api}.jsonl"
        backend = Endpoint(server.url, system.name, api=api, concurrency=3)
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
            backend=Endpoint(server.url, "plume-reply@v99"),
        )


def test_base_is_served_without_the_adapter_and_the_adapter_changes_it(server, system):
    _, top = ask(server, system, "base", 0)
    assert max(gaps(top, server.base)) <= 0.3
    _, tuned = ask(server, system, system.name, 0)
    moved = [abs(logprob - server.base[token].item()) for token, logprob in tuned.items()]
    assert max(moved) > 1, f"the adapter hardly changes the base ({moved}): agreement would prove nothing"


def test_client_says_what_the_engine_refuses_without_quoting_the_review(server, system):
    from serve.client import Client

    client = Client(server.url)
    with pytest.raises(InputError, match="max_model_len") as too_long:
        client.draft(
            system.name,
            system.prompt.messages({"review": f"{MARKER} n'en finit pas. " * 900}),
            max_new_tokens=8,
            stop_token_id=system.end,
        )
    with pytest.raises(PlumeError, match="404"):
        client.draft("plume-reply@v99", system.prompt.messages(PAIRS[1]), max_new_tokens=8, stop_token_id=system.end)
    assert MARKER not in str(too_long.value)


def test_engine_listens_on_loopback_only_and_loads_no_other_adapter(server, system):
    processes = psutil.Process(server.process.pid).children(recursive=True)
    listening = [c.laddr.ip for p in processes for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening
    assert set(listening) == {"127.0.0.1"}
    for path in ("/v1/load_lora_adapter", "/adapters"):
        body = {"lora_name": "other", "lora_path": str(system.home), "name": "other", "src": str(system.home)}
        assert requests.post(f"{server.url}{path}", json=body, timeout=30).status_code == 404


def test_no_log_holds_text_of_a_request(server):
    assert "Started server process" in server.log.read_text() or "startup complete" in server.log.read_text()
    for file in (server.log, server.output):
        text = file.read_text()
        assert MARKER not in text
        assert "attend depuis trois mois" not in text


def test_port_of_a_running_server_is_refused_before_the_slow_start(server):
    from serve.config import ServeConfig
    from serve.engine import check_startable

    with pytest.raises(InputError, match="cannot be used"):
        check_startable(ServeConfig(port=int(server.url.rsplit(":", 1)[1])))


def test_sigterm_stops_the_engine_and_leaves_no_process(server):  # last: it ends the server of this file
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(120) == 0
    assert [p for p in children if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/health", timeout=5)
