"""`plume eval study analyse` on a study that agents went through in the store."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from eval.study.analysis.run import NOT_AS_PLANNED, analyse
from eval.study.store import Task
from plume.cli import app
from plume.errors import InputError
from plume.files import write

COUNTED = {"active_seconds": 0, "pauses": [], "keystrokes": 30, "pasted_characters": 0}
PHONE = "Appelez le 01 99 00 12 34 avant ce soir."


def go_through(store, clock):
    """Let every agent write, a third quicker from a draft, each at their own pace; then judge."""
    rng = np.random.default_rng(3)
    pace = {agent: 60 * float(np.exp(rng.normal(0, 0.3))) for agent in store.people.agents()}
    while tasks := [(a, t) for a in pace if isinstance(t := store.next_task(a), Task)]:
        for agent, task in tasks:
            tab = store.open_task(agent, task.id).tab
            if task.kind != "writing":
                store.rate(agent, task.id, tab, str(rng.choice(["left", "right", "equal"])), ["tone"])
                continue
            seconds = pace[agent] * (0.67 if task.draft else 1.0) * float(np.exp(rng.normal(0, 0.2)))
            clock.wait(seconds + 5)
            text = f"Bonjour, merci de votre avis. Nous regrettons cette attente, {agent}."
            store.submit(agent, task.id, tab, text, {**COUNTED, "active_seconds": seconds})


@pytest.fixture
def study(open_store, clock):
    store = open_store(4, 4)
    go_through(store, clock)
    return store.folder


def test_a_study_gives_its_json_and_its_page(study, tmp_path):
    document, code = analyse(study, tmp_path / "out")
    assert code == 0
    assert document == json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8"))
    rows = {(row["quantity"], row["group"]): row for row in document["estimates"]}
    assert len(rows) == len(document["estimates"])
    ratio = rows["time_ratio", "all"]
    assert ratio["lower"] < ratio["estimate"] < ratio["upper"]
    assert ratio["n"] == 16
    assert 0.45 < ratio["estimate"] < 0.95  # 0.67, sixteen replies
    with_draft, without = (rows[f"minutes_{arm}_draft", "all"]["estimate"] for arm in ("with", "without"))
    assert rows["minutes_saved", "all"]["estimate"] == pytest.approx(without - with_draft)
    assert rows["finals_won", "all"]["n"] == 12
    assert document["preregistration"]["holds"] is True
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert "unchanged" not in page
    assert "inchangées depuis" in page
    assert 'role="alert"' not in page
    assert "<script" not in page
    assert not re.search(r"\b(nan|None|inf)\b", page)


@pytest.mark.parametrize("how", ["changed", "missing", "damaged"])
def test_other_rules_are_told_at_the_top(study, tmp_path, how):
    rules = study / "preregistration.json"
    kept = json.loads(rules.read_text(encoding="utf-8"))
    if how == "missing":
        rules.unlink()
    else:
        kept["quality"]["margin"] = 0.3
        write(rules, json.dumps(kept) if how == "changed" else "{")
    document, code = analyse(study, tmp_path / "out")
    assert code == NOT_AS_PLANNED == 10
    told = document["preregistration"]
    assert told["holds"] is False
    assert told["state"] == ("missing" if how == "missing" else "changed")
    assert (told["now_sha256"] is None) == (how == "missing")
    assert told["sha256"] != told["now_sha256"]
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert page.index('role="alert"') < page.index('class="verdict"')
    assert told["sha256"] in page
    assert document["answer"]["quality"] is None  # a margin that was moved since judges nothing


def test_what_cannot_be_analysed_is_told_in_a_line(make_study, tmp_path, open_store):
    with pytest.raises(InputError, match="no folder of a study"):
        analyse(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(InputError, match="nobody has begun"):
        analyse(make_study(), tmp_path / "out")
    store = open_store(name="begun")
    with pytest.raises(InputError, match="nobody has sent a reply"):
        analyse(store.folder, tmp_path / "out")
    with pytest.raises(InputError, match="is, holds or lies in"):
        analyse(store.folder, store.folder / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_logs_to_mlflow_and_tells_its_code(study, tmp_path, monkeypatch, empty_store):
    import mlflow

    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    (study / "preregistration.json").unlink()
    ran = CliRunner().invoke(app, ["eval", "study", "analyse", str(study), "--out", str(tmp_path / "out")])
    assert ran.exit_code == NOT_AS_PLANNED, ran.output
    assert "preregistration.json is missing" in ran.output
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert len(runs) == 1
    assert runs[0].data.tags["preregistration"] == "missing"
    assert runs[0].data.metrics["time_ratio/all.n"] == 16
