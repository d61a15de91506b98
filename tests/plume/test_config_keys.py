"""`plume config`: every key with its meaning, schemas that are what the code gives, names that other tools use."""

import json
import re

import jsonschema
import pytest
import yaml

from plume.cli import CONFIGS, configs_of
from plume.config import foreign_keys, keys_of
from plume.config_keys import keys, listing, schema
from plume.errors import InputError
from plume.paths import ROOT

COMMANDS = sorted(CONFIGS)
SHIPPED = sorted((ROOT / "configs").rglob("*.yaml"))
GIVEN = {
    "train": ["data=d", "out=o"],
    "preferences": ["data=d", "out=o", "decisions=f"],
    "study": ["data=d", "out=o", "drafts=f"],
}  # what a config has no default for


def refusal(command: str, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        configs_of(command)[0].load(None, [*GIVEN.get(command, ()), *overrides])
    return str(caught.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_of_every_config_has_a_type_and_a_meaning(command):
    for model in configs_of(command):
        found = list(keys(model))
        assert all(key.kind and key.meaning for key in found), [key.name for key in found if not key.meaning]
        sections = {name.rpartition(".")[0] for name in keys_of(model)}
        assert {key.name.replace("[]", "") for key in found} | sections >= set(keys_of(model))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_list_fits_a_terminal(command):
    text = listing(configs_of(command))
    assert max(map(len, text.splitlines())) < 80
    for model in configs_of(command):
        assert all(f"{key.name} = " in text for key in keys(model))


def test_a_default_is_shown_as_yaml_says_it():
    shown = {key.name: key for key in keys(configs_of("train")[0])}
    assert shown["data"].default is None
    assert shown["max_steps"].default == "null"
    assert shown["share_prefix"].default == "true"
    assert shown["lora.rank"].kind == "one of 1, 8, 16, 32, 64, 128, 256"
    assert shown["lora.dropout"].kind == "number, ≥0, <1"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_schemas_of_the_clone_are_what_the_code_gives(command):
    file = ROOT / "configs/schemas" / f"{command}.json"
    made = schema(configs_of(command))
    assert file.read_text(encoding="utf-8") == made + "\n", f"plume config {command} --schema > {file}"
    jsonschema.Draft202012Validator.check_schema(json.loads(made))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_shipped_config_names_its_command_and_its_schema_and_is_valid_by_it(file):
    first, second, *_ = file.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# plume ")
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", second)
    target = (file.parent / named[1]).resolve()
    assert target.parent == ROOT / "configs/schemas"
    values = json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str))
    validator = jsonschema.Draft202012Validator(json.loads(target.read_text(encoding="utf-8")))
    validator.validate(values)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(values | {"no_such_key": 1})


def test_a_name_of_another_tool_gets_a_key_that_there_is():
    table = foreign_keys()
    assert set(table) == set(CONFIGS)
    for command, names in table.items():
        known = {key for model in configs_of(command) for key in keys_of(model)}
        assert set(names["called"].values()) <= known
        assert not names["called"].keys() & names["told"].keys()
        assert all(name == name.lower().replace("-", "_") for name in (*names["called"], *names["told"]))


@pytest.mark.parametrize(
    ("command", "given", "told"),
    [
        ("train", "gradient_checkpointing=true", "did you mean recompute?"),
        ("train", "warmup-ratio=0.1", "did you mean optimiser.warmup_share?"),
        ("train", "lora.lora_r=8", "did you mean lora.rank?"),
        ("train", "LoRA_alpha=8", "did you mean lora.alpha?"),
        ("train", "num_train_epochs=3", "did you mean max_epochs?"),
        ("train", "per_device_train_batch_size=3", "batch_size is the pairs of a step"),
        ("train", "fp16=true", "dtype=bfloat16"),
        (
            "train",
            "training_args={num_train_epochs: 3, output_dir: x}",
            "training_args.output_dir: unknown key; did you mean out?",
        ),
        ("train", "gpu_memory_utilization=0.9", "it is a key of plume serve: gpu_memory_utilization"),
        ("train", "use_dora=true", "vLLM serves no DoRA adapter"),
        ("train", "zzzzzzzzzzz=1", "all keys: plume config train"),
        ("preferences", "num_train_epochs=2", "did you mean max_epochs?"),
        ("preferences", "ref_model=x", "the reference is the adapter where learning starts"),
        ("serve", "max_tokens=5", "did you mean max_new_tokens?"),
        ("serve", "temperature=0", "drafts are greedy"),
        ("serve", "learning_rate=1", "it is a key of plume train: optimiser.learning_rate"),
        ("data", "test_size=0.2", "did you mean split.test?"),
        ("eval", "alpha=0.05", "confidence is 1 - alpha"),
        ("study", "n_agents=12", "did you mean agents?"),
        ("study", "idle=30", "did you mean idle_seconds?"),
    ],
)
def test_who_brings_a_name_from_elsewhere_is_told_ours(command, given, told):
    assert told in refusal(command, given)


@pytest.mark.parametrize("command", COMMANDS)
def test_ones_own_key_in_the_wrong_place_gets_no_advice_of_another_command(command):
    from plume.config import _unknown, keys_of

    for model in configs_of(command):
        for key in keys_of(model):
            leaf = key.rpartition(".")[2]
            assert "it is a key of plume" not in _unknown(model, f"nowhere.{leaf}"), key
