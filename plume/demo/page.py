"""index.html: one French page on what the demo did, with links to its results and each user's next commands."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import plume
from plume.corpus.dataset import read_split
from plume.files import read_object, write
from plume.french.vocabulary import rows
from plume.page import Table
from plume.page import render as render_page
from plume.page.numbers import number
from plume.paths import ROOT
from plume.pseudonymise.catalogue import CATALOGUE
from plume.store import sqlite_uri

FILE, DRAFT = "index.html", "draft.json"
_HERE = Path(__file__).parent
_TEMPLATE = _HERE / "index.html.j2"
_LABELS = {row["type"]: row["label"] for row in CATALOGUE}
_OUTCOMES = {"PASS": "remplacement possible", "FAIL": "remplacement refusé", "INCONCLUSIVE": "sans conclusion"}


@dataclass(frozen=True)
class Step:
    """Names a command of the demo, and how many seconds it took."""

    command: str
    seconds: float


def write_page(out: Path, export: Path, steps: list[Step], served: str) -> Path:
    """Write the page from what the commands left in `out`; `served` are the config keys of the served draft."""
    page = out / FILE
    write(page, render(out, export, steps, served))
    return page


def render(out: Path, export: Path, steps: list[Step], served: str) -> str:
    """Give the page. What it links is below `out` or in the clone, named from the page, so it opens from a disk."""
    counts, training, verdict, time, draft = (
        read_object(out / name)
        for name in (
            "dataset/manifest.json",
            "train/adapter/training.json",
            "verdict/verdict.json",
            "time/time.json",
            DRAFT,
        )
    )
    counts = counts["counts"]
    first = read_split(out / "dataset", "test")[0]
    losses = [json.loads(line)["loss"] for line in (out / "train/steps.jsonl").read_text("utf-8").splitlines()]
    given = {
        "demo": _named(out),
        "export": _named(export),
        "pair": first["id"],
        "experience": first["id"].rpartition("-")[0],
        "served": served,
    }
    return render_page(
        _TEMPLATE,
        invented=export.is_relative_to(ROOT / "datasets"),
        export=export.name,
        counts=counts,
        masked=sorted(counts["masked"].items(), key=lambda item: -item[1]),
        labels=_LABELS,
        training=training,
        losses=losses,
        verdict=verdict,
        outcome=_OUTCOMES[verdict["outcome"]],
        effect=time["simulated"]["line"],
        simulated=time["counts"]["experiences"],
        pair=first,
        draft=draft["draft"],
        gap=max(row["gap"] for row in draft["golden"]["prompts"]),
        own_time=(out / "own-time" / "time.html").is_file(),
        link=lambda name: os.path.relpath(ROOT / name, out),
        environment=f"cd {ROOT}\nexport PATH=$PWD/.venv/bin:$PATH MLFLOW_TRACKING_URI={sqlite_uri(out / 'mlflow.db')}",
        mlflow=f"mlflow ui --backend-store-uri {sqlite_uri(out / 'mlflow.db')}",
        users=next_commands(given),
        steps=Table.of("Les commandes, dans l’ordre", steps, {"Commande": _command, "Secondes": _seconds}),
        minutes=sum(step.seconds for step in steps) / 60,
        version=plume.__version__,
    )


def next_commands(given: Mapping[str, str]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """List who may go on with what: user, guide, and rows of `next.tsv` whose commands are filled in."""
    table = [row | {"command": row["command"].format_map(given)} for row in rows("next", _HERE)]
    return [(*key, [*found]) for key, found in groupby(table, lambda row: (row["user"], row["guide"]))]


def _named(path: Path) -> str:
    """Name a path as it is typed in the clone."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _command(step: Step) -> str:
    return step.command


def _seconds(step: Step) -> str:
    return number(step.seconds, 0)
