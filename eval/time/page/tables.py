"""The tables and figures of time.html, built from findings: what the template lays out without knowing its meaning."""

from collections.abc import Callable, Iterable, Sequence

from eval.time.measurement import MAIN, WAITING, Measurement
from eval.time.minutes.constants import NAMES
from eval.time.minutes.model import Modelled, Prior
from eval.time.page import plot
from eval.time.page import wording as w
from eval.time.waits.survival import survival
from plume.page import Figure, Table
from plume.page.numbers import NO_BREAK, UNKNOWN, day, number, percent

SHOWN_DAYS = (0, 1, 3, 7, 15, 30, 60)
MOST = 20  # structures shown; all are in time.json
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


def before_after(rows: Rows, moved: Rows) -> Table:
    """Show every measure before and after, of a fixed mix, ratio and difference; the ratio of each period's own mix.

    The number of reviews stands beside that ratio, as it is not that of the fixed mix. Of the median there is the own
    mix alone.
    """
    own = ", own mix"

    def mix(quantity: str) -> str:
        return "" if quantity in WAITING else own

    def count(quantity: str) -> str:
        row = rows.get(quantity, "before_after", f"all{mix(quantity)}")
        return n(row) if row else "0"

    return Table.of(
        "Attente jusqu'à la première réponse, services à parts égales, intervalles à 95 %",
        (*WAITING, "median_days"),
        {
            "Mesure": w.QUANTITIES.__getitem__,
            "Avant": lambda q: rows.say(q, group=f"before{mix(q)}"),
            "Après": lambda q: rows.say(q, group=f"after{mix(q)}"),
            "Avant / après": lambda q: rows.say(q, "before_after"),
            "Écart": lambda q: moved.say(q, "before_after_difference"),
            "Avant / après, services tels quels": lambda q: rows.say(
                q, "before_after", f"all{own}", with_n=q in WAITING
            ),
            "Avis": count,
        },
    )


def by_group(rows: Rows, kind: str, caption: str, head: str, name: Callable[[str], str] = str) -> Table | None:
    """Show the level of the main measures in the groups of a kind; None if there is none."""
    found = rows.groups(kind)
    more = f" ; les {MOST} premiers de {len(found)}, tous dans time.json" if len(found) > MOST else ""
    columns: dict[str, Callable[[Measurement], str]] = {
        head: lambda row: name(name_of(row)),
        w.QUANTITIES[MAIN]: w.with_interval,
        w.QUANTITIES["answered_7d"]: lambda row: rows.say("answered_7d", group=row.group),
        w.QUANTITIES["median_days"]: lambda row: rows.say("median_days", group=row.group),
        "Avis (sans réponse)": lambda row: f"{n(row)} ({number(row.censored, 0)})",
    }
    return Table.of(caption + more, found[:MOST], columns) if found else None


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
        f"{w.QUANTITIES[MAIN]}, par mois de publication.",
        Table.of("Données de la figure : par mois", found, month | {w.QUANTITIES[MAIN]: w.with_interval, "Avis": n}),
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


def satisfaction(rows: Rows, voting: Sequence[dict]) -> Table:
    """Show the shares of "utile" votes with the voting rate beside each."""
    shown = [rate for rate in voting if rate["group"] in w.VOTERS or rate["group"].startswith("network: ")]
    return Table.of(
        "Votes des auteurs d'avis sur la réponse reçue (intervalles de Wilson à 95 %)",
        shown,
        {
            "Groupe": lambda r: w.VOTERS.get(r["group"]) or r["group"].removeprefix("network: "),
            "Votes « utile »": lambda r: rows.say("useful_share", group=r["group"]),
            "Auteurs qui ont voté (votes / réponses)": lambda r: (
                f"{percent(r['estimate'], 0)} ({number(r['votes'], 0)} / {number(r['n'], 0)})"
            ),
        },
    )


def shares(caption: str, found: Sequence[dict], names: dict[str, str]) -> Table:
    """Show shares of the drafts with their intervals."""
    return Table.of(
        caption,
        found,
        {
            "Sort": lambda s: names[s["group"]],
            "Part": lambda s: f"{percent(s['estimate'], 0)} ({w.shares_between(s['lower'], s['upper'])})",
            "Brouillons": lambda s: number(s["n"], 0),
        },
    )


def similarity(estimates: Sequence[Measurement]) -> Table | None:
    """Show the mean similarity of all drafts and by month; None if none is known."""
    found = [row for row in estimates if row.quantity == "similarity" and not row.group.startswith("structure: ")]
    columns: dict[str, Callable[[Measurement], str]] = {
        "Mois": lambda row: "Tous" if row.group == "all" else day(name_of(row)),
        "Similarité moyenne (0 à 100)": w.with_interval,
        "Brouillons": n,
    }
    return Table.of("Similarité moyenne entre brouillon et réponse publiée", found, columns) if found else None


def timed(active: Sequence[dict]) -> Table:
    """Show the minutes that agents took, by decision."""
    return Table.of(
        "Minutes actives par brouillon (moyenne, intervalle à 95 %, médiane)",
        active,
        {
            "Décision": lambda row: w.DECIDED[row["group"]],
            "Moyenne": lambda row: w.minutes(row["estimate"], row["lower"], row["upper"]),
            "Médiane": lambda row: number(row["median"], 2),
            "Brouillons": lambda row: number(row["n"], 0),
        },
    )


def minutes(one: Modelled) -> Table:
    drawn = (("Sans brouillon", one.without), ("Avec brouillon", one.with_draft), ("Économisées", one.saved))
    heads = ["Minutes par réponse", "2,5 %", "10 %", "médiane", "90 %", "97,5 %"]
    caption = f"Minutes modélisées par réponse ({n(one)} brouillons), selon les constantes tirées"
    return Table(caption, heads, [[name, *(number(value, 2) for value in values)] for name, values in drawn])


def constants(prior: Prior) -> Table:
    """Show every constant with its range and its source."""

    def spread(name: str) -> str:
        low, middle, high = (number(value, 2) for value in prior.marginal(name))
        return f"{middle} {of(name).unit} (de {low} à {high})"

    def of(name: str):
        return getattr(prior.constants, name)

    return Table.of(
        "Constantes du modèle, avec leur source",
        NAMES,
        {
            "Constante": lambda name: of(name).label,
            "Médiane (10 % à 90 %)": spread,
            "Statut": lambda name: w.STATUS_OF_CONSTANT[of(name).status],
            "Source": lambda name: of(name).source,
        },
    )
