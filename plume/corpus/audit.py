"""The audit of a dataset folder: a person reads a random sample of masked pairs and says what leaks.

**The sample** is drawn by hash, never by shuffling: the `n` pairs whose SHA-256 of "seed:id" is smallest. It is a
simple random sample without replacement of all pairs of the folder, so it grows without changing (`--n 600` after
`--n 300`), and an erasure (`plume data forget`) neither changes the other pairs of it nor biases it.

**The bound.** Doubtful pairs are shown first, which brings leaks to light early; but the pairs read so far are then no
random sample, they are the worst of it. So while the sample is not finished, every pair not yet read counts as a
leak: the bound is valid at any moment, and useless until few are left. Beside it stands what the bound will be if
nothing more is found, named as such. Only the finished sample gives the figure to quote: the one-sided 95 %
Clopper-Pearson limit. It is conservative for a finite folder (drawing without replacement), and supposes that the
reader sees what leaks. Decide on `n` before reading: to extend a sample whose result displeases weakens the bound.

**audit.jsonl** holds no text: a first line {"audit": 1, "splits": digest, "seed", "n"}, then a line an answer,
{"id", "answer": "ok"|"missed"|"over", "types": [...]}, appended at once; the last answer for an id holds.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from plume import files
from plume.corpus.dataset import read_split
from plume.corpus.gold import CONFIDENCE
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.french.phrases import WRITTEN_CIVILITY, WRITTEN_TITLE
from plume.french.words import Word
from plume.pseudonymise import PLACEHOLDER
from plume.shares import upper_bound

FILE = "audit.jsonl"
ANSWERS = ("ok", "missed", "over")
SIZE, SEED = 300, 1
_FULL = "make room or mend that; the answers before are kept"
TEXTS = ("title", "review", "reply")


@dataclass(frozen=True)
class Bound:
    """What an audit can say: `read` of `n` sampled pairs, out of `pairs`; `leaks` and `over_masked` among them.

    `upper` is the one-sided 95 % limit of the share of pairs with a leak, with unread pairs counted as leaks;
    `if_clean` the limit that a finished sample gives if no further leak is found. They are equal when `finished`.
    """

    pairs: int
    n: int
    read: int
    leaks: int
    over_masked: int
    types: dict[str, int]
    confidence: float = CONFIDENCE

    @property
    def finished(self) -> bool:
        return self.read == self.n

    @property
    def upper(self) -> float:
        return upper_bound(self.leaks + self.n - self.read, self.n, self.confidence)

    @property
    def if_clean(self) -> float:
        return upper_bound(self.leaks, self.n, self.confidence)


@dataclass
class Audit:
    """The answers about one folder's sample, and the file that keeps them."""

    folder: Path
    splits: str
    seed: int
    n: int
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path, manifest: dict[str, Any]) -> Self | None:
        """The audit that the folder holds; None without one.

        Raises InputError if it is damaged, or was made for other splits.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        lines, torn = files.whole_lines(path)
        if torn:  # the half of an answer that a crash left was never confirmed
            files.write(path, b"".join(line + b"\n" for line in lines))
        rows = files.read_jsonl(path)
        try:
            header, *answers = rows
            audit = cls(folder, header["splits"], int(header["seed"]), int(header["n"]))
            audit.answers = {row["id"]: row for row in answers if row["answer"] in ANSWERS}
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path}: damaged; move it away and start the audit again") from None
        if audit.splits != digest(manifest):
            raise InputError(
                f"{path}: was made for another version of the splits; move it away, and start the audit again"
            )
        return audit

    @classmethod
    def open(cls, folder: Path, manifest: dict[str, Any], n: int | None, seed: int | None) -> Self:
        """The folder's audit to go on with, or a new one of `n` pairs.

        Raises InputError if an audit is there with another seed or with a larger sample.
        """
        audit = cls.load(folder, manifest)
        if audit is None:
            audit = cls(folder, digest(manifest), SEED if seed is None else seed, n or SIZE)
            audit.save()
            return audit
        if seed is not None and seed != audit.seed:
            raise InputError(f"{folder / FILE}: was started with --seed {audit.seed}; go on with it, or move it away")
        if n is not None and n < audit.n:
            raise InputError(
                f"{folder / FILE}: was started with --n {audit.n}; a sample is not made smaller after it was looked at"
            )
        if n is not None and n > audit.n:
            audit.n = n
            audit.save()
        return audit

    def save(self) -> None:
        """Write the file anew, in one step."""
        header = {"audit": 1, "splits": self.splits, "seed": self.seed, "n": self.n}
        path = self.folder / FILE
        with files.telling(path, _FULL):
            files.write(path, files.to_jsonl([header, *self.answers.values()]))

    def answer(self, pair_id: str, answer: str, types: list[str] | None = None) -> None:
        """Keep an answer, on disk before it returns."""
        row = {"id": pair_id, "answer": answer} | ({"types": sorted(types)} if types else {})
        self.answers[pair_id] = row
        with files.telling(self.folder / FILE, _FULL):
            files.append(self.folder / FILE, row, on_disk=True)

    def sample(self, pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The sampled pairs, the most doubtful first."""
        drawn = sorted(pairs, key=lambda pair: _rank(self.seed, pair["id"]))[: self.n]
        return sorted(drawn, key=lambda pair: (-doubt(pair), _rank(self.seed, pair["id"])))

    def bound(self, pairs: list[dict[str, Any]]) -> Bound:
        """What can be said now. Answers outside the sample (of pairs that an erasure removed) do not count."""
        read = [self.answers[pair["id"]] for pair in self.sample(pairs) if pair["id"] in self.answers]
        leaks = [row for row in read if row["answer"] == "missed"]
        return Bound(
            pairs=len(pairs),
            n=min(self.n, len(pairs)),
            read=len(read),
            leaks=len(leaks),
            over_masked=sum(row["answer"] == "over" for row in read),
            types=dict(sorted(Counter(t for row in leaks for t in row.get("types", ())).items())),
        )


