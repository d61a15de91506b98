"""Give each pair the passages of a sources folder that its prompt may show: `plume data build … sources=FOLDER`.

They are found by the masked review, as serving finds them, never by the reply. What is a reply of an experience held
out for validation or test is shown to no pair: what a verdict asks for must not be read by anybody before it.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import closing
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plume.corpus.processes import in_order
from plume.corpus.split import experience_of
from plume.errors import InputError
from plume.passages import REPLY, Passage
from plume.prompt import most_passages
from plume.sources import folder

if TYPE_CHECKING:
    from plume.sources.find import Finder

_CHUNK = 128  # pairs that are looked up together


class PairSources:
    """Finds the passages of each pair."""

    def __init__(self, place: Path, workers: int) -> None:
        """Read the folder. Raises InputError if it is none, or was changed since it was made."""
        self._place, self._workers = place, workers
        self._digest, self._passages = folder.digest(place), folder.read(place)

    def add(self, lines: Iterator[str], described: dict[str, Any], held_out: Collection[str]) -> Iterator[str]:
        """Give a split's lines with their passages; a reply to an experience that is `held_out` is none.

        Tells in `described` how many pairs have one, and the digest that the split would have without (`unsourced`).
        """
        without, found = hashlib.sha256(), 0
        barred = frozenset(p["id"] for p in self._passages if is_reply_of(p, held_out))
        work = partial(_with_passages, place=str(self._place), digest=self._digest, barred=barred)
        chunks = iter(lambda: list(islice(lines, _CHUNK)), [])

        def read() -> Iterator[list[str]]:
            for chunk in chunks:
                for line in chunk:
                    without.update(f"{line}\n".encode())
                yield chunk

        with closing(in_order(work, read(), self._workers)) as done:
            for sourced, number in done:
                found += number
                yield from sourced
        described |= {"with_sources": found, "unsourced_sha256": without.hexdigest()}

    def describe(self) -> dict[str, Any]:
        """Say which sources they are, for the manifest, the card and fingerprints."""
        dates = [p["updated_on"] for p in self._passages if p.get("updated_on")]
        return {
            "name": self._place.resolve().name,
            "sha256": self._digest,
            "passages": len(self._passages),
            "updated_on": max(dates, default=None),
            "most": most_passages(),
            "finder": _finder(str(self._place), self._digest).describe(),
        }


def is_reply_of(passage: Passage, experiences: Collection[str]) -> bool:
    """Say whether a passage is of a reply that was published to one of these experiences."""
    return passage.get("kind") == REPLY and experience_of(passage["sheet"]) in experiences


@cache
def _finder(place: str, digest: str) -> "Finder":
    """Load the one of this process, once. Raises InputError if an import has changed the folder since it was read."""
    from plume.sources.find import Finder

    finder = Finder.load(Path(place))
    if folder.digest(place) != digest:  # else pairs would show what two imports gave
        raise InputError(f"{place}: an import has changed it meanwhile; build again")
    return finder


def _with_passages(lines: list[str], place: str, digest: str, barred: frozenset[str]) -> tuple[list[str], int]:
    """Write lines anew with what is found for each pair; and for how many something is."""
    finder, most, made, number = _finder(place, digest), most_passages(), [], 0
    for line in lines:
        pair = json.loads(line)
        passages = finder.find(pair, most, drop=barred)
        pair["sources"] = [{key: passage.get(key) for key in Passage.__annotations__} for passage in passages]
        number += bool(passages)
        made.append(json.dumps(pair, ensure_ascii=False))
    return made, number
