"""Writes files in one step, locks, appends, reads after a kill, digests, and says who may read them.

Only the owner can read what plume writes, and the group that $PLUME_GROUP names, if it names one.
"""

import errno
import fcntl
import glob
import grp
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from plume.errors import InputError
from plume.paths import CODE, ROOT

_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)  # what a disk without locks answers
_SOURCES = (".py", ".tsv", ".txt", ".toml", ".json")  # code and lists
GROUP = "PLUME_GROUP"  # variable: name or number of the group that may read, beside the owner


@contextmanager
def telling(path: Path, mend: str) -> Iterator[None]:
    """Turn what the disk refuses (full, read-only, no permission) into one line. Raises InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); {mend}") from None


# --- who may read


def keep_private() -> None:
    """Let other users read nothing that this process makes, also what libraries such as MLflow make."""
    os.umask(0o027 if os.environ.get(GROUP) else 0o077)


def group() -> int | None:
    """Find the number of the group that $PLUME_GROUP names; None without one. Raises InputError if it is unknown."""
    name = os.environ.get(GROUP, "").strip()
    if not name or name.isdecimal():  # a container may have no name for a number
        return int(name) if name else None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise InputError(f"{GROUP}={name}: no such group on this machine; name another one, or unset it") from None


def share(path: Path) -> None:
    """Let owner and group read a file, or a folder with all that it holds. Raises InputError, OSError."""
    number = group()
    for each in (path, *path.rglob("*")) if path.is_dir() else (path,):
        if not each.is_symlink():
            _share(each, number, folder=each.is_dir())


def _share(path: Path | int, number: int | None, *, folder: bool = False) -> None:
    """Set group and mode of one file; a folder hands its group on to what is made in it (2000)."""
    try:
        if number is not None:
            os.chown(path, -1, number)
    except PermissionError:
        raise InputError(
            f"{GROUP}={os.environ[GROUP]}: this user is not in that group; add the user to it, or name another one"
        ) from None
    owner, shared = (0o700, 0o2750) if folder else (0o600, 0o640)
    with suppress(PermissionError):  # a disk without modes
        os.chmod(path, owner if number is None else shared)  # noqa: PTH101 - it may be a descriptor


def make_folder(folder: Path) -> Path:
    """Make a folder, and those above it that are missing, for owner and group. Raises InputError, OSError."""
    for each in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        each.mkdir(exist_ok=True)
        _share(each, group(), folder=True)
    folder.mkdir(exist_ok=True)  # raises where a file stands
    return folder


# --- replaced in one step


@contextmanager
def replacing(path: Path, *, keep: Path | None = None, private: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write; once it is whole and on disk, it takes the place of `path` in one step.

    If anything fails, `path` is as it was. A second writer waits for the first. `keep` becomes the name of the file
    that is replaced; `private` keeps the group out.
    """
    path = path.resolve()  # a link stays, and what it leads to is replaced
    partial = path.with_name(f".{path.name}.partial")
    with _alone(partial) as file:
        try:
            _share(file.fileno(), None if private else group())
            yield file
            file.flush()
            os.fsync(file.fileno())
            if keep and path.is_file():
                path.replace(keep)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _alone(partial: Path) -> BinaryIO:
    """Open a file that no other process writes, empty: what a killed process left of it is written over."""
    while True:
        file = os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), partial.stat()):
                file.truncate(0)
                return file
        file.close()  # the writer that was waited for has renamed it


