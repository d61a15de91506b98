"""Tell who did what, from the invitation to what is analysed: the rows of a table and the boxes of a chart."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval.study.records import ARMS, Study


@dataclass(frozen=True)
class Flow:
    """Counts people and texts. What the records do not tell is None.

    Attributes:
        sequences: those who began, by the arm of their first period.
        left: who said that they left; `finished` who wrote all that they were to write.
        planned: replies that were to be written; `left_out` those that an agent set aside.
        waiting: replies not sent, of agents who have not left: the study goes on.
        written: replies by arm; `timed` those with an active time.
        both_arms: agents with replies in both arms, on whom the comparison rests.
        finals, drafts: judgements; `raters` who judged.
        beyond_clock: replies whose browser told more time than had passed; they are kept as they came.
        erased: reviews erased on request; `erased_agents` people who withdrew.
    """

    invited: int | None
    began: int
    finished: int | None
    left: int | None
    sequences: Mapping[str, int]
    planned: int | None
    left_out: int
    waiting: int
    written: Mapping[str, int]
    timed: int
    both_arms: int
    finals: int
    drafts: int
    raters: int
    beyond_clock: int
    erased: int
    erased_agents: int


def flow_of(study: Study) -> Flow:
    """Count a study's records, with what the study's own count adds."""
    told: Mapping[str, Any] = study.flow
    writing = told.get("writing") or {}
    arms: dict[str, set[str]] = {}
    for w in study.writings:
        arms.setdefault(w.agent, set()).add(w.arm)
    return Flow(
        told.get("invited"),
        told.get("began", len(study.agents)),
        told.get("finished"),
        told.get("left"),
        dict(Counter(agent.sequence for agent in study.agents)),
        writing.get("given"),
        sum((writing.get("left_out") or {}).values()),
        writing.get("not_begun", 0) + writing.get("begun", 0),
        {arm: sum(w.arm == arm for w in study.writings) for arm in ARMS},
        sum(w.active_seconds > 0 for w in study.writings),
        sum(len(own) == len(ARMS) for own in arms.values()),
        sum(r.kind == "finals" for r in study.ratings),
        sum(r.kind == "drafts" for r in study.ratings),
        len({r.rater for r in study.ratings}),
        len(told.get("beyond_clock", ())),
        told.get("erased_items", 0),
        told.get("erased_agents", 0),
    )
