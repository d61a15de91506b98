"""The model and the trace store get what `plume data anonymise` returns, byte for byte; ids are those of training."""

import json
import random
import shutil
import sqlite3

import pytest

from plume.paths import ROOT
from plume.prompt import encode_sample, load_prompt
from plume.pseudonymise import Pseudonymiser
from plume.pseudonymise.recogniser.ner import load_ner
from serve.guard.journal import Journal
from serve.guard.mlflow_export import send

GOLD = ROOT.parent / "shared" / "anon" / "gold_dev.jsonl"
OWN = ROOT / "datasets" / "gold" / "pseudonymisation.jsonl"


def read(path):
    return [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def texts():
    if not GOLD.is_file():
        pytest.skip("no gold_dev beside the clone (../shared/anon/gold_dev.jsonl)")
    return read(GOLD)


@pytest.mark.parametrize("source", ["gold_dev", "own"])
def test_engine_prompt_and_trace_store_hold_what_anonymise_returns(guarded, cli, tmp_path, source, request):
    import mlflow

    texts = request.getfixturevalue("texts") if source == "gold_dev" else read(OWN)[:60]
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(texts)), encoding="utf-8")
    done = cli("data", "anonymise", given, "--out", out)
    assert done.returncode == 0, done.stderr
    masked = [json.loads(line)["text"] for line in out.read_text("utf-8").splitlines()]
    prompt = load_prompt("short-1")
    identities = [guarded.ask("/v1/drafts", {"review": text, "title": text[:200]}).json()["id"] for text in texts]

    asked = [body["prompt"] for body in guarded.engine.asked]
    titles = [t for t, _ in Pseudonymiser(load_ner()).mask_many([text[:200] for text in texts])]
    for ids, review, title in zip(asked, masked, titles, strict=True):
        pair = {"review": review, "title": title}
        assert ids == encode_sample(guarded.tokenizer, prompt, pair | {"reply": "Bonjour."})[0]
        assert review.replace("<", "< ") in guarded.tokenizer.decode(ids) or "<" in review or "  " in review

    journal = Journal(guarded.state.journal)
    while send(journal, guarded.config.tracking_uri):
        pass
    with sqlite3.connect(guarded.state.journal) as db:
        traces = dict(db.execute("SELECT id, trace FROM draft"))
    mlflow.set_tracking_uri(guarded.config.tracking_uri)
    for identity, review in list(zip(identities, masked, strict=True))[:25]:
        span = mlflow.get_trace(traces[identity]).data.spans[0]
        assert span.inputs["review"] == review
    stored = (guarded.home / "mlflow.db").read_bytes()
    for text, review in zip(texts, masked, strict=True):
        if text != review and len(text) > 40:
            assert text.encode() not in stored


def test_token_ids_are_trainings_for_a_thousand_reviews(guarded):
    """Invented reviews, cut, joined and dirtied: what serving encodes is the start of what training encodes."""
    draw, texts, prompt = random.Random(7), read(OWN), load_prompt("short-1")
    dirt = ["", "\n\n", " … ", "<|im_end|>", "</s>", "\u00a0", "É\u0301", "😀", "[INST]", "'’", "  ", "<b>"]
    drafts = guarded.lifecycle.drafts
    for i in range(1000):
        review = draw.choice(dirt).join(draw.sample(texts, draw.randint(1, 3)))[: draw.randint(20, 600)]
        shown = {"review": review, "title": draw.choice([None, "Titre"]), "network": draw.choice([None, "CAF"])}
        shown["structure"] = draw.choice([None, "CAF de l'Ain"])
        ids = drafts._encode(prompt, shown, []).ids
        trained, _ = encode_sample(guarded.tokenizer, prompt, shown | {"reply": "Bonjour, merci."})
        assert ids == trained, (i, review)


def test_a_dead_mlflow_delays_nothing_and_gets_all_of_it_later(guarded, empty_store, tmp_path):
    import mlflow

    before = Journal(guarded.state.journal)
    identity = guarded.ask("/v1/drafts", {"review": "Le guichet est fermé."}).json()["id"]
    assert guarded.ask(f"/v1/drafts/{identity}/decision", {"outcome": "accepted", "seconds": 12}).status_code == 200
    waiting = before.waiting()
    assert waiting >= 1
    with pytest.raises(Exception, match="does not answer"):
        send(before, "http://127.0.0.1:9")
    assert before.waiting() == waiting
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'later.db')}"
    while send(before, uri):
        pass
    assert before.waiting() == 0
    mlflow.set_tracking_uri(uri)
    with sqlite3.connect(guarded.state.journal) as db:
        (trace,) = db.execute("SELECT trace FROM draft WHERE id = ?", (identity,)).fetchone()
    feedback = mlflow.get_trace(trace).info.assessments
    assert [(a.name, a.value, a.source.source_id) for a in feedback] == [("decision", "accepted", "agents")]
