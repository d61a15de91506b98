"""Drafts for many reviews through the server's own API, with the same rendering, masking and checks; resumable."""

import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plume import files, output
from plume.command import progress
from plume.errors import InputError, PlumeError
from serve.client import Client
from serve.config import ServeConfig
from serve.state import Started, State

_FIELDS = ("review", "network", "structure", "title", "pseudonym")
_FIELDS += ("instruction", "tone", "keep_sources", "drop_sources", "alternatives")
_AT_ONCE = 8


def batch(reviews: Path, out: Path, config: ServeConfig, only_for_a_start: Collection[str] = ()) -> str:
    """Write a line of `out` for each line of `reviews`; return one line that says how many.

    A running server is asked; without one, an engine is started for as long as it takes. A line of `out` that holds a
    draft is not asked for again; one that holds an error is. Raises InputError for lines that are no reviews, and where
    a server runs that was started otherwise than the keys want that count `only_for_a_start`.
    """
    rows = _read(reviews)
    output.check_file(out, output.DRAFTS, reads=[reviews])
    with files.telling(out, "mend that, or name another file with --out"):
        files.make_folder(out.parent)
        done = _resume(out, {row["id"] for row in rows})
        out.touch()
    left = [row for row in rows if row["id"] not in done]
    if left:
        with _server(config, only_for_a_start) as client, progress() as bar:
            task = bar.add_task("drafting", total=len(left))
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                for line in pool.map(lambda row: _draft(client, row), left):
                    with files.telling(out, "make room; the same command then goes on"):
                        files.append(out, line)
                    bar.advance(task)
    errors = sum("error" in row for row in files.read_jsonl(out))
    again = "; run it again to ask for them again" if errors else ""
    return f"{out}: {len(rows)} reviews, {len(done)} drafted before, {errors} errors{again}"


def _read(reviews: Path) -> list[dict[str, Any]]:
    rows = files.read_jsonl(reviews, needs=("id", "review"))
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        row["id"] = str(row["id"])
        if not isinstance(row["review"], str) or not row["review"].strip():
            raise InputError(f"{reviews}: object {number}: its review is no text; mend or remove that line")
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise InputError(f"{reviews}: object {number}: holds half of a character; mend or remove it") from None
        if row["id"] in seen:
            raise InputError(f"{reviews}: object {number}: the id {row['id']!r} is there twice; ids must differ")
        seen.add(row["id"])
    return rows


def _resume(out: Path, wanted: set[str]) -> set[str]:
    """List the ids that have a draft. Remove lines of errors, and a last line that a kill cut off, from the file."""
    if not out.exists():
        return set()
    kept, done = [], set()
    lines, torn = files.whole_lines(out)
    for line in lines:
        row = _json(line)
        if not isinstance(row, dict) or row.get("id") not in wanted or not {"draft", "error"} & set(row):
            raise _foreign(out)
        if "draft" in row:
            kept.append(line + b"\n")
            done.add(row["id"])
    if torn and not torn.startswith(b'{"id"'):
        raise _foreign(out)
    files.write(out, b"".join(kept))
    return done


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _foreign(out: Path) -> InputError:
    return InputError(f"{out}: holds other things than drafts of these reviews; name another file with --out")


def _draft(client: Client, row: dict[str, Any]) -> dict[str, Any]:
    asked = {name: row[name] for name in _FIELDS if row.get(name)}
    try:
        draft = client.draft(asked)
        return {**draft, "id": row["id"], "draft_id": draft["id"]}
    except PlumeError as error:
        return {"id": row["id"], "error": str(error)}


def _check_started_so(config: ServeConfig, keys: Collection[str], where: str) -> None:
    wanted = config.model_dump(mode="json")
    started = Started.read(State(config.folder)).config.model_dump(mode="json") if keys else {}
    if other := sorted(key for key in keys if started[key] != wanted[key]):
        raise InputError(
            f"{', '.join(other)}: a server runs on {where} that was started otherwise; leave it out, or have an engine "
            "started for this batch: port=… state=…"
        )


@contextmanager
def _server(config: ServeConfig, only_for_a_start: Collection[str]) -> Iterator[Client]:
    from serve import vllm_process

    with Client(config) as client:
        if client.is_ready():
            _check_started_so(config, only_for_a_start, client.where)
            yield client
            return
    with vllm_process.started_for_this(config) as client:
        yield client
