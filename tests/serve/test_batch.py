"""What `plume serve batch` finds in the file that it is to go on with; no engine is needed to refuse or to be done."""

import json

import pytest

from plume.errors import InputError
from plume.models import Base
from serve import cli
from serve.batch import batch
from serve.client import Client
from serve.config import ServeConfig
from serve.state import Started, State


@pytest.fixture
def reviews(tmp_path):
    file = tmp_path / "reviews.jsonl"
    file.write_text(json.dumps({"id": "a", "review": "Un accueil attentif."}) + "\n")
    return file


def _line(**row):
    return json.dumps(row, ensure_ascii=False) + "\n"


def test_a_draft_with_a_line_separator_is_one_line_of_the_file(reviews, tmp_path):
    out = tmp_path / "drafts.jsonl"
    out.write_text(_line(id="a", draft="Bonjour,\u2028merci.\u0085À bientôt."))
    before = out.read_bytes()
    assert batch(reviews, out, ServeConfig()) == f"{out}: 1 reviews, 1 drafted before, 0 errors"
    assert out.read_bytes() == before


def test_a_last_line_cut_within_a_character_is_asked_again(reviews, tmp_path):
    two = reviews.with_name("two.jsonl")
    two.write_text(reviews.read_text())
    out = tmp_path / "drafts.jsonl"
    whole = _line(id="a", draft="Bonjour.").encode()
    out.write_bytes(whole + '{"id": "b", "draft": "déjà'.encode()[:-1])
    batch(two, out, ServeConfig())
    assert out.read_bytes() == whole


@pytest.mark.parametrize(
    "held", ["Notes de réunion\n", '{"id": "z", "draft": "d"}\n', '{"id": "a", "review": "r"}\n', "[1]\n", "sans fin"]
)
def test_a_file_of_something_else_is_left_as_it_is(reviews, tmp_path, held):
    out = tmp_path / "notes.txt"
    out.write_text(held)
    with pytest.raises(InputError, match=r"holds (other things|something else)"):
        batch(reviews, out, ServeConfig())
    assert out.read_text() == held


def test_half_a_character_is_told_with_its_place(tmp_path):
    broken = tmp_path / "reviews.jsonl"
    broken.write_text('{"id": "a", "review": "Merci"}\n{"id": "b", "review": "Merci \\ud83d"}\n')
    with pytest.raises(InputError, match="object 2: holds half of a character"):
        batch(broken, tmp_path / "out.jsonl", ServeConfig())


def test_the_reviews_are_not_overwritten_by_their_drafts(reviews):
    before = reviews.read_bytes()
    with pytest.raises(InputError, match="is the input itself"):
        batch(reviews, reviews, ServeConfig())
    assert reviews.read_bytes() == before


@pytest.mark.parametrize(("key", "fits"), [("dtype=float32", True), ("dtype=bfloat16", False), ("examples=3", False)])
def test_a_running_server_takes_no_key_that_it_was_not_started_with(tmp_path, monkeypatch, key, fits):
    reviews = tmp_path / "reviews.jsonl"
    reviews.write_text('{"id": "1", "review": "Attente."}\n')
    state = State(tmp_path / "state")
    config = ServeConfig(dtype="float32")
    Started(config=config, base=Base(), stop_token_id=2, dtype="float32", max_model_len=2048).write(state)
    monkeypatch.setattr(Client, "is_ready", lambda _: True)
    monkeypatch.setattr(Client, "draft", lambda *_: {"id": "draft-1", "draft": "Bonjour"})
    more = ["examples_from=data"] if key.startswith("examples") else []
    ask = lambda: cli.batch(reviews, tmp_path / "out.jsonl", [f"state={state.folder}", key, *more])  # noqa: E731
    if fits:
        ask()
    else:
        with pytest.raises(InputError, match=f"{key.partition('=')[0]}.*: a server runs on .* started otherwise"):
            ask()
