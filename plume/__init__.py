"""plume: from the public export of Services Publics + to a served, evaluated drafting model.

This package is the ground that the stages (`train`, `eval`, `serve`) stand on; it imports none of them.
"""

import os

__version__ = "0.1.0"

# No telemetry, no chatter, and no network at run time unless the user names a remote model: set before any library is
# imported.
for _name, _value in {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_EVALUATE_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # plume shows its own, and only on a terminal
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}.items():
    os.environ.setdefault(_name, _value)

# Dropped: what a shell or another tool left behind that would change results or send text elsewhere without a word.
# Kept: what says how to reach a store (MLFLOW_TRACKING_*), where models are (HF_HOME), which devices to use.
_DROPPED = (
    "MLFLOW_ACTIVE_MODEL_ID",  # ties runs and traces to somebody else's model
    "MLFLOW_ENABLE_ASYNC_LOGGING",  # a killed run would lose metrics that were said to be logged
    "MLFLOW_ENABLE_OTLP_EXPORTER",
    "MLFLOW_EXPERIMENT_",  # plume has an experiment of its own
    "MLFLOW_RUN_CONTEXT",
    "MLFLOW_RUN_ID",  # plume would write into somebody's run
    "MLFLOW_TRUNCATE_LONG_VALUES",
    "MLFLOW_TRACE_",  # a sampled trace is lost, and the journal would note it as sent
    "MLFLOW_TRACING_",  # traces would go to another place than the store
    "MLFLOW_USE_BATCH_SPAN_PROCESSOR",
    "MLFLOW_USE_DEFAULT_TRACER_PROVIDER",
    "_MLFLOW_ACTIVE_MODEL_ID",
    "NVIDIA_TF32_OVERRIDE",  # makes float32 less exact
    "OTEL_",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)


def drop_leftovers() -> list[str]:
    """Remove them from the environment; which were there."""
    found = sorted(name for name in os.environ if name.startswith(_DROPPED))
    for name in found:
        del os.environ[name]
    return found


DROPPED = drop_leftovers()  # `plume doctor` tells them

# No proxy of the environment is for this machine, whatever library asks: stores and servers on loopback are reached.
_LOOPBACK = ("localhost", "127.0.0.1", "127.0.0.0/8", "0.0.0.0", "::1")  # noqa: S104 - an address to ask, not to bind
_direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
if _direct.strip() != "*":
    _known = [part.strip() for part in _direct.split(",") if part.strip()]
    _direct = ",".join([*_known, *(host for host in _LOOPBACK if host not in _known)])
for _name in ("no_proxy", "NO_PROXY"):  # libraries read one or the other, and the first goes before the second
    os.environ[_name] = _direct
