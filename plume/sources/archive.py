"""Opens what is imported (a zip, a folder, a file) as members, each read whole in memory, one at a time.

Nothing is unpacked to disk, so no name in an archive can lead out of a folder. What expands beyond reason is refused.
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from plume.errors import InputError
from plume.files import file_sha256

LARGEST = 16 << 20  # bytes of a member; published sheets have up to 0.4 MB, indexes up to a few
_MOST = 200_000  # members
_EXPANDED = 4 << 30  # bytes of an archive, unpacked; the published ones have 0.15 GB


class UnreadableMember(Exception):  # noqa: N818 - a value that becomes a reason
    """A member cannot be read; `reason` is counted."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Member:
    """A file of what is imported. With the same stamp as before, it holds what it held; `alone`, no folder holds it."""

    name: str
    stamp: Callable[[], str]
    read: Callable[[], bytes]
    alone: bool = False


@contextmanager
def members(path: Path) -> Iterator[list[Member]]:
    """Give the members of a zip or folder, or a file as the only one, sorted by name. Raises InputError."""
    if path.is_dir():
        yield _of_folder(path)
    elif not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    elif zipfile.is_zipfile(path):
        with _opened(path) as archive:
            yield _of_zip(path, archive)
    elif path.suffix.lower() == ".zip":
        raise InputError(f"{path}: is no zip archive, or was cut off; download it again")
    else:
        yield [replace(_file(path.resolve(), path.name), alone=True)]


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path}: is a damaged zip archive ({error}); download it again") from None


def _of_zip(path: Path, archive: zipfile.ZipFile) -> list[Member]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > _MOST or sum(entry.file_size for entry in entries) > _EXPANDED:
        raise InputError(
            f"{path}: holds {len(entries)} files of {sum(e.file_size for e in entries) >> 20} MB; no archive of sheets "
            f"has more than {_MOST} of {_EXPANDED >> 20} MB; give the archive as it is published"
        )

    def member(entry: zipfile.ZipInfo) -> Member:
        return Member(
            entry.filename, lambda: f"crc32 {entry.CRC:08x} {entry.file_size}", lambda: _from_zip(archive, entry)
        )

    return [member(entry) for entry in sorted(entries, key=lambda entry: entry.filename)]


def _from_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if PurePosixPath(entry.filename).is_absolute() or ".." in entry.filename.replace("\\", "/").split("/"):
        raise UnreadableMember("unsafe_name", "its name leads out of the archive")
    try:
        with archive.open(entry) as file:
            data = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise UnreadableMember("damaged", f"cannot be unpacked ({type(error).__name__})") from None
    return _bounded(data)


def _of_folder(folder: Path) -> list[Member]:
    found = []
    for at, below, names in os.walk(folder, followlinks=False):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [Path(at) / name for name in sorted(names) if not name.startswith(".")]
    return [_file(path, path.relative_to(folder).as_posix()) for path in found]


def _file(path: Path, name: str) -> Member:
    def read() -> bytes:
        if path.is_symlink():
            raise UnreadableMember("unsafe_name", "is a link")
        try:
            with path.open("rb") as file:
                return _bounded(file.read(LARGEST + 1))
        except OSError as error:
            raise UnreadableMember("damaged", f"cannot be read ({error.strerror})") from None

    def stamp() -> str:
        try:
            return file_sha256(path)[:32] if path.is_file() else ""
        except OSError:
            return ""

    return Member(name, stamp, read)


def _bounded(data: bytes) -> bytes:
    if len(data) > LARGEST:
        raise UnreadableMember("too_large", f"has more than {LARGEST >> 20} MB")
    return data
