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
