"""The adapter folder: read back as it was written, told apart from any other folder, hashed by names and contents."""

import json
from pathlib import Path

import pytest

from plume.adapters import CONFIG, TEMPLATE, TRAINING, WEIGHTS, Adapter
from plume.errors import InputError
from plume.files import folder_sha256


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "adapter"
    path.mkdir()
    training = {"base": {"model": "a/b", "revision": "0" * 40, "tokens": None}, "prompt": {"version": "v1"}}
    (path / TRAINING).write_text(json.dumps(training))
    (path / CONFIG).write_text(json.dumps({"r": 16}))
    (path / WEIGHTS).write_bytes(b"weights")
    (path / TEMPLATE).write_text("template")
    return path


def test_an_adapter_says_what_it_was_trained_on(folder):
    adapter = Adapter.load(str(folder))
    assert (adapter.base.model, adapter.base.revision, adapter.prompt, adapter.rank) == ("a/b", "0" * 40, "v1", 16)
    assert adapter.folder == folder
    assert adapter.sha256 == folder_sha256(folder)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, TRAINING, TEMPLATE])
def test_a_folder_that_lacks_a_file_is_no_adapter(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"not an adapter folder of plume \\(no {name}\\)"):
        Adapter.load(folder)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (TRAINING, "{", "damaged"),
        (TRAINING, "[]", "damaged"),
        (TRAINING, "{}", "no 'base'"),
        (TRAINING, '{"base": {"model": 3, "nope": 1}, "prompt": {"version": "v1"}}', "damaged"),
        (CONFIG, '{"r": "many"}', "damaged"),
        (CONFIG, "{}", "no 'r'"),
    ],
)
def test_a_damaged_file_is_one_line(folder, name, content, told):
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=told) as caught:
        Adapter.load(folder)
    assert "\n" not in str(caught.value)


def test_the_hash_sees_contents_names_and_places_but_not_dates(folder):
    hashes = [folder_sha256(folder)]
    (folder / WEIGHTS).touch()
    assert folder_sha256(folder) == hashes[0]
    (folder / WEIGHTS).write_bytes(b"other weights")
    hashes.append(folder_sha256(folder))
    (folder / TEMPLATE).rename(folder / "renamed")
    hashes.append(folder_sha256(folder))
    (folder / "deep").mkdir()
    (folder / "renamed").rename(folder / "deep" / "renamed")
    hashes.append(folder_sha256(folder))
    assert len(set(hashes)) == 4


def test_an_adapter_that_lacks_a_tensor_is_refused_by_name(tiny_mistral, tmp_path):
    """PEFT only warns, and the layer answers as if it had not been trained."""
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file, save_file

    from plume.models import Base, load_model

    base = Base(model=str(tiny_mistral))
    get_peft_model(load_model(base, "float32"), LoraConfig(r=8, target_modules=["q_proj"])).save_pretrained(tmp_path)
    adapter = Adapter(tmp_path, base, "v1", 8, {})
    adapter.attach(load_model(base, "float32"))
    tensors = load_file(tmp_path / WEIGHTS)
    gone = sorted(tensors)[-1]
    del tensors[gone]
    save_file(tensors, tmp_path / WEIGHTS)
    with pytest.raises(InputError, match=rf"{WEIGHTS}: lacks 1 tensors of the adapter \({gone} …\)"):
        adapter.attach(load_model(base, "float32"))
    (tmp_path / WEIGHTS).write_bytes(b"half")
    with pytest.raises(InputError, match="its adapter cannot be loaded"):
        adapter.attach(load_model(base, "float32"))


def test_a_pickled_adapter_is_refused_by_name(folder):
    (folder / WEIGHTS).rename(folder / "adapter_model.bin")
    with pytest.raises(InputError, match=r"adapter_model\.bin: pickled weights"):
        Adapter.load(folder)
