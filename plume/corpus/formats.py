"""The shapes in which an export arrives: JSON, arrays one after the other, an object a line, CSV; each also gzipped.

Reading is streaming: one record is held at a time. What cannot be read as a record is yielded with the reason, so that
it can be counted; only a file that is no export at all, or that ends in the middle of one, raises InputError.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from plume.errors import InputError

csv.field_size_limit(1 << 24)

_CHUNK = 1 << 20  # characters read at once
_RECORD = 1 << 23  # characters: a "record" that goes on for longer is a damaged file
_LINES = 2_000  # the same, in lines of CSV
_DATE = r'"?(?:\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4})'  # the second column
_AGAIN = "download the export again"


@dataclass(frozen=True)
class Record:
    """One record of a file: its fields by header as written, or `problem` why it is none. `line` counts from 1."""

    line: int
    fields: dict[str, object] | None
    problem: str | None = None


def read_records(path: str | Path) -> Iterator[Record]:
    """Every record of an export, in file order. Raises InputError."""
    path = Path(path)
    try:
        with _open(path) as file:
            head = file.read(_CHUNK)
            if not head.strip():
                raise InputError(f"{path}: empty; {_AGAIN}")
            _check_encoding(head, path)
            source = _Resumed(head, file)
            yield from _read_json(source, path) if head.lstrip()[:1] in "[{" else _read_csv(source, path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such export; give the platform's export (JSON or CSV)") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: truncated or damaged gzip ({error}); {_AGAIN}, nothing was written") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _open(path: Path) -> TextIO:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    raw = gzip.open(path, "rb") if zipped else path.open("rb")  # noqa: SIM115 (the wrapper closes it)
    # A byte that is not UTF-8 must not stop the file; it survives as a lone surrogate, which tells the record.
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline=None)


def _check_encoding(head: str, path: Path) -> None:
    bad = sum("\udc80" <= c <= "\udcff" for c in head)
    if "\0" in head[:1000] or 200 * bad > len(head):  # French in another encoding: 3 in 100
        raise InputError(f"{path}: not UTF-8; convert it first, for example: iconv -f WINDOWS-1252 -t UTF-8")


class _Resumed:
    """A text file of which the beginning was read already."""

    def __init__(self, head: str, file: TextIO) -> None:
        self._head, self._file = head, file

    def read(self, size: int) -> str:
        text, self._head = self._head, ""
        return text or self._file.read(size)

    def lines(self) -> Iterator[str]:
        rest = ""
        while chunk := self.read(_CHUNK):
            *whole, rest = (rest + chunk).split("\n")
            yield from whole
        if rest:
            yield rest


# --- JSON ------------------------------------------------------------------------------------------------------------


class _Buffer:
    """The part of a JSON text that is being parsed; grows as far as one record needs."""

    def __init__(self, source: _Resumed) -> None:
        self._source, self.text, self.at, self.line, self.ended = source, "", 0, 1, False

    def more(self) -> bool:
        chunk = self._source.read(_CHUNK)
        if not chunk:
            self.ended = True
            return False
        self.line += self.text.count("\n", 0, self.at)
        self.text, self.at = self.text[self.at :] + chunk, 0
        return True

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Move past blanks; whether anything is left."""
        while (end := pattern.match(self.text, self.at).end()) == len(self.text):  # type: ignore[union-attr]
            self.at = end
            if not self.more():
                return False
        self.at = end
        return True

    def line_at(self, position: int) -> int:
        return self.line + self.text.count("\n", 0, position)


_BLANK = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()
_NEXT_OBJECT = re.compile(r"\n\s*(?=[\[{])")


def _read_json(source: _Resumed, path: Path) -> Iterator[Record]:
    buffer = _Buffer(source)
    inside = False  # of an array
    while buffer.skip(_BLANK):
        char = buffer.text[buffer.at]
        if char == ("]" if inside else "["):
            inside = not inside
            buffer.at += 1
            continue
        line = buffer.line_at(buffer.at)
        value = yield from _value(buffer, path, inside=inside)
        if isinstance(value, dict):
            yield Record(line, value)
        elif value is not _BROKEN:
            yield Record(line, None, f"a {type(value).__name__}, not an object of fields")
    if inside:
        raise InputError(f"{path}, line {buffer.line_at(buffer.at)}: truncated; {_AGAIN}, nothing was written")


