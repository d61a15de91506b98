"""The commands of the evaluator's desk, as users call them."""

import json

import pytest
from typer.testing import CliRunner

from eval.cli import app
from plume.errors import InputError


def _run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def test_import_and_plan(make_data, tmp_path):
    data, sent = make_data(3), tmp_path / "sent.csv"
    sent.write_text("id;réponse\n0000-1;Bonjour\n0001-1;Bonsoir\n", encoding="utf-8")
    done = _run("import", sent, "--system", "Prestataire", "--data", data, "--out", tmp_path / "drafts.jsonl")
    assert done.exit_code == 0
    assert "Prestataire, 2 drafts for the 3 of test" in done.output
    planned = json.loads(_run("plan", "--gain", 0.05, "--data", data, "--json").output)
    assert planned["reviews"] > planned["split"]["pairs"] == 3
    assert "together" in _run("plan", "--gain", 0.05, "--power", 0.9, "--discordance", 0.2).output


def test_trend_makes_no_store(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(InputError, match="MLflow store"):
        _run("trend", "--out", tmp_path / "trend")
    assert not (tmp_path / "home" / "mlflow.db").exists()


def test_compare_takes_one_challenger_or_more():
    told = _run("compare", "--help").output
    assert "CHALLENGER_DRAFTS [MORE_DRAFTS]..." in told
    assert "0 if one passes, 10 if all fail, else 20" in " ".join(told.split())
