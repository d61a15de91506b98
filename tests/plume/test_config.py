"""Configs: every error at once, each with its key, the nearest valid key, and what was given."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from plume.config import Config, keys_of
from plume.errors import InputError


class Ids(Config):
    pad: int


class Lora(Config):
    rank: int = Field(16, ge=1)
    dropout: float = 0.0


class Recipe(Config):
    data: str
    lora: Lora = Lora()
    ids: Ids | None = None
    epochs: int = 3
    shuffle: bool = True


def problems(path: Path | None, *overrides: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        Recipe.load(path, overrides)
    assert caught.value.exit_code == 2
    return [line.strip() for line in str(caught.value).splitlines()]


@pytest.fixture
def recipe(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_overrides_reach_nested_keys_and_are_typed_as_yaml(recipe):
    config = Recipe.load(recipe("data: d\nlora: {rank: 8}\n"), ["lora.rank=32", "shuffle=false", "lora.dropout=1e-1"])
    assert (config.lora.rank, config.shuffle, config.lora.dropout) == (32, False, 0.1)
    assert config.epochs == 3


def test_override_of_a_section_that_the_file_leaves_empty(recipe):
    assert Recipe.load(recipe("data: d\nids: null\n"), ["ids.pad=2"]).ids == Ids(pad=2)


def test_override_may_hold_an_equals_sign_and_an_empty_value():
    assert Recipe.load(None, ["data=a=b"]).data == "a=b"
    assert Recipe.load(None, ["data=d", "ids="]).ids is None


def test_every_error_of_file_and_overrides_is_told_at_once(recipe):
    path = recipe("data: d\nlora: {rnak: 8}\nepochs: many\nshufle: true\n")
    first, *others = problems(path, "lora.rank=0", "nonsense", "epochs.more=1")
    assert first == f"{path}: 6 errors"
    told = "\n".join(others)
    assert "lora.rnak: unknown key; did you mean lora.rank?" in told
    assert "shufle: unknown key; did you mean shuffle?" in told
    assert "epochs: " in told
    assert "(got 'many')" in told
    assert "lora.rank: " in told
    assert "(got 0)" in told
    assert "'nonsense': an override is written key=value" in told
    assert "'epochs.more=1': epochs is a value, it has no keys" in told
    assert len(others) == 6


def test_a_key_of_several_types_has_one_error():
    class Card(Config):
        size: Annotated[int, Field(ge=16)] | Literal["auto"] = 4096
        again: bool | Literal["auto"] = False
        layers: str | list[str] | None = None

    def told(*overrides):
        with pytest.raises(InputError) as caught:
            Card.load(None, overrides)
        return str(caught.value)

    assert told("size=10") == (
        "Card: 1 error\n  size: input should be greater than or equal to 16, or 'auto' (got '10')"
    )
    assert "1 error\n  again: input should be a valid boolean" in told("again=maybe")
    assert "1 error\n  layers: input should be a valid string (got" in told("layers=[{a: 1}, [2]]")
    assert Card.load(None, ["size=auto", "again=on"]) == Card(size="auto", again=True)


def test_a_key_written_at_the_wrong_level_is_found_by_its_last_part():
    assert "rank: unknown key; did you mean lora.rank?" in problems(None, "data=d", "rank=8")


def test_a_key_like_no_other_gets_the_list_of_known_ones():
    [line] = problems(None, "data=d", "qqqqqqq=8")[1:]
    assert line.startswith("qqqqqqq: unknown key; known keys: data, lora, lora.rank")


def test_missing_key_says_how_to_give_it():
    assert "data: missing; give it in the file or as data=value" in problems(None)


def test_keys_of_optional_sections_are_known():
    assert "ids.pad" in keys_of(Recipe)
    assert "ids.pda: unknown key; did you mean ids.pad?" in problems(None, "data=d", "ids={pad: 1, pda: 2}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("data: [1,\n", "not valid YAML"),
        ("data: d\n\tlora: 1\n", "line 2: not valid YAML"),
        ("- a\n- b\n", "a config is a mapping of keys to values, not a list"),
        ("data: \x00\n", "not valid YAML"),
        ("data: d\nlora: {rank: 8}\nlora: {dropout: 0.1}\n", "line 3: not valid YAML (the key lora is there twice)"),
        ("data: d\nlora:\n  rank: 8\n  rank: 4\n", "line 4: not valid YAML (the key rank is there twice)"),
    ],
)
def test_a_file_that_is_no_config_is_one_line(recipe, text, told):
    [line] = problems(recipe(text))
    assert told in line


@pytest.mark.parametrize(
    ("given", "key"), [("epochs=true", "epochs"), ("lora.rank=yes", "lora.rank"), ("lora.dropout=.inf", "lora.dropout")]
)
def test_what_is_no_number_is_no_number(given, key):
    assert problems(None, "data=d", given)[1].startswith(f"{key}: ")


# What YAML would read as a day, an octal, minutes, a float or a truth: all are names that a folder may have.
NAMES = ["2023-10-05", "9999-99-99", "2024", "0750", "010", "1e3", "1.5", "12:30:45", "1_000", "0x10", ".inf", "nan"]
NAMES += ["on", "yes", "true", "é"]


class Run(Config):
    out: Path
    parts: tuple[Ids, ...] = ()
    names: str | list[str] = "all"
    note: str | None = None


@pytest.mark.parametrize("name", NAMES)
def test_text_stays_as_it_is_written(recipe, name):
    assert Recipe.load(recipe("data: x\n"), [f"data={name}"]).data == name
    assert Recipe.load(recipe(f"data: {name}\n")).data == name
    assert Run.load(None, [f"out={name}"]).out == Path(name)
    assert Run.load(recipe(f"out: {name}\nnames: [{name}, a]\n")).names == [name, "a"]
    assert Run.load(None, ["out=o", f"names=[{name}]"]).names == [name]
    assert Run.load(recipe(f"x: &x {name}\nout: *x\n".replace("x: &x", "note: &x"))).out == Path(name)


@pytest.mark.parametrize(
    "name", ["a #1", "a: b", "[a]", "{a}", "*x", "&x", "!x", "@x", "- a", "'a", "%41", "a\nb", "|"]
)
def test_an_override_that_is_text_is_all_of_it(name):
    assert Run.load(None, [f"out={name}"]).out == Path(name)


def test_null_is_null_and_a_quoted_one_is_text(recipe):
    for null in ("null", "~", ""):
        assert Run.load(recipe(f"out: o\nnote: {null}\n")).note is None
        assert Run.load(None, ["out=o", f"note={null}"]).note is None
        with pytest.raises(InputError, match=r"out: input is not a valid path \(got None\)"):
            Run.load(None, [f"out={null}"])
    assert Run.load(None, ["out='null'", 'note="0750"']) == Run(out=Path("null"), note="0750")


@pytest.mark.parametrize("value", ["3", "+3", "03", "0003", "3e0", "3.0", "0x3"])
def test_numbers_are_decimal(recipe, value):
    assert Recipe.load(None, ["data=d", f"epochs={value}"]).epochs == 3
    assert Recipe.load(recipe(f"data: d\nepochs: {value}\n")).epochs == 3


@pytest.mark.parametrize("value", ["1:30", "0o7x", "1e400", "9" * 5000, "[" * 999 + "]" * 999, "{a: *a}", "&a [*a]"])
def test_what_is_no_number_is_a_short_line(recipe, value):
    for lines in (problems(None, "data=d", f"epochs={value}"), problems(recipe(f"data: d\nepochs: {value}\n"))):
        assert max(map(len, lines)) < 500


def test_a_file_whose_aliases_multiply_is_refused_at_once(recipe):
    levels = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    lines = problems(recipe(f"a0: &a0 [x]\n{levels}data: *a11\nlora: *a11\n"))
    assert "data: input should be a valid string" in "".join(lines)
    assert max(map(len, lines)) < 500


def test_a_file_that_is_not_there_names_its_neighbours(recipe, tmp_path):
    path = recipe("data: d\n")
    [line] = problems(tmp_path / "recpie.yaml")
    assert "no such config" in line
    assert str(path) in line


def test_a_folder_or_a_binary_file_is_refused(tmp_path):
    assert "cannot be read" in problems(tmp_path)[0]
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in problems(tmp_path / "x.yaml")[0]


def test_an_empty_file_is_the_defaults(recipe):
    assert Recipe.load(recipe("# nothing\n"), ["data=d"]).lora.rank == 16


def test_the_resolved_config_reads_back_as_itself(recipe):
    config = Recipe.load(None, ["data=é", "ids.pad=2", "lora.dropout=0.05"])
    assert Recipe.load(recipe(config.to_yaml())) == config
    assert config.flat()["lora.dropout"] == 0.05
    assert config.flat()["ids.pad"] == 2


def test_a_config_does_not_change_after_loading():
    with pytest.raises(ValueError, match="frozen"):
        Recipe.load(None, ["data=d"]).epochs = 4
