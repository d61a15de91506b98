"""Rows of the export's CSV, mended where stray line ends and quotation marks broke them.

The platform writes `;` between cells, quotes texts, and does not quote them always: a text's own line ends then cut its
row in pieces. Pieces are glued until a row has the header's cells, whatever the order of the columns; a row that never
fits is told, and costs no other.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from plume.errors import InputError
from plume.export.columns import slug_of
from plume.export.source import AGAIN, LONGEST_RECORD, ExportText, Record

csv.field_size_limit(LONGEST_RECORD)

_TOLD = re.compile(r' *"?sep ?= ?(.)"?\1* *', re.IGNORECASE)
_OPEN = re.compile(r'(?:^|[;,\t|])"(?:[^"]|"")*\Z')  # a quoted cell that goes on
_HEADER = 1 << 16  # characters of a header, at most
_LINES = 20_000  # a row of more lines is a quotation that was never closed
_DATE = r'"?(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})'
_TEXT = re.compile(r"titre|description|reponse_structure_\d|motif_de_rejet")  # columns that people write in
_GLUE = "\u2028"  # the csv module takes no bare line end outside quotation marks; cleaning reads this one as such


def read_csv(source: ExportText, least: int = 3) -> Iterator[Record]:
    """Yield rows of `least` columns or more.

    Raises InputError if the first line is no header, or if the file ends in the middle of a row.
    """
    path, lines = source.path, _Lines(source)
    text = next((line for _, line in lines if line.strip()), "")
    told = _TOLD.fullmatch(text.strip("\r\n"))  # "sep=;", with which Excel is told what separates
    if told:
        text = next((line for _, line in lines if line.strip()), "")
    text += lines.rest_of_a_name(text)
    delimiter = told[1] if told else max(";,\t|", key=text.count)
    header = [" ".join(name.split()) for name in next(csv.reader(io.StringIO(text), delimiter=delimiter), [])]
    if len(header) < least:
        raise InputError(
            f"{path}: not an export of experiences (no JSON; {len(header)} of a header's columns in its first "
            "line); give the platform's JSON or CSV"
        )
    table = _Table(header, delimiter)
    done = row = ""  # a whole row, which stray lines of its last cell may follow; one that is short of cells
    done_at = first = 0
    for number, text in _assemble(lines, table.surely_begins, lambda text: _count(text, delimiter) == len(header)):
        if done:
            if (
                lines.closed
                and len(done) < LONGEST_RECORD
                and table.may_end_a_row(text)
                and table.is_row(done + _GLUE + text)
            ):
                done += _GLUE + text
                continue
            yield _record(done, done_at, header, delimiter)
            done = ""
        # What does not begin like a row goes on with the one before, if that is short of cells.
        if row and number - first < _LINES and len(row) < LONGEST_RECORD and table.goes_on(row, text):
            row += _GLUE + text
        elif row:
            yield _record(row, first, header, delimiter)
            row, first = text, number
        else:
            row, first = text, number
        if _count(row, delimiter) >= len(header):
            done, done_at, row = row, first, ""
    if done:
        yield _record(done, done_at, header, delimiter)
    if row:
        record = _record(row, first, header, delimiter)
        if record.fields is None and not lines.closed:
            raise InputError(f"{path}, line {first}: truncated; {AGAIN}, nothing was written")
        yield record


class _Table:
    """How a row of this file looks, so that a line can be told to begin one, to go on with one, or to be one."""

    def __init__(self, header: list[str], delimiter: str) -> None:
        slugs = [slug_of(name.strip('"')) for name in header]
        self._delimiter, self._width = delimiter, len(header)
        self._id, self._date = (slugs.index(name) if name in slugs else None for name in ("id_experience", "ecrit_le"))
        cell = re.escape(delimiter)
        self._begins = re.compile(rf'"?\d+"?{cell}') if self._id == 0 else None
        self._surely = re.compile(rf'"?\d+"?{cell}{_DATE}') if (self._id, self._date) == (0, 1) else None
        self._starts_in_text, self._ends_in_text = (bool(_TEXT.fullmatch(slugs[i])) for i in (0, -1))

    def is_row(self, text: str) -> bool:
        """Say whether it has a row's cells, with an id and a date in their places."""
        try:
            cells = next(csv.reader([text], delimiter=self._delimiter), [])
        except csv.Error:
            return False
        return (
            len(cells) == self._width
            and (self._id is None or cells[self._id].strip().isdigit())
            and (self._date is None or bool(re.match(_DATE, cells[self._date].strip() or "0000-00-00")))
        )

    def surely_begins(self, line: str) -> bool:
        return bool(self._surely.match(line)) if self._surely else self._id is not None and self.is_row(line)

    def goes_on(self, row: str, text: str) -> bool:
        """Say whether a text goes on with a row that is short of cells."""
        if self._begins:
            return not self._begins.match(text)
        if self._id is None:
            return False
        if self.is_row(text):  # it misses at most the beginning of its first cell
            return self._starts_in_text and self.is_row(row + _GLUE + text)
        return _count(row + _GLUE + text, self._delimiter) <= self._width

    def may_end_a_row(self, text: str) -> bool:
        """Say whether a text may be stray lines of the last cell; where rows may begin with text, of that, too."""
        return self._ends_in_text and self._delimiter not in text and not (self._begins and self._begins.match(text))