def digest(manifest: dict[str, Any]) -> str:
    """What an audit is bound to: the digests of the three splits."""
    return files.sha256("".join(manifest["splits"][split]["sha256"] for split in SPLITS).encode())


def read_pairs(folder: Path) -> list[dict[str, Any]]:
    """Every pair of a dataset folder."""
    return [pair for split in SPLITS for pair in read_split(folder, split)]


def _rank(seed: int, pair_id: str) -> bytes:
    return hashlib.sha256(f"{seed}:{pair_id}".encode()).digest()


# --- how doubtful a masked pair is: signs that something may have been left

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_DIGITS = re.compile(r"\d(?:[ .\-/]?\d){5,}")
_CIVILITY = re.compile(rf"\b(?:{WRITTEN_CIVILITY}|{WRITTEN_TITLE})\s+(?=[^\W\d_])")
_REACH = re.compile(r"@|arobase|\bhttps?:|\bwww\.|\b(?:insta|snap|facebook|pseudo)\b", re.IGNORECASE)
_SELF = re.compile(r"\b(?:je m'appelle|mon nom est|né[e]? le|j'habite|mon adresse)\s+(?!\0)", re.IGNORECASE)
_SENTENCE = re.compile(r"(?:^|[.!?:\n«\"(]\s*|[-•]\s)$")


def doubt(pair: dict[str, Any]) -> float:
    """How likely a masked pair is to hold a leak, in no unit: it only orders the reading."""
    return sum(_doubt(pair.get(name) or "") for name in TEXTS)


def _doubt(text: str) -> float:
    bare = PLACEHOLDER.sub(lambda match: "\0" * len(match[0]), text)
    score = 3.0 * len(_CIVILITY.findall(PLACEHOLDER.sub("\0", text))) + 3.0 * len(_SELF.findall(bare))
    score += 2.0 * len(_REACH.findall(bare)) + 2.0 * len(_DIGITS.findall(bare))
    shouted = sum(map(str.isupper, bare)) > sum(map(str.islower, bare))
    for match in _WORD.finditer(bare):
        word = match[0]
        if not (word[0].isupper() and Word.of(word).may_be_name):
            continue
        # In a text in capitals any word that is not plain French may be a name; else one that stands within a sentence.
        if shouted or not _SENTENCE.search(bare[: match.start()][-3:]):
            score += 0.5 if shouted else 1.0
    return score
