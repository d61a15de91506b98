"""Agents whose taste is known, on the embedded model: they open with thanks, and so must its own drafts."""

import json
import shutil

import pytest

from plume.adapters import Adapter
from plume.corpus.split import SPLITS
from plume.files import sha256, to_jsonl
from plume.models import load_model, load_tokenizer, write_greedily
from plume.prompt import encode_prompt, format_of, load_prompt
from plume.shares import clopper_pearson
from train.config import TrainConfig
from train.preferences.config import PreferencesConfig
from train.preferences.run import train_preferences
from train.run import train

OPENING = "Nous vous remercions de votre témoignage."
SUBJECTS = (
    *("ma carte vitale", "mon dossier de logement", "le site en ligne", "ma demande de prime"),
    *("le standard", "mon avis d'impôt", "mon permis", "la borne d'accueil"),
)


@pytest.fixture
def taught(small_dataset, pairs, decision, tmp_path):
    """A dataset folder whose replies are long enough and do not thank, and the decisions on such drafts."""
    folder = tmp_path / "dataset"
    shutil.copytree(small_dataset, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    for split in SPLITS:
        rows = [pair | {"reply": decision(pair)["draft"]} for pair in pairs[split]]
        data = to_jsonl(rows)
        (folder / f"{split}.jsonl").write_bytes(data)
        manifest["splits"][split]["sha256"] = sha256(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    edited = []
    for pair in pairs["train"]:
        draft = decision(pair)["draft"]
        edited.append(decision(pair, final=draft.replace("\n\n", f"\n\n{OPENING} ", 1)))
    (tmp_path / "decisions.jsonl").write_bytes(to_jsonl(edited))
    return folder, tmp_path / "decisions.jsonl"


def _drafts(adapter: Adapter, reviews: list[dict]) -> list[str]:
    """The first 80 tokens of greedy drafts."""
    tokenizer, prompt = load_tokenizer(adapter.base), load_prompt(adapter.prompt)
    model = adapter.attach(load_model(adapter.base, "float32")).merge_and_unload().eval()
    prompts = [encode_prompt(tokenizer, prompt, review) for review in reviews]
    end, pad = format_of(tokenizer).end_id(tokenizer), tokenizer.pad_token_id
    written = write_greedily(model, prompts, end=end, pad=pad, max_new_tokens=80)
    return tokenizer.batch_decode(written, skip_special_tokens=True)


# What else changes is in docs/log.md, 2026-11-30: this small model thanks in place of its regret, which tone stops.
@pytest.mark.long
def test_its_own_drafts_take_the_taste_beyond_the_interval(taught, plume_home, tmp_path, pairs):
    data, decisions = taught
    started = train(
        TrainConfig.load(
            "configs/train/demo.yaml",
            [
                f"data={data}",
                f"out={tmp_path / 'start'}",
                "max_steps=12",
                "validation.drafts=0",
                "register_version=false",
            ],
        )
    )
    words = {
        "data": data,
        "out": tmp_path / "taught",
        "decisions": decisions,
        "base.adapter": started.adapter,
        "dtype": "float32",
        "ner": "false",
        "recompute": "false",
        "least_judgements": 8,
        "batch_size": 4,
        "micro_batch": 2,
        "validation.share": 0.25,
        "validation.every": 100,
        "anchor": 0,  # what was measured
        "optimiser.learning_rate": 0.0003,
        "max_steps": 6,
        "max_epochs": 3,
        "register_version": "false",
    }
    learnt = train_preferences(
        PreferencesConfig.load("configs/train/preferences.yaml", [f"{key}={value}" for key, value in words.items()])
    )
    before, after = Adapter.load(started.adapter), Adapter.load(learnt.adapter)
    assert after.training["preferences"]["held_out"]["win_rate"] == 1

    # Reviews that neither training saw: the subjects are others, too.
    reviews = [
        pairs["test"][0] | {"title": s.capitalize(), "review": f"Bonjour, {s} pose problème depuis des semaines."}
        for s in SUBJECTS
    ]
    drafts = {name: _drafts(adapter, reviews) for name, adapter in (("before", before), ("after", after))}
    thanks = {name: sum("remerci" in draft for draft in texts) for name, texts in drafts.items()}
    assert clopper_pearson(thanks["before"], len(reviews))[1] < clopper_pearson(thanks["after"], len(reviews))[0], (
        drafts
    )
