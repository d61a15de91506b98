"""Reads the reviews that agents may pick from: the platform's export, or lines of JSON or CSV with a `review`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from plume.contacts import Directory
from plume.errors import InputError
from plume.export.experience import Experience
from plume.export.reader import read_experiences, read_records
from plume.french.text import fold
from plume.page.typed import clean, one_line

MOST = 20_000  # reviews that are kept in memory
_NAMES = ("id", "review", "title", "network", "structure", "pseudonym")
_SUGGESTED = 60


@dataclass(frozen=True, slots=True)
class GivenReview:
    """A review of the given file. `is_answered`: the file holds a published reply to it."""

    id: str
    review: str
    title: str = ""
    network: str = ""
    structure: str = ""
    pseudonym: str = ""
    is_answered: bool = False

    @property
    def fields(self) -> dict[str, str]:
        """Give what the form of a review is filled with."""
        return {name: getattr(self, name) for name in _NAMES[1:]}


@dataclass
class GivenReviews:
    """The reviews of a file, those without a reply first, and the names of services that agents may choose."""

    all: list[GivenReview]
    directory: Directory
    left_out: int = 0

    @classmethod
    def read(cls, path: Path | None) -> "GivenReviews":
        """Read a file; without one there is nothing to pick. Raises InputError."""
        directory = Directory.load()
        if path is None:
            return cls([], directory)
        found: dict[str, GivenReview] = {}
        rows = left_out = 0
        for given in _read(path):
            rows += 1
            if given is None or given.id in found or len(found) == MOST:
                left_out += 1
            else:
                found[given.id] = given
        if not found:
            raise InputError(f"{path}: none of its {rows} records is a review; give an export, or lines with `review`")
        return cls(sorted(found.values(), key=lambda given: given.is_answered), directory, left_out)

    @cached_property
    def by_id(self) -> dict[str, GivenReview]:
        return {given.id: given for given in self.all}

    @cached_property
    def _folded(self) -> list[str]:
        return [fold(" ".join((g.id, g.title, g.network, g.structure, g.review))) for g in self.all]

    def find(self, text: str) -> list[GivenReview]:
        """List the reviews that hold all words of a text; all of them where it is empty."""
        words = fold(text).split()
        return [given for given, folded in zip(self.all, self._folded, strict=True) if all(w in folded for w in words)]

    @cached_property
    def networks(self) -> list[str]:
        named = {c.network for c in self.directory.contacts} | {given.network for given in self.all}
        return sorted(filter(None, named), key=fold)

    @cached_property
    def _structures(self) -> list[tuple[str, str]]:
        named = {(c.structure, c.network or "") for c in self.directory.contacts if c.structure}
        named |= {(given.structure, given.network) for given in self.all if given.structure}
        return sorted(named, key=lambda pair: fold(pair[0]))

    def structures(self, text: str = "", network: str = "") -> list[str]:
        """List structures whose name holds a text, those of a network alone if one is named and known."""
        words, of = fold(text).split(), fold(network)
        within = [name for name, whose in self._structures if fold(whose) == of] if of else []
        names = within or [name for name, _ in self._structures]
        found = (name for name in dict.fromkeys(names) if all(word in fold(name) for word in words))
        return [name for name, _ in zip(found, range(_SUGGESTED), strict=False)]


def _read(path: Path) -> Iterator[GivenReview | None]:
    """Give each record's reviews; None for one that is none."""
    first = next((record.fields for record in read_records(path, least=1) if record.fields), None)
    if first is not None and "review" in {str(name).strip().lower() for name in first}:
        for number, record in enumerate(read_records(path, least=1), 1):
            yield _of_fields(record.fields, number)
        return
    for experience in read_experiences(path):
        yield from _of_experience(experience) if isinstance(experience, Experience) else [None]


def _of_fields(fields: dict[str, Any] | None, number: int) -> GivenReview | None:
    told = {str(name).strip().lower(): value for name, value in (fields or {}).items()}
    told = {name: "" if told.get(name) is None else str(told[name]) for name in _NAMES}
    review = clean(told.pop("review"))
    told = {name: one_line(text) for name, text in told.items()}
    told["id"] = told["id"] or f"ligne {number}"
    return GivenReview(review=review, **told) if review else None


def _of_experience(told: Experience) -> Iterator[GivenReview | None]:
    """Give a review once for each structure that it was sent to; not one that moderation rejected."""
    review = clean(told.review or "")
    if not review or told.is_rejected or not told.id:
        yield None
        return
    common = {"review": review, "title": one_line(told.title or ""), "pseudonym": one_line(told.pseudonym or "")}
    if not told.answers:
        yield GivenReview(id=told.id, **common)
    for answer in told.answers:
        names = {"network": answer.network or "", "structure": answer.structure or ""}
        answered = bool(answer.reply) and not answer.is_placeholder
        yield GivenReview(f"{told.id}-{answer.number}", **common, **names, is_answered=answered)
