"""Writes one audit line a request with a key, and one a minute on those without.

Never a text of a request or a draft.
"""

import asyncio
import time
from collections import Counter
from pathlib import Path

import prometheus_client

from plume import files
from serve.server_log import tell

_EVERY = 60.0  # seconds between two lines on requests without a key


class AuditLog:
    """Writes `audit.jsonl` of the state folder; `errors` counts the lines that could not be written."""

    def __init__(self, path: Path, errors: prometheus_client.Counter) -> None:
        self._path, self._errors = path, errors
        self._strangers: Counter[str] = Counter()

    def count_stranger(self, status: int | None) -> None:
        """Count a request without a known key: a scan gets one line a minute, not one line a request."""
        if not self._strangers:
            asyncio.get_running_loop().call_later(_EVERY, self.tell_strangers)
        self._strangers[str(status)] += 1

    def tell_strangers(self) -> None:
        """Write the line that says how many of them got which answer."""
        if self._strangers:
            told, self._strangers = dict(self._strangers), Counter()
            self.write(without_key=told)

    def write(self, **line: object) -> None:
        """Add a line. A full disk stops no answer; it is counted."""
        try:
            files.append(self._path, {"time": round(time.time(), 3), **line}, private=True)
        except OSError as error:
            self._errors.inc()
            tell(f"the audit cannot be written ({error.strerror})")