def write(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Replace a file in one step. See `replacing`."""
    with replacing(path, private=private) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def folder_aside(target: Path, *, first_wins: bool = True) -> Iterator[Path]:
    """Give an empty folder to fill; it becomes `target`, in one step, when the block ends.

    If another process was faster, its folder stays if `first_wins`. Raises OSError.
    """
    make_folder(target.parent)
    only_made = lambda left: {path.name for path in left.iterdir()} <= {"made"}  # noqa: E731
    with scratch(target.parent, f".{target.name}-", only_made) as parent:
        made = parent / "made"
        made.mkdir()
        yield made
        share(made)
        try:
            made.rename(target)
        except OSError:
            if not (first_wins and target.is_dir()):
                raise


@contextmanager
def scratch(inside: Path, prefix: str, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """Give an empty folder to work in, removed at the end; remove those that killed processes left. Raises OSError.

    Its process holds a lock on it, which the kernel lets go of however that ends. `is_ours` looks at a folder that
    nobody holds, and whose name is such a one.
    """
    remove_abandoned(inside, prefix, is_ours)
    folder, lock = _held_folder(inside, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _held_folder(inside: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=inside))
        with suppress(FileNotFoundError):  # another process took it for abandoned, before it was held
            lock = os.open(folder, os.O_RDONLY)
            with suppress(OSError):  # a disk without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.is_dir():
                return folder, lock
            os.close(lock)


def remove_abandoned(inside: Path, prefix: str, is_ours: Callable[[Path], bool]) -> None:
    """Remove the folders of `scratch` that no process holds. What cannot be removed stays."""
    for left in inside.glob(f"{glob.escape(prefix)}{'[a-z0-9_]' * 8}"):
        with suppress(OSError):
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if is_ours(left):
                    shutil.rmtree(left)
            finally:
                os.close(lock)


def set_aside(path: Path) -> Path:
    """Rename a damaged file, for whoever can still read it, so that it can be begun anew."""
    return path.replace(path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}"))


# --- held by one process


@contextmanager
def locked(path: Path, refusal: str = "", *, wait: float | None = None) -> Iterator[int]:
    """Hold a file, made if it is missing, or a folder; gives the descriptor that holds it.

    The kernel lets go of it however the process ends. Another holder is waited for, `wait` seconds if that is given.
    Raises InputError with the line `refusal`.
    """
    how = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT  # over NFS only what is open for writing is locked
    descriptor = os.open(path, how, 0o640)
    try:
        until = None if wait is None else time.monotonic() + wait
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if until is None else fcntl.LOCK_NB))
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise InputError(refusal) from None
                time.sleep(min(0.2, wait))
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                raise InputError(f"{path}: its disk has no locks ({error.strerror}); name a place on another") from None
        yield descriptor
    finally:
        os.close(descriptor)


# --- line by line


def json_line(row: Any) -> bytes:
    """Write a line of JSON in UTF-8; half of a character, which UTF-8 cannot hold, becomes its escape."""
    try:
        return f"{json.dumps(row, ensure_ascii=False)}\n".encode()
    except UnicodeEncodeError:
        return f"{json.dumps(row)}\n".encode()


def to_jsonl(rows: Iterable[Any]) -> bytes:
    """Write rows as the content of a JSON-lines file."""
    return b"".join(json_line(row) for row in rows)


def append(path: Path, row: Any, *, on_disk: bool = False, private: bool = False) -> None:
    """Add a row to a JSON-lines file, whole or not at all; `on_disk` waits until the disk has it. Raises OSError.

    `private` keeps the group out.
    """
    line = json_line(row)
    with path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        if not before and stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # a device keeps its mode
            _share(file.fileno(), None if private else group())
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if on_disk:
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(before)
            raise


def whole_lines(path: Path) -> tuple[list[bytes], bytes]:
    """Read the lines of a file, and apart from them what follows the last end of a line: what a kill cut off, in bytes.

    Only `\\n` ends a line: `splitlines()` would also cut at U+2028 and U+0085, which a draft may hold.
    """
    *lines, torn = path.read_bytes().split(b"\n")
    return lines, torn


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is no such file, or where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def read_jsonl(path: str | Path, *, needs: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Read the rows of a JSON-lines file. Raises InputError that names the line, and the keys that it needs."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:  # also numbers of 5,000 digits, and brackets 5,000 deep
            why = getattr(error, "msg", "a number or a nesting beyond what can be read")
            raise InputError(f"{path}, line {number}: not JSON ({why}); one object a line is expected") from None
        if not isinstance(row, dict) or any(key not in row for key in needs):
            raise InputError(f"{path}, line {number}: an object with the keys {', '.join(needs)} is expected")
        rows.append(row)
    return rows


# --- digests


def json_sha256(value: Any) -> str:
    """Hash what is described as JSON, whatever the order of its keys."""
    return sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode())


def sha256(data: bytes) -> str:
    """Hash bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: str | Path) -> str:
    """Hash a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_sha256(*patterns: str) -> str:
    """Hash plume's own code and lists: the path and the content of each file that a pattern names."""
    roots = [(ROOT if pattern.startswith("datasets/") else CODE, pattern) for pattern in patterns]
    found = ((path, root) for root, pattern in roots for path in sorted(root.glob(pattern)))
    files = [(path, root) for path, root in found if path.suffix in _SOURCES]
    return sha256("\n".join(f"{path.relative_to(root)} {file_sha256(path)}" for path, root in files).encode())


def folder_sha256(folder: Path) -> str:
    """Hash the names and the contents of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
