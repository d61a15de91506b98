"""How time.html says things: labels of measures, counts and grades, and estimates in their units."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from eval.time import measurement
from eval.time.measurement import Measurement
from plume.page.numbers import interval, number, percent, points

_LABELS = tomllib.loads(Path(__file__).with_name("labels.toml").read_text(encoding="utf-8"))
LABELS = {name: row["label"] for name, row in measurement.QUANTITIES.items()}
OUTCOMES, STATUSES, GRADES, WEAK = (_LABELS[table] for table in ("outcomes", "statuses", "grades", "weak"))
COLUMNS, FATES, DECIDED, VOTERS, INPUTS, STATUS_OF_CONSTANT, MEASURED, AGENTS = (
    _LABELS[table] for table in ("columns", "fates", "decided", "voters", "inputs", "constants", "measured", "agents")
)
SHORT = {grade: meaning.partition(" : ")[0] for grade, meaning in GRADES.items()}


def of_table(name: str) -> dict[str, dict[str, str]]:
    """Give the rows of quantities.tsv that stand in a table of the page, by name."""
    return {quantity: row for quantity, row in measurement.QUANTITIES.items() if name in row["tables"].split(" ")}


def _amount(row: Measurement, value: float | None, *, bound: bool = False) -> str:
    """Write a value of a row in days, as a share, in points or as a factor; a bound in points goes without its unit."""
    if row.comparison == "before_after":
        return number(value, 2)
    moved = row.comparison != "level"
    if measurement.QUANTITIES[row.quantity]["unit"] != "share":
        return number(value, 1, signed=moved)
    return points(value, 0, unit=not bound) if moved else percent(value, 0)


def with_interval(row: Measurement) -> str:
    """Write `8,2 (de 7,5 à 8,9)`, or that there is no interval."""
    if row.estimate is None:
        return "non estimable"
    return f"{_amount(row, row.estimate)} ({bounds(row)})"


def bounds(row: Measurement) -> str:
    """Write `de 7,5 à 8,9`."""
    return interval(row.lower, row.upper, lambda value: _amount(row, value, bound=True))


def shares_between(lower: float | None, upper: float | None) -> str:
    """Write `de 46 % à 52 %`."""
    return interval(lower, upper, lambda share: percent(share, 0))


def minutes(value: float, lower: float | None, upper: float | None) -> str:
    """Write `3,75 min (de 0,97 à 9,01)`."""
    return f"{number(value, 2)} min ({interval(lower, upper, lambda bound: number(bound, 2))})"


def measured(row: Measurement | None) -> str:
    """Write a study's minutes, or its ratio of times, with its interval; without one, that there is none."""
    if row is None or row.estimate is None:
        return "non estimable"
    if row.quantity != "time_ratio":
        return minutes(row.estimate, row.lower, row.upper)
    return f"{number(row.estimate, 2)} ({interval(row.lower, row.upper, lambda bound: number(bound, 2))})"


def beside_the_model(saved: Measurement, modelled: Sequence[float]) -> str:
    """Say whether the modelled minutes saved, by quantiles, lie where they were measured."""
    if saved.lower is None or saved.upper is None:
        return "La mesure n'a pas d'intervalle : elle ne dit pas si le calcul se trompe."
    if saved.lower <= modelled[2] <= saved.upper:
        return "La médiane du calcul est dans l'intervalle mesuré."
    side = "au-dessus" if modelled[2] > saved.upper else "au-dessous"
    return f"La médiane du calcul est {side} de l'intervalle mesuré : c'est la mesure qui compte."


def by_chance(p: float | None) -> str:
    """Write `16 fois sur 100`: how often chance alone gives such a gap."""
    if p is None:
        return "–"
    return "moins d'une fois sur 100" if p < 0.01 else f"{number(100 * p, 0)} fois sur 100"


def threshold(break_even: Sequence[float]) -> str:
    """Say from which share of changed words a draft saves nothing; a share above 1 is one that no draft reaches."""
    low, _, middle, _, high = break_even
    if middle > 1:
        return "Selon ce modèle, il en ferait gagner même si tous ses mots changeaient" + (
            "."
            if low > 1
            else f", sauf avec les constantes les moins favorables (dès {percent(low, 0)} de mots changés)."
        )
    by_constants = f"dès {percent(low, 0)}, ou jamais" if high > 1 else f"de {percent(low, 0)} à {percent(high, 0)}"
    return (
        f"Il n'en fait plus gagner quand plus de {percent(middle, 0)} des mots changent "
        f"(selon les constantes : {by_constants})."
    )
