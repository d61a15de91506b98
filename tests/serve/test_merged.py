"""Merged weights in service: only what the registry knows, only what writes as PEFT did, back by a restart."""

import asyncio
import json
import os
import shutil
from types import SimpleNamespace

import pytest

from plume import registry as plume_registry
from plume import tracking
from plume.errors import InputError
from plume.exported import Exported, Parity, tag_of
from plume.files import folder_sha256
from plume.models import Base
from serve import alias, champion, sync, vllm_command, vllm_process
from serve.alias import Aliases
from serve.config import ServeConfig
from serve.guard.lifecycle import Lifecycle
from serve.state import Started, State
from tests.serve.test_sync import StubClient
from tests.serve.test_vllm_command import options

PROMPTS = (([1, 2, 3], {7: -0.5, 8: -1.5, 9: -2.0}), ([4, 5], {7: -1.0, 8: -1.1, 9: -1.2}))


@pytest.fixture
def exported(registry, tmp_path, embedded_model, monkeypatch):
    """Three versions of the registry, the second and third exported merged; a server with the first has run before."""
    state = State(tmp_path / "state")
    config = registry.config.model_copy(update={"state": state.folder})
    numbers = [registry.add({}) for _ in range(3)]
    versions = [champion.deploy(plume_registry.find_version(str(n)), 16) for n in numbers]
    alias.write(state, Aliases(versions[0]))
    folders = {}
    for deployed in versions[1:]:
        folder = folders[deployed.version] = tmp_path / f"merged-{deployed.version}"
        folder.mkdir()
        shutil.copy(embedded_model / "tokenizer.json", folder)
        (folder / "model.safetensors").write_bytes(os.urandom(64))
        parity = Parity(0.1, 0.01, 0.3, 100)
        told = Exported("merged", deployed.version, deployed.sha256, Base(), "bfloat16", parity, PROMPTS)
        told.write(folder)
        digest = folder_sha256(folder)
        plume_registry.tag(deployed.version, tag_of(digest), digest)
    plume_registry.set_alias("champion", versions[1].version, {})
    monkeypatch.setattr(StubClient, "names", {}, raising=False)
    monkeypatch.setattr(sync, "Client", StubClient)

    def start(number, **keys):
        """Resolve and write the state, as `plume serve merged=…` does before it becomes the engine."""
        asked = config.model_copy(update={"merged": folders[number]} | keys)
        found, remarks = champion.resolve(asked, state)
        vllm_process.write_state(found, asked, state)
        return found, remarks

    return SimpleNamespace(
        state=state, config=config, versions=versions, folders=folders, start=start, last=versions[1].version
    )


def test_the_folders_version_is_served_without_lora_under_its_name(exported):
    found, _ = exported.start(exported.last)
    words = vllm_command.command(found, exported.config, gpu=False)
    told = options(words)
    assert told["--model"] == str(exported.folders[exported.last])
    assert told["--served-model-name"] == f"plume-reply@v{exported.last}"
    assert told["--middleware"] == "serve.guard.middleware.Guard"
    assert not [word for word in words if "lora" in word]
    assert alias.read(exported.state).champion == exported.versions[1]  # as the guard tells it
    started = Started.read(exported.state)
    assert started.merged.folder == exported.folders[exported.last]
    assert started.base.model == str(exported.folders[exported.last])  # the base need not be on this machine


def test_what_the_registry_does_not_know_as_it_is_is_refused(exported, tmp_path):
    folder = exported.folders[exported.last]
    before = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(before[::-1])
    with pytest.raises(InputError, match="is not what plume train export wrote of version"):
        exported.start(exported.last)
    with pytest.raises(InputError, match=r"holds version .*, not version=1"):
        exported.start(exported.last, version="1")
    told = json.loads((folder / "exported.json").read_text())
    for change, why in (
        ({"adapter_sha256": "0" * 64}, "made of another adapter"),
        ({"version": None}, "exported from an adapter folder"),
        ({"to": "hub"}, "is an export to hub"),
        ({"parity": 3}, "damaged"),
    ):
        (folder / "exported.json").write_text(json.dumps(told | change))
        with pytest.raises(InputError, match=why):
            exported.start(exported.last)
    with pytest.raises(InputError, match="no export of plume's"):
        champion.resolve(exported.config.model_copy(update={"merged": tmp_path}), exported.state)
    assert alias.read(exported.state).champion == exported.versions[0]


