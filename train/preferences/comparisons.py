"""Read files of decisions and ratings into judgements: of one review, a text that is wanted and one that is not."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from plume.corpus.dataset import read_split
from plume.errors import InputError
from plume.files import read_jsonl, sha256
from plume.french.similar import triples
from plume.french.text import fold
from plume.judgements import SHOWN, read_decisions, read_ratings
from train.preferences.config import PreferencesConfig

HELD_OUT = ("validation", "test")  # nothing is learnt from them, so that verdicts on them stay clean
NEAR = 0.8  # similarity of word triples from which two reviews are one


@dataclass(frozen=True)
class Judgement:
    """What a person said of texts for one review.

    Attributes:
        id: of the pair or the draft, as the file says.
        source: file and line.
        said: the outcome of a decision, or "preferred" by a rater.
        review: what the prompt shows, by the keys of `SHOWN`; None where nobody knows it.
        good: the text that is wanted; None if there is none.
        bad: the text that is not wanted; None if there is none.
        of_agent: whether an agent wrote `good`, rather than a system.
        fault: why nothing can be learnt from the row; empty if that is not known yet.
    """

    id: str
    source: str
    said: str
    review: dict[str, Any] | None
    good: str | None = None
    bad: str | None = None
    of_agent: bool = False
    fault: str = ""

    @cached_property
    def review_key(self) -> str:
        """Name the review: the same for all judgements on it."""
        return sha256(fold((self.review or {}).get("review") or "").encode())

    def dropped(self, reason: str) -> dict[str, str]:
        """Give its row of dropped.jsonl."""
        return {"id": self.id, "source": self.source, "said": self.said, "reason": reason}


class Reviews:
    """Finds the review that a judgement is about: in its row, or in the train split of the dataset folder."""

    def __init__(self, data: Path) -> None:
        self._pairs = {pair["id"]: pair for pair in read_split(data, "train")}
        held = [(split, pair) for split in HELD_OUT for pair in read_split(data, split)]
        self._held = {pair["id"]: split for split, pair in held}
        sets = [triples(pair["review"]) for _, pair in held]
        self._sizes = [(split, len(of)) for (split, _), of in zip(held, sets, strict=True)]
        self._holding: dict[str, list[int]] = defaultdict(list)  # triple -> places of the held-out reviews with it
        for place, of in enumerate(sets):
            for triple in of:
                self._holding[triple].append(place)

    def of(self, row: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """Give what a prompt shows of a row's review, with the dataset's sentiment if it has one; or None, and why."""
        if split := self._held.get(row["id"]):
            return None, f"its review is of the {split} split"
        own = row.get("review")
        if not (isinstance(own, str) and own.strip()):
            if pair := self._pairs.get(row["id"]):
                return {key: pair.get(key) for key in (*SHOWN, "sentiment")}, ""
            return None, "no review of this id: the train split has none, and the row holds none"
        if split := self._near(own):
            return None, f"its review is nearly one of the {split} split"
        shown = {key: row.get(key) for key in SHOWN}
        texts = {key: value for key, value in shown.items() if key != "sources"}
        if any(not isinstance(value or "", str) for value in texts.values()):
            return None, f"{', '.join(texts)} are texts, or null"
        if not _are_passages(shown["sources"] or []):
            return None, "sources are a list of passages, each with a title and a text, or null"
        return shown, ""

    def _near(self, review: str) -> str | None:
        found = triples(review)
        shared = Counter(place for triple in found for place in self._holding.get(triple, ()))
        for place in sorted(shared):
            split, size = self._sizes[place]
            if shared[place] >= NEAR * (len(found) + size - shared[place]):
                return split
        return None


def _are_passages(sources: Any) -> bool:
    return isinstance(sources, list) and all(
        isinstance(each, dict) and isinstance(each.get("title"), str) and isinstance(each.get("text"), str)
        for each in sources
    )


def read(config: PreferencesConfig, reviews: Reviews) -> list[Judgement]:
    """Read every row of every file, in the order of the config. Raises InputError."""
    judgements = [each for path in config.decisions for each in _decisions(path, reviews)]
    if config.ratings:
        written = _drafts(config.drafts)
        judgements += [each for path in config.ratings for each in _ratings(path, reviews, written)]
    return judgements


def _decisions(path: Path, reviews: Reviews) -> Iterator[Judgement]:
    for line, row in enumerate(read_decisions(path), 1):
        row = row | {"id": str(row["id"])}
        review, fault = reviews.of(row)
        draft, final = ((row[key] or "").strip() or None for key in ("draft", "final"))
        said = row["outcome"]
        good = draft if said == "accepted" else final
        bad = None if said == "accepted" else draft
        if not draft:
            fault = fault or "the draft is empty"
        elif said == "edited" and not final:
            fault = fault or "edited, and no final text"
        yield Judgement(row["id"], f"{path.name}:{line}", said, review, good, bad, said != "accepted", fault)


def _ratings(path: Path, reviews: Reviews, written: dict[tuple[str, str], str]) -> Iterator[Judgement]:
    for line, row in enumerate(read_ratings(path), 1):
        source, choice = f"{path.name}:{line}", row["choice"]
        review, fault = reviews.of({"id": row["id"]})
        if choice not in ("left", "right"):
            yield Judgement(row["id"], source, choice, review, fault=fault or "no draft is preferred")
            continue
        other = "right" if choice == "left" else "left"
        good, bad = (written.get((row[side], row["id"])) for side in (choice, other))
        lacking = [row[side] for side in ("left", "right") if (row[side], row["id"]) not in written]
        fault = fault or (f"no draft of {lacking[0]} for it among drafts=" if lacking else "")
        yield Judgement(row["id"], source, "preferred", review, good, bad, fault=fault)


def _drafts(paths: tuple[Path, ...]) -> dict[tuple[str, str], str]:
    """Read the drafts of the systems: system and id -> draft. Raises InputError."""
    found: dict[tuple[str, str], str] = {}
    for path in paths:
        for row in read_jsonl(path, needs=("id", "system")):
            text = row.get("draft")
            if isinstance(text, str) and text.strip():
                known = found.setdefault((str(row["system"]), str(row["id"])), text.strip())
                if known != text.strip():
                    raise InputError(f"{path}: another draft of {row['system']} for {row['id']} than in a file before")
    return found
