"""Simulate studies whose truth is known: what plans their size, and what the analysis is tested with.

The logarithm of an agent's active time for a review is a sum:

    log(minutes) + agent + item + [draft] * (log(effect) + agent's own) + [period 2] * log(period)
    + log(1 - learning) * (share of the sitting that is over)
    + [no draft, after the period with drafts] * log(carry_over) + residual

Agents' speed, items' demand, agents' own effects and residuals are normal. The finals of both arms are compared: the
chance that the one with a draft wins varies between reviews (beta), and its mean is exact.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from eval.study.allocation import RATERS, seat
from eval.study.records import ARMS, LEAST_PAUSE, Agent, Experience, Item, Rating, Study, Writing

NETWORKS = ("réseau A", "réseau B", "réseau C", "réseau D")
SENTIMENTS = ("Négatif", "Neutre", "Positif")
SYSTEM, OTHER = "système A", "système B"
HARM = " Vous pouvez appeler le 01 99 00 12 34."  # a number that no review gives, of a range kept for fiction
_REVIEW = "J'attends une réponse à ma demande numéro {} depuis trois semaines, et personne ne répond au téléphone."
_REPLY = (  # passes every gating check
    "Bonjour, nous vous remercions d'avoir pris le temps de partager votre expérience ({}). Nous regrettons "
    "sincèrement l'attente que vous décrivez et l'absence de réponse au téléphone pour votre demande. Votre retour est "
    "précieux et nous aide à mieux comprendre ce que vivent les personnes que nous accueillons. Pour toute question "
    "sur votre situation, vous pouvez consulter votre espace personnel en ligne ou vous présenter à notre accueil aux "
    "heures d'ouverture. Nous restons à votre écoute."
)
_BEGINNING = datetime(2026, 12, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Truth:
    """Says what holds in a simulated study. Ratios are of times: 0.8 is a fifth less.

    Attributes:
        effect: time with a draft over time without; of novices and of experts apart where those are given.
        period: time in the second period over that in the first, all else equal.
        learning: share of time that practice saves by the end of the sitting, in both arms.
        carry_over: time without a draft after drafts were seen, over that before: 1 is none.
        drop_out: share of agents who leave, after any number of replies.
        thinking, interruptions: pauses shorter and longer than the cap that a reply has, on average.
        preferred: share of pairs of finals won by the one with a draft, ties halved; `equal` are ties.
        harm_drafts, noticed: share of drafts that say something harmful, and of those that the agent mends.
        finals, comparisons: pairs of finals, and of two systems' drafts, that each agent judges.
    """

    agents: int = 12
    items: int = 12
    minutes: float = 6.0
    effect: float = 0.8
    effect_of_novices: float | None = None
    effect_of_experts: float | None = None
    novices: float = 0.5
    between_agents: float = 0.35
    between_items: float = 0.25
    effect_between_agents: float = 0.15
    residual: float = 0.45
    period: float = 1.0
    learning: float = 0.1
    carry_over: float = 1.0
    drop_out: float = 0.0
    thinking: float = 1.0
    interruptions: float = 0.1
    idle_seconds: float = 60.0
    finals: int = 10
    preferred: float = 0.5
    equal: float = 0.3
    preferred_between_items: float = 0.1
    harm_drafts: float = 0.05
    noticed: float = 0.6
    harm_blank: float = 0.01
    comparisons: int = 0
    systems_preferred: float = 0.5

    def ratio(self, experience: Experience | None = None) -> float:
        """Give the true ratio of times of novices, of experts, or of all (geometric mean over agents)."""
        of = {"novice": self.effect_of_novices or self.effect, "expert": self.effect_of_experts or self.effect}
        if experience:
            return of[experience]
        share = self._novices / self.agents
        return float(np.exp(share * np.log(of["novice"]) + (1 - share) * np.log(of["expert"])))

    @property
    def harm(self) -> dict[str, float]:
        """Give the true share of harmful finals by arm."""
        return {"draft": self.harm_drafts * (1 - self.noticed), "blank": self.harm_blank}

    @property
    def _novices(self) -> int:
        return round(self.novices * self.agents)


def simulate(truth: Truth, seed: int) -> Study:
    """Draw a study. The same truth and seed give the same study."""
    rng = np.random.default_rng(seed)
    agents, order, drafted = _seated(truth, rng, seed)
    writings = _written(truth, rng, agents, _sitting(truth, rng, agents, order, drafted))
    ratings = _finals(truth, rng, writings, agents) + _comparisons(truth, rng, agents)
    finished = sum(w.position == truth.items for w in writings)
    flow = {"invited": truth.agents, "began": truth.agents, "finished": finished, "left": truth.agents - finished}
    return Study(agents, writings, ratings, flow)


@cache
def items(n: int) -> tuple[Item, ...]:
    """Make the reviews of a simulated study."""
    drafts = {name: _REPLY.format(name) for name in (SYSTEM, OTHER)}
    return tuple(
        Item(
            id=f"{1000 + i}-1",
            network=NETWORKS[i % len(NETWORKS)],
            structure=None,
            sentiment=SENTIMENTS[i % len(SENTIMENTS)],
            title=None,
            review=_REVIEW.format(i + 1),
            drafts=drafts,
        )
        for i in range(n)
    )


@dataclass(frozen=True)
class _Sitting:
    """Holds what was drawn of all writings, as arrays (agents, positions); `order` are numbers of reviews."""

    order: np.ndarray
    drafted: np.ndarray
    seconds: np.ndarray
    harmful: np.ndarray  # what the agent began from, draft or own first words, would harm
    mended: np.ndarray
    outcomes: np.ndarray
    pauses: list[list[tuple[float, ...]]]


def _seated(truth: Truth, rng: np.random.Generator, seed: int) -> tuple[tuple[Agent, ...], np.ndarray, np.ndarray]:
    """Seat the agents as a real study does; as many novices as the truth says, drawn. Give order and arms, too."""
    shown = items(truth.items)
    numbers = {item.id: i for i, item in enumerate(shown)}
    seats = [seat(a, shown, seed) for a in range(truth.agents)]
    novice = rng.permutation(truth.agents) < truth._novices
    agents = tuple(
        Agent(f"A{a + 1:02}", "novice" if novice[a] else "expert", taken.order) for a, taken in enumerate(seats)
    )
    order = np.array([[numbers[planned.item] for planned in taken.plan] for taken in seats])
    return agents, order, np.array([[planned.arm == "draft" for planned in taken.plan] for taken in seats])


def _sitting(
    truth: Truth, rng: np.random.Generator, agents: tuple[Agent, ...], order: np.ndarray, drafted: np.ndarray
) -> _Sitting:
    seconds = 60 * np.exp(_log_minutes(truth, rng, agents, order, drafted))
    harmful = rng.random(order.shape) < np.where(drafted, truth.harm_drafts, truth.harm_blank)
    mended = drafted & (rng.random(order.shape) < truth.noticed)
    outcomes = rng.choice(["accepted", "edited", "edited", "rejected"], size=order.shape)
    return _Sitting(order, drafted, seconds, harmful, mended, outcomes, _pauses(truth, rng, seconds))


def _log_minutes(
    truth: Truth, rng: np.random.Generator, agents: tuple[Agent, ...], order: np.ndarray, drafted: np.ndarray
) -> np.ndarray:
    n, m = order.shape
    second = np.arange(m) >= m // 2
    own = rng.normal(0, truth.effect_between_agents, n) + [np.log(truth.ratio(agent.experience)) for agent in agents]
    log = np.log(truth.minutes) + rng.normal(0, truth.between_agents, n)[:, None]
    log = log + rng.normal(0, truth.between_items, m)[order]
    log += np.where(drafted, own[:, None], 0.0)
    log += np.log(truth.period) * second
    log += np.log1p(-truth.learning) * np.arange(m) / max(m - 1, 1)
    log += np.log(truth.carry_over) * (~drafted & second)
    return log + rng.normal(0, truth.residual, (n, m))


def _written(
    truth: Truth, rng: np.random.Generator, agents: tuple[Agent, ...], sitting: _Sitting
) -> tuple[Writing, ...]:
    """Give each agent's writings, until they leave."""
    leaves = rng.random(truth.agents) < truth.drop_out
    last = np.where(leaves, rng.integers(0, truth.items, truth.agents), truth.items)
    shown, made = items(truth.items), []
    for a, agent in enumerate(agents):
        at = _BEGINNING
        for k in range(last[a]):
            away = sum(pause for pause in sitting.pauses[a][k] if pause > truth.idle_seconds)
            at += timedelta(seconds=float(sitting.seconds[a, k]) + away)
            made.append(_writing(truth, sitting, a, k, agent, shown[sitting.order[a, k]], at))
    return tuple(made)