_BROKEN = object()


def _value(buffer: _Buffer, path: Path, *, inside: bool) -> Iterator[Record]:
    """Decode one value and move past it. A broken object a line is yielded as such, and reading goes on below it."""
    while True:
        try:
            value, end = _DECODER.raw_decode(buffer.text, buffer.at)
        except json.JSONDecodeError as error:
            if len(buffer.text) - buffer.at < _RECORD and not buffer.ended and buffer.more():
                continue
            below = None if inside else _NEXT_OBJECT.search(buffer.text, max(buffer.at, error.pos - 1))
            line = buffer.line_at(error.pos)
            if below:
                yield Record(line, None, f"line {line} is not valid JSON ({error.msg})")
                buffer.at = below.end()
                return _BROKEN
            cut = error.pos >= len(buffer.text.rstrip()) - 1 or "Unterminated" in error.msg
            what = "truncated" if cut else "not valid JSON"
            raise InputError(f"{path}, line {line}: {what} ({error.msg}); {_AGAIN}, nothing was written") from None
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
            raise InputError(f"{path}: not an export of experiences ({error})") from None
        if end == len(buffer.text) and not isinstance(value, dict | list) and buffer.more():
            continue  # a number may go on
        buffer.at = end
        return value


# --- CSV -------------------------------------------------------------------------------------------------------------


def _read_csv(source: _Resumed, path: Path) -> Iterator[Record]:
    """Rows of a CSV. A row that a stray newline broke is glued; one that still does not fit the header is told."""
    lines = enumerate(source.lines(), 1)
    _, text = next((number, line) for number, line in lines if line.strip())
    delimiter = max(";,\t|", key=text.count)
    header = [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
    if len(header) < 3:
        raise InputError(f"{path}: not an export of experiences; give the platform's JSON or CSV")
    begins = re.compile(rf'"?\d+"?{re.escape(delimiter)}')
    open_text, open_line = "", 0
    for number, text in _assemble(lines, re.compile(begins.pattern + _DATE)):
        # What does not begin like a row goes on with the one before, which is short of cells.
        if open_text and not begins.match(text):
            open_text += " " + text
        elif open_text:
            yield _row(open_text, open_line, header, delimiter)
            open_text, open_line = text, number
        else:
            open_text, open_line = text, number
        cells = _cells(open_text, delimiter)
        if cells is not None and len(cells) >= len(header):
            yield _row(open_text, open_line, header, delimiter)
            open_text = ""
    if open_text:
        yield _row(open_text, open_line, header, delimiter)


def _assemble(lines: Iterator[tuple[int, str]], surely_begins: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Lines joined while a quotation is open: (number of the first line, text). Blank lines between rows are skipped.

    A line that surely begins a row ends a quotation that was never closed, so that one bad row costs no other.
    """
    text, first, quotes = "", 0, 0
    for number, line in lines:
        if text and (surely_begins.match(line) or number - first >= _LINES or len(text) > _RECORD):
            yield first, text
            text = ""
        if not text and not line.strip():
            continue
        if not text:
            first, quotes = number, 0
        text = f"{text}\n{line}" if quotes else line
        quotes += line.count('"')
        if quotes % 2 == 0:
            yield first, text
            text = ""
    if text:
        yield first, text


def _cells(text: str, delimiter: str) -> list[str] | None:
    """The cells of a row, None if a quotation in it is still open or misplaced."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _row(text: str, line: int, header: list[str], delimiter: str) -> Record:
    try:
        cells = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error as error:
        return Record(line, None, f"line {line} is not a row of CSV ({error})")
    if len(cells) != len(header):
        return Record(line, None, f"line {line} has {len(cells)} cells, the header {len(header)}")
    return Record(line, dict(zip(header, cells, strict=True)))
