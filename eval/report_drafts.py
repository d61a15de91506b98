"""Picks what an evaluator reads before signing: the candidate's failures by check, and drafts side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from eval import measures
from eval.drafts import Drafts
from eval.probes import KINDS, Probe, Probed
from eval.rule import ARMS, GateRule
from eval.score import NO_DRAFT, ScoreRow
from plume.page.word_differences import mark_differences

WORST = 20  # drafts shown side by side, of those that lost a check
OF_EACH = 3  # and of every check that the rule judges, at least so many failing drafts

ScoreTable = Mapping[str, Mapping[str, ScoreRow]]  # id -> measure -> row of scores


@dataclass(frozen=True)
class Failures:
    """The candidate's drafts that fail one check: (id, what was found, whether the system in service fails too)."""

    measure: str
    label: str
    safety: bool
    rows: list[tuple[str, str, bool]]


@dataclass(frozen=True)
class Side:
    """One system's draft of a review: its text (marked), why there is none, and what the checks say of it."""

    text: Markup
    error: str | None
    failed: list[tuple[str, str]]


@dataclass(frozen=True)
class Shown:
    """A review with its published reply and both drafts. `alike` is None where one of them is missing."""

    pair: dict[str, Any]
    sides: dict[str, Side]
    lost: list[str]
    alike: bool | None


@dataclass(frozen=True)
class Obeyed:
    """A probe whose draft by the candidate fails: what was asked, the draft, and what was found."""

    probe: Probe
    draft: str
    found: list[tuple[str, str]]  # label of the check, detail
    champion_too: bool


def probe_kinds(probed: Probed | None) -> list[tuple[str, int, dict[str, int | None]]]:
    """List each kind of probe: how many, and by arm how many of its drafts fail (None: not drafted)."""
    if not probed or not probed.drafts:
        return []
    kinds: dict[str, list[str]] = {}
    for probe in probed.probes:
        kinds.setdefault(probe["kind"], []).append(probe["id"])
    failing = {arm: _failing(probed, arm) for arm in probed.drafts}
    return [
        (
            KINDS.get(kind, kind),
            len(ids),
            {arm: len(failing[arm].intersection(ids)) if arm in failing else None for arm in ARMS},
        )
        for kind, ids in kinds.items()
    ]


def probe_failures(probed: Probed | None) -> list[Obeyed]:
    """List the probes whose draft by the candidate fails."""
    if not probed or "challenger" not in probed.drafts:
        return []
    failing, before = _failing(probed, "challenger"), _failing(probed, "champion")
    found = probed.findings["challenger"]
    return [
        Obeyed(
            probe,
            probed.drafts["challenger"].text(probe["id"]) or "",
            [(measures.find(m).label, of[probe["id"]][1]) for m, of in found.items() if not of[probe["id"]][0]],
            probe["id"] in before,
        )
        for probe in probed.probes
        if probe["id"] in failing
    ]


def _failing(probed: Probed, arm: str) -> set[str]:
    return {i for of in probed.findings.get(arm, {}).values() for i, answer in of.items() if not answer[0]}


def cells_of(rows: Iterable[ScoreRow]) -> dict[str, dict[str, ScoreRow]]:
    """Index the rows of scores by id and measure."""
    cells: dict[str, dict[str, ScoreRow]] = {}
    for row in rows:
        cells.setdefault(row["id"], {})[row["measure"]] = row
    return cells


def failures(rule: GateRule, champion: ScoreTable, challenger: ScoreTable) -> dict[str, Failures]:
    """Every failure of every measure that the rule judges but the primary one, by measure, safety first."""
    safety = {s.measure for s in rule.safety}
    found = {}
    for measure in (m for m in rule.measures if m != measures.PRIMARY):
        rows = [
            (i, _detail(cells[measure]), _fails(champion[i].get(measure, {})))
            for i, cells in sorted(challenger.items())
            if _fails(cells.get(measure, {}))
        ]
        found[measure] = Failures(measure, measures.find(measure).label, measure in safety, rows)
    return found


def copied_most(cells: ScoreTable) -> list[tuple[str, int, str]]:
    """The drafts with the longest runs of a training reply: (id, words, the run and its reply), the longest first."""
    runs = [(i, row[measures.COPIED]) for i, row in cells.items() if row.get(measures.COPIED, {}).get("value")]
    runs.sort(key=lambda one: (-one[1]["value"], one[0]))
    return [(i, int(run["value"]), run["detail"]) for i, run in runs[:WORST]]


def to_read(
    rule: GateRule,
    pairs: list[dict[str, Any]],
    drafts: dict[str, Drafts],
    champion: ScoreTable,
    challenger: ScoreTable,
    also: Sequence[str] = (),
) -> tuple[list[Shown], int]:
    """The drafts to read, and how many reviews lost a check that the system in service passes, or their draft.

    First the worst of these: without a draft, then with a safety check lost, then with most checks lost. Then some
    failing drafts of each check, so that every line of the rule leads to examples; then as many of `also`.
    """
    safety = {s.measure for s in rule.safety}
    worse, lost = [], {}
    for pair in pairs:
        before, after = champion[pair["id"]], challenger[pair["id"]]
        lost[pair["id"]] = [m for m in _failed(after) if before.get(m, {}).get("value") == 1]
        missing = "error" in after["pass_all"] and "error" not in before["pass_all"]
        if missing or lost[pair["id"]]:
            unsafe = len(safety.intersection(lost[pair["id"]]))
            worse.append((not missing, -unsafe, -len(lost[pair["id"]]), pair["id"]))
    chosen = [i for *_, i in sorted(worse)[:WORST]]
    for of_check in failures(rule, champion, challenger).values():
        chosen += [i for i, *_ in of_check.rows[:OF_EACH] if i not in chosen]
    chosen += [i for i in also[:OF_EACH] if i not in chosen]
    by_id = {pair["id"]: pair for pair in pairs}
    return [_shown(by_id[i], drafts, (champion[i], challenger[i]), lost[i]) for i in chosen], len(worse)


def _fails(row: ScoreRow) -> bool:
    return row.get("value") == 0


def _detail(row: ScoreRow) -> str:
    """Say what a check found, and by which rules; scores of before name none."""
    by = f" [{', '.join(row['rules'])}]" if row.get("rules") else ""
    return f"{row['detail'] or ''}{by}"


def _failed(cells: Mapping[str, ScoreRow]) -> dict[str, str]:
    return {m: _detail(row) for m, row in cells.items() if m.startswith("check:") and _fails(row)}


def _shown(
    pair: dict[str, Any], drafts: dict[str, Drafts], cells: Sequence[Mapping[str, ScoreRow]], lost: list[str]
) -> Shown:
    texts = {arm: d.text(pair["id"]) or "" for arm, d in drafts.items()}
    marked = mark_differences(texts["champion"], texts["challenger"])
    sides = {}
    for arm, text, found in zip(texts, marked or map(escape, texts.values()), cells, strict=True):
        failed = [(measures.find(m).label, detail) for m, detail in _failed(found).items()]
        error = found["pass_all"].get("error")
        sides[arm] = Side(text, "" if error == NO_DRAFT else error, failed)
    return Shown(
        pair, sides, [measures.find(m).label for m in lost], marked is not None if all(texts.values()) else None
    )
