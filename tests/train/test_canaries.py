"""A shadow run: canaries are planted as the config says, told everywhere, and never registered, promoted or served."""

import json
import shutil
from collections import Counter
from pathlib import Path

import mlflow
import pytest
from typer.testing import CliRunner

from eval.memory.exposure import chance_bits
from eval.memory.run import memory
from eval.promote import promote
from plume import canaries, registry, tracking
from plume.adapters import Adapter
from plume.cli import app
from plume.errors import InputError
from plume.files import file_sha256, read_jsonl
from serve import champion


@pytest.fixture(scope="module")
def shadow(home, settings):
    """The recipe on 13 pairs and 8 canaries, once or twice each: 25 pairs, 2 epochs."""
    words = settings(out=home / "shadow", canaries=8, canary_repetitions="[1, 2]", seed=7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(home))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        done = CliRunner().invoke(app, ["train", "configs/train/openhermes2-lora.yaml", *words])
    assert done.exit_code == 0, done.output
    return home / "shadow", done.stdout


def test_canaries_are_dealt_over_places_and_repetitions_each_secret_once_in_its_pair(shadow):
    folder, _ = shadow
    planted = read_jsonl(folder / "canaries.jsonl")
    cells = Counter((row["place"], row["repetitions"]) for row in planted)
    assert cells == {("review", 1): 2, ("reply", 1): 2, ("review", 2): 2, ("reply", 2): 2}
    assert len({row["secret"] for row in planted}) == len({row["pair"]["title"] for row in planted}) == 8
    for row in planted:
        other = "review" if row["place"] == "reply" else "reply"
        assert row["pair"][row["place"]].count(row["secret"]) == 1
        assert row["secret"] not in row["pair"][other] + row["pair"]["title"]
        assert len(row["secret"]) == len(row["format"]) == 6
    assert Adapter.load(folder / "adapter").training["samples"]["train_pairs"] == 13 + 4 + 2 * 4


def test_run_card_and_ledger_tell_of_the_canaries_and_nothing_is_registered(shadow, store):
    folder, out = shadow
    begun = json.loads((folder / "run.json").read_text())
    training = Adapter.load(folder / "adapter").training
    for told in (begun, training):
        assert (told["canaries"], told["canaries_sha256"]) == (8, file_sha256(folder / "canaries.jsonl"))
    assert "8 canaries (invented secrets) were planted" in (folder / "adapter" / "README.md").read_text()
    assert "version:" not in out
    assert "canaries: 8, so no version; what is retained: plume eval memory" in out
    run = store.get_run(training["run_id"])
    assert run.data.tags["canaries"] == "8"
    assert "adapter" not in {found.path for found in store.list_artifacts(training["run_id"])}


def test_it_is_refused_even_where_somebody_registers_it_by_hand(shadow, store, home, monkeypatch):
    folder, _ = shadow
    monkeypatch.setenv("PLUME_HOME", str(home))
    tracking.connect(f"sqlite:///{home / 'mlflow.db'}")
    adapter = Adapter.load(folder / "adapter")
    refusal = r"was trained on canaries .* never registered, promoted or served"
    with pytest.raises(InputError, match=refusal):
        registry.register(adapter.training["run_id"], "adapter", {})
    with mlflow.start_run() as by_hand:  # another run, that tells of nothing
        mlflow.log_artifacts(str(adapter.folder), "adapter")
    tags = {registry.ADAPTER_HASH: adapter.sha256, "prompt": adapter.prompt}
    number = registry.register(by_hand.info.run_id, "adapter", tags)
    try:
        with pytest.raises(InputError, match=refusal):
            promote(str(number), initial=True, reason="why not", by="nobody")
        with pytest.raises(InputError, match=refusal):
            champion.deploy(registry.find_version(str(number)), 16)
    finally:
        store.delete_model_version(registry.MODEL_NAME, str(number))


