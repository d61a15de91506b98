"""Finds passages of a sources folder for a review, beside the event loop, and refuses ids that the folder has not."""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Self

from plume.passages import Passage
from plume.sources import folder as sources_folder
from serve.guard.refusal import Reason, Refusal


class Passages:
    """Holds the passages of one folder, as it was when the server started."""

    def __init__(self, passages: Sequence[Passage], finder: Any, told: dict[str, Any]) -> None:
        self._known, self._finder = {passage["id"] for passage in passages}, finder
        self.told = told | {"passages": len(passages)}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder, and make ready to find in it. Raises InputError if it is none, or was changed."""
        from plume.sources.find import Finder  # its libraries are loaded where there are sources

        passages = sources_folder.read(folder)
        sources = sources_folder.read_manifest(folder)["sources"]
        told = {
            "folder": str(folder),
            "digest": sources_folder.digest(folder),
            "imported_on": max((str(source.get("imported_on") or "") for source in sources), default="") or None,
            "updated_on": max((passage.get("updated_on") or "" for passage in passages), default="") or None,
        }
        finder = Finder(passages)
        finder.prepare()
        return cls(passages, finder, told)

    def known(self, ids: Collection[str]) -> list[str]:
        """List the ids that a passage has."""
        return [each for each in ids if each in self._known]

    def check(self, field: str, ids: Collection[str]) -> None:
        """Raise Refusal for an id that no passage has."""
        if missing := [f"{field}.{place}" for place, each in enumerate(ids) if each not in self._known]:
            raise Refusal(Reason.NO_PASSAGE, field=", ".join(missing), why="no passage has this id")

    async def find(
        self, case: dict[str, Any], most: int, *, keep: Collection[str], drop: Collection[str]
    ) -> list[Passage]:
        """Find at most so many passages: those to keep first, then the nearest; none below the threshold."""
        return await asyncio.to_thread(self._finder.find, case, most, keep=tuple(keep), drop=tuple(drop))
