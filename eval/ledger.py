"""A comparison in MLflow: a parent run with the verdict, a child per system with its measures. Ledger, never judge."""

import math
from collections.abc import Iterable
from pathlib import Path

from eval.drafts import read_drafts
from eval.gate import Line, Verdict
from plume import tracking


def log_comparison(verdict: Verdict, champion: Path, challenger: Path, gate: Path, out: Path) -> str:
    """Log a verdict, its report and the measures of both systems; returns the parent run's id.

    Every measure is four metrics: the estimate, `.lower`, `.upper` and `.n` (drafts that it could be taken on).
    """
    import mlflow

    with tracking.run(f"compare {out.name}", kind="compare") as parent:
        mlflow.set_tag("outcome", verdict.outcome)
        mlflow.set_tag("reasons", "\n".join(verdict.reasons)[:5000])
        if verdict.needs_items is not None:
            mlflow.log_metric("needs_items", verdict.needs_items)
        mlflow.log_metrics(_metrics(line for line in verdict.estimates if line.arm == "difference" and not line.slice))
        for path in (out / "verdict.json", out / "report.html", gate):
            mlflow.log_artifact(str(path))
        for arm, path in (("champion", champion), ("challenger", challenger)):
            drafts = read_drafts(path)
            system = drafts.meta["system"]
            with tracking.run(f"{arm}: {system['name']}", kind="system", nested=True):
                tracking.log_params({k: v for k, v in system.items() if not isinstance(v, dict)})
                tracking.log_params({"drafts_sha256": drafts.sha256, "fingerprint": drafts.meta["fingerprint"]})
                mlflow.log_metrics(_metrics(line for line in verdict.estimates if line.arm == arm and not line.slice))
        return parent.info.run_id


def _metrics(lines: Iterable[Line]) -> dict[str, float]:
    metrics = {}
    for line in lines:
        name = line.measure.replace(":", "/")  # MLflow groups metrics by the part before a slash
        values = {name: line.value.estimate, f"{name}.lower": line.value.lower, f"{name}.upper": line.value.upper}
        metrics |= {key: value for key, value in values.items() if value is not None and math.isfinite(value)}
        metrics[f"{name}.n"] = line.value.n
    return metrics
