"""What ops see: Prometheus metrics by version, and one audit line a request. Never a text of a request or a draft."""

import asyncio
import json
import os
import sys
import time
from collections import Counter as Tally
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)
_EVERY = 60.0  # seconds between two audit lines on requests without a key
_TOKEN_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)


class Seen:
    """Counters of one server, and its audit file."""

    def __init__(self, audit: Path) -> None:
        self._audit = audit
        self._strangers: Tally[str] = Tally()
        self.registry = CollectorRegistry()

        def make(kind, name, help_text, labels, **options):
            return kind(f"plume_{name}", help_text, labels, registry=self.registry, **options)

        self.requests = make(Counter, "requests", "answered requests", ("version", "route", "status"))
        self.errors = make(Counter, "errors", "refused or failed requests", ("version", "kind"))
        self.prompt_tokens = make(Counter, "prompt_tokens", "tokens that the model read", ("version",))
        self.draft_tokens = make(Counter, "draft_tokens", "tokens that the model wrote", ("version",))
        self.first = make(
            Histogram, "time_to_first_token_seconds", "from the engine's request on", ("version",), buckets=_SECONDS
        )
        self.each = make(
            Histogram, "time_per_output_token_seconds", "after the first", ("version",), buckets=_TOKEN_SECONDS
        )
        self.whole = make(Histogram, "request_seconds", "masking and checks included", ("version",), buckets=_SECONDS)
        self.masked = make(Counter, "masked_entities", "entities that the model was not shown", ("version", "type"))
        self.withheld = make(Counter, "withheld", "what was cut out of drafts", ("version", "check"))
        self.failed = make(Counter, "failed_checks", "findings on drafts as written", ("version", "check"))
        self.journal_errors = make(Counter, "journal_errors", "drafts that could not be kept", ())
        self.audit_errors = make(Counter, "audit_errors", "audit lines that could not be written", ())
        self.restarts = make(Gauge, "masker_restarts", "maskers that died or did not answer", ())
        self.waiting = make(Gauge, "not_in_mlflow", "drafts and decisions that wait to be sent to MLflow", ())
        self.running = make(Gauge, "running_requests", "requests that are being answered", ())
        self.draining = make(Gauge, "draining", "1 while no new draft is begun", ())

    def text(self) -> bytes:
        """In Prometheus's text format."""
        return generate_latest(self.registry)

    def stranger(self, status: int | None) -> None:
        """Count a request without a known key: of a scan, one line a minute is told, not one line a request."""
        if not self._strangers:
            asyncio.get_running_loop().call_later(_EVERY, self.tell_strangers)
        self._strangers[str(status)] += 1

    def tell_strangers(self) -> None:
        """Add the line: how many of them got which answer."""
        if self._strangers:
            told, self._strangers = dict(self._strangers), Tally()
            self.write(without_key=told)

    def write(self, **line: object) -> None:
        """Add a line to the audit. A full disk stops no answer; it is counted."""
        try:
            data = json.dumps({"time": round(time.time(), 3), **line}).encode() + b"\n"
            descriptor = os.open(self._audit, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, data)  # one call: lines of two writers never mix
            finally:
                os.close(descriptor)
        except OSError as error:
            self.audit_errors.inc()
            print(f"plume: the audit cannot be written ({error.strerror})", file=sys.stderr)  # noqa: T201
