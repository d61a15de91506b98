"""Holds what every vLLM engine of plume is told, as the server of `serve` or inside the process of `eval`."""

from collections.abc import Sequence
from pathlib import Path

from plume.errors import InputError

RANKS = (8, 16, 32, 64, 128, 256)  # values of --max-lora-rank that vLLM accepts
# Variables that would open the engine (adapter paths in requests, developer routes), close it to its guard, write
# requests to its log, or take a port that a cluster meant for something else.
UNSAFE = (
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING",
    "VLLM_LORA_RESOLVER_CACHE_DIR",
    "VLLM_LORA_RESOLVER_HF_REPO_LIST",
    "VLLM_SERVER_DEV_MODE",
    "VLLM_DEBUG_LOG_API_SERVER_RESPONSE",
    "VLLM_LOGGING_CONFIG_PATH",
    "VLLM_API_KEY",
    "VLLM_PORT",
    "VLLM_USE_MODELSCOPE",
)


def max_lora_rank(rank: int) -> int:
    """Find the smallest rank that vLLM accepts and that holds an adapter of `rank`."""
    for allowed in RANKS:
        if rank <= allowed:
            return allowed
    raise InputError(f"the adapter's rank is {rank}; vLLM serves up to {RANKS[-1]}: train with a lower lora.rank")


def variables(*, cache: Path, gpu: bool, cores: Sequence[int], cpu_kv_cache_gib: int) -> dict[str, str]:
    """Build the environment variables that plume decides on. Pure.

    `cores` are the ids that the CPU build may use; `cache` holds compiled code and must be private.
    """
    values = {
        "DO_NOT_TRACK": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",  # the base model and the adapter are folders by now
        "VLLM_LOGGING_LEVEL": "INFO",  # DEBUG writes prompts
        "VLLM_HOST_IP": "127.0.0.1",  # the workers' own sockets
        "VLLM_CACHE_ROOT": str(cache),
        "VLLM_MAX_N_SEQUENCES": "4",
    }
    if not gpu:
        values["VLLM_CPU_KVCACHE_SPACE"] = str(cpu_kv_cache_gib)
        # Threads that wait spin for about 0.1 ms, not for libgomp's own 300,000 rounds (20 ms): from step to step they
        # would hold every core, which the server, the maskers and whatever else runs there need (docs/log.md).
        values["GOMP_SPINCOUNT"] = "2000"
        values["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(str(core) for core in cores)
    return values
