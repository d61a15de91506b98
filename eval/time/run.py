"""`plume eval time`: an export and the pilot's claims in; time.json and time.html out."""

import datetime as dt
import json
from pathlib import Path

from eval.time.check import check
from eval.time.claims import Baseline
from eval.time.delays import WRITTEN, read_waits
from eval.time.estimate import naive, satisfaction, waiting, widest
from eval.time.report import Findings, render
from plume.command import status
from plume.corpus.dataset import file_sha256
from plume.corpus.export import parse_date, read_experiences
from plume.errors import InputError
from plume.paths import claim_output, in_clone

CLAIMS = Path("configs/baselines/pilot-2023.yaml")
OUTPUTS = ("time.json", "time.html")


def run(
    export: str | Path,
    out: str | Path,
    *,
    claims: str | Path = CLAIMS,
    pilot_start: dt.date | None = None,
    extracted_on: dt.date | str | None = None,
    force: bool = False,
) -> dict:
    """Measure, hold the claims against the measures, write OUTPUTS in `out`; return what time.json holds.

    `pilot_start` defaults to the claims file's; `extracted_on` to the latest date of the export. Raises InputError.
    """
    export, claims = Path(export), in_clone(claims)
    baseline = Baseline.load(claims)
    start = pilot_start or baseline.pilot.started_on
    with status("reading the export"):
        waits = read_waits(read_experiences(export), _date(extracted_on))
    if waits is None:
        raise InputError(f"{export}: no record has a readable date in {WRITTEN}; give the export, unmodified")
    if not waits.records:
        raise InputError(f"{export}: no wait starts by {waits.extracted_on}; give a later day with --extracted-on")
    with status("estimating the waits"):
        windows = widest(waits.records, start, waits.extracted_on)
        rows = []
        if waits.has_delays:
            rows += waiting(waits.records, *windows) if windows else []
            rows += naive(waits.records, start, waits.extracted_on)
        rows += satisfaction(waits.records, *windows) if windows else []
        outcomes = [check(claim, waits) for claim in baseline.claims]
    inputs = {"export": file_sha256(export), "claims": file_sha256(claims)}
    result = {
        "estimates": [row.row() for row in rows],
        "claims": [vars(outcome) for outcome in outcomes],
        "inputs": inputs,
        "pilot_start": start.isoformat(),
        "extracted_on": waits.extracted_on.isoformat(),
        "missing_columns": list(waits.missing),
        "counts": waits.counts,
    }
    page = render(Findings(export.name, baseline, start, waits, windows, rows, outcomes, inputs))
    folder = claim_output(Path(out), force=force, holds=OUTPUTS)
    text = json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False)
    (folder / "time.json").write_text(text + "\n", encoding="utf-8")
    (folder / "time.html").write_text(page, encoding="utf-8")
    return result


def _date(value: dt.date | str | None) -> dt.date | None:
    if not isinstance(value, str):
        return value
    day = parse_date(value)
    if day is None:
        raise InputError(f"--extracted-on {value!r}: not a date; write it YYYY-MM-DD")
    return day
