"""Base models: found, loaded without network, and refused when their tokens are not those of the recipe."""

import json
import shutil
from pathlib import Path

import pytest

from plume.errors import InputError
from plume.models import EMBEDDED, Base, Tokens, load_model, load_tokenizer, located, resolve, same_base
from plume.prompt import CHATML

OPENHERMES = Tokens(im_end=32000, im_start=32001, pad=2)


def copy_of(model: Path, to: Path, **tokenizer_config) -> Base:
    """A copy of a model folder's tokenizer (weights left out) with changed settings."""
    shutil.copytree(model, to, ignore=shutil.ignore_patterns("*.safetensors"))
    path = to / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | tokenizer_config))
    return Base(model=str(to))


def test_the_embedded_model_pads_with_a_token_that_ends_no_turn(plume_home):
    tokenizer = load_tokenizer(Base())
    vocabulary = tokenizer.get_vocab()
    assert (vocabulary[CHATML.start], vocabulary[CHATML.end]) == (1, 2)
    assert tokenizer.pad_token_id == 0
    assert tokenizer.pad_token_id != vocabulary[CHATML.end]
    assert tokenizer.chat_template == CHATML.template
    assert Path(resolve(Base())) == plume_home / "models" / EMBEDDED


def test_the_embedded_model_writes_text_and_is_what_the_tokenizer_expects(plume_home):
    import torch

    model, tokenizer = load_model(Base(), "float32"), load_tokenizer(Base())
    assert model.config.vocab_size >= len(tokenizer)
    prompt = tokenizer("The capital of France is", return_tensors="pt").to(model.device)
    with torch.no_grad():
        best = model(**prompt).logits[0, -1].argmax().item()
    assert tokenizer.decode([best]).strip() == "Paris"


def test_openhermes_tokens_are_accepted_from_a_folder(tiny_mistral):
    tokenizer = load_tokenizer(Base(model=str(tiny_mistral), tokens=OPENHERMES))
    assert (tokenizer.bos_token_id, tokenizer.pad_token_id) == (1, 2)
    model = load_model(Base(model=str(tiny_mistral)), "bfloat16")
    assert model.config.sliding_window == 64
    assert model.get_input_embeddings().weight.shape[0] == 32002


def test_a_tokenizer_with_other_ids_is_refused(tiny_mistral):
    swapped = Base(model=str(tiny_mistral), tokens=Tokens(im_end=32001, im_start=32000, pad=0))
    with pytest.raises(InputError) as caught:
        load_tokenizer(swapped)
    for told in ("im_end is 32000, not 32001", "im_start is 32001, not 32000", "pad is 2, not 0", "base.tokens"):
        assert told in str(caught.value)


def test_the_embedded_tokenizer_is_refused_by_the_openhermes_recipe(plume_home):
    with pytest.raises(InputError, match="im_end is 2, not 32000"):
        load_tokenizer(Base(tokens=OPENHERMES))


def test_padding_with_the_end_of_turn_is_refused(tiny_mistral, tmp_path):
    with pytest.raises(InputError, match=r"padding token.*never learns to stop"):
        load_tokenizer(copy_of(tiny_mistral, tmp_path / "m", pad_token=CHATML.end))


def test_a_tokenizer_without_chatml_is_refused(tiny_mistral, tmp_path):
    no_chatml = {"eos_token": "</s>", "additional_special_tokens": [], "extra_special_tokens": []}
    base = copy_of(tiny_mistral, tmp_path / "m", **no_chatml)
    path = tmp_path / "m" / "tokenizer.json"
    content = json.loads(path.read_text())
    content["added_tokens"] = [t for t in content["added_tokens"] if not t["content"].startswith("<|im_")]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="its tokenizer has no"):
        load_tokenizer(base)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("./nowhere", "no such folder; give a folder, a hub name"),
        ("/nowhere/at/all", "no such folder"),
        ("nowhere", "no such folder"),
        ("owner/name", "needs base.revision=COMMIT"),
    ],
)
def test_a_model_that_is_not_there_is_told(model, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=told):
        resolve(Base(model=model))


def test_a_name_that_no_hub_allows_is_told():
    with pytest.raises(InputError, match="neither a folder nor a name"):
        resolve(Base(model="own er/na me", revision="0" * 40))


def test_a_folder_that_is_no_model_is_told(tmp_path):
    with pytest.raises(InputError, match=r"no config\.json"):
        resolve(Base(model=str(tmp_path)))


