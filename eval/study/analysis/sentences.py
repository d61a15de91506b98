"""Write the sentences of study.html: what drafts do to time, quality and harm, in plain French."""

from collections.abc import Callable, Sequence

from eval.stats.estimate import Estimate
from eval.study.analysis.findings import Findings
from eval.study.analysis.harms import ANY, Harm
from eval.study.analysis.minutes import SAVED, WITH, WITHOUT
from eval.study.analysis.times import ONE_ORDER, Timing
from plume.page.numbers import NO_BREAK, count, interval, number, percent


def time_sentence(ratio: Timing) -> tuple[str, str]:
    """Say what drafts do to time: the sentence, then what it rests on."""
    if ratio.estimate is None:
        return "Le temps n’a pas pu être comparé.", _why(ratio)
    if ratio.lower is None or ratio.upper is None:
        return f"Rapport des temps : {number(ratio.estimate, 2)}, sans intervalle possible.", _why(ratio)
    told = f"temps avec brouillon / sans : {with_interval(ratio, hundredths)}"
    if ONE_ORDER in ratio.told:
        told += " ; tous ont suivi le même ordre, et l’habitude prise en route peut expliquer l’écart"
    if ratio.upper < 1:
        return f"Le brouillon fait gagner du temps : {percent(1 - ratio.estimate, 0)} en moins.", told
    if ratio.lower > 1:
        return f"Le brouillon fait perdre du temps : {percent(ratio.estimate - 1, 0)} en plus.", told
    return (
        "Cette étude ne montre ni gain ni perte de temps.",
        f"{told} ; {change(ratio.lower)} et {change(ratio.upper)} restent possibles",
    )


def hundredths(value: float) -> str:
    return number(value, 2)


def whole_percent(share: float) -> str:
    return percent(share, 0)


def change(ratio: float) -> str:
    return f"{percent(1 - ratio, 0)} de gain" if ratio < 1 else f"{percent(ratio - 1, 0)} de perte"


_WHY = {
    "too few replies": "trop peu de réponses",
    "fewer than three agents": "moins de trois agents",
    "replies of one arm only": "toutes les réponses sont d’un seul bras",
    "no timed reply": "aucune réponse chronométrée",
    "no agent wrote in both arms": "aucun agent n’a écrit avec et sans brouillon",
    "fewer than two novices, or than two experts": "moins de deux novices, ou moins de deux expérimentés",
    "too few agents for an interval": "trop peu d’agents",
    "agents' gains do not vary": "rien ne varie d’un agent à l’autre",
}


def _why(one: Timing) -> str:
    """Say why there is no estimate, or no interval."""
    return next((said for told, said in _WHY.items() if told in one.told), "le modèle ne converge pas")


def minutes_sentence(f: Findings) -> str | None:
    """Say minutes for a reply, with and without."""
    with_draft, without = f.minutes[WITH].estimate, f.minutes[WITHOUT].estimate
    if with_draft is None or without is None:
        return None
    return (
        f"{number(with_draft)} minutes par réponse avec brouillon, {number(without)} sans, en moyenne ; "
        f"gain : {with_interval(f.minutes[SAVED], number)}."
    )


def with_interval(one: Timing | Estimate, say: Callable[[float], str]) -> str:
    """Write a value with its interval."""
    if one.estimate is None:
        return "non estimable"
    return f"{say(one.estimate)} ({interval(one.lower, one.upper, say)})"


def quality_sentence(f: Findings) -> tuple[str, str]:
    """Say whether replies that began as drafts are as good, as judged blind."""
    if f.won.estimate is None:
        return (
            "La qualité n’a pas été jugée à l’aveugle.",
            "un temps gagné sans qualité jugée ne suffit pas pour décider",
        )
    told = (
        f"réponse partie d’un brouillon préférée dans {with_interval(f.won, whole_percent)} des duels, "
        f"égalités pour moitié, {count(f.won.n, 'jugement')}"
    )
    if f.judged is None or f.bounded is None or f.margin is None:
        return "Qualité : sans règle fixée d’avance, aucun verdict.", told
    if f.bounded.lower is not None:
        told += f" ; borne basse {percent(f.bounded.lower, 0)}, seuil {percent(0.5 - f.margin, 0)}"
    said = {
        "not inferior": "Les réponses ne sont pas moins bonnes, à la marge fixée d’avance.",
        "inferior": "Les réponses sont moins bonnes, au-delà de la marge fixée d’avance.",
        "open": "L’étude ne suffit pas pour dire que les réponses ne sont pas moins bonnes.",
    }
    return said[f.judged], told


