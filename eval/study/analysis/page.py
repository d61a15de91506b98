"""study.html: one French page that a head of service reads in a minute; what it rests on stands below."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import plume
from eval.study.analysis import figures, sentences
from eval.study.analysis.effects import EXPERT, NOVICE
from eval.study.analysis.findings import Findings
from eval.study.analysis.harms import ANY, Harm
from eval.study.analysis.minutes import SAVED, WITH, WITHOUT
from eval.study.analysis.sentences import change, hundredths, whole_percent, with_interval
from eval.study.analysis.times import PAIRED, Timing
from eval.study.server.words import REASONS
from plume.checks import CHECKS
from plume.page import Table
from plume.page import render as render_page
from plume.page.numbers import number, percent

TEMPLATE = Path(__file__).with_name("study.html.j2")
_WHO = {"all": "Tous les agents", NOVICE: "Moins d’un an d’expérience", EXPERT: "Plus d’un an d’expérience"}
_OUTCOMES = {"accepted": "envoyé tel quel", "edited": "modifié", "rejected": "laissé de côté"}


def render(f: Findings) -> str:
    """Render the whole page."""
    return render_page(
        TEMPLATE,
        f=f,
        time=sentences.time_sentence(f.ratio),
        pace=sentences.minutes_sentence(f),
        quality=sentences.quality_sentence(f),
        harm=sentences.harm_sentence(f.harms),
        forest=figures.forest(_ratios(f)),
        ratios=Table.of("Temps avec brouillon / temps sans", _ratios(f), _RATIO_COLUMNS),
        minutes=_minutes_table(f),
        groups=sentences.experience_sentence(f),
        learning=sentences.learning_sentence(f),
        carry=sentences.carry_sentence(f),
        habits=_habits_table(f),
        outcomes=_outcomes(f),
        finals=_finals_table(f),
        reasons=[(REASONS.get(name, name), n) for name, n in f.reasons.items()],
        harms=_harms_table(f.harms),
        duels=_duels_table(f),
        chart=figures.chart(f.flow),
        flow=_flow_table(f),
        method=f.ratio.method,
        paired=PAIRED,
        version=plume.__version__,
        written=datetime.now(UTC).date(),
    )


# --- the evidence


def _ratios(f: Findings) -> list[tuple[str, Timing]]:
    caps = [(f"Pauses comptées jusqu’à {number(cap, 0)} s", one) for cap, one in f.at_caps.items()]
    groups = [(_WHO[name], f.by_experience[name]) for name in (NOVICE, EXPERT)]
    return [(_WHO["all"], f.ratio), *groups, ("Première période seule", f.carry_over.first_period), *caps]


_RATIO_COLUMNS = {
    "Qui, ou comment": lambda row: row[0],
    "Rapport (intervalle)": lambda row: with_interval(row[1], hundredths),
    "Temps": lambda row: "–" if row[1].estimate is None else change(row[1].estimate),
    "Agents": lambda row: number(row[1].agents, 0),
    "Réponses": lambda row: number(row[1].n, 0),
}


def _minutes_table(f: Findings) -> Table:
    groups = [("all", f.minutes), *f.minutes_by_experience.items()]
    return Table.of(
        "Minutes actives par réponse, en moyenne (intervalle)",
        [(_WHO[name], of) for name, of in groups],
        {
            "Agents": lambda row: row[0],
            "Sans brouillon": lambda row: with_interval(row[1][WITHOUT], number),
            "Avec brouillon": lambda row: with_interval(row[1][WITH], number),
            "Gagnées": lambda row: with_interval(row[1][SAVED], number),
            "Nombre d’agents": lambda row: number(row[1][SAVED].agents, 0),
        },
    )


def _habits_table(f: Findings) -> Table:
    return Table.of(
        f"Comment les réponses ont été écrites (une pause compte au-delà de {number(f.idle_seconds, 0)} s)",
        f.habits.items(),
        {
            "Bras": lambda row: "Avec brouillon" if row[0] == "draft" else "Sans brouillon",
            "Réponses": lambda row: number(row[1].n, 0),
            "Interrompues": lambda row: percent(row[1].interrupted / row[1].n, 0),
            "Minutes d’absence, en tout": lambda row: number(row[1].away_minutes, 0),
            "Silences de plus de 10 s, par réponse": lambda row: number(row[1].pauses),
            "Touches (médiane)": lambda row: number(row[1].keystrokes, 0),
            "Avec texte collé": lambda row: percent(row[1].pasted / row[1].n, 0),
        },
    )


def _outcomes(f: Findings) -> str:
    return ", ".join(f"{said} {number(f.outcomes[name], 0)} fois" for name, said in _OUTCOMES.items())


def _finals_table(f: Findings) -> Table:
    rows = [
        ("Duels gagnés par la réponse partie d’un brouillon", with_interval(f.won, whole_percent), f.won.n),
        ("Accord entre juges (alpha de Krippendorff)", with_interval(f.agreement, hundredths), f.agreement.n),
        ("Choix du texte de gauche", with_interval(f.sides.left, whole_percent), f.sides.left.n),
    ]
    return Table(
        "Jugements à l’aveugle des réponses finales",
        ("Mesure", "Valeur (intervalle)", "Nombre"),
        [(name, value, number(n, 0)) for name, value, n in rows],
    )


def _harms_table(found: Sequence[Harm]) -> Table:
    def label(name: str) -> str:
        return "Au moins un problème" if name == ANY else CHECKS[name].label

    told = [h for h in found if h.check == ANY or h.drafts or any(of.estimate for of in h.finals.values())]
    return Table.of(
        "Ce que les vérifications automatiques trouvent, par question",
        told,
        {
            "Question (ce qui devrait être)": lambda h: label(h.check),
            "Brouillons en défaut": lambda h: f"{number(h.drafts, 0)} sur {number(h.shown, 0)}",
            "retirés par l’agent": lambda h: number(h.removed, 0),
            "passés dans la réponse": lambda h: number(h.reached, 0),
            "ajoutés par l’agent": lambda h: number(h.added, 0),
            "Réponses avec brouillon": lambda h: with_interval(h.finals["draft"], percent),
            "Réponses sans brouillon": lambda h: with_interval(h.finals["blank"], percent),
        },
    )


def _duels_table(f: Findings) -> Table | None:
    if not f.duels:
        return None
    return Table.of(
        "Brouillons comparés deux à deux (intervalles valables ensemble)",
        f.duels,
        {
            "Système": lambda duel: duel.one,
            "face à": lambda duel: duel.other,
            "gagne": lambda duel: with_interval(duel.won, whole_percent),
            "Jugements": lambda duel: number(duel.won.n, 0),
        },
    )


def _flow_table(f: Findings) -> Table:
    return Table("Qui a fait quoi", ("Étape", "Nombre"), [*_flow_rows(f)])


def _flow_rows(f: Findings) -> Iterator[tuple[str, str]]:
    flow = f.flow
    rows = {
        "Agents invités": flow.invited,
        "ont commencé": flow.began,
        "dont par les brouillons": flow.sequences.get("draft first", 0),
        "dont par la page blanche": flow.sequences.get("blank first", 0),
        "ont écrit toutes leurs réponses": flow.finished,
        "sont partis": flow.left,
        "Réponses prévues": flow.planned,
        "mises de côté par un agent": flow.left_out,
        "encore attendues": flow.waiting,
        "envoyées avec brouillon": flow.written["draft"],
        "envoyées sans brouillon": flow.written["blank"],
        "avec un temps actif": flow.timed,
        "Agents ayant écrit avec et sans brouillon": flow.both_arms,
        "Jugements de réponses finales": flow.finals,
        "Comparaisons de brouillons": flow.drafts,
        "Agents ayant jugé": flow.raters,
        "Réponses au temps plus long que ne le permet l’horloge du serveur": flow.beyond_clock,
        "Avis effacés sur demande": flow.erased,
        "Agents effacés sur demande": flow.erased_agents,
    }
    for name, n in rows.items():
        yield name, number(n, 0)
