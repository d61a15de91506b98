"""Log comparisons, analyses of time, plans and results of studies to MLflow, and find them. No decision reads metrics.

A comparison is a parent run with the verdict, and a child for each system with its measures.
"""

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.drafts import read_drafts
from eval.rule import rule_files
from eval.slices import DIMENSIONS, slices_of
from plume import lineage, registry, tracking
from plume.corpus.dataset import read_manifest, read_split
from plume.corpus.forget_versions import DIGEST
from plume.files import file_sha256, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eval.verdict import Line, Verdict

PRIMARY = "primary"  # tag of a comparison's run: the measure that the challenger had to gain on
VERDICT = "verdict_sha256"  # tag of a comparison's run: the very file that it wrote


def log_comparison(verdict: "Verdict", champion: Path, challenger: Path, data: Path, gate: Path, out: Path) -> str:
    """Log a verdict, its report, the measures of both systems and of every item; returns the parent run's id.

    The dataset's splits are the run's inputs. The table of items holds ids and values, no text: `items.json`.

    Every measure is metrics of its own: the estimate, `.lower`, `.upper`, `.n` (drafts that it could be taken on),
    `.n_error`, and `.p`. Tags hold the digests that the verdict rests on, and that of verdict.json itself.
    """
    import mlflow

    written = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    inputs = written["inputs"]
    with tracking.run(f"compare {out.name}", kind="compare") as parent:
        mlflow.set_tags({VERDICT: file_sha256(out / "verdict.json"), "outcome": verdict.outcome})
        mlflow.set_tags({key: value for key, value in inputs.items() if value is not None})
        mlflow.set_tag("reasons", "\n".join(verdict.reasons)[:5000])
        mlflow.set_tag(PRIMARY, next(x.measure for x in verdict.estimates if (x.rule or "").startswith("superiority")))
        if written["checks_off"]:
            mlflow.set_tag("checks_off", " ".join(written["checks_off"]))
        if verdict.needs_items is not None:
            mlflow.log_metric("needs_items", verdict.needs_items)
        mlflow.log_metrics(_metrics(line for line in verdict.estimates if line.arm == "difference" and not line.slice))
        for path in (out / "verdict.json", out / "report.html", *rule_files(gate)):
            mlflow.log_artifact(str(path))
        _log_inputs(data)
        mlflow.log_table(_items(data, inputs["split"], out), "items.json")
        for arm, path in (("champion", champion), ("challenger", challenger)):
            drafts = read_drafts(path)
            system = drafts.meta["system"]
            with tracking.run(f"{arm}: {drafts.name}", kind="system", nested=True):
                tracking.log_params({k: v for k, v in system.items() if not isinstance(v, dict)})
                tracking.log_params({"drafts_sha256": drafts.sha256, "fingerprint": drafts.meta["fingerprint"]})
                mlflow.log_metrics(_metrics(line for line in verdict.estimates if line.arm == arm and not line.slice))
        return parent.info.run_id


def _log_inputs(data: Path) -> None:
    """Log the dataset's splits as inputs of the active run, named and digested as a training run's."""
    import mlflow.data.sources
    from mlflow.data.meta_dataset import MetaDataset

    splits, name = read_manifest(data)["splits"], data.resolve().name
    for split, context in tracking.CONTEXTS.items():
        source = mlflow.data.sources.LocalArtifactDatasetSource(str((data / f"{split}.jsonl").resolve()))
        described = MetaDataset(source, name=f"{name}-{split}"[-500:], digest=splits[split]["sha256"][:36])
        mlflow.log_input(described, context=context)


def _items(data: Path, split: str, out: Path) -> dict[str, list[Any]]:
    """Tabulate a row for each pair, with both systems' values of each measure; None for an error. No text, no name."""
    pairs = read_split(data, split)
    table: dict[str, list[Any]] = {"id": [pair["id"] for pair in pairs]}
    slices = slices_of(pairs)
    table |= {name: [of.get(name) for of in slices] for name in DIMENSIONS}
    for arm in ("champion", "challenger"):
        values: dict[str, dict[str, Any]] = {}
        for row in read_jsonl(out / f"{arm}.scores.jsonl"):
            values.setdefault(row["measure"], {})[row["id"]] = row.get("value")
        table |= {f"{arm}.{measure}": [of.get(i) for i in table["id"]] for measure, of in values.items()}
    return table


def _metrics(lines: "Iterable[Line]") -> dict[str, float]:
    metrics = {}
    for line in lines:
        name = line.measure.replace(":", "/")  # MLflow groups metrics by the part before a slash
        metrics |= _bounds(name, line.value.estimate, line.value.lower, line.value.upper)
        metrics |= {f"{name}.n": line.value.n, f"{name}.n_error": line.value.n_error}
        metrics |= {f"{name}.{key}": p for key, p in (("p", line.p), ("p_holm", line.p_holm)) if p is not None}
    return metrics


