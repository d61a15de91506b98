"""Drafts of a dataset with sources: what was shown is kept, scored, compared; facts that stand on what was given."""

import json
import re
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from eval.browse.app import make as make_page
from eval.browse.inputs import to_browse
from eval.browse.items import Items, index
from eval.browse.notes import Notes
from eval.compare import compare
from eval.compare_several import compare_several
from eval.drafts import read_drafts, read_pairs, tie
from eval.generate import Decoding, generate
from eval.grounding import ground
from eval.score import score_drafts
from eval.systems import Resolved
from plume.adapters import Adapter
from plume.contacts import Directory
from plume.files import sha256, to_jsonl
from plume.models import Base, load_model
from plume.paths import ROOT
from plume.prompt import CHATML, load_prompt
from tests.conftest import PASSAGES

DECODING = Decoding(max_new_tokens=6)
REPLY = "Bonjour, le duplicata coûte 13,76 euros. Le délai est de 15 jours. Appelez la mairie avant le 3 mai 2031."


@pytest.fixture(scope="module")
def adapter(tiny_mistral, tmp_path_factory) -> Adapter:
    """An adapter that plume train would have left, of random weights."""
    from train import adapter
    from train.config import Lora, TrainConfig

    folder, told = tmp_path_factory.mktemp("adapter"), {"model": str(tiny_mistral)}
    config = TrainConfig(data=folder, out=folder, base=told, prompt="v3", lora=Lora(rank=1, alpha=2))
    facts = {"dataset": {"splits": {"train": {"pairs": 0, "sha256": "0"}}, "source": {"name": "-"}}, "steps": 0}
    facts |= {"tokens": 0, "trained_tokens": 0, "train_loss": 0.0, "validation_loss": None}
    facts["samples"] = {"dropped": 0, "truncated": 0}
    model = adapter.attach(load_model(Base(**told), "float32"), config)
    adapter.write(folder, model, config, load_prompt("v3"), CHATML, facts)
    return Adapter.load(folder)


@pytest.fixture(scope="module")
def six(sourced_dataset, tiny_mistral, adapter, tmp_path_factory) -> dict[str, Path]:
    """Drafts of the base and of the adapter, each with v1, v2, v3."""
    folder, base, made = tmp_path_factory.mktemp("six"), Base(model=str(tiny_mistral)), {}
    for kind, of in (("base", None), ("adapter", adapter)):
        for version in ("v1", "v2", "v3"):
            made[f"{kind}-{version}"] = folder / f"{kind}-{version}.jsonl"
            system = Resolved(f"{kind}:{version}", base, of, None, version)
            generate(system, sourced_dataset, made[f"{kind}-{version}"], DECODING)
    return made


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_drafts_keep_what_their_prompt_showed_and_others_are_those_of_a_dataset_without_sources(
    six, small_dataset, tiny_mistral, tmp_path, capsys
):
    assert all(row["sources"] == PASSAGES and row["sources_dropped"] == 0 for row in rows(six["base-v3"]))
    meta = json.loads(six["base-v3"].with_suffix(".meta.json").read_text())
    assert meta["system"]["sources"]["sha256"] == "e" * 64
    base = Base(model=str(tiny_mistral))
    for version in ("v1", "v2", "v3"):
        out = tmp_path / f"{version}.jsonl"
        generate(Resolved(f"base:{version}", base, None, None, version), small_dataset, out, DECODING)
        same = {r["id"]: r["key"] for r in rows(out)} == {r["id"]: r["key"] for r in rows(six[f"base-{version}"])}
        assert same is (version != "v3")
        assert any("sources" in row for row in rows(out)) is (version == "v3")
    assert (
        "was built without sources, so the prompt v3 says « Sources officielles : aucune »" in capsys.readouterr().out
    )


def test_passages_without_room_are_left_out_and_no_draft_may_stand_on_them(
    six, sourced_dataset, tiny_mistral, tmp_path
):
    longest = max(rows(six["base-v3"]), key=lambda row: row["prompt_tokens"])
    out, base = tmp_path / "narrow.jsonl", Base(model=str(tiny_mistral))
    context = longest["prompt_tokens"] + DECODING.max_new_tokens - 1
    generate(Resolved("base:v3", base, None, None, "v3"), sourced_dataset, out, DECODING, context=context)
    [cut] = [row for row in rows(out) if row["id"] == longest["id"]]
    assert (cut["sources"], cut["sources_dropped"]) == (PASSAGES[:2], 1)

    def amounts(cite: str, fee: str) -> float:
        drafts = read_drafts(out)
        drafts.rows[cut["id"]]["draft"] = f"Bonjour, merci de votre avis. Comptez {fee} {cite}."
        scored = score_drafts(drafts, read_pairs(sourced_dataset, drafts))
        return next(r["value"] for r in scored if (r["id"], r["measure"]) == (cut["id"], "check:amounts"))

    assert amounts("[1]", "13,76 €") == 1.0
    assert amounts("[3]", "40 €") == 0.0  # the third passage holds it, and was not shown


def facts(draft: str, version: str = "v3", **pair) -> tuple[int, int, int, int]:
    asked = {"review": "J'ai payé 25 € au guichet.", "reply": REPLY, "sources": PASSAGES} | pair
    found = ground(draft, asked, load_prompt(version), Directory.load())
    return len(found.held), len(found.stated), len(found.told), len(found.wanted)


