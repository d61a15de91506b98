"""The bytes of an export become text, in chunks: unpacked if they are gzipped, decoded, without padding.

The files are UTF-8. A byte that is not is read as Windows-1252, in which Excel writes French, and counted.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from plume.errors import InputError

CHUNK = 1 << 20  # characters read at once
LONGEST_RECORD = 1 << 23  # characters: a "record" that goes on for longer is a damaged file
AGAIN = "download the export again"

# Padding, the end of a file of CP/M and DOS, a byte order mark where two files were joined: never a part of a text.
_NO_TEXT = ("\0", "\x1a", "\ufeff")
_STRAY = re.compile("[\udc80-\udcff]")  # how "surrogateescape" writes a byte that is not UTF-8
_WINDOWS_1252 = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
_CONVERT = "not UTF-8; convert it first: iconv -f {} -t UTF-8"
_FIRST_BYTES = {
    codecs.BOM_UTF16_LE: _CONVERT.format("UTF-16"),
    codecs.BOM_UTF16_BE: _CONVERT.format("UTF-16"),
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; unpack it, or save it as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "a ZIP archive or an Excel workbook; unpack it, or save it as CSV (UTF-8)",
}


@dataclass(frozen=True, slots=True)
class Record:
    """Holds one record: its fields by header as written, or the `problem` why it is none; `line` is from 1."""

    line: int
    fields: dict[str, object] | None
    problem: str | None = None


@dataclass
class Progress:
    """Says how far the reading is (0 to 1), and how many bytes of the file were not UTF-8."""

    share: float = 0.0
    not_utf8: int = 0


class ExportText:
    """The text of an export. `read` gives the next chunk, `peek` shows it first."""

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        self.path = path
        self._progress = progress or Progress()
        self._size = path.stat().st_size or 1
        self._raw = path.open("rb")
        zipped = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        self._bytes = gzip.GzipFile(fileobj=self._raw) if zipped else self._raw
        self._text = io.TextIOWrapper(self._bytes, encoding="utf-8-sig", errors="surrogateescape", newline=None)  # type: ignore[arg-type]
        self._kept = ""
        self.head = ""  # the first characters, whatever they are

    def close(self) -> None:
        self._text.close()
        self._raw.close()

    def peek(self) -> str:
        """Give the beginning, which `read` gives again."""
        self._kept = self._kept or self.read()
        return self._kept

    def read(self) -> str:
        """Give the next chunk, without what no text holds (_NO_TEXT); "" at the end."""
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


@contextmanager
def open_source(path: str | Path, progress: Progress | None = None) -> Iterator[ExportText]:
    """Open an export whose first chunk holds something to read.

    Raises InputError if there is none, here or while it is read: no file, another encoding, an archive, damaged gzip.
    """
    path = Path(path)
    try:
        _refuse_other_encodings(path)
        source = ExportText(path, progress)
        try:
            while (head := source.peek()) and not head.strip():  # a file may begin with blanks
                source.read()
            raw = source.head.strip("\0")
            if raw.startswith(("ÿþ", "þÿ")) or raw.count("\0") > len(raw) // 3:  # inside a gzip
                raise InputError(f"{path}: UTF-16, not UTF-8; unpack it, then convert it: iconv -f UTF-16 -t UTF-8")
            if not head:
                raise InputError(f"{path}: empty; {AGAIN}")
            yield source
        finally:
            source.close()
    except FileNotFoundError:
        raise InputError(f"{path}: no such export; give the platform's export (JSON or CSV)") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: truncated or damaged gzip ({error}); {AGAIN}, nothing was written") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _refuse_other_encodings(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(400)
    for first, encoding in ((1, "UTF-16LE"), (0, "UTF-16BE")):  # without a mark, every other byte is none
        if len(head) > 7 and head[first::2].count(0) > len(head) // 4 and not head[1 - first :: 2].count(0):
            raise InputError(f"{path}: {encoding}, {_CONVERT.format(encoding)}")
    for mark, what in _FIRST_BYTES.items():
        if head.startswith(mark):
            raise InputError(f"{path}: {what}")
