"""Name every reason for which a study refuses what a browser asks; the server has a French page for each."""

from typing import Literal, get_args

Reason = Literal[
    "unknown_link",  # nobody's, revoked, or replaced by a newer one
    "agent_left",  # the agent left the study
    "no_agent",  # the organiser names nobody, or somebody whose seat was taken
    "just_added",  # the organiser adds an agent by a page that does not know the newest
    "not_now",  # another task's turn, or nobody's task of that number
    "stale_tab",  # the task was opened again in a newer tab
    "already_submitted",  # with another answer: what was submitted does not change
    "empty",  # nothing was written
    "too_long",
    "bad_counters",  # no page of ours sends such
    "bad_answer",  # a choice, a reason, an experience that does not exist
    "not_saved",  # the disk refused; nothing was kept of this request
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class Refusal(Exception):  # noqa: N818 - no error of the program
    """Tells why a request is refused, by its `reason`. Nothing was changed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
