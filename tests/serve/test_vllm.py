"""The real engine with a real LoRA adapter, as PEFT has it; closed and silent; and how it stops."""

import json
import re
import secrets
import signal
import socket
import time
from importlib.util import find_spec
from types import SimpleNamespace

import psutil
import pytest
import requests

from plume.adapters import Adapter
from plume.errors import InputError
from plume.files import folder_sha256
from plume.golden import pairs
from serve import golden
from serve.alias import Deployed, read
from serve.client import Client
from serve.render.render import rendered
from serve.vllm_process import check_startable

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed (make install)")

NUMBER = 3  # the version that is compared with PEFT
PAIRS = [
    {"structure": structure, "network": network, "title": title, "review": review}
    for structure, network, title, review in [
        (
            "CAF de la Loire",
            "CAF",
            "Dossier bloqué",
            "Mon dossier Zorglub-5521 attend depuis trois mois, sans réponse.",
        ),
        ("CPAM du Rhône", "CNAM", "Merci", "Accueil parfait, conseillère à l'écoute, tout a été réglé en dix minutes."),
        ("Préfecture de l'Isère", "Préfectures", "Rendez-vous", "Aucun créneau pour déposer ma demande de titre."),
        ("ANTS", None, "Permis", "Le site plante à l'étape du paiement. J'ai essayé deux navigateurs."),
        ("Carsat Bretagne", "CNAV", None, "Ma retraite est versée à temps, merci pour le suivi."),
        ("MSA Auvergne", "MSA", "Attente", "Trente minutes d'attente au téléphone puis la communication coupe."),
        ("Tribunal de Lille", "Justice", "Convocation", "Convocation reçue après la date de l'audience !"),
        ("France Travail", None, "Actualisation", "Je n'arrive pas à m'actualiser : <|im_end|> page blanche."),
    ]
]


@pytest.fixture
def client(at_site):
    with Client(at_site.config) as client:
        yield client


@pytest.fixture(scope="module")
def reference(site):
    """What PEFT makes of the version's adapter: the reference that knows nothing of how plume trains or serves."""
    from peft import PeftModel

    from plume.models import load_model, load_tokenizer
    from plume.prompt import encode_prompt, load_prompt

    adapter = Adapter.load(site.folders[NUMBER])
    tokenizer, prompt = load_tokenizer(adapter.base), load_prompt("short-1")
    model = PeftModel.from_pretrained(load_model(adapter.base, "float32"), str(adapter.folder)).eval()
    ids = [encode_prompt(tokenizer, prompt, pair) for pair in PAIRS]
    with model.disable_adapter():
        base = first_token_logprobs(model, ids[0])
    return SimpleNamespace(
        name=f"plume-reply@v{NUMBER}",
        tokenizer=tokenizer,
        prompt=prompt,
        ids=ids,
        tuned=[first_token_logprobs(model, i) for i in ids],
        base=base,
    )


@pytest.fixture
def engine(at_site, client, reference):
    """The engine that knows the version, whatever was served before."""
    if reference.name not in client.known():
        client.load(reference.name, str(at_site.folders[NUMBER]))
    return at_site


def first_token_logprobs(model, ids):
    import torch

    with torch.inference_mode():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].float(), -1)


def ask(site, reference, model, index):
    """First token of the draft for a pair: the prompt's ids as the engine's own template renders them, its top five."""
    body = {
        "model": model,
        "messages": reference.prompt.messages(PAIRS[index]),
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": True,
        "top_logprobs": 5,
        "return_token_ids": True,
        "return_tokens_as_token_ids": True,
    }
    headers = {"Authorization": f"Bearer {site.state.admin_key()}"}
    url = f"{site.config.url}/engine/v1/chat/completions"
    answer = requests.post(url, json=body, headers=headers, timeout=120).json()
    top = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return answer["prompt_token_ids"], {int(t["token"].removeprefix("token_id:")): t["logprob"] for t in top}


def gaps(seen, expected):
    """|difference| of the log-probabilities of the tokens that are in both top fives."""
    both = set(seen) & set(expected.topk(5).indices.tolist())
    return [abs(seen[token] - expected[token].item()) for token in both]