@pytest.mark.parametrize(
    ("draft", "version", "counted"),
    [
        ("Le duplicata coûte 13,76 € [1].", "v3", (1, 1, 1, 2)),
        ("Le duplicata coûte 13,76 €.", "v3", (0, 1, 0, 2)),  # not cited
        ("Le duplicata coûte 13,76 € [2].", "v3", (0, 1, 0, 2)),  # another one cited
        ("Vos 25 € vous seront rendus.", "v3", (1, 1, 0, 2)),  # of the review
        ("Le délai est de quinze jours [2]. Comptez 999 €.", "v3", (1, 2, 1, 2)),
        ("Merci de votre avis.", "v3", (0, 0, 0, 2)),
        ("Le duplicata coûte 13,76 € [1].", "v1", (0, 1, 0, 2)),  # shown to nobody, asked of everybody
    ],
)
def test_facts_are_held_by_what_was_given_and_wanted_where_reply_and_passage_agree(draft, version, counted):
    assert facts(draft, version) == counted


def test_a_prompt_that_had_no_room_for_a_passage_is_asked_for_its_facts_too():
    asked = {"review": "Merci.", "reply": REPLY, "sources": PASSAGES}
    given = (load_prompt("v3"), Directory.load(), asked | {"sources": PASSAGES[:1]})
    found = ground("Comptez 13,76 € [1] et quinze jours [2].", asked, *given)
    assert (len(found.held), len(found.stated), len(found.told), len(found.wanted)) == (1, 2, 1, 2)


def test_without_passages_nothing_is_wanted():
    assert facts("Le duplicata coûte 13,76 €.", sources=None) == (0, 1, 0, 0)


@pytest.fixture
def gate(tmp_path) -> Path:
    text = (ROOT / "configs/eval/gate-systems.yaml").read_text(encoding="utf-8")
    (tmp_path / "gate.yaml").write_text(
        re.sub(r"probes:\n( .*\n)+", "probes: null\n", (ROOT / "configs/eval/gate.yaml").read_text(encoding="utf-8")),
        encoding="utf-8",
    )
    (tmp_path / "gate-systems.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "gate-systems.yaml"


def test_six_systems_are_ranked_in_one_comparison(six, sourced_dataset, gate, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    first, *others = six.values()
    judged = compare_several(first, others, sourced_dataset, gate, tmp_path / "rank")
    assert len(judged) == 5
    told = [" ".join(one.verdict.reasons) for one in judged]
    assert ["les deux systèmes n’ont pas lu les mêmes passages" in reasons for reasons in told] == [
        name.endswith("v3") for name in [*six][1:]
    ]


def answering(path: Path, to: Path, text) -> Path:
    """The drafts of a system with other texts, as if it had written them."""
    meta = json.loads(path.with_suffix(".meta.json").read_text())
    tied, sealed = tie([row | {"draft": text(row["id"])} for row in rows(path)], meta)
    to.write_bytes(to_jsonl(tied))
    to.with_suffix(".meta.json").write_text(json.dumps(sealed))
    return to


def test_verdict_report_and_page_tell_how_far_facts_are_grounded(six, sourced_dataset, gate, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    pairs = [json.loads(line) for line in (sourced_dataset / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    ids, data = [pair["id"] for pair in pairs], Path(shutil.copytree(sourced_dataset, tmp_path / "data"))
    (data / "test.jsonl").write_bytes(test := to_jsonl([pair | {"reply": REPLY} for pair in pairs]))
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["splits"]["test"] |= {"sha256": sha256(test)}  # the digest without sources stays: it is of other replies
    (data / "manifest.json").write_text(json.dumps(manifest))

    cites = {ids[0]: "Le duplicata coûte 13,76 € [1].", ids[1]: "Le délai est de 15 jours."}
    champion = answering(
        six["base-v2"], tmp_path / "v2.jsonl", lambda i: "Bonjour, comptez 12 €." if i == ids[0] else "Merci."
    )
    challenger = answering(six["base-v3"], tmp_path / "v3.jsonl", lambda i: f"Bonjour. {cites.get(i, 'Merci.')}")
    verdict = compare(champion, challenger, data, gate, tmp_path / "verdict")
    lines = {(x.measure, x.arm): x.value for x in verdict.estimates if not x.slice}
    assert (lines["grounded_precision", "champion"].estimate, lines["grounded_precision", "champion"].n) == (0.0, 1)
    assert (lines["grounded_precision", "challenger"].estimate, lines["grounded_precision", "challenger"].n) == (0.5, 2)
    assert lines["grounded_precision", "difference"].estimate == 1.0  # of the one review on which both state facts
    assert lines["grounded_recall", "champion"].estimate == 0.0
    assert lines["grounded_recall", "challenger"].estimate == pytest.approx(0.5 / 3)
    written = json.loads((tmp_path / "verdict" / "verdict.json").read_text())
    assert written["inputs"]["challenger_sources_sha256"] == "e" * 64
    assert written["inputs"]["champion_sources_sha256"] is None
    report = (tmp_path / "verdict" / "report.html").read_text(encoding="utf-8")
    assert "Faits appuyés, par système" in report
    assert "sources montrées" in report

    browsed = to_browse([tmp_path / "verdict"], None)
    items = Items(browsed, index(browsed), Notes(tmp_path / "notes.jsonl"))
    page = TestClient(make_page(items), base_url="http://127.0.0.1:8765").get(f"/items/{ids[0]}").text
    assert "Fiche 1 – Coût" in page
    assert "[1], cité" in page
    assert "[2], non cité" in page
    assert "1 sur 2, non repris" in page
