"""The figures of time.html with their numbers, and a lookup of estimates; the tables are in tables.html.j2."""

from collections.abc import Callable, Iterable, Sequence

from eval.time.measurement import MAIN, Measurement
from eval.time.page import plot
from eval.time.page import wording as w
from eval.time.waits.survival import survival
from plume.page import Figure, Table
from plume.page.numbers import NO_BREAK, UNKNOWN, day, number, percent

SHOWN_DAYS = (0, 1, 3, 7, 15, 30, 60)
_IN_TABLE = "Les valeurs sont dans le tableau qui suit."


class Rows:
    """Look estimates up by quantity, comparison and group."""

    def __init__(self, rows: Iterable[Measurement]) -> None:
        self._by: dict[tuple[str, str, str], Measurement] = {}
        for row in rows:
            self._by.setdefault((row.quantity, row.comparison, row.group), row)

    def get(self, quantity: str, comparison: str = "level", group: str = "all") -> Measurement | None:
        return self._by.get((quantity, comparison, group))

    def groups(self, kind: str, quantity: str = MAIN, comparison: str = "level") -> list[Measurement]:
        """List the rows of the groups `kind: …`, in order."""
        wanted = quantity, comparison
        return [row for (*of, name), row in self._by.items() if (*of,) == wanted and name.startswith(f"{kind}: ")]

    def say(self, quantity: str, comparison: str = "level", group: str = "all", *, with_n: bool = False) -> str:
        row = self.get(quantity, comparison, group)
        if row is None or (with_n and row.estimate is None):
            return UNKNOWN
        return w.with_interval(row) + (f" n{NO_BREAK}={NO_BREAK}{n(row)}" if with_n else "")


def n(row: Measurement) -> str:
    return number(row.n, 0)


def name_of(row: Measurement) -> str:
    """Take `CAF` out of `network: CAF`."""
    return row.group.partition(": ")[2]


def months(rows: Rows, start: str) -> Figure | None:
    """Show the main measure month by month, around the pilot's start (YYYY-MM)."""
    found = [row for row in rows.groups("month") if row.estimate is not None]
    if len(found) < 2:
        return None
    split = next((i for i, row in enumerate(found) if name_of(row) >= start), None)
    month = {"Mois": lambda row: day(name_of(row))}
    return Figure(
        plot.series([_point(row, name_of(row)) for row in found], ylabel="jours", split=split),
        "Une valeur par mois de publication, avec son intervalle ; une ligne pointillée marque le lancement. "
        + _IN_TABLE,
        f"{w.LABELS[MAIN]}, par mois de publication.",
        Table.of("Données de la figure : par mois", found, month | {w.LABELS[MAIN]: w.with_interval, "Avis": n}),
    )


def _point(row: Measurement, on: str) -> plot.Point:
    return day(on), row.estimate or 0.0, row.lower, row.upper


def waiting_curves(tables: Sequence) -> Figure | None:
    """Show Kaplan-Meier curves of the two periods."""
    if not tables or not all(t.sum() for t in tables):
        return None
    before, after = (survival(t.sum(axis=0)) for t in tables)
    left = [[name, *(percent(float(curve[d]), 0) for d in SHOWN_DAYS)] for name, curve in _sides(before, after)]
    heads = ["Période", *(f"jour {d}" for d in SHOWN_DAYS)]
    return Figure(
        plot.still_waiting(before, after),
        "Deux courbes : part des usagers encore sans réponse selon le nombre de jours d'attente, avant et après le "
        "lancement. " + _IN_TABLE,
        "Part des usagers encore sans réponse à la fin de chaque jour d'attente (estimateur de Kaplan-Meier).",
        Table("Données de la figure : encore sans réponse à la fin du jour", heads, left),
    )


def _sides(before: Sequence[float], after: Sequence[float]) -> tuple:
    return ("Avant", before), ("Après", after)


def event_study(rows: Rows) -> Figure | None:
    """Show adopters less others, stretch by stretch, before the start and after it."""
    early, late = (rows.groups(kind, MAIN, "did") for kind in ("lead", "lag"))
    if not (found := [*early, *late]):
        return None
    columns: dict[str, Callable[[Measurement], str]] = {
        "Tranche à partir du": lambda row: day(_first_day(row)),
        "Côté": lambda row: "avant" if row in early else "après",
        "Écart (j)": w.with_interval,
        "Avis": n,
    }
    points = [_point(row, _first_day(row)) for row in found]
    return Figure(
        plot.series(points, ylabel="jours d'écart", split=len(early), zero=True),
        "Écart entre adoptantes et autres, par tranche de 30 jours, avec intervalle, avant et après le lancement. "
        + _IN_TABLE,
        "Écart entre structures adoptantes et autres (jours), relativement à la dernière tranche avant le lancement. "
        "Avant le lancement, il devrait être nul.",
        Table.of("Données de la figure : écarts", found, columns),
    )


def _first_day(row: Measurement) -> str:
    return name_of(row).partition("/")[0]
