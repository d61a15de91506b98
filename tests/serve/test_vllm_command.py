"""vLLM's command and environment, the config they come from, and what is read from its log."""

import json
import shlex
from pathlib import Path

import pytest

from plume.errors import InputError
from plume.models import Base
from plume.paths import ROOT
from plume.vllm_options import UNSAFE, max_lora_rank
from serve import engine_log, vllm_command, vllm_process
from serve.alias import KEPT, Aliases, Deployed
from serve.champion import Served
from serve.config import ServeConfig
from serve.state import VARIABLE, State
from serve.vllm_command import command, environment, variables


def served(folder="/adapters/3-abc"):
    three, two = Deployed(3, folder, "0" * 64), Deployed(2, "/adapters/2-abc", "0" * 64)
    return Served(Aliases(three), (three, two), Base(), "/models/base", 2)


def options(words):
    """--name value pairs of a command line; a flag's value is None."""
    found = {}
    for at, word in enumerate(words):
        if word.startswith("--"):
            value = words[at + 1] if at + 1 < len(words) and not words[at + 1].startswith("--") else None
            found[word] = value
    return found


@pytest.mark.parametrize(("rank", "allowed"), [(1, 8), (8, 8), (9, 16), (12, 16), (33, 64), (128, 128), (200, 256)])
def test_rank_is_rounded_up_to_what_vllm_accepts(rank, allowed):
    assert max_lora_rank(rank) == allowed


def test_rank_that_vllm_cannot_serve_is_refused():
    with pytest.raises(InputError, match="300"):
        max_lora_rank(300)


def test_adapters_are_served_under_versioned_names_and_the_base_under_its_own():
    words = command(served(folder="/tmp/a=b,c/3-abc"), ServeConfig(), gpu=False)
    modules = [json.loads(word) for word in words[words.index("--lora-modules") + 1 :]]
    assert modules == [
        {"name": "plume-reply@v3", "path": "/tmp/a=b,c/3-abc", "base_model_name": "base"},
        {"name": "plume-reply@v2", "path": "/adapters/2-abc", "base_model_name": "base"},
    ]
    found = options(words)
    assert found["--served-model-name"] == "base"
    assert found["--chat-template"] == "/tmp/a=b,c/3-abc/chat_template.jinja"
    assert found["--max-lora-rank"] == "16"
    # More names than alias.json and previous.json can hold: an adapter that is forgotten cannot be read again.
    assert int(found["--max-cpu-loras"]) > 2 * (KEPT + 1)


def test_every_engine_is_behind_the_guard():
    for gpu in (True, False):
        assert options(command(served(), ServeConfig(), gpu=gpu))["--middleware"] == "serve.guard.middleware.Guard"


def test_a_socket_takes_the_place_of_host_and_port():
    found = options(command(served(), ServeConfig(socket="/run/plume/vllm.sock"), gpu=True))
    assert found["--uds"] == "/run/plume/vllm.sock"
    assert not {"--host", "--port"} & set(found)


def test_server_stays_on_loopback_logs_no_request_and_drains():
    found = options(command(served(), ServeConfig(port=8400, drain_timeout=7), gpu=True))
    assert (found["--host"], found["--port"], found["--shutdown-timeout"]) == ("127.0.0.1", "8400", "7")
    assert "--disable-uvicorn-access-log" in found
    assert not [name for name in found if name.startswith(("--enable-log", "--trust"))]


def test_sampling_is_plumes_and_not_the_base_models():
    found = options(command(served(), ServeConfig(max_new_tokens=99, repetition_penalty=1.2), gpu=True))
    assert found["--generation-config"] == "vllm"
    said = {"temperature": 0.0, "max_new_tokens": 99, "repetition_penalty": 1.2}
    assert json.loads(found["--override-generation-config"]) == said


def test_cpu_and_gpu_differ_only_where_they_must():
    config = ServeConfig()
    cpu, gpu = (options(command(served(), config, gpu=gpu)) for gpu in (False, True))
    assert set(cpu) ^ set(gpu) == {"--enforce-eager", "--gpu-memory-utilization"}
    assert {name for name in set(cpu) & set(gpu) if cpu[name] != gpu[name]} == {"--max-model-len", "--dtype"}
    assert (cpu["--dtype"], gpu["--dtype"]) == ("float32", "bfloat16")


