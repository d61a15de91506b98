"""Hold a claim of the time that writing a reply takes against a study that measured it with and without a draft."""

from dataclasses import replace

from eval.time.claims.held import Held
from eval.time.claims.published import Claim, Widest
from eval.time.claims.quantities import WRITING
from eval.time.measurement import Measurement
from eval.time.minutes.from_study import RATIO, WITH, WITHOUT, StudyMinutes


def obstacle(claim: Claim, study: StudyMinutes | None) -> str | None:
    """Say in French why a study cannot tell of a claim; None if it can."""
    if claim.quantity != WRITING:
        return "ce n'est pas un temps de rédaction"
    if study is None:
        return "aucune étude chronométrée avec et sans brouillon n'a été donnée (--study)"
    if not study.holds:
        return "le plan de l'étude donnée n'est pas celui qui avait été fixé avant les premières réponses"
    return None


def held_minutes(claim: Claim, study: StudyMinutes, widest: Widest) -> list[Held]:
    """Hold each announced value beside its estimate; a ratio is without a draft / with one: 2 is "halved"."""
    claimed = claim.values
    ratio = claimed.ratio or (claimed.before / claimed.after if claimed.before and claimed.after else None)
    levels = (("temps de rédaction sans brouillon", claimed.before, WITHOUT), ("avec brouillon", claimed.after, WITH))
    held = [
        Held(what, value, *_of(study.get(quantity)), None, "minutes", widest.minutes)
        for what, value, quantity in levels
        if value is not None
    ]
    if ratio is not None:
        of_time = study.get(RATIO)
        held.append(Held("rapport sans / avec brouillon", ratio, *_of(_turned(of_time)), 1.0, "", widest.ratio))
    return held


def _of(row: Measurement | None) -> tuple[float, tuple[float, float] | None]:
    return (float("nan"), None) if row is None or row.estimate is None else (row.estimate, row.interval)


def _turned(row: Measurement | None) -> Measurement | None:
    """Turn with / without into without / with."""
    if row is None or row.estimate is None:
        return None
    lower, upper = (None, None) if row.interval is None else (1 / row.interval[1], 1 / row.interval[0])
    return replace(row, estimate=1 / row.estimate, lower=lower, upper=upper)
