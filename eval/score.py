"""Run `plume eval score`: score every draft by every measure, one row each, through the four metric modules.

A draft that is missing or failed, and a measure that raised, is a row with `error` and no value: never a 0, never left
out. Likeness to the published reply (chrF, ROUGE, edit rate) is information; only checks may decide.
"""

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from eval.copying import longest_runs
from eval.drafts import Drafts
from eval.grounding import Grounding, ground
from eval.inputs import to_score
from eval.measures import (
    COPIED,
    COPYING,
    GROUNDING,
    MEASURES,
    OF_DRAFTS,
    OF_SOME,
    REPLIES,
    REVIEWS_OF_NETWORK,
    SOURCES,
    WORDS,
    Measure,
    Value,
    find,
    judge_copying,
)
from eval.metrics import load
from eval.reply_similarity import chrf_signature
from eval.stats import bootstrap, proportions
from eval.stats.estimate import Estimate
from plume.checks.registry import GATING
from plume.checks.stems import Network
from plume.command import progress, say, status
from plume.contacts import Directory
from plume.corpus.dataset import read_split
from plume.corpus.split import experience_of
from plume.files import (
    code_sha256,
    file_sha256,
    json_sha256,
    make_folder,
    read_jsonl,
    read_object,
    sha256,
    telling,
    to_jsonl,
    write,
)
from plume.prompt import Prompt, load_prompt
from plume.pseudonymise.version import SOURCES as PSEUDONYMISE

NO_DRAFT = "no draft"

# What scores depend on beside drafts and pairs: change it, and kept scores are not used again.
_SOURCES = (
    "eval/score.py",
    "eval/measures.py",
    "eval/copying.py",
    "eval/grounding.py",
    "eval/reply_similarity.py",
    "eval/metrics/*/*.py",
    "plume/checks/**/*.*",
    "plume/prompt.py",  # the checks compare a draft with what the model read
    "plume/passages.py",
    *PSEUDONYMISE,
)

ScoreRow = dict[str, Any]
Replies = Sequence[tuple[str, str]]  # id and text


@dataclass(frozen=True)
class Summary:
    """Estimate of each measure's mean over one file of scores, and how chrF was computed."""

    estimates: dict[str, Estimate]
    signature: str


def score(drafts_path: str | Path, data: str | Path, out: str | Path, *, force: bool = False) -> Summary:
    """Score the drafts of a split into `out` (scores.jsonl), describe them in scores.meta.json, print the means.

    Raises InputError if the drafts answer another dataset, or if `out` exists, unless `force`.
    """
    out = Path(out)
    drafts, pairs = to_score(drafts_path, data, out, force=force)
    learnt = training_replies([data])
    rows = score_drafts(drafts, pairs, learnt)
    write_scores(out, rows, drafts, learnt, pairs=pairs)
    summary = summarise(rows)
    _print(summary, rows, drafts, out)
    return summary


def training_replies(folders: Iterable[str | Path]) -> Replies:
    """Read the replies that the train splits of dataset folders hold, each once."""
    pairs = (pair for folder in folders for pair in read_split(folder, "train"))
    return [*dict.fromkeys((pair["id"], pair["reply"]) for pair in pairs)]


def score_drafts(
    drafts: Drafts, pairs: list[dict[str, Any]], learnt: Replies = (), house_style: int = REPLIES
) -> list[ScoreRow]:
    """Rows of scores.jsonl: every pair by every measure of OF_DRAFTS, in that order, each with `value` or `error`.

    After them those of OF_SOME, of the drafts that hold what they measure.
    What drafts copy is looked for in the replies `learnt`; a run in more than `house_style` of them does not count.
    """
    prompt = load_prompt(drafts.meta["system"]["prompt"])
    scored = [p for p in pairs if drafts.text(p["id"]) is not None]
    found: dict[str, dict[str, ScoreRow | None]] = {p["id"]: {} for p in pairs}
    networks = {name: Network(p["review"] for p in pairs if p.get("network") == name) for name in _networks(pairs)}
    with progress() as bar:
        for name in bar.track(SOURCES, description=f"scores: {drafts.name}"):
            told = ({**drafts.shown(p), REVIEWS_OF_NETWORK: networks[p.get("network")]} for p in scored)
            given = [{"predictions": drafts.text(p["id"]), **SOURCES[name].columns(p, prompt)} for p in told]
            for pair, result in zip(scored, _compute(name, given) if given else [], strict=True):
                found[pair["id"]] |= _cells(name, result)
    with status(f"scores: {drafts.name}, copied from {len(learnt)} training replies"):
        copied = longest_runs([drafts.text(pair["id"]) for pair in scored], learnt, house_style)
    directory = Directory.load()
    for pair, run in zip(scored, copied, strict=True):
        found[pair["id"]] |= _cells(GROUNDING, _grounded(drafts, pair, prompt, directory))
        found[pair["id"]] |= _cells("draft", drafts.rows[pair["id"]]) | _cells(COPYING, run)
    rows = []
    for pair in pairs:
        lost = {"error": drafts.rows.get(pair["id"], {}).get("error") or NO_DRAFT}
        head = {"id": pair["id"], "system": drafts.name}
        cells = [(m, found[pair["id"]].get(m, lost)) for m in OF_DRAFTS]
        cells += [(m, found[pair["id"]].get(m)) for m in OF_SOME]
        rows += [{**head, "measure": m, **cell} for m, cell in cells if cell]
    return rows