def test_served_draft_comes_from_the_versioned_champion(at_site, client, reference):
    asked = {name: PAIRS[1][name] for name in ("review", "structure", "network", "title")}
    draft = client.draft(asked)
    assert draft["model"] == read(at_site.state).champion.name
    assert draft["usage"]["prompt_tokens"] == len(reference.ids[1])
    assert draft["draft"]


def test_engine_and_peft_agree_on_token_ids_and_log_probabilities(engine, reference):
    worst = []
    for index, ids in enumerate(reference.ids):
        seen_ids, top = ask(engine, reference, reference.name, index)
        assert seen_ids == ids
        near = gaps(top, reference.tuned[index])
        assert len(near) >= 3, f"prompt {index}: the top fives have {len(near)} tokens in common"
        worst.append(max(near))
    assert len(worst) >= 8
    assert max(worst) <= 0.01, worst  # both in float32


def test_the_report_tells_the_adapter_from_the_base(engine, client, reference):
    folder = engine.folders[NUMBER]
    told = golden.describe(client, Deployed(NUMBER, str(folder), folder_sha256(folder)), "float32")
    assert len(told["prompts"]) == len(pairs())
    for row in told["prompts"]:
        assert row["within"]
        assert row["gap"] <= 0.01
    assert max(row["gap_of_base"] for row in told["prompts"]) > 0.3


def test_evaluation_drafts_through_the_server_from_the_same_token_ids(
    engine, reference, small_dataset, tmp_path, monkeypatch
):
    """The engine itself, for whoever holds the admin's key."""
    from eval.backends.endpoint import Endpoint
    from eval.generate import Decoding, generate
    from eval.systems import resolve
    from plume.corpus.dataset import read_split
    from plume.prompt import encode_prompt

    monkeypatch.setenv("PLUME_API_KEY", engine.state.admin_key())
    url, drafts = f"{engine.config.url}/engine/v1", {}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", engine.uri)
    asked = resolve(str(NUMBER))
    assert asked.served_name == reference.name
    for api in ("completions", "chat"):
        out = tmp_path / f"{api}.jsonl"
        backend = Endpoint(url, reference.name, api=api, concurrency=3)
        assert generate(asked, small_dataset, out, Decoding(max_new_tokens=6), backend=backend) == 3
        drafts[api] = {row["id"]: row for row in map(json.loads, out.read_text().splitlines())}
    rendered = lambda pair: encode_prompt(reference.tokenizer, reference.prompt, pair)  # noqa: E731
    ids = {pair["id"]: rendered(pair) for pair in read_split(small_dataset, "test")}
    for rows in drafts.values():  # a server's own template renders the same ids
        assert {i: row["prompt_tokens"] for i, row in rows.items()} == {i: len(read) for i, read in ids.items()}
        assert all(1 <= row["draft_tokens"] <= 6 for row in rows.values())
        assert all(row["stopped"] or row["draft_tokens"] == 6 for row in rows.values())
    with pytest.raises(InputError, match=f"has no model 'plume-reply@v99', but: .*{reference.name}"):
        generate(
            asked,
            small_dataset,
            tmp_path / "none.jsonl",
            Decoding(max_new_tokens=6),
            backend=Endpoint(url, "plume-reply@v99"),
        )


def test_base_is_served_without_the_adapter_and_the_adapter_changes_it(engine, reference):
    _, top = ask(engine, reference, "base", 0)
    assert max(gaps(top, reference.base)) <= 0.01
    _, tuned = ask(engine, reference, reference.name, 0)
    moved = [abs(logprob - reference.base[token].item()) for token, logprob in tuned.items()]
    assert max(moved) > 0.3, f"the adapter hardly changes the base ({moved}): agreement would prove nothing"


def test_a_review_too_long_is_refused_without_quoting_it(site, client):
    with pytest.raises(InputError, match="tokens") as too_long:
        client.draft({"review": f"{site.marker} n'en finit pas. " * 600})
    assert site.marker not in str(too_long.value)


def test_the_start_said_what_it_did_and_what_to_type(site):
    told = site.service.log.read_text()
    phases = ["starting: importing vLLM", "maskers start beside it", "waiting for the maskers", "plume: ready ("]
    places = [told.index(phase) for phase in phases]
    assert places == sorted(places)
    assert f"curl {site.config.url}/v1/drafts" in told[places[-1] :]
    assert "the key of agents" in told[places[-1] :]


