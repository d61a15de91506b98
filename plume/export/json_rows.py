"""Records of the export's JSON: arrays one after the other, pages of the API, an object a line.

One record is held at a time. A record that is broken is told with the reason and costs itself alone; a file that is no
export, or that ends in the middle of a record, raises InputError. No message quotes the file: a citizen wrote it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plume.errors import InputError
from plume.export.source import AGAIN, LONGEST_RECORD, ExportText, Record
from plume.export.values import is_empty


def _fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object's fields; of a name that stands twice, the first value that says something, as in a CSV."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        fields |= {name: value for name, value in reversed(pairs) if _says_something(value)}
    return fields


def _says_something(value: object) -> bool:
    return value is not None and value == value and not (isinstance(value, str) and is_empty(value))


# `strict=False`: a bare line end inside a text is read as one.
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_fields)
_BETWEEN = re.compile(r"[\s,]*")
_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\\n]|\\.){1,80}")')

# The APIs' pages hold their records in an object: {"total_count": 2, "results": [...]}, or, of the State's tabular API,
# {"data": [...], "links": {...}, "meta": {"page": 1, "total": 2}}. The State's directory is one page of "service".
_SCALAR = r'(?:"(?:[^"\\]|\\.){0,2000}"|[-\w.+]{1,40})'
_FLAT = rf'(?:{_SCALAR}|\[[^\[\]]{{0,2000}}\]|\{{\s*(?:"\w+"\s*:\s*{_SCALAR}\s*,?\s*){{0,20}}\}})'
_LISTS = "results|records|experiences|data|service"
_PAGE = re.compile(rf'\{{\s*(?:"\w+"\s*:\s*{_FLAT}\s*,\s*){{0,20}}"(?:{_LISTS})"\s*:\s*\[')
_TOTAL = re.compile(r'"(?:total_count|nhits|total)"\s*:\s*(\d+)')
_PAGE_SIZE = 1 << 13  # characters that its beginning takes at most, about


@dataclass
class _Buffer:
    """Holds the part of a JSON text that is being parsed; grows as far as one record needs."""

    source: ExportText
    text: str = ""
    at: int = 0
    line: int = 1  # of `at`
    ended: bool = False

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

    def value(self) -> object:
        """Decode one value and move past it. Raises ValueError once no further reading can mend it."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError:
                # The text may just be cut where the chunk ends.
                if len(self.text) - self.at < LONGEST_RECORD and self.more():
                    continue
                raise
            except RecursionError:
                raise ValueError("brackets nested by the thousand") from None
            if end == len(self.text) and not isinstance(value, dict | list) and self.more():
                continue  # a number may go on
            self.move(end)
            return value

    def find(self, opening: re.Pattern[str]) -> bool:
        """Move to where the next record opens; whether there is one."""
        while True:
            if found := opening.search(self.text, self.at + 1):
                self.move(found.start())
                return True
            if len(self.text) - self.at >= LONGEST_RECORD or not self.more():
                return False

    def rest_of_a_page(self) -> str | None:
        """Move past what follows a page's records, and return it; None if the file ends before it does."""
        while True:
            rest = self.text[self.at + 1 :]
            opened = "{" + rest.lstrip().removeprefix(",")
            try:
                _, end = _DECODER.raw_decode(opened)
            except (ValueError, RecursionError):
                if len(rest) < _PAGE_SIZE * 8 and self.more():
                    continue
                return None
            length = end - len(opened) + len(rest)
            self.move(self.at + 1 + length)
            return rest[:length]


def read_json(source: ExportText) -> Iterator[Record]:
    """Yield values, from arrays, from pages or one by one. A broken one costs itself where the next can be found."""
    buffer = _Buffer(source)
    inside = page = False  # of an array; of a page's array
    count = total = 0  # records met, and as many as a page says that there are
    opening: re.Pattern[str] | None = None  # how a record opens in this file: a brace and the first field's name
    while buffer.skip():
        if len(buffer.text) - buffer.at < _PAGE_SIZE:
            buffer.more()
        char = buffer.text[buffer.at]
        if not inside and (begun := _PAGE.match(buffer.text, buffer.at)):
            inside = page = True
            total = max(total, _total(begun[0]))
            buffer.move(begun.end())
            continue
        if page and char == "]":
            if (rest := buffer.rest_of_a_page()) is None:
                break
            inside = page = False
            total = max(total, _total(rest))
            continue
        if char == ("]" if inside else "["):
            inside = not inside
            buffer.move(buffer.at + 1)
            continue
        line, count = buffer.line, count + 1
        try:
            value = buffer.value()
        except ValueError as error:
            problem = _Problem.of(error, buffer)
            # If the very first record is broken, its own first field tells how records open.
            own = None if opening else _FIRST_KEY.match(buffer.text, buffer.at)
            sought = opening or (re.compile(r"\{\s*" + re.escape(own[1]) + r"\s*:") if own else None)
            if not (sought and buffer.find(sought)):
                if opening is None or problem.is_cut or not buffer.text.rstrip().endswith("]" if inside else "}"):
                    raise problem.refusal(source.path) from None
                buffer.move(len(buffer.text))
                inside = False
            yield Record(line, None, f"line {problem.line} is not valid JSON ({problem.what})")
            continue
        if isinstance(value, dict):
            if page:
                value = _unwrapped(value)
            if opening is None and value:
                first = json.dumps(next(iter(value)), ensure_ascii=False)
                opening = re.compile(r"\{\s*" + re.escape(first) + r"\s*:")
            yield Record(line, value)
        else:
            yield Record(line, None, f"line {line}: a {type(value).__name__}, not an object of fields")
    if inside:
        raise InputError(f"{source.path}, line {buffer.line}: truncated; {AGAIN}, nothing was written")
    if total > count:
        raise InputError(
            f"{source.path}: a page of the API, {count} of {total} records; download the whole export (…/exports/json)"
        )


def _total(part: str) -> int:
    found = _TOTAL.search(part)
    return int(found[1]) if found else 0


def _unwrapped(value: dict[str, object]) -> dict[str, object]:
    """Give the fields of a record of a page, which the API's earlier versions put in `fields` or `record.fields`."""
    for key in ("record", "fields"):
        if isinstance(inner := value.get(key), dict):
            value = inner
    return value


@dataclass(frozen=True)
class _Problem:
    """Says why a value cannot be decoded, and where."""

    line: int
    what: str
    is_cut: bool  # the file ends there
    is_json: bool

    @classmethod
    def of(cls, error: ValueError, buffer: _Buffer) -> "_Problem":
        if not isinstance(error, json.JSONDecodeError):  # a number of thousands of digits, thousands of brackets
            return cls(buffer.line, str(error).split(";")[0], is_cut=False, is_json=False)
        is_cut = buffer.ended and (error.pos >= len(buffer.text.rstrip()) - 1 or "Unterminated" in error.msg)
        line = buffer.line + buffer.text.count("\n", buffer.at, error.pos)
        return cls(line, error.msg, is_cut=is_cut, is_json=True)

    def refusal(self, path: Path) -> InputError:
        if not self.is_json:
            return InputError(f"{path}: not an export of experiences ({self.what})")
        state = "truncated" if self.is_cut else "not valid JSON"
        return InputError(f"{path}, line {self.line}: {state} ({self.what}); {AGAIN}, nothing was written")