def _grounded(drafts: Drafts, pair: dict[str, Any], prompt: Prompt, directory: Directory) -> Grounding | Exception:
    try:
        return ground(drafts.text(pair["id"]) or "", pair, prompt, directory, drafts.shown(pair))
    except Exception as error:  # one draft is lost, not the file
        return error


def _networks(pairs: Iterable[dict[str, Any]]) -> set[str | None]:
    return {pair.get("network") for pair in pairs}


def summarise(rows: Iterable[ScoreRow]) -> Summary:
    """Means by measure: shares with Wilson's interval, others with the BCa bootstrap; replies to one review cluster."""
    estimates = {}
    for measure, values in by_measure(rows).items():
        clusters = [experience_of(i) for i in values]
        mean = proportions.share if find(measure).share else bootstrap.mean
        estimates[measure] = mean(list(values.values()), clusters=clusters)
    return Summary(estimates, chrf_signature())


def by_measure(rows: Iterable[ScoreRow]) -> dict[str, dict[str, float]]:
    """measure -> id -> value, NaN for an error and for what is no number; sorted by id, whatever the file's order."""
    found: dict[str, dict[str, float]] = {}
    for row in sorted(rows, key=lambda r: r["id"]):
        found.setdefault(row["measure"], {})[row["id"]] = float(row["value"]) if _is_number(row) else np.nan
    return {m: found[m] for m in (*OF_DRAFTS, *(found.keys() - set(OF_DRAFTS))) if m in found}


def judged_by(rows: Iterable[ScoreRow], off: Collection[str], copied: int = WORDS) -> list[ScoreRow]:
    """Give the rows as a rule judges them; an error stays an error.

    `pass_all` is taken over the gating checks that are not `off`; `copying` fails by a run of more than `copied` words.
    """
    rows = _copying_by(list(rows), copied)
    if not off:
        return rows
    failed: dict[str, list[str]] = {}
    for row in rows:
        name = row["measure"].removeprefix("check:")
        if name in GATING and name not in off and row.get("value") == 0:
            failed.setdefault(row["id"], []).append(name)

    def judged(row: ScoreRow) -> ScoreRow:
        if row["measure"] != "pass_all" or not _is_number(row):
            return row
        names = failed.get(row["id"], [])
        return {**row, **_cell(Value(float(not names), ", ".join(names) or None))}

    return [judged(row) for row in rows]


def _copying_by(rows: list[ScoreRow], copied: int) -> list[ScoreRow]:
    runs = {row["id"]: row for row in rows if row["measure"] == COPIED and _is_number(row)}

    def judged(row: ScoreRow) -> ScoreRow:
        run = runs.get(row["id"])
        if row["measure"] != COPYING or run is None or not _is_number(row):
            return row
        return {**row, **_cell(judge_copying(run["value"], run.get("detail"), copied))}

    return [judged(row) for row in rows]


def write_scores(
    out: Path,
    rows: list[ScoreRow],
    drafts: Drafts,
    learnt: Replies = (),
    house_style: int = REPLIES,
    pairs: Sequence[dict[str, Any]] = (),
) -> None:
    """Write scores.jsonl and, beside it, what they were computed from."""
    scores = to_jsonl(rows)
    made_from = _made_from(drafts, learnt, house_style, pairs)
    meta = {"scores_sha256": sha256(scores), "chrf": chrf_signature(), **made_from}
    with telling(out, "make room or mend that, or name another file with --out"):
        make_folder(out.parent)
        write(out, scores)
        write(out.with_suffix(".meta.json"), json.dumps(meta, indent=1) + "\n")