def test_merged_weights_have_no_challenger():
    with pytest.raises(InputError, match="has no challenger"):
        ServeConfig.load(None, ["merged=/m", "challenger_weight=0.1"])


def test_a_restart_needs_no_registry_for_what_was_served(exported):
    exported.start(exported.last)
    dead = {"tracking_uri": "http://127.0.0.1:9"}
    try:
        found, remarks = exported.start(exported.last, **dead)
        assert found.merged.folder == exported.folders[exported.last]
        assert "does not answer" in remarks[0]
        with pytest.raises(InputError, match="what was served before is"):
            exported.start(exported.versions[2].version, **dead)
    finally:
        tracking.connect(exported.config.tracking_uri)


def test_sync_says_what_a_switch_takes_and_rollback_holds_until_the_restart(exported):
    exported.start(exported.last)
    assert "already, by merged weights" in sync.sync(exported.config)
    last = exported.versions[2]
    plume_registry.set_alias("champion", last.version, {})
    with pytest.raises(InputError, match=f"plume train export {last.version} --to merged"):
        sync.sync(exported.config)
    exported.start(last.version)  # the restart
    told = sync.rollback(exported.config)
    assert f"plume-reply@v{exported.last} answers from the next start on" in told
    assert alias.read(exported.state).champion == last  # whom the engine knows
    with pytest.raises(InputError, match="was rolled back: restart the server"):
        sync.sync(exported.config)
    found, remarks = exported.start(last.version)
    assert found.aliases.champion == exported.versions[1]
    assert found.merged is None  # by its adapter, on the base
    assert "by its adapter, not by merged weights" in remarks[-1]
    assert "--lora-modules" in vllm_command.command(found, exported.config, gpu=False)
    asked = exported.config.model_copy(update={"merged": exported.folders[last.version]})
    assert champion.resolve(asked, exported.state, again=True)[0].merged


class Engine:
    """vLLM's app as the guard calls it: its life, and its completions with log-probabilities."""

    def __init__(self, shift, status=200):
        self.shift, self.status, self.asked = shift, status, []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            return await send({"type": "lifespan.startup.complete"})
        asked = json.loads((await receive())["body"])
        self.asked.append(asked)
        top = next(first for ids, first in PROMPTS if ids == asked["prompt"])
        seen = {f"token_id:{token}": logprob + self.shift for token, logprob in top.items()}
        body = json.dumps({"choices": [{"logprobs": {"top_logprobs": [seen]}}]}).encode()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        return await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("shift", "status", "asked", "starts"),
    # As much as 16 bits take: an engine in float32 computes with weights that were rounded to bfloat16.
    [(0.25, 200, True, True), (0.4, 200, True, False), (0.4, 200, False, True), (0.0, 500, True, False)],
)
def test_an_engine_that_writes_otherwise_than_at_the_export_never_listens(
    exported, monkeypatch, capfd, shift, status, asked, starts
):
    exported.start(exported.last, golden=asked, dtype="float32")
    engine, sent = Engine(shift, status), []
    lifecycle = Lifecycle(engine, exported.state)

    async def start():
        lifecycle.config = Started.read(exported.state).config
        aliases = SimpleNamespace(current=alias.read(exported.state))
        lifecycle.drafts = SimpleNamespace(started=Started.read(exported.state), aliases=aliases, close=asyncio.Event)

    async def stop():
        sent.append("stopped")

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        sent.append(message["type"])

    monkeypatch.setattr(lifecycle, "start", start)
    monkeypatch.setattr(lifecycle, "stop", stop)
    monkeypatch.setattr(lifecycle, "_know_vllm", lambda _: None)
    asyncio.run(lifecycle.live({"type": "lifespan"}, receive, send))
    assert sent == (["lifespan.startup.complete"] if starts else ["stopped", "lifespan.startup.failed"])
    assert {each["model"] for each in engine.asked} <= {f"plume-reply@v{exported.last}"}
    told = capfd.readouterr().err
    assert ("cannot start" in told) == (not starts)
    assert ("as PEFT did at their export" in told) == (starts and asked)