def _writing(truth: Truth, sitting: _Sitting, a: int, k: int, agent: Agent, item: Item, at: datetime) -> Writing:
    drafted, harmful, mended = (bool(of[a, k]) for of in (sitting.drafted, sitting.harmful, sitting.mended))
    draft = item.drafts[SYSTEM] + HARM * harmful if drafted else None
    outcome = str(sitting.outcomes[a, k])
    if harmful and drafted:
        outcome = "edited" if mended else "accepted"
    kept = draft if draft and outcome == "accepted" else _REPLY.format(agent.id) + HARM * (harmful and not mended)
    return Writing(
        agent=agent.id,
        item=item.id,
        network=item.network,
        sentiment=item.sentiment,
        arm=ARMS[0] if drafted else ARMS[1],
        period=1 if k < truth.items // 2 else 2,
        position=k + 1,
        system=SYSTEM if drafted else None,
        active_seconds=float(sitting.seconds[a, k]),
        pauses=sitting.pauses[a][k],
        idle_seconds=truth.idle_seconds,
        keystrokes=len(kept) // (4 if drafted else 1),
        pasted_characters=0,
        draft=draft,
        final=kept,
        outcome=outcome if drafted else None,
        submitted_at=at.isoformat(),
    )


def _pauses(truth: Truth, rng: np.random.Generator, seconds: np.ndarray) -> list[list[tuple[float, ...]]]:
    """Draw pauses: of thought, which are a part of the active time and no more than half of it; of interruption."""
    thought, away = rng.poisson(truth.thinking, seconds.shape), rng.poisson(truth.interruptions, seconds.shape)
    found = []
    for row, thoughts, aways in zip(seconds, thought, away, strict=True):
        found.append([])
        for active, n, interrupted in zip(row, thoughts, aways, strict=True):
            short = np.minimum(LEAST_PAUSE + rng.exponential(12, n), truth.idle_seconds) if n else ()
            kept, room = [], active / 2
            for pause in short:
                if LEAST_PAUSE < pause <= room:
                    kept.append(float(pause))
                    room -= pause
            long = truth.idle_seconds + rng.exponential(300, interrupted) if interrupted else ()
            found[-1].append((*kept, *map(float, long)))
    return found


