"""Drafts: resumable, never generated twice, the same in a batch as alone; past replies as examples."""

import fcntl
import json

import pytest

from eval import swapped_reviews
from eval.backends.in_process import InProcess
from eval.generate import Decoding, generate
from eval.systems import Resolved, System, resolve
from plume.corpus.dataset import read_manifest, read_split
from plume.errors import InputError, PlumeError
from plume.models import Base
from plume.paths import ROOT
from plume.prompt import load_prompt
from plume.retrieval import Retriever


@pytest.fixture
def system(tiny_mistral):
    return Resolved("base:tiny", Base(model=str(tiny_mistral)), None, None, "short-1")


DECODING = Decoding(max_new_tokens=12)


def _rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def _meta(path):
    return json.loads(path.with_suffix(".meta.json").read_text())


def _texts(path):
    return {row["id"]: row["draft"] for row in _rows(path)}


@pytest.fixture
def never(monkeypatch):
    """Fails the test if a model is asked for anything from now on."""
    return lambda: monkeypatch.setattr(InProcess, "start", lambda *a: pytest.fail("generated again"))


def test_a_draft_for_every_review_with_its_counts(system, small_dataset, tmp_path, capsys):
    out = tmp_path / "drafts.jsonl"
    assert generate(system, small_dataset, out, DECODING) == 3
    first, *_, last = capsys.readouterr().err.splitlines()  # no terminal here
    assert first.startswith("drafts: base:tiny: ")
    assert last.startswith("drafts: base:tiny: 3/3, ")
    assert " drafts/s, " in last
    rows = _rows(out)
    assert {r["id"] for r in rows} == {"916-1", "917-1", "918-1"}
    assert all({"id", "draft", "system", "prompt_tokens", "draft_tokens", "seconds"} <= r.keys() for r in rows)
    assert all(1 <= r["draft_tokens"] <= 12 for r in rows)
    assert not any("examples" in r for r in rows)
    meta = _meta(out)
    assert meta["system"]["prompt"] == "short-1"
    assert meta["system"]["adapter_sha256"] is None
    assert meta["data"]["split"] == "test"
    assert meta["decoding"] == {
        "strategy": "greedy",
        "max_new_tokens": 12,
        "dtype": "float32",
        "stop": ["<|im_end|>"],
        "backend": "transformers",
    }


