"""Token ids are made once, and are what they would be without: of these texts, this tokenizer, this prompt."""

import copy
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from plume.models import Base, load_tokenizer
from plume.output import DATASET, TOKENS, holds
from plume.prompt import load_prompt
from train import sample_cache, samples
from train.config import TrainConfig
from train.samples import load_samples


@pytest.fixture
def folder(small_dataset, tmp_path):
    return shutil.copytree(small_dataset, tmp_path / "data", ignore=shutil.ignore_patterns(TOKENS))


@pytest.fixture(scope="module")
def tokenizer(tiny_mistral):
    return load_tokenizer(Base(model=str(tiny_mistral)))


@pytest.fixture
def load(folder, tokenizer, tiny_mistral, tmp_path):
    def call(prompt="short-1", **changes):
        base = {"model": str(tiny_mistral)}
        config = TrainConfig(data=folder, out=tmp_path / "run", base=base, prompt=prompt, **changes)
        return load_samples(config, tokenizer, load_prompt(prompt))

    return call


@pytest.fixture
def tokenised(monkeypatch):
    """The pairs that were tokenised since."""
    made, encode = [], samples.encode

    def counted(pair, *rest):
        made.append(pair["id"])
        return encode(pair, *rest)

    monkeypatch.setattr(samples, "encode", counted)
    return made


def _all(found):
    splits = [found.train.to_list(), found.validation.to_list()]
    return [splits, found.dropped, found.truncated, found.lengths, found.prefix, found.sha256, found.summary()]


@pytest.mark.parametrize("over_length", ["drop", "truncate_review"])
def test_read_again_they_are_what_was_made(load, folder, tokenised, over_length):
    settings = {"over_length": over_length, "max_tokens": sorted(load().lengths)[6]}
    shutil.rmtree(folder / TOKENS)
    del tokenised[:]
    made = load(**settings)
    assert len(tokenised) == len(set(tokenised)) == 16
    assert made.dropped if over_length == "drop" else made.truncated
    assert len(made.train) + sum(row["split"] == "train" for row in made.dropped) == 13
    assert _all(load(**settings)) == _all(made)
    assert len(tokenised) == 16


def test_whatever_token_ids_depend_on_makes_another_entry(load, folder, tokenizer, tiny_mistral, tokenised):
    load()
    for changes in ({"max_tokens": 300}, {"over_length": "truncate_review"}, {"prompt": "v1", "max_tokens": 1024}):
        load(**changes)
    assert len(tokenised) == 4 * 16
    assert len([path for path in (folder / TOKENS).iterdir() if path.is_dir()]) == 4
    tokenizer, manifest = copy.deepcopy(tokenizer), load().manifest
    config = TrainConfig(data=folder, out=folder, base={"model": str(tiny_mistral)})
    key = lambda: sample_cache.key_of(config, tokenizer, load_prompt("v1"), manifest)  # noqa: E731
    before = key()
    tokenizer.add_tokens(["<|new|>"])
    assert key() != before
    before = key()
    manifest["splits"]["validation"]["sha256"] = "0"
    assert key() != before


@pytest.mark.parametrize("damage", ["cut", "changed", "removed", "killed"])
def test_a_damaged_entry_is_made_again(load, folder, tokenised, damage):
    before = _all(load())
    (entry,) = (path for path in (folder / TOKENS).iterdir() if path.is_dir())
    data = next((entry / "splits" / "train").glob("*.arrow"))
    content = data.read_bytes()
    if damage == "cut":
        data.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        data.write_bytes(content[:-200] + bytes([content[-200] ^ 1]) + content[-199:])
    elif damage == "removed":
        shutil.rmtree(entry / "splits" / "validation")
    else:
        (entry / "sha256").unlink()
    assert _all(load()) == before
    assert len(tokenised) == 32
    assert _all(load()) == before
    assert len(tokenised) == 32


def test_two_at_once_make_them_once(load, tokenised):
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: load(), range(2))
    assert _all(one) == _all(other)
    assert len(tokenised) == 16


def test_those_last_used_are_kept(load, folder, monkeypatch, tokenised):
    monkeypatch.setattr(sample_cache, "KEPT", 2)
    for limit in (300, 301, 300, 302):
        load(max_tokens=limit)
    assert len(tokenised) == 3 * 16
    assert len([path for path in (folder / TOKENS).iterdir() if path.is_dir()]) == 2
    load(max_tokens=300)
    assert len(tokenised) == 3 * 16
    load(max_tokens=301)
    assert len(tokenised) == 4 * 16


def test_an_erasure_meanwhile_leaves_none(load, folder, monkeypatch):
    encode = samples.encode

    def erased_meanwhile(pair, *rest):
        told = json.loads((folder / "manifest.json").read_text())
        told["splits"]["validation"]["sha256"] = "0"
        (folder / "manifest.json").write_text(json.dumps(told))
        return encode(pair, *rest)

    monkeypatch.setattr(samples, "encode", erased_meanwhile)
    load()
    assert not [path for path in (folder / TOKENS).iterdir() if path.is_dir()]


def test_a_folder_that_cannot_be_written_is_read_all_the_same(load, folder, tokenised):
    expected = _all(load())
    shutil.rmtree(folder / TOKENS)
    (folder / TOKENS).write_text("in the way")
    assert _all(load()) == expected
    assert len(tokenised) == 32


def test_who_may_read_and_not_write_reads_what_is_kept(load, tokenised, monkeypatch):
    def refused(*_, **__):
        raise PermissionError

    expected = _all(load())
    monkeypatch.setattr("pathlib.Path.touch", refused)
    assert _all(load()) == expected
    assert len(tokenised) == 16


def test_they_are_no_result_that_a_build_would_overwrite(load, folder):
    load()
    for path in folder.iterdir():
        if path.name != TOKENS:
            path.unlink()
    assert holds(folder, DATASET) == []


def test_several_processes_make_the_same(load, folder, monkeypatch):
    expected = _all(load())
    shutil.rmtree(folder / TOKENS)
    monkeypatch.setattr(samples, "PAIRS_A_PROCESS", 2)
    monkeypatch.setattr(samples, "MOST_PROCESSES", 2)
    assert _all(load()) == expected
