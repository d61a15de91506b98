"""Part 5, serving: vLLM with the adapter just trained, as `plume serve` starts it, against PEFT; a checked draft."""

import math
import socket
from collections.abc import Iterator
from typing import Any

from plume.acceptance.point import Point
from plume.acceptance.site import Site, plume
from plume.checks.registry import GATING
from plume.errors import InputError, PlumeError
from plume.files import read_object
from plume.paths import in_clone

VERSION = 1  # the store is the acceptance's own, and holds one


def look(site: Site) -> Iterator[Point]:
    """Start the engine, have it write a draft, compare it with PEFT, stop it. Raises PlumeError."""
    if read_object(site.run / "adapter" / "training.json") is None:
        raise InputError("there is no adapter to serve: training did not end")
    file = site.work / "serve.json"
    file.unlink(missing_ok=True)
    options = [f"version={VERSION}", f"port={_free_port()}", f"tracking_uri={site.store}", "examples=0", "merged=null"]
    config = in_clone(site.config.server)
    plume("serve", "draft", *options, "--data", site.dataset, "--report", file, "--config", config)
    told = read_object(file)
    if told is None:
        raise PlumeError("the server left no report")
    yield from judge(told)


def judge(told: dict[str, Any]) -> Iterator[Point]:
    """Yield the points of what `plume serve draft --report` wrote."""
    yield Point.judged("start of the engine", "ready", f"{told['start_seconds']:.0f} s", True)
    golden = told["golden"]
    prompts = golden["prompts"]
    gap, base = (max(row[name] for row in prompts) for name in ("gap", "gap_of_base"))
    yield Point.judged(
        "log-probabilities of first tokens",
        f"within {golden['tolerance']} nats of PEFT's in {golden['dtype']}, at {len(prompts)} prompts",
        f"{gap:.3f} at most, {sum(row['within'] for row in prompts)} of {len(prompts)} within",
        all(row["within"] for row in prompts),
        "do not serve: the engine computes something else than was trained",
    )
    yield Point.judged(
        "the adapter is used",
        "the base without it is farther from PEFT's adapter",
        f"{base:.3f} nats without it, {gap:.3f} with"
        if math.isfinite(base)
        else "without it, no likely token in common",
        base > gap,
        "the engine answers as if there were no adapter",
    )
    draft = told["draft"]
    failed = list(dict.fromkeys(found["check"] for found in draft["findings"] if found["gating"]))
    written = f"{draft['usage']['completion_tokens']} tokens in {told['draft_seconds']:.1f} s; "
    written += f"{len(GATING) - len(failed)} of {len(GATING)} gating checks passed"
    yield Point.judged("a draft, checked", "a draft with its findings", written, bool(draft["draft"].strip()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
