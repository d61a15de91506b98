"""Sends the journal to MLflow: a trace for each draft, a feedback for each decision. A process of its own.

    python -m serve.guard.mlflow_export STATE_FOLDER

The store is that of MLFLOW_TRACKING_URI: a URI may hold a password, and every user of the machine sees arguments.
A draft costs MLflow as much of a processor as masking does: what is new waits until nothing more comes for a while, at
most a minute. Drafts of the journal that MLflow has not got are sent again until it has; sending twice what was sent
just before a kill is possible, losing something is not. Of several replicas one sends at a time. It leaves when the
server that started it is gone, once all is sent.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plume import store
from plume.errors import InputError, PlumeError
from serve.database import StorageError
from serve.guard.journal import Journal, decision_key
from serve.server_log import tell
from serve.state import Started, State, alone

REFUSED = "refused"  # by MLflow: in place of a trace's id; so are decisions on it
_NEVER = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")
_PAGE = 500  # traces that are asked for at once
_EVERY, _LATER = 1.0, 15.0  # seconds between looks; after MLflow did not answer
_CALM, _LATEST = 5.0, 60.0  # seconds without anything new, after which it is sent; that something waits at most


def main() -> None:
    os.nice(5)  # below the engine: nobody waits for a trace
    state = State.of(Started.read(State(Path(sys.argv[1]))).config)
    logging.disable(logging.ERROR)  # MLflow's messages may quote what it was given
    parent = os.getppid()
    journal, calm = Journal.of(state), Calm()
    while True:
        left = os.getppid() != parent
        try:
            if calm.is_due(journal.waiting(), time.monotonic()) or left:
                with alone(state, "sender"):  # `plume serve resend` sends, too
                    while send(journal):
                        pass
            wait = _EVERY
        except StorageError as error:
            tell(f"the journal cannot be read ({error}); it is tried again")
            wait = _LATER
        except Exception as error:
            why = str(error) if isinstance(error, PlumeError) else type(error).__name__
            tell(f"MLflow did not take a trace ({why}); it is tried again")
            wait = _LATER
        if left:
            return
        _sleep(wait, parent)


class Calm:
    """Tells when to send: nothing new has come for a while, or something has waited long."""

    def __init__(self) -> None:
        self._waiting, self._since, self._changed = 0, 0.0, 0.0

    def is_due(self, waiting: int, now: float) -> bool:
        if waiting != self._waiting:
            self._since = self._since if self._waiting else now
            self._waiting, self._changed = waiting, now
        return waiting > 0 and (now >= self._changed + _CALM or now >= self._since + _LATEST)


def send(journal: Journal, uri: str | None = None) -> int:
    """Send what MLflow has not got; return how many. Raises InputError where there is no store, and MLflow's errors."""
    drafts, sent = journal.unsent_drafts(), 0
    if not (drafts or journal.unsent_decisions()):
        return 0
    ledger = _connect(uri)
    for identity, made, version, row in drafts:
        trace = ledger.keep(lambda: _trace(identity, made, version, row))  # noqa: B023 - called at once
        journal.draft_sent(identity, trace or REFUSED)
        sent += 1
    for seq, trace, client, row in journal.unsent_decisions():
        fed = ledger.keep(lambda: _feedback(trace, client, row))  # noqa: B023
        journal.decision_sent(seq, sent=2 if fed is None else 1)
        sent += 1
    return sent


def resend(state: State, uri: str | None = None) -> tuple[int, int, int]:
    """Send again what MLflow lacks of what the journal says it has: a store was lost, or an old copy put back.

    Returns how many drafts and decisions it lacked, and how many were sent, those that were still waiting included.
    Raises InputError where there is no store, and what MLflow raises.
    """
    with alone(state, "sender"):  # the server's own sender waits meanwhile
        journal = Journal.of(state)
        _connect(uri)
        drafts, decisions = journal.mark_kept(_kept())
        total = 0
        while sent := send(journal, uri):
            total += sent
    return drafts, decisions, total


def _connect(uri: str | None) -> "_Store":
    from plume import tracking

    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"  # a trace is noted as sent once it is stored
    uri = tracking.connect(uri, create=False)
    tracking.use_experiment()
    return _Store(uri)


class _Store:
    """Watches the store that is written to: what goes into a file that is no store any more is not noted as sent."""

    def __init__(self, uri: str) -> None:
        self._uri, self._identity = uri, store.identity(uri)

    def keep(self, send_one: Callable[[], Any]) -> Any:
        """Send one; None if MLflow will never take it, such as a decision on a trace that was deleted there.

        Raises InputError if the store is gone, or another one has its name, once it was written to.
        """
        from mlflow import MlflowException

        try:
            done, refused = send_one(), None
        except MlflowException as error:
            if error.error_code not in _NEVER:
                raise
            done, refused = None, error.error_code
        if store.identity(self._uri) != self._identity:
            raise InputError(f"MLflow store {self._uri}: was removed or replaced while it was written to")
        if refused:
            tell(f"MLflow refuses a row of the journal for good ({refused})")
        return done


def _kept() -> dict[str, tuple[str, set[tuple]]]:
    """List what MLflow has: for each draft, its trace and the keys of the decisions on it."""
    import mlflow

    from plume import tracking

    client, token, found = mlflow.MlflowClient(), None, {}
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    while True:
        page = client.search_traces(locations=[experiment], max_results=_PAGE, page_token=token, include_spans=False)
        for trace in page:
            if draft := trace.info.tags.get("plume.draft"):
                known = found.get(draft, (trace.info.trace_id, set()))
                hung = [each for each in trace.info.assessments if each.name == "decision"]
                told = {decision_key({"outcome": each.value, **(each.metadata or {})}) for each in hung}
                found[draft] = (known[0], known[1] | told)
        if not (token := page.token):
            return found


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

    agent = row.get("agent")  # a hash: MLflow can tell a client's agents apart, too
    mlflow.log_feedback(
        trace_id=trace,
        name="decision",
        value=row["outcome"],
        source=AssessmentSource(source_type="HUMAN", source_id=f"{client}/{agent}" if agent else client),
        metadata={name: str(row[name]) for name in ("final", "seconds") if row[name] is not None},
    )
    return True


def _sleep(seconds: float, parent: int) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and os.getppid() == parent:
        time.sleep(0.2)


if __name__ == "__main__":
    main()
