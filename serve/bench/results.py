"""Reads what vLLM's benchmark and the guard's metrics say of one run, and holds it against what is promised."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plume.errors import PlumeError
from serve.bench.config import BenchConfig

_TIMES = {"first_token": "ttft", "token": "tpot", "draft": "e2el"}
GUARD_TIMES = {"first_token": "plume_time_to_first_token_seconds", "token": "plume_time_per_output_token_seconds"}


def read(file: Path) -> dict[str, Any]:
    """Read vLLM's result: drafts, failures, drafts and tokens a second, seconds at p50 and p99. Raises PlumeError."""
    try:
        told = json.loads(file.read_text("utf-8"))
        times = {
            f"{name}_p{share}": told[f"p{share}_{word}_ms"] / 1000
            for name, word in _TIMES.items()
            for share in (50, 99)
        }
        return {
            "drafts": told["completed"],
            "failed": told["failed"],
            "seconds": told["duration"],
            "drafts_a_second": told["request_throughput"],
            "tokens_a_second": told["output_throughput"],
            "prompt_tokens": told["total_input_tokens"] / max(1, told["completed"]),
            "draft_tokens": told["total_output_tokens"] / max(1, told["completed"]),
            **times,
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlumeError(f"vLLM's benchmark left no result that is understood ({type(error).__name__})") from None


def histograms(metrics: str) -> dict[str, dict[float, float]]:
    """Read the guard's own histograms from its /metrics: how many were at most so long, all versions together."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, dict[float, float]] = {name: {} for name in GUARD_TIMES}
    names = {f"{metric}_bucket": name for name, metric in GUARD_TIMES.items()}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if name := names.get(sample.name):
                bound = float(sample.labels["le"])
                found[name][bound] = found[name].get(bound, 0.0) + sample.value
    return found


def percentile(before: Mapping[float, float], after: Mapping[float, float], share: float) -> float:
    """Estimate a percentile of what came between two looks, by a line through its bucket; infinite above the last."""
    counts = {bound: after[bound] - before.get(bound, 0.0) for bound in sorted(after)}
    wanted, low, under = share * max(counts.values(), default=0.0), 0.0, 0.0
    if not wanted:
        return math.nan
    for bound, count in counts.items():
        if count >= wanted:
            if math.isinf(bound):
                return math.inf
            return low + (bound - low) * (wanted - under) / (count - under)
        low, under = bound, count
    return math.inf


def guard_times(before: str, after: str) -> dict[str, float]:
    """Give the seconds to the engine's first token, and a token, that the guard saw between two looks at /metrics."""
    was, now = histograms(before), histograms(after)
    return {
        f"{name}_p{round(100 * share)}": percentile(was[name], now[name], share)
        for name in GUARD_TIMES
        for share in (0.5, 0.99)
    }


def verdicts(row: Mapping[str, Any], config: BenchConfig) -> dict[str, bool]:
    """Say of each promise whether it holds in one run; none does where a draft failed."""
    whole = row["failed"] == 0 and row["drafts"] > 0
    return {name: whole and row[f"{name}_p99"] <= getattr(config, f"{name}_p99") for name in _TIMES}
