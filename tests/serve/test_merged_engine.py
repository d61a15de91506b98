"""A real engine of merged weights: it writes what PEFT writes, under its version's name, or it does not start."""

import json
import socket
from importlib.util import find_spec

import pytest

from plume import golden, registry, tracking
from plume.errors import PlumeError
from plume.exported import tag_of
from plume.files import folder_sha256
from serve import champion
from serve.client import Client
from serve.config import ServeConfig
from serve.golden import reference
from serve.state import State
from serve.vllm_process import running

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed (make install)"),
]


@pytest.fixture
def version(tmp_path, monkeypatch, make_adapter, share_caches):
    """Version 1 of a store of its own, the champion; exported merged."""
    import mlflow

    from train.export.run import export

    (home := tmp_path / "home").mkdir()
    share_caches(home)
    monkeypatch.setenv("PLUME_HOME", str(home))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    tracking.connect()
    adapter = make_adapter(tmp_path / "adapter", std=0.5)
    with tracking.run("merged", kind="train") as run:
        mlflow.log_artifacts(str(adapter.folder), "adapter")
    registry.register(run.info.run_id, "adapter", {registry.ADAPTER_HASH: adapter.sha256})
    registry.set_alias("champion", 1, {})
    export("champion", "merged", tmp_path / "merged")
    yield adapter
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


def test_merged_weights_write_as_peft_does_or_the_server_does_not_start(version, tmp_path):
    from plume.models import load_tokenizer
    from plume.prompt import load_prompt

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = {"merged": tmp_path / "merged", "port": port, "dtype": "float32", "max_model_len": 1024}
    words |= {"max_new_tokens": 8, "maskers": 1, "state": tmp_path / "state", "traces": "false"}
    config = ServeConfig.load(None, [f"{key}={value}" for key, value in words.items()])
    served, _ = champion.resolve(config, State(config.folder))
    prompts = golden.encode(load_tokenizer(version.base), load_prompt(version.prompt))
    expected = [golden.likeliest(first) for first in reference(version, prompts, "float32")]
    with running(served, config), Client(config) as client:
        written = client.draft({"review": "Deux mois sans réponse."})
        assert (written["model"], written["version"]) == ("plume-reply@v1", 1)
        assert client.known() == ["plume-reply@v1"]
        for number, (ids, first) in enumerate(zip(prompts, expected, strict=True), 1):
            seen = golden.answered(client.complete(golden.request("plume-reply@v1", ids)))
            assert golden.measure(seen, first).is_within("float32"), number

    told = json.loads((tmp_path / "merged" / "exported.json").read_text())
    told["golden"][1][1] = {token: value - 0.5 for token, value in told["golden"][1][1].items()}
    (tmp_path / "merged" / "exported.json").write_text(json.dumps(told))
    digest = folder_sha256(tmp_path / "merged")
    registry.tag(1, tag_of(digest), digest)
    served, _ = champion.resolve(config, State(config.folder))
    refused = pytest.raises(PlumeError, match="golden prompt 2: the engine's first token differs")
    with refused, running(served, config):
        pass
