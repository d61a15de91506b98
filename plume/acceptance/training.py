"""Part 4, training: ten steps of the recipe on the same invented pairs, through `plume train`."""

import math
import shutil
from collections.abc import Iterator
from itertools import pairwise
from statistics import median_high
from typing import Any

from plume.acceptance.point import Point
from plume.acceptance.site import Site, plume
from plume.corpus.dataset import read_manifest, read_split
from plume.doctor import gpus
from plume.errors import PlumeError
from plume.files import json_line, read_jsonl, read_object, sha256, to_jsonl, write
from plume.paths import ROOT

STEPS = 10
WITHIN = 0.10  # of the estimate: the measured peak of memory
LEAST_MFU = 0.10  # of the card's published speed; far below what any card should reach
EXPORT = ROOT / "datasets" / "sample" / "export.json"
_UNWATCHED = {"patience": None, "every": STEPS, "drafts": 1, "draft_tokens": 48}


def look(site: Site) -> Iterator[Point]:
    """Build the dataset, train, and yield the points of what the run left. Raises PlumeError."""
    pairs = make_dataset(site)
    yield Point.judged("dataset", "pairs of the invented export", f"{pairs} pairs", pairs > 0)
    judged = site.work / "train.judged"
    if judged.exists():  # a whole run in which something was not ok
        for left in (site.run, site.work / "mlartifacts"):
            shutil.rmtree(left, ignore_errors=True)
        (site.work / site.STORE).unlink(missing_ok=True)
        judged.unlink()
    train(site)
    yield from judge(site, read_jsonl(site.run / "steps.jsonl"))
    judged.touch()


def make_dataset(site: Site) -> int:
    """Build the sample export, and keep a single step's pairs: each step learns the same, so its loss can only fall."""
    made = site.work / "dataset.made"
    if not made.exists():  # or interrupted while it was made
        plume("data", "build", EXPORT, "split.test=0.15", "--out", site.dataset, "--force")
        manifest = read_manifest(site.dataset)
        rows = read_split(site.dataset, "train")[: site.config.batch_size]
        content = to_jsonl(rows)
        manifest["splits"]["train"] |= {"pairs": len(rows), "sha256": sha256(content)}
        write(site.dataset / "train.jsonl", content)
        write(site.dataset / "manifest.json", json_line(manifest))
        made.touch()
    return read_manifest(site.dataset)["splits"]["train"]["pairs"]


def train(site: Site) -> None:
    """Run the recipe for ten steps, or go on with a run that was stopped; one that is finished stays."""
    if read_object(site.run / "adapter" / "training.json"):
        return
    config = site.config.model_copy(
        update={
            "data": site.dataset,
            "out": site.run,
            "base": site.base,
            "max_steps": STEPS,
            "max_epochs": float(STEPS),
            "checkpoint_every": STEPS // 2,
            "validation": site.config.validation.model_copy(update=_UNWATCHED),
            "tracking_uri": site.store,
            "canaries": 0,
            "register_version": True,
        }
    )
    file = site.work / "train.yaml"
    write(file, config.to_yaml())
    begun = (site.run / "config.yaml").is_file()
    plume("train", file, *(["--resume"] if begun else []))


def judge(site: Site, steps: list[dict[str, Any]]) -> Iterator[Point]:
    """Yield the points of a run's steps and of its adapter's training.json."""
    told = read_object(site.run / "adapter" / "training.json")
    if told is None:
        raise PlumeError("the run left no training.json")
    losses, norms = ([step[name] for step in steps] for name in ("loss", "grad_norm"))
    yield Point.judged("steps", str(STEPS), len(steps), len(steps) == STEPS)
    falls = sum(after < before for before, after in pairwise(losses))
    yield Point.judged(
        "loss on the same pairs",
        "falls from the first step to the last, and in most steps between",
        f"{losses[0]:.3f} to {losses[-1]:.3f}, lower after {falls} of {len(losses) - 1} steps",
        losses[-1] < losses[0] and falls > len(losses) / 2,
        "the adapter does not learn at these settings",
    )
    yield Point.judged(
        "norm of the gradient",
        "finite and not zero",
        f"{min(norms):.3g} to {max(norms):.3g}",
        all(math.isfinite(norm) and norm > 0 for norm in norms),
    )
    yield _memory(told["memory_gib"])
    yield from _speed(steps[2:])  # the first ones warm up


def _memory(gib: dict[str, float]) -> Point:
    name, estimated, measured = "peak of memory", gib["estimated"], gib["measured"]
    expected = f"{estimated:.1f} GiB by --estimate, within {WITHIN:.0%}"
    if not gpus():
        why = "no GPU: on a CPU the process's own memory, libraries included, is measured"
        return Point.unchecked(name, expected, why, f"{measured:.1f} GiB")
    why = "send this report: the estimate is wrong for this card"
    away = measured / estimated - 1
    return Point.judged(name, expected, f"{measured:.1f} GiB ({away:+.0%})", abs(away) <= WITHIN, why)


def _speed(steps: list[dict[str, Any]]) -> Iterator[Point]:
    speeds = [step["tokens_per_second"] for step in steps]
    name, told = "speed", f"median {median_high(speeds):,.0f} tokens/s ({min(speeds):,.0f} to {max(speeds):,.0f})"
    reached = [step["mfu"] for step in steps if "mfu" in step]
    if reached:
        told += f", {median_high(reached):.0%} of the machine's limit"
    expected = f"{LEAST_MFU:.0%} of the card's published speed or more"
    if not gpus() or not reached:
        yield Point.unchecked(name, expected, "this card's speed is not known" if gpus() else "no GPU", told)
        return
    yield Point.judged(name, expected, told, median_high(reached) >= LEAST_MFU, "something else uses or slows the card")
