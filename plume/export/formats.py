"""The shapes in which an export arrives: JSON, arrays one after the other, an object a line, CSV; each also gzipped.

The shape is told by the content, not by the name. Reading is streaming: one record is held at a time. What cannot be
read as a record is yielded with the reason, so that it can be counted; only a file that is no export at all, or that
ends in the middle of a record, raises InputError. No message quotes the file: it may hold what someone wrote.

The files are UTF-8. A byte that is not is read as Windows-1252, in which Excel writes French, and counted.
"""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from plume.errors import InputError
from plume.export.values import is_empty

CHUNK = 1 << 20  # characters read at once
RECORD = 1 << 23  # characters: a "record" that goes on for longer is a damaged file
AGAIN = "download the export again"


@dataclass(frozen=True)
class Record:
    """One record of a file: its fields by header as written, or `problem` why it is none. `line` counts from 1."""

    line: int
    fields: dict[str, object] | None
    problem: str | None = None


@dataclass
class Progress:
    """How far the reading is (0 to 1), and how many bytes of the file were not UTF-8."""

    share: float = 0.0
    not_utf8: int = 0


class Source:
    """The text of an export, unpacked and decoded, in chunks."""

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        self._progress = progress or Progress()
        self._size = path.stat().st_size or 1
        self._raw = path.open("rb")
        zipped = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        self._bytes = gzip.GzipFile(fileobj=self._raw) if zipped else self._raw
        self._text = io.TextIOWrapper(self._bytes, encoding="utf-8-sig", errors="surrogateescape", newline=None)  # type: ignore[arg-type]
        self._kept = ""
        self.head = ""  # the first characters, whatever they are

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()
        self._raw.close()

    def peek(self) -> str:
        """The beginning, which `read` gives again."""
        self._kept = self._kept or self.read()
        return self._kept

    def read(self) -> str:
        """The next chunk, without what no text holds (_NO_TEXT); "" at the end."""
        if self._kept:
            text, self._kept = self._kept, ""
            return text
        while text := self._text.read(CHUNK):
            self.head = self.head or text[:400]
            for character in _NO_TEXT:
                if character in text:
                    text = text.replace(character, "")
            if text:
                break
        self._progress.share = min(1.0, self._raw.tell() / self._size)
        if _STRAY.search(text):
            self._progress.not_utf8 += len(_STRAY.findall(text))
            text = text.translate(_WINDOWS_1252)
        return text


# Padding, the end of a file of CP/M and DOS, a byte order mark where two files were joined: never a part of a text.
_NO_TEXT = ("\0", "\x1a", "\ufeff")
_STRAY = re.compile("[\udc80-\udcff]")  # how "surrogateescape" writes a byte that is not UTF-8
_WINDOWS_1252 = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}


def read_records(path: str | Path, progress: Progress | None = None) -> Iterator[Record]:
    """Every record of an export, in file order. Raises InputError."""
    from plume.export.csv_rows import read_csv

    path = Path(path)
    try:
        _refuse_encodings(path)
        with Source(path, progress) as source:
            head = source.peek()
            raw = source.head.strip("\0")
            if raw.startswith(("ÿþ", "þÿ")) or raw.count("\0") > len(raw) // 3:  # inside a gzip
                raise InputError(f"{path}: UTF-16, not UTF-8; unpack it, then convert it: iconv -f UTF-16 -t UTF-8")
            while head and not head.strip():  # a file may begin with blanks; one of blanks alone is empty
                source.read()
                head = source.peek()
            if not head:
                raise InputError(f"{path}: empty; {AGAIN}")
            yield from _read_json(source, path) if head.lstrip()[0] in "[{" else read_csv(source, path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such export; give the platform's export (JSON or CSV)") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: truncated or damaged gzip ({error}); {AGAIN}, nothing was written") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


_OTHERS = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    b"PK\x03\x04": None,
    b"\xd0\xcf\x11\xe0": None,
}


