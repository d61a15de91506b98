"""The four Hugging Face `evaluate` modules of plume, loaded offline: chrf_fr, rouge_fr, reply_checks, edit_rate.

Each is also a plain module that `evaluate.load("/path/to/eval/metrics/chrf_fr")` takes; `load` adds what makes it
safe in a pipeline: plume's own cache folder, nothing written per sample, no lock shared between processes.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from plume import paths
from plume.errors import EnvironmentMissing, InputError

if TYPE_CHECKING:
    from evaluate import EvaluationModule

NAMES = ("chrf_fr", "rouge_fr", "reply_checks", "edit_rate")


def load(name: str) -> "EvaluationModule":
    """One of NAMES, ready to `compute`. Raises InputError for another name, EnvironmentMissing without `evaluate`."""
    if name not in NAMES:
        raise InputError(f"metric {name!r}: unknown; known ones: {', '.join(NAMES)}")
    try:
        import evaluate
    except ImportError as error:
        raise EnvironmentMissing(f"{error}; install the evaluation extra: pip install -e '.[eval]'") from None
    cache = paths.home() / "evaluate"
    # evaluate copies a module into a package that Python then finds only once: move it before its first import.
    if "evaluate_modules" not in sys.modules:
        evaluate.config.HF_MODULES_CACHE = cache / "modules"
    return evaluate.load(
        str(Path(__file__).resolve().parent / name),
        module_type="metric",
        cache_dir=str(cache / "metrics"),
        keep_in_memory=True,
        experiment_id=uuid4().hex,
    )
