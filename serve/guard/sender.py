"""From the journal to MLflow: a trace for each draft, a feedback for each decision. A process of its own.

    python -m serve.guard.sender STATE_FOLDER

The store is that of MLFLOW_TRACKING_URI: a URI may hold a password, and every user of the machine sees arguments.
Drafts of the journal that MLflow has not got are sent again until it has; sending twice what was sent just before a
kill is possible, losing something is not. It leaves when the server that started it is gone.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from serve.guard.journal import Journal
from serve.state import State

REFUSED = "refused"  # in place of a trace's id; decisions on it are refused like it
_NEVER = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")
_EVERY, _LATER = 1.0, 15.0  # seconds between looks; after MLflow did not answer


def main() -> None:
    state = State(Path(sys.argv[1]))
    logging.disable(logging.ERROR)  # MLflow's messages may quote what it was given
    parent = os.getppid()
    journal = Journal(state.journal)
    while True:
        left = os.getppid() != parent
        try:
            send(journal)
            wait = _EVERY
        except Exception as error:
            print(f"plume: MLflow did not take a trace ({type(error).__name__}); it is tried again", file=sys.stderr)  # noqa: T201
            wait = _LATER
        if left:
            return
        _sleep(wait, parent)


def send(journal: Journal, uri: str | None = None) -> int:
    """Send what MLflow has not got; how many. Raises what MLflow raises."""
    drafts, sent = journal.unsent_drafts(), 0
    if not (drafts or journal.unsent_decisions()):
        return 0
    from plume import tracking

    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"  # a trace is noted as sent once it is stored
    tracking.connect(uri)
    for identity, made, version, row in drafts:
        trace = _unless_refused(lambda: _trace(identity, made, version, row))  # noqa: B023 - called at once
        journal.draft_sent(identity, trace or REFUSED)
        sent += 1
    for seq, trace, client, row in journal.unsent_decisions():
        fed = _unless_refused(lambda: _feedback(trace, client, row))  # noqa: B023
        journal.decision_sent(seq, refused=fed is None)
        sent += 1
    return sent


def _trace(identity: str, made: float, version: int, row: dict[str, Any]) -> str:
    import mlflow

    span = mlflow.start_span_no_context(
        "draft",
        inputs={name: row[name] for name in ("network", "structure", "title", "review")},
        start_time_ns=int(made * 1e9),
        tags={"plume.draft": identity, "plume.version": str(version), "plume.prompt": row["prompt"]},
    )
    span.set_outputs({"draft": row["draft"], "failed": row["failed"]})
    span.end()
    return span.trace_id


def _feedback(trace: str, client: str, row: dict[str, Any]) -> bool:
    import mlflow
    from mlflow.entities import AssessmentSource

    mlflow.log_feedback(
        trace_id=trace,
        name="decision",
        value=row["outcome"],
        source=AssessmentSource(source_type="HUMAN", source_id=client),
        metadata={name: str(row[name]) for name in ("final", "seconds") if row[name] is not None},
    )
    return True


def _unless_refused(send_one: Callable[[], Any]) -> Any:
    """What it returns; None where MLflow will never take it, as a decision on a trace that was deleted there."""
    from mlflow import MlflowException

    try:
        return send_one()
    except MlflowException as error:
        if error.error_code not in _NEVER:
            raise
        print(f"plume: MLflow refuses a row of the journal for good ({error.error_code})", file=sys.stderr)  # noqa: T201
        return None


def _sleep(seconds: float, parent: int) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and os.getppid() == parent:
        time.sleep(0.2)


if __name__ == "__main__":
    main()
