"""Who may become champion, on a real MLflow store."""

import json
import sys

import mlflow
import pytest

from eval.mlflow_runs import VERDICT
from eval.promote import challenge, promote, say_sources
from plume import registry, tracking
from plume.errors import InputError
from plume.files import file_sha256


@pytest.fixture(scope="module")
def three_versions(tmp_path_factory, empty_store):
    """A store with three registered versions, whose adapters have the hashes aaa, bbb and ccc."""
    path = tmp_path_factory.mktemp("registry") / "mlflow.db"
    path.write_bytes(empty_store.read_bytes())
    tracking.connect(f"sqlite:///{path}")
    for digest in ("aaa", "bbb", "ccc"):
        with tracking.run("train", kind="train") as run:
            mlflow.log_text(digest, "adapter/weights")
        registry.register(run.info.run_id, "adapter", {registry.ADAPTER_HASH: digest, "prompt": "v1"})
    return path


@pytest.fixture
def versions(tmp_path, monkeypatch, three_versions):
    """The three versions in a store of the test's own."""
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    (tmp_path / "mlflow.db").write_bytes(three_versions.read_bytes())
    tracking.connect(f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


def _verdict(folder, outcome, challenger="bbb", champion="aaa", split="test", prompt="v1", logged=True, off=(), **more):
    """A verdict.json, and the run of the comparison that wrote it."""
    path = folder / "verdict.json"
    inputs = {
        "split": split,
        "split_sha256": "5" * 64,
        "gate_sha256": "6" * 64,
        "challenger_prompt": prompt,
        "champion_prompt": "v1",
        "challenger_adapter_sha256": challenger,
        "champion_adapter_sha256": champion,
    } | more
    path.write_text(json.dumps({"outcome": outcome, "inputs": inputs, **({"checks_off": off} if off else {})}))
    if logged:
        with tracking.run("compare", kind="compare"):
            mlflow.set_tag(VERDICT, file_sha256(path))
    return path


def _champion():
    return registry.find_version("champion")


def test_the_first_champion_is_signed_and_tagged(versions):
    assert promote("1", initial=True, reason="first", by="Ada") == (1, None)
    assert _champion().number == 1
    tags = _champion().tags
    assert (tags["promoted.how"], tags["promoted.reason"], tags["promoted.by"]) == ("initial", "first", "Ada")


@pytest.mark.parametrize("signature", [{}, {"reason": "r"}, {"by": "b"}, {"reason": " ", "by": "b"}])
def test_initial_needs_a_reason_and_a_name(versions, signature):
    with pytest.raises(InputError, match="--reason"):
        promote("1", initial=True, **signature)
    with pytest.raises(InputError):
        _champion()


def test_initial_is_refused_when_there_is_a_champion(versions):
    promote("1", initial=True, reason="first", by="Ada")
    with pytest.raises(InputError, match="--verdict"):
        promote("2", initial=True, reason="again", by="Ada")


def test_a_pass_about_this_version_moves_the_alias(versions):
    promote("1", initial=True, reason="first", by="Ada")
    assert promote("2", verdict=_verdict(versions, "PASS", off=["greeting", "length"])) == (2, 1)
    assert _champion().number == 2
    tags = _champion().tags
    assert (tags["promoted.former"], tags["promoted.how"]) == ("1", "verdict")
    assert (tags["promoted.gate_sha256"], tags["promoted.split_sha256"]) == ("6" * 64, "5" * 64)
    assert tags["promoted.checks_off"] == "greeting length"
    assert tags["promoted.verdict_sha256"] == file_sha256(versions / "verdict.json")
    assert mlflow.get_run(tags["promoted.run_id"]).data.tags["plume.kind"] == "compare"


def test_a_version_that_reads_sources_says_what_it_is_served_with(versions):
    assert say_sources("1") == ""  # of v1
    mlflow.MlflowClient().set_model_version_tag(registry.MODEL_NAME, "2", "prompt", "v3")
    told = say_sources("2")
    assert "serve it with sources=FOLDER; without, it is served with « Sources officielles : aucune »" in told
    promote("1", initial=True, reason="first", by="Ada")
    promote("2", verdict=_verdict(versions, "PASS", prompt="v3", challenger_sources_sha256="e" * 64))
    assert "(those of its verdict: eeeeeeeeeeee…)" in say_sources("champion")


def test_a_verdict_edited_after_its_comparison_is_refused(versions):
    promote("1", initial=True, reason="first", by="Ada")
    path = _verdict(versions, "FAIL")
    path.write_text(path.read_text().replace("FAIL", "PASS"))
    with pytest.raises(InputError, match="no comparison of this MLflow store wrote this very file"):
        promote("2", verdict=path)
    assert _champion().number == 1
    with pytest.raises(InputError, match="no comparison"):
        promote("2", verdict=_verdict(versions, "PASS", logged=False))
    with tracking.run("compare", kind="compare") as run:
        mlflow.set_tag(VERDICT, file_sha256(path))
    mlflow.MlflowClient().set_terminated(run.info.run_id, "FAILED")  # a comparison that failed is none
    with pytest.raises(InputError, match="no comparison"):
        promote("2", verdict=path)


@pytest.mark.parametrize(
    ("verdict", "message"),
    [
        ({"outcome": "FAIL"}, "FAIL, not PASS"),
        ({"outcome": "INCONCLUSIVE"}, "INCONCLUSIVE, not PASS"),
        ({"outcome": "PASS", "challenger": "ccc"}, "another adapter than version 2"),
        ({"outcome": "PASS", "champion": "ccc"}, "another system than the champion"),
        ({"outcome": "PASS", "split": "train"}, "not on test"),
        ({"outcome": "PASS", "prompt": "short-1"}, "another prompt"),
        ({"outcome": "PASS", "challenger": None}, "another adapter than version 2"),
        ({"outcome": "PASS", "challenger_gate_sha256": "7" * 64}, "noted before the challenger's drafts"),
        ({"outcome": "PASS", "challenger_examples_sha256": "8" * 64}, "retrieved examples"),
        ({"outcome": "PASS", "champion_prompt": "short-1"}, "under another prompt"),
    ],
)
def test_anything_else_moves_nothing_without_an_override(versions, verdict, message):
    promote("1", initial=True, reason="first", by="Ada")
    path = _verdict(versions, **verdict)
    with pytest.raises(InputError, match=message):
        promote("2", verdict=path)
    with pytest.raises(InputError, match="--reason"):
        promote("2", verdict=path, override=True)
    assert _champion().number == 1
    promote("2", verdict=path, override=True, reason="the minister asks", by="Ada")
    assert _champion().number == 2
    assert _champion().tags["promoted.how"] == "override"
    assert message in _champion().tags["promoted.objection"]


def test_what_a_store_lacks_is_told_without_mlflow(versions, monkeypatch):
    promote("1", initial=True, reason="first", by="Ada")
    monkeypatch.delitem(sys.modules, "mlflow")
    for known in ("1", "003", "champion", "@champion", "plume-reply@champion", "models:/plume-reply/2", "latest"):
        registry.check_reference(known)
    for unknown in ("4", "0", "challenger", "Champion", "", "1" * 5000):
        with pytest.raises(InputError, match="known: champion, 1, 2, 3"):
            registry.check_reference(unknown)
    (versions / "mlflow.db").write_bytes(b"no store at all")
    with pytest.raises(InputError, match="cannot be used"):
        registry.check_reference("4")


@pytest.mark.parametrize("content", ["", "{}", "[1]", "not json"])
def test_a_damaged_verdict_is_an_input_error(versions, content):
    (versions / "verdict.json").write_text(content)
    with pytest.raises(InputError, match="not a verdict"):
        promote("2", verdict=versions / "verdict.json")


def test_no_evidence_at_all_is_refused(versions):
    with pytest.raises(InputError, match="--initial"):
        promote("1")
    with pytest.raises(InputError, match="known: 1, 2, 3"):
        promote("9", initial=True, reason="r", by="b")


def test_a_challenger_is_named_and_taken_away(versions):
    promote("1", initial=True, reason="first", by="Ada")
    assert challenge("2") == 2
    assert challenge("3") == 3
    assert registry.find_version("challenger").number == 3
    assert challenge(None) is None
    challenge(None)
    with pytest.raises(InputError):
        registry.find_version("challenger")
    assert _champion().number == 1


def test_what_cannot_be_served_is_no_challenger(versions):
    promote("1", initial=True, reason="first", by="Ada")
    mlflow.MlflowClient().delete_model_version_tag("plume-reply", "3", registry.ADAPTER_HASH)
    for reference, why in (("9", "known: champion, 1, 2, 3"), ("champion", "is the champion"), ("3", "adapter_sha256")):
        with pytest.raises(InputError, match=why):
            challenge(reference)
    with pytest.raises(InputError):
        registry.find_version("challenger")
