"""`plume train compare RUN…`: what differs between training runs, and what each gave and took, side by side."""

import csv
import io
import json
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plume.corpus.split import SPLITS
from plume.files import telling, write
from plume.lineage import STARTED_FROM
from train.run_records import FINISHED, RunRecord

LAST = 10  # steps: one step's loss says little
_OWN = ("out",)  # keys that differ between any two runs
Row = dict[str, Any]


def compare_runs(runs: Sequence[RunRecord]) -> list[Row]:
    """Give a row for each run; None is what it did not leave. Pure.

    `train_loss` is the mean of the last ten steps' losses, in nats a reply token. `…_at_equal_tokens` are of the moment
    at which each run had learnt from `equal_tokens` reply tokens, as many as all of them did. Speed is the median over
    all steps, with quartiles; `seconds` is what the steps took, without validation. Keys of the config that are not the
    same in all runs follow as `config.KEY`.
    """
    learnt = [run.steps[-1].get("trained_tokens") for run in runs if run.steps]
    equal = min(learnt) if learnt and None not in learnt else None
    keys = [key for key in dict.fromkeys(k for run in runs for k in run.config) if key not in _OWN]
    differing = [key for key in keys if any(run.config.get(key) != runs[0].config.get(key) for run in runs)]
    return [
        _identity(run) | _progress(run) | _losses(run, equal) | _cost(run) | _config(run, differing) for run in runs
    ]


def _identity(run: RunRecord) -> Row:
    start = run.training.get(STARTED_FROM) or {}
    began = f"version {start['version']}" if start.get("version") else start.get("adapter_sha256")
    own = {"run": run.name, "state": run.state, "stopped": run.training.get("stopped") if run.finished else None}
    own |= {"mlflow_run": run.run_id, "version": run.version, "started_from": began}
    return own | {f"{split}_split": run.splits.get(split) for split in SPLITS}


def _progress(run: RunRecord) -> Row:
    last = run.steps[-1] if run.steps else {}
    return {
        "steps": last.get("step", 0),
        "planned_steps": _planned(run, last),
        "trained_tokens": last.get("trained_tokens"),
        "tokens": last.get("tokens"),
    }


def _planned(run: RunRecord, last: Row) -> int | None:
    most, epochs = run.config.get("max_steps"), run.config.get("max_epochs")
    if not last.get("epoch") or not epochs:
        return most
    steps = math.ceil(epochs * round(last["step"] / last["epoch"]))  # of an epoch, as the run counted them
    return min(steps, most or steps)


def _losses(run: RunRecord, equal: int | None) -> Row:
    validated = [step for step in run.steps if step.get("validation_loss") is not None]
    best = min(validated, key=lambda step: step["validation_loss"], default={})
    until = [step for step in run.steps if equal is not None and step.get("trained_tokens", math.inf) <= equal]
    before = [step for step in until if step.get("validation_loss") is not None]
    return {
        "train_loss": _mean(run.steps),
        "validation_loss": validated[-1]["validation_loss"] if validated else None,
        "best_validation_loss": best.get("validation_loss"),
        "best_step": best.get("step"),
        "equal_tokens": equal,
        "train_loss_at_equal_tokens": _mean(until),
        "validation_loss_at_equal_tokens": before[-1]["validation_loss"] if before else None,
        "validated_at_step": before[-1]["step"] if before else None,
    }


def _mean(steps: Sequence[Row]) -> float | None:
    return statistics.fmean(step["loss"] for step in steps[-LAST:]) if steps else None


def _cost(run: RunRecord) -> Row:
    of = lambda name: [step[name] for step in run.steps if step.get(name) is not None]  # noqa: E731
    speeds, used = of("tokens_per_second"), run.energy
    lower, _, upper = statistics.quantiles(speeds, n=4, method="inclusive") if len(speeds) > 1 else (None, None, None)
    return {
        "tokens_per_second": statistics.median(speeds) if speeds else None,
        "tokens_per_second_lower": lower,
        "tokens_per_second_upper": upper,
        "mfu": statistics.median(of("mfu")) if of("mfu") else None,
        "peak_memory_gib": max(of("peak_memory_gib"), default=None),
        "seconds": math.fsum(of("seconds")) if of("seconds") else None,
        "kwh": used.get("kwh"),
        "kg_co2e": used.get("kg_co2e"),
        "energy_from_step": used.get("from_step"),
    }


def _config(run: RunRecord, differing: Sequence[str]) -> Row:
    return {f"config.{key}": run.config.get(key) for key in differing}


