"""The four Hugging Face `evaluate` modules of plume, loaded offline: chrf_fr, rouge_fr, reply_checks, edit_rate.

Each is also a plain module that `evaluate.load("/path/to/eval/metrics/chrf_fr")` takes; `load` adds what makes it
safe in a pipeline: plume's own cache folder, nothing written per sample, no lock shared between processes.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from plume import paths
from plume.errors import EnvironmentMissing, InputError

if TYPE_CHECKING:
    from evaluate import EvaluationModule

NAMES = tuple(sorted(module.stem for module in Path(__file__).parent.glob("*/*.py")))


def load(name: str) -> "EvaluationModule":
    """One of NAMES, ready to `compute`. Raises InputError for another name, EnvironmentMissing without `evaluate`."""
    if name not in NAMES:
        raise InputError(f"metric {name!r}: unknown; known ones: {', '.join(NAMES)}")
    try:
        with _without_transformers():
            import evaluate
    except ImportError as error:
        raise EnvironmentMissing(f"{error}; mend it with: {paths.INSTALL}") from None
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


@contextmanager
def _without_transformers() -> Iterator[None]:
    """`evaluate` imports transformers, and torch with it, for pipelines that plume never calls: 8 of 10 s of its start.

    It does without where they are not installed, which is what it is told here unless they are loaded already.
    """
    if "transformers" in sys.modules or "evaluate" in sys.modules:
        yield
        return
    sys.modules["transformers"] = None
    try:
        yield
    finally:
        del sys.modules["transformers"]
