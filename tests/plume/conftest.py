"""Fixtures of the tests of the ground: a store of the test's own."""

import mlflow
import pytest

from plume.tracking import connect


@pytest.fixture
def store(empty_store, tmp_path, monkeypatch) -> str:
    """A sqlite store of the test's own, in a home of its own whose name holds a space."""
    home = tmp_path / "a home"
    home.mkdir()
    monkeypatch.setenv("PLUME_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (home / "mlflow.db").write_bytes(empty_store.read_bytes())
    yield connect()
    while mlflow.active_run():
        mlflow.end_run()
