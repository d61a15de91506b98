"""Reading an export: every record becomes an experience, or is told as unreadable, in file order.

The shape (JSON or CSV) is told by the content, not by the name. Reading is streaming: one record is held at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plume.errors import InputError
from plume.export.columns import REQUIRED, Columns, ExportRow
from plume.export.csv_rows import read_csv
from plume.export.experience import Experience
from plume.export.json_rows import read_json
from plume.export.source import Progress, Record, open_source


@dataclass(frozen=True)
class Unreadable:
    """Holds a record that is no experience: where it stands, and why."""

    line: int
    reason: str
    detail: str


def read_experiences(
    path: str | Path, columns: Columns | None = None, progress: Progress | None = None
) -> Iterator[Experience | Unreadable]:
    """Read every record of an export; `columns` and `progress` are filled on the way.

    Raises InputError if the file is missing, unreadable, empty or truncated, or if no record has the required fields.
    """
    columns = columns or Columns()
    for row in read_rows(path, columns, progress):
        if isinstance(row, Unreadable):
            yield row
            continue
        experience = Experience.of(row)
        if experience.misread:
            columns.misread.update(experience.misread)
        yield experience


def read_rows(
    path: str | Path, columns: Columns | None = None, progress: Progress | None = None
) -> Iterator[ExportRow | Unreadable]:
    """Give the cells of every record, before their values are read; raises InputError as `read_experiences`."""
    columns = columns or Columns()
    count = 0
    missing: list[str] | None = None  # in every record so far
    met: set[str] = set()  # columns, while none of the records is an experience
    for record in read_records(path, progress):
        count += 1
        if record.fields is None:
            yield Unreadable(record.line, "unreadable_record", record.problem or "")
            continue
        row = columns.row(record.fields)
        lacking = [name for name in REQUIRED if name not in row]
        if missing is None or missing:
            missing = lacking if missing is None else [name for name in missing if name in lacking]
            met.update(columns.known(record.fields))
        if lacking:
            columns.misread.update(Experience.of(row).misread)  # what it does hold is looked at all the same
            yield Unreadable(record.line, "missing_field", f"line {record.line} has no field {', '.join(lacking)}")
        else:
            yield row
    if not count:
        raise InputError(f"{path}: holds no experience; download the export again")
    if missing is None:
        raise InputError(f"{path}: none of its {count} records is an object of fields; give the platform's export")
    if missing:
        known = ", ".join(sorted(met)[:3]) + (" …" if len(met) > 3 else "") or "none"
        raise InputError(
            f"{path}: no record has the field {', '.join(missing)} ({count} records seen; of an experience's columns "
            f"they have {known}); give the export of experiences, unmodified"
        )


def read_records(path: str | Path, progress: Progress | None = None, *, least: int = 3) -> Iterator[Record]:
    """Give every record of a file as it is written, a CSV's of `least` columns or more. Raises InputError."""
    with open_source(path, progress) as source:
        yield from read_json(source) if source.peek().lstrip()[0] in "[{" else read_csv(source, least)