def harm_sentence(found: Sequence[Harm]) -> str:
    """Say how many replies hold what nobody gave, in both arms."""
    one = next(h for h in found if h.check == ANY)
    shares = {arm: of for arm, of in one.finals.items() if of.n}
    told = [
        f"{number(round(of.estimate * of.n), 0)} réponse{'s' if round(of.estimate * of.n) > 1 else ''} sur "
        f"{number(of.n, 0)} {'avec' if arm == 'draft' else 'sans'} brouillon"
        for arm, of in shares.items()
    ]
    caught = (
        f" Brouillons montrés qui en avaient : {number(one.drafts, 0)}, dont {number(one.removed, 0)} "
        f"corrigé{'s' if one.removed > 1 else ''} par les agents."
        if one.drafts
        else " Aucun brouillon montré n’en avait."
    )
    return f"Problèmes de fond arrivés jusqu’à la réponse (vérifications automatiques) : {', '.join(told)}.{caught}"


def experience_sentence(f: Findings) -> str:
    """Compare novices with experts."""
    both = f.by_experience["interaction"]
    if both.lower is None or both.upper is None:
        return f"Novices et expérimentés ne peuvent pas être comparés : {_why(both)}."
    told = f"rapport des deux rapports : {_times(both)}"
    if both.upper < 1:
        return f"Le brouillon fait gagner plus, ou perdre moins, à qui a moins d’un an d’expérience ({told})."
    if both.lower > 1:
        return f"Le brouillon fait gagner plus, ou perdre moins, à qui a plus d’un an d’expérience ({told})."
    return f"Rien ne montre que l’effet du brouillon dépende de l’expérience ; un écart reste possible ({told})."


def learning_sentence(f: Findings) -> str:
    """Say what the sitting changes: pace in both arms, and the draft's gain."""
    pace, gain = f.learning["pace"], f.learning["gain"]
    if pace.lower is None or pace.upper is None:
        return f"L’effet de l’entraînement n’est pas estimable : {_why(pace)}."
    said = (
        "s’accélèrent" if pace.upper < 1 else "ralentissent" if pace.lower > 1 else "ne changent pas nettement d’allure"
    )
    told = f"De la première à la dernière réponse, les agents {said} (temps {_times(pace)})."
    if gain.lower is None or gain.upper is None:
        return told
    changed = "change" if gain.upper < 1 or gain.lower > 1 else "ne change pas nettement"
    return f"{told} Le rapport avec / sans brouillon {changed} au fil de la séance ({_times(gain)})."


# Of two periods, one has it: an average of both logarithms moves by half, the ratio by the root (a test shows it).
_UNSEEN = 0.8


def carry_sentence(f: Findings) -> str:
    """Say whether having seen drafts changes writing without one, and what the test could have seen."""
    ratio, seen = f.carry_over.ratio, f.carry_over.detectable
    if ratio.lower is None or ratio.upper is None or seen is None:
        return f"Le report d’une période sur l’autre n’est pas testable : {_why(ratio)}."
    if ratio.lower <= 1 <= ratio.upper:
        said = (
            "Aucun report décelé : avoir vu des brouillons ne change pas nettement, ensuite, le temps sans brouillon "
            f"({_times(ratio)})."
        )
    else:
        said = (
            f"Avoir vu des brouillons change ensuite le temps sans brouillon ({_times(ratio)}) : le rapport principal "
            "mêle les deux ; lisez aussi la première période seule."
        )
    return (
        f"{said} Ce test compare les agents entre eux : avec ce nombre, il n’aurait vu, huit fois sur dix, qu’un "
        f"report de × {hundredths(seen[0])} ou moins, ou de × {hundredths(seen[1])} ou plus. Un report resté invisible "
        f"décale le rapport principal : s’il était de × {hundredths(_UNSEEN)}, le rapport serait trop haut de "
        f"{whole_percent(_UNSEEN**-0.5 - 1)}. La première période seule en est exempte."
    )


def _times(factor: Timing) -> str:
    """Write a factor with its interval, to stand in brackets."""
    return f"×{NO_BREAK}{hundredths(factor.estimate)}, {interval(factor.lower, factor.upper, hundredths)}"
