"""Give the published replies of a dataset folder as sources: what a service already answered to others.

Only the train split is read: what tests measure must not be found as a source. The replies are pseudonymised; a
sentence that holds a mark is of one citizen's case and is left out. The citizen's title and review are not taken.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plume import marks
from plume.corpus.dataset import read_manifest, read_split
from plume.files import json_line, json_sha256
from plume.output import DATASET
from plume.sources import archive
from plume.sources.archive import Member
from plume.sources.cut import Block, Sheet, sentences
from plume.sources.sheets import Refused

ENDING = ".reply"
_MARK = re.compile(marks.pattern())


@contextmanager
def opened(path: Path) -> Iterator[list[Member]]:
    """Give the replies of a dataset folder as members, named by their pairs' ids; of anything else, its files."""
    if not DATASET.is_in(path):
        with archive.members(path) as found:
            yield found
        return
    read_manifest(path)  # refuses one that was changed by hand
    yield [_member(pair) for pair in sorted(read_split(path, "train"), key=lambda pair: pair["id"])]


def _member(pair: dict[str, Any]) -> Member:
    row = {key: pair.get(key) for key in ("id", "reply", "structure", "network", "replied_on")}
    return Member(f"{pair['id']}{ENDING}", lambda: json_sha256(row)[:32], lambda: json_line(row))


def read(data: bytes, pair_id: str) -> Sheet | Refused:
    """Read a published reply as a sheet, of the sentences that are of no one citizen's case."""
    pair = json.loads(data)
    lines = (pair["reply"] or "").splitlines()
    kept = [said for line in lines for said in sentences(line.strip()) if said and not _MARK.search(said)]
    if not kept:
        return Refused("empty", "no sentence without a mark")
    service = pair["structure"] or pair["network"] or "service public"
    blocks = tuple(Block((), said) for said in kept)
    return Sheet(
        pair_id, "reply", f"Réponse publiée – {service}", blocks, network=pair["network"], updated_on=pair["replied_on"]
    )
