"""Every promotion on one page, from a real MLflow store, also from one that was written before."""

import json

import mlflow
import pytest

from eval.promote import promote
from eval.trend import trend
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


def _compared(folder, champion, challenger, before, after, measure="pass_all", split="5", primary=None, artifact=False):
    """A PASS of one adapter against another, and the runs of its comparison."""
    path = folder / f"{champion}-{challenger}.json"
    inputs = {"split": "test", "split_sha256": split * 64, "gate_sha256": "6" * 64, "scorer_sha256": "7" * 64}
    inputs |= {"challenger_prompt": "v1", "champion_prompt": "v1"}
    inputs |= {"challenger_adapter_sha256": challenger, "champion_adapter_sha256": champion}
    line = {"measure": measure, "rule": "superiority: difference > 0"}
    path.write_text(json.dumps({"outcome": "PASS", "inputs": inputs, "estimates": [line]}))
    name = measure.replace(":", "/")

    def metrics(value):
        return {name: value, f"{name}.lower": value - 0.02, f"{name}.upper": value + 0.02, f"{name}.n": 400}

    with tracking.run("compare", kind="compare") as run:
        mlflow.set_tags(inputs | {"verdict_sha256": file_sha256(path), "outcome": "PASS"})
        mlflow.set_tags({"primary": primary} if primary else {})
        mlflow.log_metrics(metrics(after - before))
        if artifact:
            mlflow.log_text(path.read_text(), "verdict.json")
        for arm, value in (("champion", before), ("challenger", after)):
            with tracking.run(f"{arm}: {value}", kind="system", nested=True):
                mlflow.log_metrics(metrics(value))
    return path, run.info.run_id


def test_every_promotion_with_its_verdicts_figures(versions, capsys):
    promote("1", initial=True, reason="first of all", by="Ada")
    promote("2", verdict=_compared(versions, "aaa", "bbb", 0.6, 0.7, primary="pass_all")[0])
    path, _ = _compared(versions, "bbb", "ccc", 0.7, 0.75, measure="check:length", split="8", artifact=True)
    promote("3", verdict=path)  # its run has no tag of the primary measure, as before
    promote("1", verdict=path, override=True, reason="v3 is down <b>", by="Bo")  # again, against the verdict
    told = trend(out := versions / "trend")
    rows = told["promotions"]
    assert [(row["version"], row["how"], row["former"]) for row in rows] == [
        (1, "initial", None),
        (2, "verdict", 1),
        (3, "verdict", 2),
        (1, "override", 3),
    ]
    assert told["champion"] == 1
    assert (rows[0]["reason"], rows[0]["by"], rows[0]["after"]) == ("first of all", "Ada", None)
    assert rows[1]["difference"] == pytest.approx(
        {"estimate": 0.1, "lower": 0.08, "upper": 0.12, "n": 400, "n_error": None}
    )
    assert (rows[1]["before"]["estimate"], rows[1]["after"]["estimate"]) == (0.6, 0.7)
    assert (rows[1]["measure"], rows[2]["measure"]) == ("pass_all", "check:length")
    assert [row["same_as_before"] for row in rows] == [None, None, False, None]
    assert (rows[3]["of_another"], rows[3]["after"]) == (True, None)  # a verdict on version 3 says nothing of 1
    assert rows[3]["objection"]
    assert rows[3]["reason"] == "v3 is down <b>"
    assert json.loads((out / "trend.json").read_text()) == told
    page = (out / "trend.html").read_text(encoding="utf-8")
    assert "v3 is down &lt;b&gt;" in page
    assert "Longueur de" in page
    assert "de\u00a068,0\u202f%\u00a0à\u00a072,0\u202f%" in page
    assert "4 promotions" in capsys.readouterr().out
    with pytest.raises(InputError, match="--force"):
        trend(out)
    tags = registry.find_version("1").tags
    assert tags["promoted.how"] == "override"
    assert json.loads(tags["promoted.earlier"])[0]["promoted.how"] == "initial"


def test_a_store_of_before_and_what_is_gone_are_read(versions):
    old = {"promoted.at": "2025-01-02T03:04:05+00:00", "promoted.former": "", "promoted.how": "initial"}
    registry.set_alias("champion", 1, old | {"promoted.reason": "r", "promoted.by": "b"})
    registry.set_alias("champion", 2, {"promoted.at": "2025-02-02T03:04:05+00:00", "promoted.run_id": "f" * 32})
    registry.tag(3, "promoted.at", "soon")  # no date: of another hand
    registry.set_alias("champion", 3, {})
    told = trend(versions / "trend")
    assert [(row["version"], row["how"], row["difference"]) for row in told["promotions"]] == [
        (1, "initial", None),
        (2, None, None),
    ]
    page = (versions / "trend" / "trend.html").read_text(encoding="utf-8")
    assert "la version 3, dont le registre ne raconte pas la mise en service" in page.replace("\u00a0", " ")
    assert "<svg" not in page  # nothing to plot


def test_without_a_promotion_there_is_nothing_to_show(versions):
    with pytest.raises(InputError, match="no version was ever promoted; promote one with: plume eval promote"):
        trend(versions / "trend")
