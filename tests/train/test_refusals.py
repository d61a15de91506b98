"""What a run refuses before it trains, in one line that says how to mend it."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from plume.errors import EnvironmentMissing, InputError
from plume.files import sha256
from plume.paths import ROOT


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"lora__rnk": 8}, "did you mean lora.rank?"),
        ({"lora__rank": 12}, "lora.rank"),
        ({"lora__rank": 32}, "lora.rank=32 is above max_lora_rank=16 of configs/serve/default.yaml"),
        ({"server": "configs/train/demo.yaml"}, "configs/train/demo.yaml: has no max_lora_rank"),
        ({"server": "nowhere.yaml"}, "nowhere.yaml: no such config"),
        ({"base__tokens__im_end": 7}, "im_end is 32000, not 7"),
        ({"base__model": "/nowhere/at/all"}, "no such folder"),
        ({"prompt": "v99"}, "unknown version; known ones"),
        ({"data": "/nowhere"}, "not a dataset folder"),
        ({"lora__target_modules": "[nothing_like_it]"}, "no linear layer 'nothing_like_it'; known: all-linear, or a"),
        ({"lora__target_modules": "[q_proj, v_prj]"}, "no linear layer 'v_prj'; did you mean v_proj?"),
        ({"lora__target_modules": "'.*(q_proj|lm_head)'"}, "no linear layer '.*(q_proj|lm_head)'"),
        ({"micro_batch_tokens": 100}, "micro_batch_tokens=100"),
        ({"tracking_uri": "http://127.0.0.1:9"}, "does not answer"),
        ({"lora__use_dora": "true"}, "vLLM serves no DoRA adapter"),
        ({"lora__modules_to_save": "[lm_head]"}, "modules_to_save: unknown key; vLLM serves low-rank weights alone"),
        ({"lora__target_modules": "[q_proj, lm_head]"}, "vLLM serves no adapter of lm_head"),
        ({"lora__qlora": "true"}, "lora.qlora computes in bfloat16, not dtype=float32"),
        ({"max_tokens": 150, "micro_batch_tokens": 300, "over_length": "error"}, "are longer than max_tokens=150"),
        ({"country": "France"}, "country"),
        ({"seed": 2**70}, "seed"),
        ({"max_epochs": ".inf"}, "max_epochs"),
        ({"max_tokens": 50_000, "micro_batch_tokens": 50_000}, "was made for"),
        ({"attention": "flex"}, "no backward pass of it on CPUs"),
    ],
)
def test_bad_input_is_told_before_anything_is_trained(train_here, tmp_path, overrides, message):
    with pytest.raises(InputError) as error:
        train_here(out=tmp_path / "run", **overrides)
    assert message in str(error.value)
    assert not (tmp_path / "run").exists()  # so that the mended command is not refused


def test_a_split_that_is_not_what_the_manifest_counts_is_told_before_the_model_is_loaded(
    train_here, small_dataset, tmp_path, monkeypatch
):
    data = Path(shutil.copytree(small_dataset, tmp_path / "data"))
    (data / "validation.jsonl").write_bytes(b"")
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["splits"]["validation"]["sha256"] = sha256(b"")
    (data / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr("train.run.load_model", lambda *_, **__: pytest.fail("the model was loaded"))
    with pytest.raises(InputError, match=r"validation\.jsonl: holds 0 pairs, manifest\.json says \d+; build"):
        train_here(out=tmp_path / "run", data=data)


def test_a_run_never_goes_into_its_dataset_nor_over_what_is_no_run(train_here, small_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("train.run.load_model", lambda *_, **__: pytest.fail("the model was loaded"))
    (tmp_path / "link").symlink_to(small_dataset)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "config.yaml").write_text("mine")
    for out, told in (
        (small_dataset, "which is read"),
        (tmp_path / "link" / "below", "which is read"),
        (small_dataset.parent, "which is read"),
        (tmp_path / "dangling", "which is not there"),
        (theirs, "would overwrite its config.yaml"),
    ):
        before = sorted(path.name for path in small_dataset.iterdir())
        with pytest.raises(InputError, match=told) as error:
            train_here(out=out, force=True)
        assert "\n" not in str(error.value)
        assert sorted(path.name for path in small_dataset.iterdir()) == before
    assert (theirs / "config.yaml").read_text() == "mine"


def test_all_errors_of_a_config_are_told_at_once(run, tmp_path):
    config = yaml.safe_load((ROOT / "configs/train/openhermes2-lora.yaml").read_text())
    config |= {"lerning_rate": 1, "seed": "soon", "lora": {"rank": 16, "aplha": 3, "use_dora": True}}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(config))
    _, err = run(code=2, recipe=str(tmp_path / "bad.yaml"), out=tmp_path / "run")
    assert "Traceback" not in err
    assert "4 errors" in err
    for part in (
        "lora.use_dora: unknown key; vLLM serves no DoRA adapter",
        "lerning_rate: unknown key",
        "optimiser.learning_rate",
        "lora.alpha",
        "seed",
    ):
        assert part in err


def test_a_hub_model_that_is_not_there_offline(train_here, tmp_path):
    hub = "teknium/OpenHermes-2-Mistral-7B"
    with pytest.raises(InputError, match="HF_HUB_OFFLINE=0"):
        train_here(out=tmp_path / "run", base__model=hub, base__revision="a" * 40)
    with pytest.raises(InputError, match="COMMIT"):
        train_here(out=tmp_path / "run", base__model=hub)


def test_weights_that_are_cut_off_and_models_of_another_build_are_refused(train_here, tiny_mistral, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(tiny_mistral, base)
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="its weights cannot be loaded"):
        train_here(out=tmp_path / "run", base__model=base)
    weights.unlink()
    GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=32002, n_positions=4096)).save_pretrained(base)
    with pytest.raises(InputError, match="a GPT2LMHeadModel is not built as Llama or Mistral"):
        train_here(out=tmp_path / "run", base__model=base)


def test_qlora_without_a_gpu_is_one_clear_line(train_here, tmp_path):
    with pytest.raises(EnvironmentMissing, match=r"lora\.qlora=true needs an NVIDIA GPU.*lora\.qlora=false") as error:
        train_here(out=tmp_path / "run", lora__qlora="true", dtype="bfloat16")
    assert error.value.exit_code == 3
    assert not (tmp_path / "run").exists()


def test_a_tokenizer_larger_than_the_vocabulary_is_refused(train_here, tiny_mistral, tmp_path):
    grown = tmp_path / "grown"
    shutil.copytree(tiny_mistral, grown)
    tokenizer = AutoTokenizer.from_pretrained(grown)
    tokenizer.add_tokens(["<|new|>"])
    tokenizer.save_pretrained(grown)
    with pytest.raises(InputError, match=r"has 32003 tokens, its weights 32002; plume does not resize"):
        train_here(out=tmp_path / "run", base__model=grown)