def _bounds(name: str, *values: float | None) -> dict[str, float]:
    """Name an estimate and its bounds, as far as they are known."""
    named = zip((name, f"{name}.lower", f"{name}.upper"), values, strict=True)
    return {key: value for key, value in named if value is not None and math.isfinite(value)}


def log_time(result: dict, out: Path) -> str:
    """Log the rows of the whole export, the claims' outcomes and the two files; returns the run's id.

    A row is the metrics `<quantity>/<comparison>/<group>`, `….lower`, `….upper` and `….n`; networks, months and
    structures are in time.json, which is an artifact. Neither file holds any text of reviews or replies.
    """
    import mlflow

    with tracking.run(f"time {out.name}", kind="time") as active:
        tracking.log_params({f"{name}_sha256": digest for name, digest in result["inputs"].items()})
        tracking.log_params({key: result[key] for key in ("pilot_start", "extracted_on")})
        tracking.log_params({f"count.{name}": n for name, n in result["counts"].items()})
        mlflow.set_tags({f"claim.{claim['id']}": claim["outcome"] for claim in result["claims"]})
        if study := result.get("study"):
            mlflow.set_tags({f"study.{name}": str(value) for name, value in study.items()})
        if result["missing_columns"]:
            mlflow.set_tag("missing_columns", ", ".join(result["missing_columns"]))
        metrics = {}
        for row in (*result["estimates"], *result["active_minutes"]):
            if ":" in row["group"]:
                continue
            name = f"{row['quantity']}/{row['comparison']}/{row['group'].replace(', ', '_').replace(' ', '_')}"
            metrics |= _bounds(name, row["estimate"], row["lower"], row["upper"]) | {f"{name}.n": row["n"]}
        mlflow.log_metrics(metrics)
        for name in ("time.json", "time.html"):
            mlflow.log_artifact(str(out / name))
        return active.info.run_id


def log_study(out: Path, digest: str) -> str:
    """Log the rules of a study that was planned, with their digest and the day; returns the run's id. No text goes."""
    import mlflow

    with tracking.run(f"study {out.name}", kind="study") as active:
        mlflow.set_tag("preregistration_sha256", digest)
        decided = json.loads((out / "preregistration.json").read_text(encoding="utf-8"))
        tracking.log_params({key: decided[key] for key in ("agents", "items", "effect", "power", "items_sha256")})
        for name in ("preregistration.json", "power.json"):
            mlflow.log_artifact(str(out / name))
        return active.info.run_id


def log_study_analysis(result: dict, out: Path) -> str:
    """Log a study's answers, its estimates and the two files; returns the run's id. No text of any reply.

    A row is the metrics `<quantity>/<group>`, `….lower`, `….upper` and `….n`, as of `log_time`.
    """
    import mlflow

    with tracking.run(f"study analysis {out.name}", kind="study analysis") as active:
        rules, answer = result["preregistration"], result["answer"]
        tracking.log_params({f"{name}_sha256": digest for name, digest in result["inputs"].items()})
        mlflow.set_tags({"preregistration_sha256": rules["sha256"], "preregistration": rules["state"]})
        mlflow.set_tags({name: str(answer[name]) for name in ("time", "quality", "method")})
        metrics = {}
        for row in result["estimates"]:
            name = re.sub(r"[^\w/. -]", "_", f"{row['quantity'].replace(':', '/')}/{row['group']}").replace(" ", "_")
            metrics |= _bounds(name, row["estimate"], row["lower"], row["upper"]) | {f"{name}.n": row["n"]}
        mlflow.log_metrics(metrics)
        for name in ("study.json", "study.html"):
            mlflow.log_artifact(str(out / name))
        return active.info.run_id


def comparison_of(verdict: Path) -> str | None:
    """Find the finished run of the comparison that wrote this very verdict.json; None if the ledger knows of none."""
    import mlflow

    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    query = f"tags.`{VERDICT}` = '{file_sha256(verdict)}' and attributes.status = 'FINISHED'"
    runs = client.search_runs([experiment.experiment_id], query, max_results=1) if experiment else []
    return runs[0].info.run_id if runs else None


def train_splits_of(adapter_sha256: str) -> list[str]:
    """List the digests of the train splits that an adapter's weights saw, as its registered version tells.

    An ancestor's that is not known is "unknown"; nothing where there is no such version.
    """
    version = registry.version_with(adapter_sha256)
    if version is None or DIGEST not in version.tags:
        return []
    return [version.tags[DIGEST], *version.tags.get(lineage.EARLIER, "").split()]
