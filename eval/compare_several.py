"""Run `plume eval compare` with more than one challenger: a verdict for each, and a ranking of all systems."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval import report_ranking
from eval.compare import judge, scored
from eval.inputs import folders_below, to_compare_several
from eval.integrity import LookUp
from eval.measures import PREFERRED, PRIMARY
from eval.ranking import Ranking, levels_of, rank
from eval.verdict import Levels, Outcome, Verdict, say_level
from plume.corpus.split import experience_of
from plume.files import telling, write
from plume.output import RANKING, building


@dataclass(frozen=True)
class Judged:
    """A challenger: its drafts, the folder of its verdict, and the verdict."""

    drafts: Path
    folder: Path
    verdict: Verdict


def compare_several(
    champion: Path,
    challengers: Sequence[Path],
    data: Path,
    gate: Path,
    out: Path,
    *,
    ratings: Sequence[str | Path] = (),
    trained_on: Iterable[str | Path] = (),
    look_up: LookUp | None = None,
    force: bool = False,
) -> list[Judged]:
    """Judge each challenger against the champion at levels that hold for all, and rank all systems.

    Each gets a folder of its own below `out`, as a comparison of two writes it; ranking.json and ranking.html stand
    beside. Raises InputError.
    """
    trained_on, known = [*trained_on], {}
    more = {"ratings": ratings, "trained_on": trained_on, "force": force}
    given = to_compare_several(champion, challengers, data, gate, out, **more)
    cases = [scored(one, [data, *trained_on], known) for one in given]
    rule, pairs = given[0].rule, given[0].pairs
    clusters = [experience_of(pair["id"]) for pair in sorted(pairs, key=lambda pair: pair["id"])]
    ids = sorted(pair["id"] for pair in pairs)

    def values(case: Any, arm: str, measure: str) -> np.ndarray:
        found = case.scores[arm].get(measure, {})
        return np.array([found.get(i, np.nan) for i in ids], dtype=float)

    primary = rule.primary.measure
    differences = {
        str(n): values(c, "challenger", primary) - values(c, "champion", primary) for n, c in enumerate(cases)
    }
    levels = levels_of(differences, clusters, rule.confidence)
    judged = []
    family = {
        "challengers": len(cases),
        "bounds": levels.bounds,
        "primary": levels.primary,
        "drafts_sha256": [one.arms["challenger"].sha256 for one in given],
    }
    for case, path, folder in zip(cases, challengers, folders_below(out, challengers), strict=True):
        told = {"levels": levels, "remark": _remark(len(cases), levels), "more": {"several": family}}
        verdict = judge(case, data, gate, folder, trained_on=trained_on, look_up=look_up, **told)
        judged.append(Judged(path, folder, verdict))
    measure = PRIMARY if primary == PREFERRED else primary  # people choose between two, which ranks nobody
    systems = {"champion": values(cases[0], "champion", measure)}
    systems |= {one.folder.name: values(case, "challenger", measure) for one, case in zip(judged, cases, strict=True)}
    arms = {"champion": given[0].arms["champion"]}
    arms |= {one.folder.name: case.arms["challenger"] for one, case in zip(judged, given, strict=True)}
    ranking = rank(systems, clusters, rule.confidence)
    document = _document(ranking, measure, rule.confidence, levels, arms, judged)
    page = report_ranking.render(document)
    with telling(out, "make room or mend that, or name another folder with --out"), building(out, RANKING) as made:
        write(made / "ranking.html", page)
        write(made / "ranking.json", json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    return judged


def outcome_of(judged: Iterable[Judged]) -> Outcome:
    """Say PASS if one challenger may replace the champion, FAIL if none ever may, else INCONCLUSIVE."""
    outcomes = {one.verdict.outcome for one in judged}
    return "PASS" if "PASS" in outcomes else "FAIL" if outcomes == {"FAIL"} else "INCONCLUSIVE"


def _remark(n: int, levels: Levels) -> str:
    return (
        f"Plusieurs candidats : {n} jugés ensemble ; limites et marges à {say_level(levels.bounds)}, mesure principale "
        f"à {say_level(levels.primary)}, pour qu’aucun ne passe plus facilement que s’il était seul."
    )


def _document(
    ranking: Ranking,
    measure: str,
    confidence: float,
    levels: Levels,
    arms: dict[str, Any],
    judged: Sequence[Judged],
) -> dict[str, Any]:
    """Give what ranking.json holds."""
    verdicts = {one.folder.name: one.verdict for one in judged}
    systems = []
    for one in ranking.systems:
        verdict, drafts = verdicts.get(one.name), arms[one.name]
        systems.append({
            "id": one.name,
            "system": drafts.name,
            "role": "challenger" if verdict else "champion",
            "imported": bool(drafts.meta["system"].get("imported")),
            "drafts_sha256": drafts.sha256,
            "rank": one.rank,
            "best_rank": one.best,
            "worst_rank": one.worst,
            **asdict(one.share),
            "outcome": verdict and verdict.outcome,
            "needs_items": verdict and verdict.needs_items,
            "verdict": verdict and f"{one.name}/verdict.json",
        })  # fmt: skip
    differences = [
        {"first": gap.first, "second": gap.second, **asdict(gap.value), "told_apart": gap.told_apart}
        for gap in ranking.gaps
    ]
    return {
        "outcome": outcome_of(judged),
        "measure": measure,
        "confidence": confidence,
        "interval_confidence": ranking.confidence,
        "levels": asdict(levels),
        "systems": systems,
        "differences": differences,
    }
