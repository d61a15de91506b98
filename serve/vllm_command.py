"""Builds vLLM's exact command and environment, for the GPU and the CPU build, which differ by a few flags."""

import ctypes
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from plume.adapters import TEMPLATE
from plume.errors import without_secrets
from plume.models import fast_dtype
from plume.paths import home
from plume.vllm_options import UNSAFE, max_lora_rank
from plume.vllm_options import variables as shared_variables
from serve.champion import Served
from serve.config import ServeConfig
from serve.database import VARIABLE as DATABASE
from serve.state import VARIABLE

# Greedy: a version always writes the same draft for the same review, as in evaluation.
DECODING = {"temperature": 0.0}
# The other drafts that an agent asks to see beside it; a seed, so that asked again they are the same.
ALTERNATIVES = tuple({"temperature": 0.8, "top_p": 0.95, "seed": seed} for seed in (1, 2))
KNOWN = 16  # adapters that the engine may know at once; one that it forgets and cannot find again would end it
ENTRY = (sys.executable, "-m", "serve.entry")
BASE_NAME = "base"  # the model without its adapter, as clients call it


def command(served: Served, config: ServeConfig, *, gpu: bool) -> list[str]:
    """Build vLLM's command line, after plume's own first words: `serve.entry` hands it on. Pure."""
    words = {
        "--model": served.model,
        "--served-model-name": served.name if served.merged else BASE_NAME,
        **({"--uds": config.socket} if config.socket else {"--host": config.host, "--port": config.port}),
        "--dtype": dtype(config, gpu=gpu),
        "--max-model-len": max_model_len(config, gpu=gpu),
        "--chat-template": Path(served.aliases.champion.folder) / TEMPLATE,
        "--chat-template-content-format": "string",
        "--generation-config": "vllm",  # not the base's own sampling, but plume's for whoever names none
        "--override-generation-config": json.dumps(
            {**DECODING, "max_new_tokens": config.max_new_tokens, "repetition_penalty": config.repetition_penalty}
        ),
        "--max-num-queued-reqs": config.max_queued_requests,
        "--shutdown-timeout": config.drain_timeout,
        "--middleware": "serve.guard.middleware.Guard",
    }
    if gpu:
        words["--gpu-memory-utilization"] = config.gpu_memory_utilization
    flags = ["--disable-fastapi-docs", "--disable-uvicorn-access-log"]
    if config.otlp_endpoint:
        flags.append("--enable-per-request-metrics")  # tells the guard how long a draft waited in the queue
    if not gpu:
        flags.append("--enforce-eager")  # compiling takes minutes on a CPU
    lora = [] if served.merged else _lora(served, config)
    return [*ENTRY, *(str(word) for pair in words.items() for word in pair), *flags, *lora]


def _lora(served: Served, config: ServeConfig) -> list[str]:
    """Build the words about adapters: every version that the engine knows from the start, and room for more."""
    adapters = [
        json.dumps({"name": deployed.name, "path": deployed.folder, "base_model_name": BASE_NAME})
        for deployed in served.adapters
    ]
    words = {
        "--max-lora-rank": max_lora_rank(config.max_lora_rank),
        "--max-loras": 2,  # champion and challenger in one batch
        "--max-cpu-loras": KNOWN,
    }
    told = (str(word) for pair in words.items() for word in pair)
    return ["--enable-lora", *told, "--lora-modules", *adapters]


def dtype(config: ServeConfig, *, gpu: bool) -> str:
    if config.dtype == "auto":
        return fast_dtype()
    return config.dtype or ("bfloat16" if gpu else "float32")


def max_model_len(config: ServeConfig, *, gpu: bool) -> int:
    return config.max_model_len or (4096 if gpu else 2048)


def variables(config: ServeConfig, *, cache: Path, gpu: bool, cores: Sequence[int]) -> dict[str, str]:
    """Build the environment variables that plume decides on. Pure; see `plume.vllm_options.variables`.

    Adapters may be loaded at run time, which opens routes to anybody: the guard closes them again.
    """
    shared = shared_variables(cache=cache, gpu=gpu, cores=cores, cpu_kv_cache_gib=config.cpu_kv_cache_gib)
    store = {"MLFLOW_TRACKING_URI": config.tracking_uri} if config.tracking_uri else {}  # whole: the state has it bare
    if config.database:
        store[DATABASE] = config.database  # likewise
    return {**shared, **store, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1", VARIABLE: str(config.folder)}


def environment(inherited: Mapping[str, str], decided: Mapping[str, str]) -> dict[str, str]:
    """Build the engine's whole environment: the inherited one without what is unsafe, then what plume decides. Pure."""
    return {key: value for key, value in inherited.items() if key not in UNSAFE} | dict(decided)


def here(served: Served, config: ServeConfig, inside: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Build the command, with more words `inside` for vLLM, and the whole environment for this machine."""
    gpu = has_gpu()
    words = command(served, config, gpu=gpu)
    words[len(ENTRY) : len(ENTRY)] = inside
    return words, environment(os.environ, _variables_here(config, gpu=gpu))


def shown(served: Served, config: ServeConfig) -> str:
    """Write the command with its variables as a line for a shell, without a store's password."""
    gpu = has_gpu()
    without = [word for name in UNSAFE for word in ("-u", name)]
    decided = [f"{key}={without_secrets(value)}" for key, value in _variables_here(config, gpu=gpu).items()]
    return shlex.join(["env", *without, *decided, *command(served, config, gpu=gpu)])


def _variables_here(config: ServeConfig, *, gpu: bool) -> dict[str, str]:
    return variables(config, cache=home() / "serve" / "cache", gpu=gpu, cores=sorted(os.sched_getaffinity(0)))


def has_gpu() -> bool:
    """Tell whether torch sees a CUDA device. Without NVIDIA's driver torch is not asked: it takes seconds to import."""
    try:
        ctypes.CDLL("libcuda.so.1")  # NVIDIA's driver
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()
