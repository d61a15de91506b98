"""Run `plume eval trend`: every promotion that the registry tells of, with what its verdict measured, on one page.

The registry's tags tell when, how and by whom; the runs of the comparisons hold the figures. What a store of before
does not hold, or what is gone, is told as unknown.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from eval import trend_page
from eval.measures import PRIMARY as DEFAULT
from eval.mlflow_runs import PRIMARY
from eval.promote import ALIAS, earlier_promotions
from plume import registry, tracking
from plume.command import say
from plume.errors import InputError, without_secrets
from plume.files import telling, write
from plume.output import TREND, building, check_folder

_SAME = ("split_sha256", "gate_sha256", "scorer_sha256", "measure")  # what makes levels of two verdicts comparable
_TOLD = ("how", "former", "by", "reason", "objection", "run_id", "verdict_sha256", "checks_off")


def trend(out: Path, *, force: bool = False) -> dict[str, Any]:
    """Write trend.json and trend.html into `out`; give what trend.json holds. Raises InputError if there is nothing."""
    import mlflow

    check_folder(out, TREND, force=force)
    promotions = [*_promotions()]
    uri = without_secrets(mlflow.get_tracking_uri())
    if not promotions:
        raise InputError(f"MLflow store {uri}: no version was ever promoted; promote one with: plume eval promote")
    _compare_with_before(promotions)
    document = {"champion": _champion(), "promotions": promotions, "store": uri}
    with telling(out, "make room or mend that, or name another folder with --out"), building(out, TREND) as made:
        write(made / "trend.html", trend_page.render(document))
        write(made / "trend.json", json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    say(f"{out / 'trend.html'}, {out / 'trend.json'}: {len(promotions)} promotions")
    return document


def _champion() -> int | None:
    with suppress(InputError):
        return registry.find_version(ALIAS).number
    return None


def _promotions() -> Iterator[dict[str, Any]]:
    """Give every promotion, the oldest first."""
    found = []
    for version in registry.all_versions():
        last = {key: value for key, value in version.tags.items() if key.startswith("promoted.")}
        for tags in (*earlier_promotions(version.tags), last):
            with suppress(ValueError, TypeError, AttributeError):  # of another hand than plume's
                at = datetime.fromisoformat(tags.get("promoted.at", ""))
                found.append((at.timestamp(), version, tags))
    for _, version, tags in sorted(found, key=lambda one: one[0]):
        told = {key: tags.get(f"promoted.{key}") or None for key in _TOLD}
        told["former"] = int(told["former"]) if (told["former"] or "").isdigit() else None
        figures = _figures(told["run_id"], version.tags.get(registry.ADAPTER_HASH))
        yield {"version": version.number, "at": tags["promoted.at"], **told, **figures}


@tracking.answering()
def _figures(run_id: str | None, adapter: str | None) -> dict[str, Any]:
    """Read what the comparison behind a promotion measured on its primary measure; None for what is not there.

    A promotion against a verdict may name one of another adapter: its figures are not this version's.
    """
    import mlflow

    unknown = dict.fromkeys(("outcome", *_SAME, "difference", "before", "after")) | {"of_another": False}
    if not run_id:
        return unknown
    client = mlflow.MlflowClient()
    try:
        run = client.get_run(run_id)
    except mlflow.MlflowException as error:
        if error.error_code != tracking.ABSENT:
            raise
        return unknown
    tags = run.data.tags
    if tags.get("challenger_adapter_sha256", adapter) != adapter:
        return unknown | {"outcome": tags.get("outcome"), "of_another": True}
    measure = tags.get(PRIMARY) or _primary_of(run) or DEFAULT
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    arms = {child.info.run_name.partition(":")[0]: _estimate(child.data.metrics, measure) for child in children}
    return unknown | {
        "outcome": tags.get("outcome"),
        **{key: tags.get(key) for key in _SAME},
        "measure": measure,
        "difference": _estimate(run.data.metrics, measure),
        "before": arms.get("champion"),
        "after": arms.get("challenger"),
    }


def _primary_of(run: Any) -> str | None:
    """Find the primary measure in the verdict.json of a run that has no tag of it, of before."""
    import mlflow

    with suppress(Exception):  # gone, unreachable, or no verdict: the default stands
        verdict = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/verdict.json")
        return next(x["measure"] for x in verdict["estimates"] if (x["rule"] or "").startswith("superiority"))
    return None


def _estimate(metrics: Mapping[str, float], measure: str) -> dict[str, Any] | None:
    """Give an estimate as it was logged; None where it was not."""
    name = measure.replace(":", "/")
    if name not in metrics:
        return None
    found = {key: metrics.get(f"{name}.{key}") for key in ("lower", "upper", "n", "n_error")}
    counts = {key: None if found[key] is None else int(found[key]) for key in ("n", "n_error")}
    return {"estimate": metrics[name], "lower": found["lower"], "upper": found["upper"], **counts}


def _compare_with_before(promotions: list[dict[str, Any]]) -> None:
    """Say of each verdict if its levels compare with those before: same reviews, rule, scorer and measure."""
    last = None
    for one in promotions:
        known = one["after"] is not None
        one["same_as_before"] = all(one[key] == last[key] for key in _SAME) if known and last else None
        last = one if known else last
