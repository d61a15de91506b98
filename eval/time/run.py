"""Run `plume eval time`: read an export and the pilot's claims, write time.json and time.html."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from eval.stats.studentised import DRAWS
from eval.time.claims.check import check
from eval.time.claims.published import Baseline
from eval.time.effects import before_after, satisfaction, with_help
from eval.time.effects.adopters import study
from eval.time.measurement import MODELLED, Measurement, make
from eval.time.minutes import constants, draft_reuse, from_study, timed_decisions
from eval.time.minutes.from_study import StudyMinutes
from eval.time.minutes.model import Modelled, Prior, from_similarity, model
from eval.time.minutes.timed_decisions import Decisions
from eval.time.page.report import Findings, render
from eval.time.simulated.truth import read_truth, tell, truth_file
from eval.time.waits import levels
from eval.time.waits.from_export import WRITTEN, Waits, read_waits
from eval.time.waits.periods import grade_of
from plume.command import say, status
from plume.errors import InputError
from plume.export.columns import Columns
from plume.export.reader import read_experiences
from plume.export.values import parse_date
from plume.files import file_sha256, telling, write
from plume.output import TIME, building, check_folder
from plume.paths import in_clone

CLAIMS = Path("configs/baselines/pilot-2023.yaml")


def run(
    export: str | Path,
    out: str | Path,
    *,
    claims: str | Path = CLAIMS,
    constants_file: str | Path = constants.DEFAULT,
    decisions: str | Path | None = None,
    study: str | Path | None = None,
    pilot_start: dt.date | None = None,
    extracted_on: dt.date | str | None = None,
    draws: int = DRAWS,
    force: bool = False,
) -> dict:
    """Measure, hold the claims against the measures, write time.json and time.html; return what time.json holds.

    `pilot_start` defaults to the claims file's; `extracted_on` to the latest date of the export; `decisions` are what
    agents did with drafts, with their seconds; `study` is a study.json: minutes with a draft and without. Raises
    InputError.
    """
    export, claims, constants_file = (in_clone(path) for path in (export, claims, constants_file))
    baseline = Baseline.load(claims)
    prior = Prior.of(constants.load(constants_file))
    start = pilot_start or baseline.pilot.started_on
    check_folder(Path(out), TIME, force=force, reads=(export, claims, constants_file, decisions, study))
    measured = from_study.read(study) if study else None
    truth = read_truth(export)
    with status("reading the export"):
        pairs = timed_decisions.ids_of(decisions) if decisions else frozenset()
        columns = Columns()
        waits = read_waits(read_experiences(export, columns), _date(extracted_on), pairs=pairs)
    if waits is None:
        raise InputError(f"{export}: no record has a readable date in {WRITTEN}; give the export, unmodified")
    if not len(waits):
        raise InputError(f"{export}: no wait starts by {waits.extracted_on}; give a later day with --extracted-on")
    waits = replace(waits, misread=dict(sorted(columns.misread.items())))
    typical = float(prior.constants.review_words.at(0))
    done = timed_decisions.read(decisions, waits.review_words_of, typical) if decisions else None
    with status("estimating"):
        findings = estimate(waits, start, baseline, prior, done, measured, draws, export.name)
    digest = file_sha256(export)
    if truth and truth.export_sha256 == digest:
        findings = replace(findings, told=tell(truth, findings.estimates))
    elif truth:
        say(f"{truth_file(export)}: of another file than {export.name}, which was changed since; no truth is told")
    findings.inputs.update(
        {
            "export": digest,
            "claims": file_sha256(claims),
            "constants": file_sha256(constants_file),
            **({"decisions": file_sha256(decisions)} if decisions else {}),
            **({"study": measured.sha256} if measured else {}),
        }
    )
    page = render(findings)
    result = document(findings)
    text = json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False)
    out = Path(out)
    with telling(out, "make room or mend that, or name another folder with --out"), building(out, TIME) as made:
        write(made / "time.json", text + "\n")
        write(made / "time.html", page)
    return result


def estimate(
    waits: Waits,
    start: dt.date,
    baseline: Baseline,
    prior: Prior,
    done: Decisions | None = None,
    measured: StudyMinutes | None = None,
    draws: int = DRAWS,
    name: str = "",
) -> Findings:
    """Estimate all that the page shows. The first row of a quantity and comparison is that of the whole export."""
    rows: list[Measurement] = []
    differences: list[Measurement] = []
    periods: dict = {}
    curves, windows = None, before_after.mirrored(waits, start)
    adoption = study(waits, start, draws)
    if waits.has_delays:
        flags = adoption.arms.flagged_unanswered
        rows += levels.waiting(waits, start, flagged_unanswered=flags, draws=draws)
        found, differences, periods = before_after.waiting(waits, start, draws)
        rows += found
        if windows:
            curves = before_after.curves(waits, windows)
            rows += before_after.medians(curves, grade_of(windows))
        rows += before_after.naive(waits, start, draws)
        rows += adoption.rows()
        rows += with_help.waiting(waits, start, flagged_unanswered=flags, draws=draws)
    groups = {"all": np.ones(len(waits), dtype=bool)}
    if (sides := satisfaction.votes(waits, start)) is not None:
        groups |= {"before": sides[0], "after": sides[1]}
    groups |= _groups(waits, start)
    useful, voting = satisfaction.levels(waits, groups, draws)
    compared, moved = satisfaction.compared(waits, start, adoption.arms, draws)
    rows += useful + compared + draft_reuse.similarity(waits, draws)
    rows += measured.rows if measured else ()
    modelled, calibrated = _modelled(waits, prior, done)
    for group, one in modelled.items():
        rows += modelled_rows(one, group)
    return Findings(
        export=name,
        baseline=baseline,
        pilot_start=start,
        waits=waits,
        windows=windows,
        curves=curves,
        periods=periods,
        estimates=rows,
        differences=differences + moved,
        voting=voting,
        study=adoption,
        reuse=draft_reuse.fates(waits, draws),
        modelled=modelled,
        prior=calibrated or prior,
        calibrated=calibrated is not None,
        active=timed_decisions.measured(done, draws) if done else [],
        decided=timed_decisions.outcomes(done, draws) if done else [],
        measured=measured,
        outcomes=[
            check(claim, waits, draws, widest=baseline.widest, started_on=start, study=measured)
            for claim in baseline.claims
        ],
        draws=draws,
        inputs={},
    )


def _groups(waits: Waits, start: dt.date) -> dict[str, np.ndarray]:
    """Mask the networks, months, structures and uses of AI that hold a vote."""
    counted = satisfaction.voted(waits)
    found = levels.groups(waits, start, flagged_unanswered=False)
    return {name: mask for name, mask in found if name != "all" and (mask & counted).any()}


def _modelled(waits: Waits, prior: Prior, done: Decisions | None) -> tuple[dict[str, Modelled], Prior | None]:
    """Model minutes from the decisions' texts, if any, and from the export's similarities; the constants as timed."""
    modelled: dict[str, Modelled] = {}
    calibrated = timed_decisions.recalibrate(done, prior) if done else None
    used = calibrated or prior
    if done and len(done.ids):
        modelled["decisions"] = model(done.features, np.array(done.ids), used)
    known = waits.where(draft_reuse.drafted(waits) & (waits.reply_words > 0))
    if len(known):
        features = from_similarity(known.similarity, known.reply_words, known.review_words, known.reply_facts)
        modelled["export"] = model(features, known.structure, used)
    return modelled, calibrated


def modelled_rows(one: Modelled, source: str) -> list[Measurement]:
    """List minutes saved, with the draft and without, as rows of grade D: medians and 95 % ranges of the constants."""
    return [
        make("modelled_minutes", f"{name}, {source}", "level", drawn[2], (drawn[0], drawn[4]), one.n, MODELLED)
        for name, drawn in (("saved", one.saved), ("with draft", one.with_draft), ("without draft", one.without))
    ]


def _values(point: float, interval: tuple[float, float] | None) -> dict:
    low, high = interval or (None, None)
    return {"estimate": point if np.isfinite(point) else None, "lower": low, "upper": high}


def document(f: Findings) -> dict:
    """Build time.json: the rows of the design, then what has no row there."""
    study = f.study
    return {
        "estimates": [row.row() for row in f.estimates],
        "claims": [{"id": one.id, "outcome": one.outcome, "why": one.why} for one in f.outcomes],
        "inputs": f.inputs,
        "pilot_start": f.pilot_start.isoformat(),
        "extracted_on": f.waits.extracted_on.isoformat(),
        "missing_columns": list(f.waits.missing),
        "counts": f.waits.counts,
        "not_understood": f.waits.misread,
        "draws": f.draws,
        "differences": [row.row() for row in f.differences],
        "periods": {name: [str(w) for w in pair] if pair else None for name, pair in f.periods.items()},
        "did": {
            "adopters": study.arms.sizes[0],
            "others": study.arms.sizes[1],
            "permutation_p": {name: found.p for name, found in study.effects.items()},
            # The adopters' after / before over the others': 0.5 is "twice as quick, beside the others".
            "in_proportion": {
                name: _values(found.relative.ratio, found.relative_interval()) for name, found in study.effects.items()
            },
            "placebo_p": study.leads_p,
            "placebo_trend": {
                name: one.trend and _values(one.trend.effect.value, one.trend.interval())
                for name, one in study.placebos.items()
            },
            "periods": {name: [str(w) for w in pair] for name, pair in study.windows.items()},
            "not_b_because": {name: study.weakness(name) for name in study.effects},
        },
        "voting": f.voting,
        "reuse": f.reuse,
        "decisions": f.decided,
        "active_minutes": f.active,
        "minutes": {
            source: {
                "n": one.n,
                "quantiles": ["p02.5", "p10", "p50", "p90", "p97.5"],
                "saved": one.saved,
                "with_draft": one.with_draft,
                "without_draft": one.without,
                "break_even_edit_rate": one.break_even,
                "share_of_draws_saving": one.gaining,
                "tornado": [{"constant": name, "at_p10": low, "at_p90": high} for name, low, high in one.tornado],
            }
            for source, one in f.modelled.items()
        },
        "constants_recalibrated": f.calibrated,
        "simulated": f.told and f.told.document(),
    } | (
        {
            "study": {
                "preregistration_sha256": f.measured.planned_sha256,
                "preregistration_holds": f.measured.holds,
                "replaces_modelled": f.measured.replaces,
            }
        }
        if f.measured
        else {}
    )


def _date(value: dt.date | str | None) -> dt.date | None:
    if not isinstance(value, str):
        return value
    day = parse_date(value)
    if day is None:
        raise InputError(f"--extracted-on {value!r}: not a date; write it YYYY-MM-DD")
    return day