@pytest.mark.parametrize(("units", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_auto_asks_the_processor_and_the_description_says_what_it_gave(
    system, small_dataset, tmp_path, monkeypatch, units, dtype
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("plume.models.cpu_has_bfloat16", lambda: units)
    generate(system, small_dataset, tmp_path / "a.jsonl", Decoding(max_new_tokens=2, dtype="auto"))
    assert _meta(tmp_path / "a.jsonl")["decoding"]["dtype"] == dtype


def test_a_draft_does_not_depend_on_its_batch(system, small_dataset, tmp_path):
    generate(system, small_dataset, tmp_path / "one.jsonl", DECODING, backend=InProcess(1))
    generate(system, small_dataset, tmp_path / "all.jsonl", DECODING, backend=InProcess(8))
    assert _texts(tmp_path / "one.jsonl") == _texts(tmp_path / "all.jsonl")
    assert {r["id"]: r["key"] for r in _rows(tmp_path / "one.jsonl")} == {
        r["id"]: r["key"] for r in _rows(tmp_path / "all.jsonl")
    }


def test_a_penalty_writes_another_draft(system, small_dataset, tmp_path):
    """And only then the description names it."""
    texts = {}
    for penalty in (1.0, 2.0):
        out = tmp_path / f"{penalty}.jsonl"
        generate(system, small_dataset, out, Decoding(max_new_tokens=60, repetition_penalty=penalty))
        texts[penalty] = _texts(out)
    assert texts[1.0] != texts[2.0]
    assert "repetition_penalty" not in _meta(tmp_path / "1.0.jsonl")["decoding"]
    assert _meta(tmp_path / "2.0.jsonl")["decoding"]["repetition_penalty"] == 2.0


def test_what_is_there_is_not_generated_again(system, small_dataset, tmp_path, never):
    out = tmp_path / "drafts.jsonl"
    generate(system, small_dataset, out, DECODING)
    before = out.read_text()
    never()
    assert generate(system, small_dataset, out, DECODING) == 0
    assert out.read_text() == before


def test_drafts_of_another_file_are_taken_where_they_answer_the_same(system, small_dataset, tmp_path, never):
    out, other = tmp_path / "drafts.jsonl", tmp_path / "other.jsonl"
    generate(system, small_dataset, other, DECODING)
    other.write_text("".join(other.read_text().splitlines(keepends=True)[:2]))
    assert generate(system, small_dataset, out, DECODING, reuse=[other]) == 1
    assert {r["id"]: r["key"] for r in _rows(other)}.items() <= {r["id"]: r["key"] for r in _rows(out)}.items()
    with pytest.raises(InputError, match="no such file"):
        generate(system, small_dataset, tmp_path / "third.jsonl", DECODING, reuse=[tmp_path / "missing.jsonl"])
    never()
    assert generate(system, small_dataset, tmp_path / "fourth.jsonl", DECODING, reuse=[other, out]) == 0


@pytest.mark.parametrize("left", [25, 60])
@pytest.mark.parametrize("whole_lines", [0, 1])
def test_an_interrupted_run_goes_on_where_it_stopped(system, small_dataset, tmp_path, left, whole_lines):
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    generate(system, small_dataset, whole, DECODING)
    lines = whole.read_text().splitlines(keepends=True)
    cut.write_text("".join(lines[:whole_lines]) + lines[whole_lines][:left])  # killed in the middle of a line
    assert generate(system, small_dataset, cut, DECODING) == 3 - whole_lines
    assert _texts(cut) == _texts(whole)


@pytest.mark.parametrize("change", ["decoding", "prompt", "examples", "context"])
def test_drafts_of_something_else_are_not_mixed_in(system, small_dataset, tmp_path, change):
    out = tmp_path / "drafts.jsonl"
    generate(system, small_dataset, out, DECODING)
    before, meta = out.read_text(), _meta(out)
    other = system
    if change in ("prompt", "examples"):
        prompt, k = ("v1", 0) if change == "prompt" else ("short-1", 2)
        other = Resolved("base:tiny", system.base, None, None, prompt, k=k)
    options = {"context": 2000} if change == "context" else {}
    decoding = Decoding(max_new_tokens=5) if change == "decoding" else DECODING
    with pytest.raises(InputError, match="--force"):
        generate(other, small_dataset, out, decoding, **options)
    assert out.read_text() == before
    assert _meta(out) == meta
    assert generate(other, small_dataset, out, decoding, **options, force=True) == 3
    assert (_meta(out)["fingerprint"] == meta["fingerprint"]) is (change == "context")


def test_two_processes_do_not_write_one_file(system, small_dataset, tmp_path):
    out = tmp_path / "drafts.jsonl"
    generate(system, small_dataset, out, DECODING)
    with out.with_suffix(".meta.json").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"):
            generate(system, small_dataset, out, DECODING)
    assert generate(system, small_dataset, out, DECODING) == 0


def test_a_review_that_does_not_fit_is_an_error_of_its_own(system, small_dataset, tmp_path):
    out = tmp_path / "drafts.jsonl"
    generate(system, small_dataset, out, DECODING)
    sizes = sorted(r["prompt_tokens"] for r in _rows(out))
    narrow = tmp_path / "narrow.jsonl"
    with pytest.raises(PlumeError, match=r"1 of 3 drafts failed: the review and a draft do not fit") as failed:
        generate(system, small_dataset, narrow, DECODING, context=sizes[-1] + 11)
    assert failed.value.exit_code == 1
    assert [r["prompt_tokens"] for r in _rows(narrow) if "draft" in r] != []
    [error] = [r for r in _rows(narrow) if "error" in r]
    assert error.keys() == {"id", "error", "system", "sha256"}
    with pytest.raises(PlumeError, match="1 of 3"):  # tried again, and no row of it stays twice
        generate(system, small_dataset, narrow, DECODING, context=sizes[-1] + 11)
    assert len(_rows(narrow)) == 3
    with pytest.raises(InputError, match="was made for 4096"):
        generate(system, small_dataset, out, DECODING, context=5000, force=True)


def test_drafts_name_the_past_replies_that_were_shown(system, small_dataset, tmp_path):
    out, narrow = tmp_path / "drafts.jsonl", tmp_path / "narrow.jsonl"
    shown = Resolved("base:tiny", system.base, None, None, "short-1", k=3)
    generate(shown, small_dataset, out, DECODING)
    retriever = Retriever.load(small_dataset)
    expected = {p["id"]: [e["id"] for e in retriever.similar(p, 3)] for p in read_split(small_dataset, "test")}
    assert any(expected.values())
    assert {r["id"]: r["examples"] for r in _rows(out)} == expected
    assert all(r["examples_dropped"] == 0 for r in _rows(out))
    described = _meta(out)["system"]
    assert described["name"] == "base:tiny+3ex"
    train = read_manifest(small_dataset)["splits"]["train"]["sha256"]
    assert described["examples"] == {"k": 3, "train": train, **retriever.describe()}

    first = max(_rows(out), key=lambda r: r["prompt_tokens"])
    generate(shown, small_dataset, narrow, DECODING, context=first["prompt_tokens"] + 11)
    cut = {r["id"]: r for r in _rows(narrow)}[first["id"]]
    assert cut["examples"] == expected[first["id"]][: len(cut["examples"])]
    assert cut["examples_dropped"] >= 1
    assert cut["prompt_tokens"] + 12 <= first["prompt_tokens"] + 11


def test_an_empty_or_unknown_split_is_an_input_error(system, small_dataset, tmp_path):
    with pytest.raises(InputError):
        generate(system, small_dataset, tmp_path / "d.jsonl", DECODING, split="tset")


def test_unknown_system_is_one_line_that_names_the_known_ones(tmp_path, monkeypatch, empty_store):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    (tmp_path / "m.db").write_bytes(empty_store.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'm.db'}")
    with pytest.raises(InputError, match="train one first"):
        resolve("42")


@pytest.mark.parametrize("content", ['{"kept": "by the user"}', "not json at all", "[1, 2]\n"])
def test_a_file_that_holds_no_drafts_is_left_alone(system, small_dataset, tmp_path, content):
    out = tmp_path / "mine.json"
    out.write_text(content)
    for force in (False, True):
        with pytest.raises(InputError, match="holds something else than this command writes"):
            generate(system, small_dataset, out, DECODING, force=force)
    assert out.read_text() == content
    assert [p.name for p in tmp_path.iterdir()] == ["mine.json"]


def test_the_command_line_goes_before_the_yaml(tmp_path, tiny_mistral):
    file = tmp_path / "system.yaml"
    file.write_text(f"base: {{model: {tiny_mistral}}}\nprompt: short-1\nexamples: {{k: 2}}\n")
    assert (resolve(str(file)).k, resolve(str(file)).prompt.version) == (2, "short-1")
    assert (resolve(str(file), examples=0, prompt="v1").k, resolve(str(file), prompt="v1").prompt.version) == (0, "v1")
    assert resolve("base", examples=4).name.endswith("+4ex")
    file.write_text("examples: {k: -1}\n")
    with pytest.raises(InputError, match=r"examples\.k"):
        resolve(str(file))


@pytest.mark.parametrize("path", sorted((ROOT / "configs/eval/systems").glob("*.yaml")), ids=lambda p: p.stem)
def test_example_systems_are_valid_and_start_with_their_command(path):
    spec = System.load(path)
    load_prompt(spec.prompt or "v1")
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"# plume eval generate --system configs/eval/systems/{path.name} ")


def test_swapped_reviews_are_drafted_beside_the_split_by_the_same_system(system, small_dataset, tmp_path, monkeypatch):
    reviews, digest = swapped_reviews.read_reviews()
    monkeypatch.setattr(swapped_reviews, "read_reviews", lambda: (reviews[:2], digest))
    out = tmp_path / "drafts.jsonl"
    assert generate(system, small_dataset, out, DECODING, fairness=True) == 5
    beside = swapped_reviews.beside(out)
    assert {row["id"] for row in _rows(beside)} == {review["id"] for review in reviews[:2]}
    assert _meta(beside)["data"] == {"split": "fairness", "sha256": digest}
    assert _meta(beside)["fingerprint"] == _meta(out)["fingerprint"]
