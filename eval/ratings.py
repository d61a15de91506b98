"""Read which of two drafts people preferred, for the two systems of a comparison."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from eval.drafts import Drafts
from plume.errors import InputError
from plume.files import file_sha256, sha256
from plume.judgements import read_ratings

Chosen = Literal["challenger", "champion", "equal", "neither"]
WON: Mapping[str, int] = {"challenger": 1, "champion": -1}  # else 0
LEFT_OUT = ("other_systems", "other_reviews", "other_drafts", "earlier")


@dataclass(frozen=True)
class Rating:
    """One person's choice on one review: what was chosen, and whether the challenger's draft stood on the left.

    `rater` is None where the row names nobody.
    """

    id: str
    rater: str | None
    left: bool
    chosen: Chosen
    reasons: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True)
class Ratings:
    """Holds the choices that count, the last one of each person on each review.

    Attributes:
        left_out: how many rows do not count, by why: of LEFT_OUT, those that are more than 0.
        tied: every row says by digest from which two files of drafts they were shown.
        sha256: of the file, or of the digests of several files in their order.
    """

    rows: tuple[Rating, ...]
    left_out: dict[str, int]
    tied: bool
    sha256: str
    raters: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raters", dict(Counter(row.id for row in self.rows)))

    @cached_property
    def people(self) -> list[str | None]:
        """Who chose, in the order of the files: all rows that name nobody are taken for one person's (None)."""
        return list(dict.fromkeys(row.rater for row in self.rows))

    def shares(self, chosen: Chosen) -> dict[str, float]:
        """Give, by review, the share of its raters who chose this."""
        found = Counter(row.id for row in self.rows if row.chosen == chosen)
        return {review: found[review] / n for review, n in self.raters.items()}

    def balance(self) -> dict[str, float]:
        """Give, by review, the share of the choices for the challenger less that for the champion."""
        won, lost = self.shares("challenger"), self.shares("champion")
        return {review: won[review] - lost[review] for review in self.raters}


def read(paths: Sequence[str | Path], arms: Mapping[str, Drafts], reviews: Collection[str]) -> Ratings:
    """Read the choices between the drafts of two systems, by the names that their drafts carry.

    What is of other systems or other reviews, of drafts that were written anew since, or followed by the same person's
    later choice, is counted and does not count. Raises InputError where the names do not tell the systems apart, or
    where not one choice is between them.
    """
    paths = [*{file_sha256(path): path for path in paths}.values()]  # the same file, named twice, counts once
    names = {drafts.name: arm for arm, drafts in arms.items()}
    if len(names) < 2:
        raise InputError(
            f"--ratings: both files of drafts are of a system named {next(iter(names))!r}, so that choices cannot tell "
            "them apart; leave --ratings out"
        )
    left_out: Counter[str] = Counter()
    kept: dict[tuple[str, str], Rating] = {}
    seen: set[str] = set()
    tied = True
    for place, row in _rows(paths):
        seen |= {row["left"], row["right"]}
        if {row["left"], row["right"]} != set(names) or row.get("kind") == "finals":
            left_out["other_systems"] += 1
        elif row["id"] not in reviews:
            left_out["other_reviews"] += 1
        elif _reads_others(row, names, arms):
            left_out["other_drafts"] += 1
        else:
            tied = tied and all(row.get(f"{side}_drafts_sha256") for side in ("left", "right"))
            rater = str(row["rater"]) if row.get("rater") else None
            left_out["earlier"] += kept.pop((row["id"], rater or place), None) is not None
            kept[row["id"], rater or place] = _rating(row, rater, names)
    if not kept:
        raise InputError(_none_of(paths, names, left_out, seen))
    digests = [file_sha256(path) for path in paths]
    digest = digests[0] if len(digests) == 1 else sha256("".join(digests).encode())
    return Ratings(tuple(kept.values()), {k: left_out[k] for k in LEFT_OUT if left_out[k]}, tied, digest)


def _rows(paths: Sequence[str | Path]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Give the rows of all files, each with its place, which tells rows that name no rater apart."""
    for path in paths:
        for line, row in enumerate(read_ratings(path), 1):
            yield f"{path}:{line}", row


def _reads_others(row: Mapping[str, Any], names: Mapping[str, str], arms: Mapping[str, Drafts]) -> bool:
    """Say whether the row's digests are of other files of drafts; a row without digests does not tell."""
    told = {side: row.get(f"{side}_drafts_sha256") for side in ("left", "right")}
    return any(digest and digest != arms[names[row[side]]].sha256 for side, digest in told.items())


def _rating(row: Mapping[str, Any], rater: str | None, names: Mapping[str, str]) -> Rating:
    choice = row["choice"]
    chosen = names[row[choice]] if choice in ("left", "right") else choice
    reasons = row.get("reasons")
    said = tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else ()
    note = row.get("note")
    left = names[row["left"]] == "challenger"
    return Rating(row["id"], rater, left, chosen, said, note.strip() or None if isinstance(note, str) else None)


def _none_of(paths: Sequence[str | Path], names: Mapping[str, str], left_out: Counter[str], seen: set[str]) -> str:
    """Say why not one choice counts, and how to mend it."""
    files, both = ", ".join(map(str, paths)), " and ".join(map(repr, names))
    if left_out["other_drafts"]:
        return f"{files}: the choices are of other drafts than these two files hold; have these ones compared"
    if left_out["other_reviews"]:
        return f"{files}: the choices between {both} are of reviews that --data's split does not hold; name its dataset"
    found = f"it names {', '.join(sorted(seen)[:6])}" if seen else "it is empty"
    return f"{files}: holds no choice between {both}, {found}; give the ratings of these two systems"