def test_a_folder_without_tokenizer_or_weights_is_told_in_one_line(tiny_mistral, tmp_path):
    (tmp_path / "bare").mkdir()
    shutil.copy(tiny_mistral / "config.json", tmp_path / "bare")
    for load in (load_tokenizer, lambda base: load_model(base, "float32")):
        with pytest.raises(InputError, match="cannot be loaded") as caught:
            load(Base(model=str(tmp_path / "bare")))
        assert "\n" not in str(caught.value)


def test_a_hub_model_while_offline_is_told_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"HF_HUB_OFFLINE=0.*base\.model=FOLDER") as caught:
        resolve(Base(model="teknium/OpenHermes-2-Mistral-7B", revision="0" * 40))
    assert caught.value.exit_code == 2


def variant(model: Path, to: Path, change=lambda tensors: None, **config) -> Base:
    """A copy of a model folder with changed tensors and settings."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(model, to)
    tensors = load_file(to / "model.safetensors")
    change(tensors)
    save_file(tensors, to / "model.safetensors", metadata={"format": "pt"})
    path = to / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return Base(model=str(to))


UP = "model.layers.1.mlp.up_proj.weight"


@pytest.mark.parametrize(
    ("change", "config", "told"),
    [
        (lambda t: t.pop(UP), {}, f"its weights lack {UP};"),
        (lambda t: t.update({UP: t[UP][:5].clone()}), {}, f"its weights have another shape of {UP};"),
        (lambda t: t.update({f"x.{k}": t.pop(k) for k in list(t)}), {}, "lack lm_head.weight, .* and 18 more"),
        (
            lambda t: None,
            {"num_hidden_layers": 1},
            r"layers that its config.json does not count: model\.layers\.1",
        ),
        (lambda t: None, {"num_hidden_layers": 3}, r"its weights lack model\.layers\.2"),
    ],
    ids=["missing", "other shape", "renamed", "a layer more", "a layer less"],
)
def test_a_base_that_is_not_whole_is_refused_by_name(tiny_mistral, tmp_path, change, config, told):
    with pytest.raises(InputError, match=told):
        load_model(variant(tiny_mistral, tmp_path / "base", change, **config), "float32")


def test_a_tensor_that_the_model_has_no_place_for_is_named(tiny_mistral, tmp_path, capsys):
    import torch

    base = variant(tiny_mistral, tmp_path / "base", lambda t: t.update({"score.weight": torch.zeros(3)}))
    load_model(base, "float32")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("not part of the model, left out: score.weight")


@pytest.mark.parametrize("method", ["awq", "gptq", "bitsandbytes", "fp8", None])
def test_a_quantised_base_is_refused_before_its_weights_are_read(tiny_mistral, tmp_path, method):
    base = copy_of(tiny_mistral, tmp_path / "base")  # which has no weights
    path = tmp_path / "base" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quantization_config": {"quant_method": method}}))
    with pytest.raises(InputError, match=rf"its weights are quantised \({method or 'as its config.json says'}\)"):
        load_model(base, "float32")


def test_a_folder_is_the_same_base_however_it_is_written(tiny_mistral, monkeypatch):
    monkeypatch.chdir(tiny_mistral.parent)
    relative, absolute = Base(model=f"./{tiny_mistral.name}"), Base(model=str(tiny_mistral), revision="a" * 40)
    assert located(relative).model == str(tiny_mistral)
    assert same_base(relative, absolute)
    assert not same_base(Base(model="a/b", revision="a" * 40), Base(model="a/b", revision="b" * 40))
    assert located(Base()) == Base()


def test_the_embedded_tokenizer_is_the_one_that_transformers_would_choose(plume_home):
    from transformers import AutoTokenizer

    text = "L'été <|im_end|>\n – 12 345 €\u2028😀"
    assert load_tokenizer(Base())(text).input_ids == AutoTokenizer.from_pretrained(resolve(Base()))(text).input_ids


def test_pickled_weights_are_refused_and_beside_safetensors_never_read(tiny_mistral, tmp_path):
    shutil.copytree(tiny_mistral, tmp_path / "model")
    base = Base(model=str(tmp_path / "model"))
    pickled = tmp_path / "model" / "pytorch_model.bin"
    pickled.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    load_model(base, "float32")
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"its weights are pickled \(pytorch_model.bin\).*docs/ml-engineer.md"):
        resolve(base)
    pickled.unlink()
    with pytest.raises(InputError, match="safetensors"):
        load_model(base, "float32")