def _refuse_encodings(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(400)
    for first, encoding in ((1, "UTF-16LE"), (0, "UTF-16BE")):  # without a mark, every other byte is none
        if len(head) > 7 and head[first::2].count(0) > len(head) // 4 and not head[1 - first :: 2].count(0):
            raise InputError(f"{path}: {encoding}, not UTF-8; convert it first: iconv -f {encoding} -t UTF-8")
    for mark, encoding in _OTHERS.items():
        if head.startswith(mark):
            raise InputError(
                f"{path}: not UTF-8; convert it first: iconv -f {encoding} -t UTF-8"
                if encoding
                else f"{path}: a ZIP archive or an Excel workbook; unpack it, or save it as CSV (UTF-8)"
            )


# --- JSON ------------------------------------------------------------------------------------------------------------


def _says_something(value: object) -> bool:
    return value is not None and value == value and not (isinstance(value, str) and is_empty(value))


def _fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object's fields; of a name that stands twice, the first value that says something, as in a CSV."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        fields |= {name: value for name, value in reversed(pairs) if _says_something(value)}
    return fields


# A bare line end inside a text is read as one.
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_fields)
_BETWEEN = re.compile(r"[\s,]*")
_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\\n]|\\.){1,80}")')


@dataclass
class _Buffer:
    """The part of a JSON text that is being parsed; grows as far as one record needs."""

    source: Source
    text: str = ""
    at: int = 0
    line: int = 1  # of `at`
    ended: bool = field(default=False)

    def move(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def more(self) -> bool:
        chunk = self.source.read()
        self.ended = not chunk
        if chunk:
            self.text, self.at = self.text[self.at :] + chunk, 0
        return bool(chunk)

    def skip(self) -> bool:
        """Move past what stands between values; whether anything is left."""
        while True:
            self.move(_BETWEEN.match(self.text, self.at).end())  # type: ignore[union-attr]
            if self.at < len(self.text):
                return True
            if not self.more():
                return False

    def line_at(self, position: int) -> int:
        return self.line + self.text.count("\n", self.at, position)


# The APIs' pages hold their records in an object: {"total_count": 2, "results": [...]}, or, of the State's tabular API,
# {"data": [...], "links": {...}, "meta": {"page": 1, "total": 2}}.
_SCALAR = r'(?:"(?:[^"\\]|\\.){0,2000}"|[-\w.+]{1,40})'
_FLAT = rf'(?:{_SCALAR}|\[[^\[\]]{{0,2000}}\]|\{{\s*(?:"\w+"\s*:\s*{_SCALAR}\s*,?\s*){{0,20}}\}})'
_PAGE = re.compile(rf'\{{\s*(?:"\w+"\s*:\s*{_FLAT}\s*,\s*){{0,20}}"(?:results|records|experiences|data)"\s*:\s*\[')
_TOTAL = re.compile(r'"(?:total_count|nhits|total)"\s*:\s*(\d+)')
_PAGE_SIZE = 1 << 13  # characters that its beginning takes at most, about


def _read_json(source: Source, path: Path) -> Iterator[Record]:
    """Values, in arrays, pages or one by one. One that is broken costs itself alone where the next can be found."""
    buffer = _Buffer(source)
    inside = page = False  # of an array; of a page's array
    count = total = 0  # records met, and as many as a page says that there are
    starts: re.Pattern[str] | None = None  # what opens a record in this file: a brace and the first field's name
    while buffer.skip():
        if len(buffer.text) - buffer.at < _PAGE_SIZE:
            buffer.more()
        char = buffer.text[buffer.at]
        if not inside and (opening := _PAGE.match(buffer.text, buffer.at)):
            inside = page = True
            total = max(total, _total(opening[0]))
            buffer.move(opening.end())
            continue
        if page and char == "]":
            if (end := _page_end(buffer)) is None:
                break
            inside = page = False
            total = max(total, _total(end))
            continue
        if char == ("]" if inside else "["):
            inside = not inside
            buffer.move(buffer.at + 1)
            continue
        line, count = buffer.line, count + 1
        try:
            value = _value(buffer)
        except ValueError as error:
            problem = _problem(buffer, error, path)
            if not _find(buffer, starts):
                if starts is None or not buffer.text.rstrip().endswith("]" if inside else "}") or problem.cut:
                    raise problem.refusal() from None
                buffer.move(len(buffer.text))
                inside = False
            yield Record(line, None, f"line {problem.line} is not valid JSON ({problem.what})")
            continue
        if isinstance(value, dict):
            if page:
                value = _unwrapped(value)
            if starts is None and (opening := next(iter(value), None)) is not None:
                starts = re.compile(r"\{\s*" + re.escape(json.dumps(opening, ensure_ascii=False)) + r"\s*:")
            yield Record(line, value)
        else:
            yield Record(line, None, f"line {line}: a {type(value).__name__}, not an object of fields")
    if inside:
        raise InputError(f"{path}, line {buffer.line}: truncated; {AGAIN}, nothing was written")
    if total > count:
        raise InputError(
            f"{path}: a page of the API, {count} of {total} records; download the whole export (…/exports/json)"
        )


def _page_end(buffer: _Buffer) -> str | None:
    """Move past what follows a page's records, whatever it is, and return it; None if the file ends before it does."""
    while True:
        rest = buffer.text[buffer.at + 1 :]
        begun = rest.lstrip()
        opened = "{" + begun.removeprefix(",")
        try:
            _, end = _DECODER.raw_decode(opened)
        except (ValueError, RecursionError):
            if len(rest) < _PAGE_SIZE * 8 and buffer.more():
                continue
            return None
        length = end - len(opened) + len(rest)
        buffer.move(buffer.at + 1 + length)
        return rest[:length]


def _total(part: str) -> int:
    found = _TOTAL.search(part)
    return int(found[1]) if found else 0


def _unwrapped(value: dict[str, object]) -> dict[str, object]:
    """The fields of a record of a page, which the API's earlier versions put in `fields` or `record.fields`."""
    for key in ("record", "fields"):
        if isinstance(inner := value.get(key), dict):
            value = inner
    return value


def _value(buffer: _Buffer) -> object:
    """Decode one value and move past it. Raises ValueError once no further reading can mend it."""
    while True:
        try:
            value, end = _DECODER.raw_decode(buffer.text, buffer.at)
        except json.JSONDecodeError:
            # The text may just be cut where the chunk ends.
            if len(buffer.text) - buffer.at < RECORD and buffer.more():
                continue
            raise
        except RecursionError:
            raise ValueError("brackets nested by the thousand") from None
        if end == len(buffer.text) and not isinstance(value, dict | list) and buffer.more():
            continue  # a number may go on
        buffer.move(end)
        return value


@dataclass(frozen=True)
class _Problem:
    path: Path
    line: int
    what: str
    cut: bool  # the file ends there
    is_json: bool = True

    def refusal(self) -> InputError:
        if not self.is_json:
            return InputError(f"{self.path}: not an export of experiences ({self.what})")
        state = "truncated" if self.cut else "not valid JSON"
        return InputError(f"{self.path}, line {self.line}: {state} ({self.what}); {AGAIN}, nothing was written")


def _problem(buffer: _Buffer, error: ValueError, path: Path) -> _Problem:
    if not isinstance(error, json.JSONDecodeError):  # a number of thousands of digits, thousands of brackets
        return _Problem(path, buffer.line, str(error).split(";")[0], cut=False, is_json=False)
    cut = error.pos >= len(buffer.text.rstrip()) - 1 or "Unterminated" in error.msg
    return _Problem(path, buffer.line_at(error.pos), error.msg, cut=cut and buffer.ended)


def _find(buffer: _Buffer, starts: re.Pattern[str] | None) -> bool:
    """Move to where the next record opens; whether there is one."""
    if starts is None:  # the very first record is broken: its own first field tells
        if not (own := _FIRST_KEY.match(buffer.text, buffer.at)):
            return False
        starts = re.compile(r"\{\s*" + re.escape(own[1]) + r"\s*:")
    while True:
        if found := starts.search(buffer.text, buffer.at + 1):
            buffer.move(found.start())
            return True
        if len(buffer.text) - buffer.at >= RECORD or not buffer.more():
            return False
