"""The tables and figures of time.html, built from findings: what the template lays out without knowing its meaning."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from eval.time.measurement import MAIN, WAITING, Measurement
from eval.time.minutes.constants import NAMES
from eval.time.minutes.model import Modelled, Prior
from eval.time.page import plot
from eval.time.page import wording as w
from eval.time.waits.survival import survival
from plume.page import Figure, Table
from plume.page.numbers import NO_BREAK, day, interval, number, percent

SHOWN_DAYS = (0, 1, 3, 7, 15, 30, 60)
MOST = 20  # structures shown; all are in time.json


@dataclass
class Rows:
    """Estimates, looked up by quantity, comparison and group."""

    rows: Iterable[Measurement]
    _by: dict[tuple[str, str, str], Measurement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows:
            self._by.setdefault((row.quantity, row.comparison, row.group), row)

    def get(self, quantity: str, comparison: str = "level", group: str = "all") -> Measurement | None:
        return self._by.get((quantity, comparison, group))

    def groups(self, kind: str, quantity: str = MAIN, comparison: str = "level") -> list[Measurement]:
        """Rows of the groups `kind: …`, in order."""
        return [
            r for (q, c, g), r in self._by.items() if q == quantity and c == comparison and g.startswith(f"{kind}: ")
        ]

    def say(self, quantity: str, comparison: str = "level", group: str = "all") -> str:
        row = self.get(quantity, comparison, group)
        return w.with_interval(row) if row else "–"


def own_mix(rows: Rows, quantity: str) -> str:
    """A ratio of each period's own mix of services, with its number of reviews: it is not that of the fixed mix."""
    row = rows.get(quantity, "before_after", "all, own mix")
    return (
        f"{w.with_interval(row)} n{NO_BREAK}={NO_BREAK}{number(row.n, 0)}" if row and row.estimate is not None else "–"
    )


def before_after(rows: Rows, moved: Rows) -> Table:
    """Every measure before and after, of a fixed mix, its ratio and difference; the ratio of each period's own mix."""
    body = []
    for quantity in WAITING:
        ratio = rows.get(quantity, "before_after")
        body.append(
            [
                w.QUANTITIES[quantity],
                rows.say(quantity, group="before"),
                rows.say(quantity, group="after"),
                rows.say(quantity, "before_after"),
                moved.say(quantity, "before_after_difference"),
                own_mix(rows, quantity),
                number(ratio.n, 0) if ratio else "0",
            ]
        )
    body.append(
        [
            w.QUANTITIES["median_days"],
            rows.say("median_days", group="before, own mix"),
            rows.say("median_days", group="after, own mix"),
            "–",
            "–",
            rows.say("median_days", "before_after", "all, own mix"),
            number(row.n, 0) if (row := rows.get("median_days", "before_after", "all, own mix")) else "0",
        ]
    )
    heads = ["Mesure", "Avant", "Après", "Avant / après", "Écart", "Avant / après, services tels quels", "Avis"]
    return Table("Attente jusqu'à la première réponse, services à parts égales, intervalles à 95 %", heads, body)


def by_group(rows: Rows, kind: str, caption: str, head: str, name: Callable[[str], str] = str) -> Table | None:
    """Level of the main measures in the groups of a kind; None if there is none."""
    found = rows.groups(kind)
    body = [
        [
            name(row.group.partition(": ")[2]),
            w.with_interval(row),
            rows.say("answered_7d", group=row.group),
            rows.say("median_days", group=row.group),
            f"{number(row.n, 0)} ({number(row.censored, 0)})",
        ]
        for row in found[:MOST]
    ]
    more = f" ; les {MOST} premiers de {len(found)}, tous dans time.json" if len(found) > MOST else ""
    heads = [head, w.QUANTITIES[MAIN], w.QUANTITIES["answered_7d"], w.QUANTITIES["median_days"], "Avis (sans réponse)"]
    return Table(caption + more, heads, body) if body else None


def months(rows: Rows, start: str) -> Figure | None:
    """The main measure month by month, around the pilot's start (YYYY-MM)."""
    found = [row for row in rows.groups("month") if row.estimate is not None]
    if len(found) < 2:
        return None
    by_month = [row.group.partition(": ")[2] for row in found]
    names = [day(month) for month in by_month]
    points = [(name, row.estimate, row.lower, row.upper) for name, row in zip(names, found, strict=True)]
    body = [[name, w.with_interval(row), number(row.n, 0)] for name, row in zip(names, found, strict=True)]
    return Figure(
        plot.series(
            points, ylabel="jours", split=next((i for i, month in enumerate(by_month) if month >= start), None)
        ),
        "Une valeur par mois de publication, avec son intervalle ; une ligne pointillée marque le lancement. "
        "Les valeurs sont dans le tableau qui suit.",
        f"{w.QUANTITIES[MAIN]}, par mois de publication.",
        Table("Données de la figure : par mois", ["Mois", w.QUANTITIES[MAIN], "Avis"], body),
    )


