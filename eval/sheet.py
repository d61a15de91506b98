"""Reads a sheet of drafts as people send them: CSV, JSON or JSON lines, whose columns have many names."""

import codecs
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from plume.errors import InputError
from plume.export.cleaning import clean
from plume.export.columns import shown_label, slug_of, words_of
from plume.export.reader import read_records
from plume.export.source import Record
from plume.export.values import is_empty
from plume.french.vocabulary import rows

_SPELLINGS = {
    row["column"]: [words_of(spelling) for spelling in row["spellings"].split(" ")]
    for row in rows("drafts_columns", Path(__file__).parent)
}
_TELLING = {"id": {"id", "identifiant"}, "draft": {"draft", "brouillon"}}  # a word by which a column is known, if alone
_FORM = "give CSV, JSON or JSON lines with the columns id and draft"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what Excel calls "Unicode text"


@dataclass(frozen=True)
class Line:
    """One record: where it stands, and its id and text as they are written, or the `problem` why it holds none."""

    line: int
    id: str = ""
    text: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Sheet:
    """A file's records in its order, and the columns that they were read from."""

    lines: tuple[Line, ...]
    columns: dict[str, str]


def read_sheet(path: Path, known: Sequence[str], named: dict[str, str | None]) -> Sheet:
    """Read a file. `named` are the columns that the user names, `known` the ids that an object by id would have.

    Raises InputError if the file cannot be read, or has no column for one of them.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; name the drafts that were sent")
    with _in_utf8(path) as readable:
        try:
            records = [*_records(readable, set(known))]
        except InputError as error:
            detail = str(error).removeprefix(str(readable)).removeprefix(": not an export of experiences")
            detail = detail.split(";")[0].strip(":,() ")
            raise InputError(f"{path}: cannot be read as drafts ({detail}); {_FORM}") from None
    labels = dict.fromkeys(label for record in records for label in record.fields or ())
    if not labels:
        why = next((f" ({record.problem})" for record in records if record.problem), "")
        raise InputError(f"{path}: holds no draft{why}; {_FORM}")
    if {label.strip() for label in labels} & set(known):
        raise InputError(f"{path}: has no line of headers; put one first, such as: id;draft")
    columns = {name: _column(path, name, named.get(name), [*labels]) for name in _SPELLINGS}
    if len({*columns.values()}) < len(columns):
        raise InputError(f"{path}: id and draft are read from one column, {columns['id']!r}; name two")
    return Sheet(tuple(_line(record, columns) for record in records), columns)


@contextmanager
def _in_utf8(path: Path) -> Iterator[Path]:
    """Give the file itself, or a copy in UTF-8 that is gone afterwards."""
    with path.open("rb") as file:
        marked = file.read(2) in _UTF16
    if not marked:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="plume-") as folder:
        copy = Path(folder) / path.name
        copy.write_text(path.read_text(encoding="utf-16", errors="replace"), encoding="utf-8")
        yield copy


def _records(path: Path, known: set[str]) -> Iterator[Record]:
    """Give every record; one object that holds a list of them, or texts by id, is read as that."""
    records = [*read_records(path, least=2)]
    alone = records[0].fields if len(records) == 1 else None
    if alone:
        listed = [value for value in alone.values() if isinstance(value, list)]
        if len(listed) == 1 and listed[0] and all(isinstance(one, dict) for one in listed[0]):
            records = [Record(number, one) for number, one in enumerate(listed[0], 1)]
        elif 2 * len(known & {key.strip() for key in alone}) > len(alone):  # not a CSV without headers
            rows_of = ({"id": key, "draft": text} for key, text in alone.items())
            records = [Record(number, one) for number, one in enumerate(rows_of, 1)]
    yield from records


def _column(path: Path, name: str, wanted: str | None, labels: list[str]) -> str:
    """Find the column of a thing: as the user names it, by the first of its spellings, or by one word that tells."""
    by_words: dict[str, str] = {}
    for label in labels:
        by_words.setdefault(words_of(label), label)
    if wanted:
        if wanted in labels or words_of(wanted) in by_words:
            return wanted if wanted in labels else by_words[words_of(wanted)]
        raise InputError(f"{path}: has no column {wanted!r} (--{name}-column); it has: {_told(labels)}")
    for spelling in _SPELLINGS[name]:
        if spelling in by_words:
            return by_words[spelling]
    telling = [label for words, label in by_words.items() if _TELLING[name] & set(words.split("_"))]
    if len(telling) == 1:
        return telling[0]
    raise InputError(f"{path}: no column is known to hold the {name}; name it with --{name}-column: {_told(labels)}")


def _told(labels: list[str]) -> str:
    """Name columns; what is no everyday word may be a person's or a draft's, and is not shown."""
    ours = {spelling for spellings in _SPELLINGS.values() for spelling in spellings}
    shown = [label.strip() if words_of(label) in ours else shown_label(label, slug_of(label)) for label in labels]
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


def _line(record: Record, columns: dict[str, str]) -> Line:
    if record.fields is None:
        return Line(record.line, problem=(record.problem or "cannot be read").removeprefix(f"line {record.line} "))
    found = {name: _text(record.fields.get(label)) for name, label in columns.items()}
    if not found["id"]:
        return Line(record.line, problem="has no id")
    return Line(record.line, found["id"], found["draft"])


def _text(value: object) -> str:
    """Give a cell's text, its encoding mended as an export's is; "" for what holds nothing."""
    with suppress(LookupError, TypeError):
        value = value["body"]["choices"][0]["message"]["content"]  # type: ignore[index] - a row of OpenAI's batch files
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half an emoji cannot be written
    return "" if is_empty(text) else clean(text)