def _finals(
    truth: Truth, rng: np.random.Generator, writings: tuple[Writing, ...], agents: tuple[Agent, ...]
) -> tuple[Rating, ...]:
    """Judge pairs of finals: of each review one final of each arm, by an agent who wrote neither."""
    by_item: dict[str, dict[str, list[str]]] = {}
    for w in writings:
        by_item.setdefault(w.item, {arm: [] for arm in ARMS})[w.arm].append(w.agent)
    mean = (truth.preferred - truth.equal / 2) / (1 - truth.equal)
    chances = dict(zip(by_item, _chances(rng, mean, truth.preferred_between_items, len(by_item)), strict=True))
    pairs = [
        (item, *both)
        for item, writers in by_item.items()
        for both in zip(*(rng.permutation(writers[arm]).tolist() for arm in ARMS), strict=False)
    ]
    left = {agent.id: truth.finals for agent in agents}
    made: list[Rating] = []
    for at in rng.permutation(len(pairs)):
        item, *writers = pairs[at]
        free = sorted((agent for agent, n in left.items() if n and agent not in writers), key=left.get, reverse=True)
        for rater in free[:RATERS]:
            left[rater] -= 1
            position = truth.finals - left[rater]
            made.append(_judged(truth, rng, rater, item, tuple(writers), chances[item], position))
    return tuple(made)


def _chances(rng: np.random.Generator, mean: float, spread: float, n: int) -> np.ndarray:
    """Draw n chances with this mean and spread, as far as a beta distribution can have it."""
    mean = min(max(mean, 0.0), 1.0)
    if spread <= 0 or mean in (0.0, 1.0):
        return np.full(n, mean)
    size = max(mean * (1 - mean) / spread**2 - 1, 0.5)
    return rng.beta(mean * size, (1 - mean) * size, n)


def _judged(
    truth: Truth,
    rng: np.random.Generator,
    rater: str,
    item: str,
    writers: tuple[str, ...],
    chance: float,
    position: int,
) -> Rating:
    """Judge one pair of finals, sides drawn; `writers` are those of the draft and of the blank arm."""
    swapped, tied, won = rng.random(3) < (0.5, truth.equal, chance)
    sides = (*ARMS, *writers) if not swapped else (*ARMS[::-1], *writers[::-1])
    winner = "left" if won != swapped else "right"
    choice = ("neither" if rng.random() < 0.2 else "equal") if tied else winner
    at = (_BEGINNING + timedelta(days=1, minutes=int(position))).isoformat()
    return Rating(rater, item, "finals", sides[0], sides[1], choice, (), int(position), at, (sides[2], sides[3]))


def _comparisons(truth: Truth, rng: np.random.Generator, agents: tuple[Agent, ...]) -> tuple[Rating, ...]:
    """Compare the drafts of two systems."""
    chance = (truth.systems_preferred - truth.equal / 2) / (1 - truth.equal)
    made, shown = [], items(truth.items)
    for agent in agents:
        for k, i in enumerate(rng.permutation(truth.items)[: truth.comparisons]):
            swapped, tied, won = rng.random(3) < (0.5, truth.equal, chance)
            sides = (OTHER, SYSTEM) if swapped else (SYSTEM, OTHER)
            choice = "equal" if tied else "left" if won != swapped else "right"
            at = (_BEGINNING + timedelta(days=1, hours=1, minutes=k)).isoformat()
            made.append(Rating(agent.id, shown[i].id, "drafts", *sides, choice, (), k + 1, at))
    return tuple(made)