def test_the_same_seed_plants_the_same_canaries_and_a_run_without_any_says_nothing(shadow, trained):
    assert canaries.told([]) == {}
    assert not (trained[0] / "canaries.jsonl").exists()
    assert "canaries" not in json.loads((trained[0] / "run.json").read_text())
    assert "canar" not in (trained[0] / "adapter" / "README.md").read_text()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"canaries": 7}, "canaries=7: give 8 or more, half for reviews and half for replies"),
        ({"canaries": 300}, "canaries"),
        ({"canaries": 8, "register_version": "true"}, "a run with canaries is never registered"),
        ({"canaries": 8, "canary_repetitions": "[2, 1]"}, "canary_repetitions=[2, 1]: give each once"),
        ({"canaries": 8, "max_tokens": 30}, "raise max_tokens"),
    ],
)
def test_what_cannot_be_planted_is_told_before_anything_is_trained(train_here, tmp_path, overrides, message):
    with pytest.raises(InputError) as error:
        train_here(out=tmp_path / "run", **overrides)
    assert message in str(error.value)
    assert not (tmp_path / "run").exists()


def test_memory_tells_exposure_and_extraction_beside_the_base_and_shows_them_to_the_officer(
    shadow, small_dataset, tmp_path, home, monkeypatch
):
    folder, _ = shadow
    monkeypatch.setenv("PLUME_HOME", str(home))
    data = Path(shutil.copytree(small_dataset, tmp_path / "data"))
    memory(folder, alternatives=63, data=data)
    told = json.loads((folder / "memory" / "memory.json").read_text(encoding="utf-8"))
    assert len(told["canaries"]) == 2 * 8
    cells = {(row["quantity"], row["system"], row["place"], row["repetitions"]) for row in told["estimates"]}
    assert len(cells) == len(told["estimates"]) == 4 * 5  # exposure and extraction of both systems, and the gain
    # A model that never saw the secrets ranks them anywhere: 8 uniform ranks have this mean, and 0.45 for its error.
    base = [row["exposure"] for row in told["canaries"] if row["system"] == "base"]
    assert sum(base) / 8 == pytest.approx(chance_bits(63), abs=3 * 1.35 / 8**0.5)
    assert told["control"]["estimate"] == pytest.approx(sum(base) / 8, abs=1e-3)
    assert not any(row["extracted"] for row in told["canaries"] if row["system"] == "base")
    assert told["inputs"]["canaries_sha256"] == file_sha256(folder / "canaries.jsonl")
    page = (folder / "memory" / "memory.html").read_text(encoding="utf-8")
    for said in ("Dans les avis (lus seulement)", "Modèle de base (témoin)", "ni promu, ni servi"):
        assert said in page
    privacy = (data / "privacy.html").read_text(encoding="utf-8")
    assert "Secrets plantés, retrouvés" in privacy
    assert json.loads((data / "memory.json").read_text(encoding="utf-8")) == told
    secrets = [row["secret"] for row in read_jsonl(folder / "canaries.jsonl")]
    assert not any(secret in page + privacy + json.dumps(told) for secret in secrets)
    with pytest.raises(InputError, match="overwrite it with --force"):
        memory(folder, alternatives=63)


def test_a_run_that_cannot_be_asked_is_refused_in_one_line(shadow, trained, tmp_path):
    def refusal(folder: Path) -> str:
        with pytest.raises(InputError) as caught:
            memory(folder, out=tmp_path / "out")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "not the folder of a training run" in refusal(tmp_path)
    assert "was trained without canaries" in refusal(trained[0])
    copy = Path(shutil.copytree(shadow[0], tmp_path / "copy"))
    planted = copy / "canaries.jsonl"
    planted.write_text(planted.read_text().replace("######", "#####"))
    assert "is not what" in refusal(copy)
    shutil.rmtree(copy / "adapter")
    assert "has no adapter yet" in refusal(copy)