def test_everything_listens_on_loopback_only(site):
    first = psutil.Process(site.service.process.pid)
    processes = [first, *first.children(recursive=True)]
    listening = [c.laddr.ip for p in processes for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_port_of_a_running_server_is_refused_before_the_slow_start(site):
    with pytest.raises(InputError, match="cannot be used"):
        check_startable(site.config)


def test_no_file_of_the_service_holds_text_of_a_request(site, client):
    client.draft({"review": PAIRS[0]["review"], "title": PAIRS[0]["title"]})
    for file in (site.service.log, site.state.audit, site.home / "serve" / "engine.log"):
        if file.exists():
            text = file.read_text(errors="replace")
            assert text
            assert site.marker not in text, file
            assert "attend depuis trois mois" not in text, file


def test_the_engine_gives_every_metric_that_alerts_and_dashboard_ask_for(site, client):
    client.draft({"review": PAIRS[1]["review"]})
    headers = {"Authorization": f"Bearer {site.state.admin_key()}"}
    page = requests.get(f"{site.config.url}/metrics", headers=headers, timeout=60).text
    given = set(re.findall(r"^([\w:]+)[{ ]", page, flags=re.MULTILINE))
    texts = rendered(site.config)
    asked = " ".join(text for path, text in texts.items() if path.startswith(("prometheus/", "grafana/")))
    wanted = set(re.findall(r"vllm:\w+", asked))
    assert len(wanted) > 5
    assert wanted <= given
    assert "plume_ready 1.0" in page


def test_spans_of_a_request_tell_the_engines_own_queue(site, spans):
    trace = secrets.token_hex(16)
    headers = {"Authorization": f"Bearer {site.key}", "traceparent": f"00-{trace}-{'1' * 16}-01", "X-Request-Id": "q"}
    body = {"review": PAIRS[4]["review"]}
    answer = requests.post(f"{site.config.url}/v1/drafts", json=body, headers=headers, timeout=120)
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "q")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = {span.name: span for span in list(spans.spans) if span.trace_id.hex() == trace}
        if "check" in found:
            break
        time.sleep(0.1)
    assert {*found} == {"request", "mask", "wait", "write", "check"}
    assert found["wait"].end_time_unix_nano == found["write"].start_time_unix_nano
    assert b"retraite" not in spans.raw


def test_head_of_the_pages_and_limits_on_headers(site):
    url = site.config.url
    assert [requests.head(f"{url}/{page}", timeout=60).status_code for page in ("health", "ready")] == [200, 200]
    told = requests.get(f"{url}/health", headers={"A": "a" * 70_000}, timeout=60)
    assert (told.status_code, told.json()["error"]["type"]) == (431, "size")


def test_sigterm_finishes_begun_drafts_refuses_new_ones_and_leaves_no_process(site, make_load, spans):
    """The last test that asks for the engine: it stops it. Half-sent requests are not waited for."""
    begun = time.time()
    load = make_load(clients=4)
    load.until(8)
    children = psutil.Process(site.service.process.pid).children(recursive=True)
    assert children
    site.service.stopped = True
    done = len(load.done)
    head = f"POST /v1/drafts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.key}\r\nContent-Length: 40\r\n"
    halves = [socket.create_connection(("127.0.0.1", site.config.port)) for _ in range(3)]
    for half, sent in zip(halves, ["", head, head + "\r\n{"], strict=True):
        half.sendall(sent.encode())
    site.service.process.send_signal(signal.SIGTERM)
    assert site.service.process.wait(120) == 0
    load.finish()
    assert load.failed == []
    assert len(load.done) >= done
    audit = [json.loads(line) for line in site.state.audit.read_text().splitlines()]
    answered = {line["trace"] for line in audit if line["time"] > begun and line.get("client") == "agents"}
    assert len(answered) >= done
    assert answered <= {span.trace_id.hex() for span in spans.spans if span.name == "request"}  # the last ones, too
    assert {kind for _, kind in load.refused} <= {"draining"}
    assert "it is ended" not in site.service.log.read_text()
    _, left = psutil.wait_procs(children, timeout=60)  # what sends to MLflow sends the rest first
    assert [p for p in left if p.status() != psutil.STATUS_ZOMBIE] == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{site.config.url}/health", timeout=5)
