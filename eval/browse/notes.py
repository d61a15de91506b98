"""Keep what evaluators note on items in a JSON-lines file. Each saving adds a row; the last one of an item counts."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from plume.errors import InputError
from plume.files import append, locked, make_folder, sha256, telling, whole_lines

LONGEST = 10_000  # characters of a note


def tidy(note: str) -> str:
    """Give a note as it is kept: browsers send the returns of Windows, and count each as one character."""
    return note.replace("\r\n", "\n").strip()


class StaleError(Exception):
    """Somebody else has changed the note since it was shown."""


class Notes:
    """The notes in a file: `{"id","note","written_at"}`. Another process may write the same file."""

    def __init__(self, path: Path) -> None:
        self.path, self.version = path, 0
        self._notes: dict[str, str] = {}
        self._seen: tuple[int, int] | None = None
        self._one = Lock()
        self._read()

    def of(self, item: str) -> str:
        """Give the note on an item; empty where there is none."""
        return self._notes.get(item, "")

    def refresh(self) -> None:
        """Read again what another process has changed."""
        with self._one:
            if self._stamp() != self._seen:
                self._read()

    def digest(self, item: str) -> str:
        """Tell a note from what it was: a form says which one it was shown with."""
        return sha256(self.of(item).encode(errors="replace"))

    def keep(self, item: str, text: str, before: str) -> None:
        """Note something on an item, for good. Raises StaleError if its note has another digest now, InputError."""
        text = tidy(text)
        with self._one, telling(self.path, "make room or mend that, or name another file with --notes"):
            make_folder(self.path.parent)
            with locked(self.path) as held:
                self._read()
                if self.digest(item) != before:
                    raise StaleError
                if text == self.of(item):
                    return
                os.truncate(held, self._whole)  # what a kill cut off
                row = {"id": item, "note": text, "written_at": datetime.now(UTC).isoformat(timespec="seconds")}
                append(self.path, row, on_disk=True)
            self._read()

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _read(self) -> None:
        """Read the file. Who asks meanwhile gets the notes of before, all of them."""
        seen, notes, whole = self._stamp(), {}, 0
        if seen is not None:
            lines, torn = self._lines()
            whole = seen[1] - len(torn)
            notes = dict(self._row(number, line) for number, line in enumerate(lines, 1) if line.strip())
        self._notes, self._whole, self._seen = notes, whole, seen
        self.version += 1

    def _lines(self) -> tuple[list[bytes], bytes]:
        try:
            return whole_lines(self.path)
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be read ({error.strerror}); name another file with --notes"
            ) from None

    def _row(self, number: int, line: bytes) -> tuple[str, str]:
        try:
            row = json.loads(line)
            item, note = row["id"], row["note"]
            if not isinstance(item, str) or not isinstance(note, str) or "written_at" not in row:
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InputError(
                f"{self.path}, line {number}: holds no note of plume's; name another file with --notes"
            ) from None
        return item, note
