"""`plume serve bench` for real: a tiny model's engine, vLLM's own benchmark, both ways to ask."""

import json
import socket

import mlflow
import pytest

from plume import registry, tracking
from plume.files import folder_sha256


@pytest.mark.long
def test_a_champion_is_measured_with_the_guard_and_without(
    tmp_path, embedded_model, make_adapter, share_caches, small_dataset, cli, monkeypatch
):
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(embedded_model.parent)
    share_caches(home)
    monkeypatch.setenv("PLUME_HOME", str(home))
    before = mlflow.get_tracking_uri()
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    tracking.connect(uri)
    folder = make_adapter(tmp_path / "adapter").folder
    with tracking.run("adapter of a test", kind="train") as run:
        mlflow.log_artifacts(str(folder), "adapter")
    registry.register(run.info.run_id, "adapter", {registry.ADAPTER_HASH: folder_sha256(folder)})
    registry.set_alias("champion", 1, {})
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(before)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["in_flight=[1,4]", "drafts=6", "maskers=1", "max_model_len=1024", "max_new_tokens=64", f"port={port}"]
    out = tmp_path / "bench"
    done = cli("serve", "bench", "--data", small_dataset, "--out", out, f"tracking_uri={uri}", *words, timeout=900)
    assert done.returncode == 0, done.stderr
    told = json.loads((out / "bench.json").read_text())
    assert [(row["in_flight"], row["guard"]) for row in told["rows"]] == [(1, True), (1, False), (4, False), (4, True)]
    for row in told["rows"]:
        assert (row["failed"], row["drafts"]) == (0, max(6, 2 * row["in_flight"]))
        assert row["first_token_p99"] <= row["draft_p99"]
    on, off = ({r["in_flight"]: r for r in told["rows"] if r["guard"] is guard} for guard in (True, False))
    for level in on:  # both ways read the same prompts and write as much
        assert on[level]["prompt_tokens"] == off[level]["prompt_tokens"]
        assert on[level]["draft_tokens"] == off[level]["draft_tokens"]
    assert (out / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert all(word in done.stdout for word in ("drafts/s", "of limit", "promised at p99"))
    texts = [json.loads(line)["review"] for line in (small_dataset / "test.jsonl").read_text().splitlines()]
    left = "".join(file.read_text(errors="replace") for file in home.rglob("*.log")) + (out / "bench.json").read_text()
    assert not [text for text in texts if text in left + done.stdout + done.stderr]
    assert not list((home / "serve").glob("journal*"))