@pytest.mark.parametrize(("units", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_auto_asks_the_processor(monkeypatch, units, dtype):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("plume.models.cpu_has_bfloat16", lambda: units)
    assert options(command(served(), ServeConfig(dtype="auto"), gpu=False))["--dtype"] == dtype


@pytest.mark.parametrize("gpu", [True, False])
def test_config_decides_over_what_the_machine_suggests(gpu):
    found = options(command(served(), ServeConfig(max_model_len=512, dtype="bfloat16"), gpu=gpu))
    assert (found["--max-model-len"], found["--dtype"]) == ("512", "bfloat16")


def test_environment_drops_what_would_open_the_engine_or_log_texts():
    inherited = {"PATH": "/bin", "VLLM_LOGGING_LEVEL": "DEBUG", **dict.fromkeys(UNSAFE, "1")}
    found = environment(inherited, variables(ServeConfig(), cache=Path("/cache"), gpu=True, cores=[0]))
    assert found["PATH"] == "/bin"
    assert set(UNSAFE) & set(found) == {"VLLM_ALLOW_RUNTIME_LORA_UPDATING"}  # which the guard closes
    assert found[VARIABLE] == str(ServeConfig().folder)
    assert {"VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_SERVER_DEV_MODE"} <= set(UNSAFE)
    assert found["VLLM_LOGGING_LEVEL"] == "INFO"
    assert (found["HF_HUB_OFFLINE"], found["VLLM_NO_USAGE_STATS"]) == ("1", "1")
    assert "VLLM_CPU_KVCACHE_SPACE" not in found


def test_the_engine_gets_the_stores_password_and_nobody_is_shown_it(monkeypatch, tmp_path):
    monkeypatch.setattr(vllm_command, "has_gpu", lambda: False)
    config = ServeConfig(tracking_uri="http://ann:s3cret@store.test", state=tmp_path)
    found = variables(config, cache=Path("/cache"), gpu=False, cores=[0])
    assert found["MLFLOW_TRACKING_URI"] == "http://ann:s3cret@store.test"
    assert "MLFLOW_TRACKING_URI=http://store.test" in shlex.split(vllm_command.shown(served(), config))
    monkeypatch.setattr(vllm_process.alias, "write", lambda *_, **__: None)
    vllm_process.write_state(served(), config, State(tmp_path))
    assert "s3cret" not in State(tmp_path).serve.read_text()
    assert "s3cret" not in " ".join(command(served(), config, gpu=False))


def test_cpu_build_gets_its_cache_size_and_its_cores():
    found = variables(ServeConfig(cpu_kv_cache_gib=3), cache=Path("/cache"), gpu=False, cores=[0, 2, 3])
    assert (found["VLLM_CPU_KVCACHE_SPACE"], found["VLLM_CPU_OMP_THREADS_BIND"]) == ("3", "0,2,3")


def test_shown_line_is_the_command_and_environment_that_are_started(monkeypatch):
    monkeypatch.setattr(vllm_command, "has_gpu", lambda: False)
    words = shlex.split(vllm_command.shown(served(), ServeConfig()))
    assert words[0] == "env"
    assert words[-len(command(served(), ServeConfig(), gpu=False)) :] == command(served(), ServeConfig(), gpu=False)
    assert {"HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1", "VLLM_CPU_KVCACHE_SPACE=2"} <= set(words)


def test_default_yaml_says_the_defaults_and_starts_with_its_command():
    path = ROOT / "configs/serve/default.yaml"
    assert ServeConfig.load(path) == ServeConfig()
    assert path.read_text().startswith("# plume serve --config configs/serve/default.yaml\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4"])
def test_host_that_others_reach_is_refused(host):
    with pytest.raises(InputError, match="loopback"):
        ServeConfig.load(None, [f"host={host}"])


def test_version_may_be_a_bare_number():
    assert ServeConfig.load(None, ["version=3"]).version == "3"


LOG = """\
(APIServer pid=12) INFO 11-22 20:42:37 [api_utils.py:286] non-default args: {}
(EngineCore pid=13) INFO 11-22 20:45:05 [core.py:133] Initializing a V1 LLM engine (v0.32.0)
(Worker pid=14) ERROR 11-22 20:46:08 [core.py:900] EngineCore failed to start.
(Worker pid=14) ERROR 11-22 20:46:08 [core.py:900] Traceback (most recent call last):
(Worker pid=14) ERROR 11-22 20:46:08 [core.py:900]     raise ValueError(
(Worker pid=14) ERROR 11-22 20:46:08 [core.py:900] ValueError: LoRA rank 64 is greater than max_lora_rank 16.
(APIServer pid=12) Traceback (most recent call last):
(APIServer pid=12) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""


def test_log_gives_the_root_cause_and_not_its_echo(tmp_path):
    log = tmp_path / "engine.log"
    log.write_text(LOG)
    assert engine_log.cause(log) == "ValueError: LoRA rank 64 is greater than max_lora_rank 16."
    assert engine_log.phase(log) == "starting workers"


def test_log_with_a_refused_setting_tells_it_and_not_that_there_is_one(tmp_path):
    log = tmp_path / "engine.log"
    log.write_text(
        "(APIServer pid=12) pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
        "(APIServer pid=12)   Value error, User-specified max_model_len (100000) is greater than 8192.\n"
    )
    assert engine_log.cause(log) == "User-specified max_model_len (100000) is greater than 8192."


def test_log_of_a_guard_that_cannot_start_gives_its_own_line_and_not_what_follows(tmp_path):
    log = tmp_path / "engine.log"
    log.write_text("plume: the guard cannot start: golden prompt 2\nERROR: Application startup failed. Exiting.\n")
    assert engine_log.cause(log) == "plume: the guard cannot start: golden prompt 2"


def test_log_without_an_error_gives_its_last_line(tmp_path):
    log = tmp_path / "engine.log"
    log.write_text("(APIServer pid=12) INFO 11-22 20:42:37 [a.py:1] loading\n\n")
    assert engine_log.cause(log) == "loading"
    log.write_text("")
    assert engine_log.cause(log) == "its log is empty"


def test_relative_paths_mean_the_same_in_the_engines_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ServeConfig(state="st", socket="x.sock", examples=1, examples_from="data", tracking_uri="sqlite:///a b.db")
    assert [config.state, config.socket, config.examples_from] == [tmp_path / name for name in ("st", "x.sock", "data")]
    assert config.tracking_uri == f"sqlite:///{tmp_path / 'a b.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    assert vllm_process._store_of_environment() == {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}"}


def test_the_engine_tells_its_queue_only_where_spans_are_sent():
    for endpoint, told in ((None, False), ("http://127.0.0.1:4318", True)):
        words = command(served(), ServeConfig(otlp_endpoint=endpoint), gpu=False)
        assert ("--enable-per-request-metrics" in words) is told
        assert not [word for word in words if "otlp" in word or "4318" in word]  # vLLM's own tracing stays off