def kept_scores(
    drafts: Drafts, learnt: Replies = (), house_style: int = REPLIES, pairs: Sequence[dict[str, Any]] = ()
) -> list[ScoreRow] | None:
    """The scores beside the drafts, if they are of these drafts by this very code.

    Scores with errors, or that are no numbers, are not taken: what failed may have been the machine.
    """
    for path in _kept_files(drafts, learnt, house_style, pairs):
        rows = read_jsonl(path, needs=("id", "measure"))
        if rows and all(_is_number(row) for row in rows):
            return rows
    return None


def kept_file(
    drafts: Drafts, learnt: Replies = (), house_style: int = REPLIES, pairs: Sequence[dict[str, Any]] = ()
) -> Path | None:
    """The file of scores beside the drafts that are of these drafts by this very code, whatever they say."""
    return next(_kept_files(drafts, learnt, house_style, pairs), None)


def _kept_files(drafts: Drafts, learnt: Replies, house_style: int, pairs: Sequence[dict[str, Any]]) -> Iterator[Path]:
    """Find X.scores.jsonl or scores.jsonl. They must have been looked for copies of the same replies `learnt`, too."""
    made_from = _made_from(drafts, learnt, house_style, pairs)
    for path in (drafts.path.with_suffix(".scores.jsonl"), drafts.path.with_name("scores.jsonl")):
        meta = read_object(path.with_suffix(".meta.json")) or {}
        same = made_from.items() <= meta.items() and path.is_file()
        if same and meta.get("scores_sha256") == file_sha256(path):
            yield path


def _is_number(row: ScoreRow) -> bool:
    value = row.get("value")
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def scorer_sha256() -> str:
    """Hash of the code and data that scores depend on."""
    return sha256(f"{code_sha256(*_SOURCES)} sacrebleu {version('sacrebleu')}".encode())


def _made_from(drafts: Drafts, learnt: Replies, house_style: int, pairs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    shown = [pair["sources"] for pair in pairs if pair.get("sources")]  # what drafts could have been grounded in
    return ({"sources_sha256": json_sha256(shown)} if shown else {}) | {
        "drafts_sha256": drafts.sha256,
        "drafts_meta_sha256": file_sha256(drafts.path.with_suffix(".meta.json")),
        "scorer_sha256": scorer_sha256(),
        "training_replies_sha256": json_sha256([*learnt]),
        "house_style": house_style,
    }


def _compute(name: str, given: list[dict[str, Any]]) -> list[Any]:
    """One result per draft, or the exception that it raised: a batch that fails is computed one by one."""
    metric, source = load(name), SOURCES[name]
    try:
        return metric.compute(**{c: [one[c] for one in given] for c in given[0]}, **source.options)[source.result]
    except Exception as error:
        return [error] if len(given) == 1 else [_compute(name, [one])[0] for one in given]


def _cells(source: str, result: Any) -> dict[str, ScoreRow | None]:
    """measure -> value and detail (or error), of what one source says of one draft; None where nothing is measured."""
    return {measure.name: _read(measure, result) for measure in MEASURES.values() if measure.source == source}


def _read(measure: Measure, result: Any) -> ScoreRow | None:
    error = result
    if not isinstance(result, Exception):
        try:
            found = measure.read(result)
            return found and _cell(found)
        except Exception as raised:
            error = raised
    return {"error": f"{measure.source}: {type(error).__name__}"}  # its message may quote the draft


def _cell(found: Value) -> ScoreRow:
    if found.value is None or not math.isfinite(found.value):
        return {"error": f"not a number: {found.value}"}
    said = {"rules": found.rules, "faults": found.faults}
    return {"value": round(float(found.value), 6), "detail": found.detail} | {k: [*v] for k, v in said.items() if v}


def _print(summary: Summary, rows: list[ScoreRow], drafts: Drafts, out: Path) -> None:
    say(f"{out}: {drafts.name}")
    say(f"{'measure':<24}{'mean':>10}   {'95 % interval':<22}{'n':>6}{'errors':>8}  better")
    for measure, e in summary.estimates.items():
        factor, unit = (100, " %") if find(measure).share else (1, "  ")
        mean = "–" if e.estimate is None else f"{factor * e.estimate:.2f}{unit}"
        bounds = "–" if e.lower is None else f"{factor * e.lower:.2f} to {factor * e.upper:.2f}"
        say(f"{measure:<24}{mean:>10}   {bounds:<22}{e.n:>6}{e.n_error:>8}  {find(measure).better or '–'}")
    errors = Counter(row["error"] for row in rows if "error" in row)
    for error, n in errors.most_common(3):
        say(f"error in {n} scores: {error}")
    say(f"intervals: Wilson for shares, BCa bootstrap for the others; sacrebleu {summary.signature}")