def waiting_curves(tables: Sequence) -> Figure | None:
    """Kaplan-Meier curves of the two periods."""
    if not tables or not all(t.sum() for t in tables):
        return None
    before, after = (survival(t.sum(axis=0)) for t in tables)
    body = [
        ["Avant", *(percent(float(before[d]), 0) for d in SHOWN_DAYS)],
        ["Après", *(percent(float(after[d]), 0) for d in SHOWN_DAYS)],
    ]
    return Figure(
        plot.still_waiting(before, after),
        "Deux courbes : part des usagers encore sans réponse selon le nombre de jours d'attente, avant et après le "
        "lancement. Les valeurs sont dans le tableau qui suit.",
        "Part des usagers encore sans réponse à la fin de chaque jour d'attente (estimateur de Kaplan-Meier).",
        Table(
            "Données de la figure : encore sans réponse à la fin du jour",
            ["Période", *(f"jour {d}" for d in SHOWN_DAYS)],
            body,
        ),
    )


def event_study(rows: Rows, split: int) -> Figure | None:
    """Adopters less others, stretch by stretch; `split` of the stretches are before the start."""
    found = [*rows.groups("lead", MAIN, "did"), *rows.groups("lag", MAIN, "did")]
    if not found:
        return None
    names = [day(row.group.partition(": ")[2].partition("/")[0]) for row in found]
    points = [(name, row.estimate or 0.0, row.lower, row.upper) for name, row in zip(names, found, strict=True)]
    body = [
        [name, "avant" if i < split else "après", w.with_interval(row), number(row.n, 0)]
        for i, (name, row) in enumerate(zip(names, found, strict=True))
    ]
    return Figure(
        plot.series(points, ylabel="jours d'écart", split=split, zero=True),
        "Écart entre adoptantes et autres, par tranche de 30 jours, avec intervalle, avant et après le lancement. "
        "Les valeurs sont dans le tableau qui suit.",
        "Écart entre structures adoptantes et autres (jours), relativement à la dernière tranche avant le lancement. "
        "Avant le lancement, il devrait être nul.",
        Table("Données de la figure : écarts", ["Tranche à partir du", "Côté", "Écart (j)", "Avis"], body),
    )


def satisfaction(rows: Rows, voting: Sequence[dict]) -> Table:
    """Shares of "utile" votes with the voting rate beside each."""
    names = {"all": "Tout le fichier", "before": "Avant", "after": "Après", "ai: offered": "Avec aide IA proposée"}
    names["ai: not offered"] = "Sans aide IA proposée"
    body = []
    for rate in voting:
        if rate["group"] in names or rate["group"].startswith("network: "):
            rated = f"{percent(rate['estimate'], 0)} ({number(rate['votes'], 0)} / {number(rate['n'], 0)})"
            name = names.get(rate["group"]) or rate["group"].removeprefix("network: ")
            body.append([name, rows.say("useful_share", group=rate["group"]), rated])
    return Table(
        "Votes des auteurs d'avis sur la réponse reçue (intervalles de Wilson à 95 %)",
        ["Groupe", "Votes « utile »", "Auteurs qui ont voté (votes / réponses)"],
        body,
    )


def shares(caption: str, found: Sequence[dict], names: dict[str, str]) -> Table:
    """Shares of the drafts with their intervals."""
    body = [
        [
            names[s["group"]],
            f"{percent(s['estimate'], 0)} ({interval(s['lower'], s['upper'], w.whole_percent)})",
            number(s["n"], 0),
        ]
        for s in found
    ]
    return Table(caption, ["Sort", "Part", "Brouillons"], body)


def similarity(estimates: Sequence[Measurement]) -> Table | None:
    """Mean similarity of all drafts and by month; None if none is known."""
    found = [row for row in estimates if row.quantity == "similarity" and not row.group.startswith("structure: ")]
    body = [
        ["Tous" if row.group == "all" else day(row.group.partition(": ")[2]), w.with_interval(row), number(row.n, 0)]
        for row in found
    ]
    heads = ["Mois", "Similarité moyenne (0 à 100)", "Brouillons"]
    return Table("Similarité moyenne entre brouillon et réponse publiée", heads, body) if body else None


def timed(active: Sequence[dict]) -> Table:
    """Minutes that agents took, by decision."""
    body = [
        [
            w.DECIDED[row["group"]],
            w.minutes(row["estimate"], row["lower"], row["upper"]),
            number(row["median"], 2),
            number(row["n"], 0),
        ]
        for row in active
    ]
    heads = ["Décision", "Moyenne", "Médiane", "Brouillons"]
    return Table("Minutes actives par brouillon (moyenne, intervalle à 95 %, médiane)", heads, body)


def minutes(one: Modelled) -> Table:
    body = [
        [name, *(number(value, 2) for value in drawn)]
        for name, drawn in (
            ("Sans brouillon", one.without),
            ("Avec brouillon", one.with_draft),
            ("Économisées", one.saved),
        )
    ]
    heads = ["Minutes par réponse", "2,5 %", "10 %", "médiane", "90 %", "97,5 %"]
    return Table(
        f"Minutes modélisées par réponse ({number(one.n, 0)} brouillons), selon les constantes tirées", heads, body
    )


def constants(prior: Prior) -> Table:
    """Every constant with its range and its source."""
    body = []
    for name in NAMES:
        constant = getattr(prior.constants, name)
        low, middle, high = (number(v, 2) for v in prior.marginal(name))
        body.append(
            [
                constant.label,
                f"{middle} {constant.unit} (de {low} à {high})",
                w.STATUS_OF_CONSTANT[constant.status],
                constant.source,
            ]
        )
    heads = ["Constante", "Médiane (10 % à 90 %)", "Statut", "Source"]
    return Table("Constantes du modèle, avec leur source", heads, body)