class _Lines:
    """Numbered lines without their ends. `closed`: whether the last one had an end."""

    def __init__(self, source: ExportText) -> None:
        self._source = source
        self.closed = True
        self._all: Iterator[tuple[int, str]] = enumerate(self._read(), 1)

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self._all

    def rest_of_a_name(self, text: str) -> str:
        """Take what follows where a quoted name of the header holds a line end; nothing where none is left open."""
        taken: list[tuple[int, str]] = []
        while _OPEN.search("\n".join([text, *(line for _, line in taken)])):
            if sum(len(line) for _, line in taken) > _HEADER or (more := next(self._all, None)) is None:
                self._all = chain(taken, self._all)  # a stray quotation mark: these lines are rows
                return ""
            taken.append(more)
        return "".join(f"\n{line}" for _, line in taken)

    def _read(self) -> Iterator[str]:
        rest = ""
        while chunk := self._source.read():
            *whole, rest = (rest + chunk).split("\n")
            yield from whole
            if len(rest) > LONGEST_RECORD:
                raise InputError(
                    f"{self._source.path}: not an export of experiences (a line of over {LONGEST_RECORD >> 20} million "
                    "characters); give the platform's JSON or CSV"
                )
        if rest:
            self.closed = False
            yield rest


def _assemble(
    lines: Iterable[tuple[int, str]], surely: Callable[[str], bool], fits: Callable[[str], bool]
) -> Iterator[tuple[int, str]]:
    """Join lines while a quotation is open: (number of the first line, text). Blank lines between rows are skipped.

    A line inside that surely begins a row may be a citizen's own, if all that was joined `fits`; else it ends a
    quotation that was never closed, and reading goes on from there, so that one bad row costs no other.
    """
    source, again = iter(lines), deque[tuple[int, str]]()
    pieces: list[tuple[int, str]] = []
    quotes = size = 0
    while True:
        numbered = again.popleft() if again else next(source, None)
        if numbered is not None:
            if not pieces and not numbered[1].strip():
                continue
            pieces.append(numbered)
            quotes += numbered[1].count('"')
            size += len(numbered[1])
            if quotes % 2 and len(pieces) < _LINES and size < LONGEST_RECORD:
                continue
        if pieces:
            text = "\n".join(line for _, line in pieces)
            inside = next((i for i, (_, line) in enumerate(pieces) if i and surely(line)), None)
            if inside is not None and not fits(text):
                again.extendleft(reversed(pieces[inside:]))
                text = "\n".join(line for _, line in pieces[:inside])
            yield pieces[0][0], text
            pieces, quotes, size = [], 0, 0
        elif numbered is None:
            return


def _count(row: str, delimiter: str) -> int:
    """Count the cells of a row, 0 if a quotation in it is still open or misplaced."""
    try:
        return len(next(csv.reader([row], delimiter=delimiter, strict=True), []))
    except csv.Error:
        return 0


def _record(row: str, line: int, header: list[str], delimiter: str) -> Record:
    try:
        cells = next(csv.reader([row], delimiter=delimiter), [])
    except csv.Error as error:
        return Record(line, None, f"line {line} is not a row of CSV ({error})")
    while len(cells) > len(header) and not cells[-1].strip():
        cells.pop()
    if len(cells) != len(header):
        return Record(line, None, f"line {line} has {len(cells)} cells, the header {len(header)}")
    fields: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=True):
        if cell or name not in fields:  # a label that stands twice: the first cell that holds something
            fields[name] = fields.get(name) or cell
    return Record(line, fields)