# --- shown


def _number(form: str) -> Callable[[Any], str]:
    return lambda value: format(value, form)


def _digest(value: str) -> str:
    return f"{value[:12]}…" if len(value) == 64 else value


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    """Yield the label and the cells of each line of the table."""

    def line(label: str, key: str, form: Callable[[Any], str] = str, beside: str = "") -> tuple[str, list[str]]:
        cells = []
        for row in rows:
            cell = "–" if row[key] is None else form(row[key])
            cells.append(cell + (beside.format(**row) if beside and None not in _named(beside, row) else ""))
        return label, cells

    yield line("state", "state", beside=", stopped early: {stopped}")
    yield line("MLflow run", "mlflow_run")
    yield line("version", "version")
    if any(row["started_from"] for row in rows):
        yield line("started from", "started_from", _digest)
    for split in SPLITS:
        yield line(f"{split} split", f"{split}_split", _digest)
    yield line("steps", "steps", beside=" of {planned_steps}")
    yield line("reply tokens learnt from", "trained_tokens", _number(",.0f"))
    yield line("tokens computed", "tokens", _number(",.0f"))
    yield line(f"training loss, last {LAST} steps", "train_loss", _number(".4f"))
    yield line("validation loss, last", "validation_loss", _number(".4f"))
    yield line("validation loss, best", "best_validation_loss", _number(".4f"), " (step {best_step})")
    if rows[0]["equal_tokens"] is not None:
        at = f"at {rows[0]['equal_tokens']:,.0f} reply tokens"
        yield line(f"training loss {at}", "train_loss_at_equal_tokens", _number(".4f"))
        beside = " (step {validated_at_step})"
        yield line(f"validation loss {at}", "validation_loss_at_equal_tokens", _number(".4f"), beside)
    spread = " ({tokens_per_second_lower:,.0f}–{tokens_per_second_upper:,.0f})"
    yield line("tokens/s, median (quartiles)", "tokens_per_second", _number(",.0f"), spread)
    yield line("MFU, median", "mfu", _number(".1%"))
    yield line("peak memory, GiB", "peak_memory_gib", _number(".1f"))
    yield line("time of the steps", "seconds", _duration)
    yield line("energy, kWh", "kwh", _number(".3g"))
    yield line("kg CO2e", "kg_co2e", _number(".3g"))
    for key in (key for key in rows[0] if key.startswith("config.")):
        yield key.removeprefix("config."), ["null" if row[key] is None else str(row[key]) for row in rows]


def _named(text: str, row: Row) -> list[Any]:
    """The values of a row that a text in braces names."""
    return [row[name] for _, name, _, _ in Formatter().parse(text) if name]


def remarks(rows: Sequence[Row]) -> Iterator[str]:
    """Say what to bear in mind where the figures are compared."""
    for split in SPLITS:
        if unknown := [row["run"] for row in rows if row[f"{split}_split"] is None]:
            yield f"the {split} split of {', '.join(unknown)} is not known"
        elif len({row[f"{split}_split"] for row in rows}) > 1:
            what = {"validation": ": the validation losses are of different texts"}.get(split, "")
            yield f"the {split} splits differ{what}"
    if len({row.get("config.method") for row in rows}) > 1:
        yield "the losses are of different kinds (method): they cannot be compared"
    for row in rows:
        if row["state"] != FINISHED:
            yield f"{row['run']}: {row['state']}, so these are its figures so far"
        if row["energy_from_step"]:
            yield f"{row['run']}: energy since step {row['energy_from_step']}, where it was resumed"
    if not any(key.startswith("config.") for key in rows[0]):
        yield "the configs do not differ"


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table, the keys of the config that differ last, and what to bear in mind."""
    table = Table(box=None)
    for header in ("", *(row["run"] for row in rows)):
        table.add_column(Text(header))
    for label, cells in _lines(rows):
        table.add_row(*map(Text, (label, *cells)))  # as it is: [q_proj, v_proj] is no markup
    console.print(table)
    for remark in remarks(rows):
        console.print(f"- {remark}", markup=False, soft_wrap=True)


def write_table(rows: Sequence[Row], out: Path) -> None:
    """Write the rows as JSON, a list of objects, or as CSV. Raises InputError."""
    if out.suffix == ".json":
        content = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    else:
        file = io.StringIO()
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        content = file.getvalue()
    with telling(out, "make room or mend that, or name another file with --out"):
        write(out, content)
