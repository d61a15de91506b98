"""Recall of the pseudonymiser on a gold set: invented sentences whose spans are known (`datasets/gold/README.md`).

A span counts as found when every letter and digit of it is masked, whatever the label: a name masked as a file number
leaks nothing. What is masked outside the spans is counted too, letter by letter: it leaks nothing and costs meaning.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plume.files import file_sha256, json_sha256, make_folder, read_jsonl, read_object, write
from plume.paths import ROOT, home
from plume.pseudonymise import Pseudonymiser, Span
from plume.pseudonymise.version import version
from plume.shares import clopper_pearson

GOLD = ROOT / "datasets" / "gold" / "pseudonymisation.jsonl"
CONFIDENCE = 0.95
_NAMES = "PERSONNE"


@dataclass(frozen=True)
class Miss:
    """Says what a reader of the figures wants to see: a span missed, or one touched that should have stayed."""

    kind: str  # the type of the span, "KEEP" or "CLEAN"
    text: str
    start: int
    end: int
    found: list[Span]


@dataclass
class Measured:
    """Holds hits and totals, by group and key, and the misses.

    `counts` holds, for recall, the groups `ident` (direct, quasi, health …), `type`, `names` (all, and by casing:
    title, lower, upper) and `documents` (`direct_masked`: texts with a direct identifier that show none of them); and
    for over-masking, where a hit is a fault, the group `over` (`keep_spans`, `clean_sentences`). `letters` holds how
    many letters and digits outside all spans were masked, and how many there are.
    """

    counts: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    missed: list[Miss] = field(default_factory=list)
    letters: tuple[int, int] = (0, 0)

    def add(self, group: str, key: str, hit: bool) -> None:
        hits, n = self.counts.setdefault(group, {}).get(key, (0, 0))
        self.counts[group][key] = hits + hit, n + 1


def measure(rows: Sequence[dict[str, Any]], pseudonymiser: Pseudonymiser) -> Measured:
    """Count the hits of `pseudonymiser` on the rows of a gold set.

    Rows are {"text", "spans": [{"start", "end", "type", "ident"}], "keep": [{"start", "end"}]}; `keep` may be absent.
    """
    result = Measured()
    for row, found in zip(rows, pseudonymiser.find_many([row["text"] for row in rows]), strict=True):
        text, masked = row["text"], {i for span in found for i in range(span.start, span.end)}
        wanted_at = {i for span in row["spans"] for i in range(span["start"], span["end"])}
        outside = [i for i, char in enumerate(text) if char.isalnum() and i not in wanted_at]
        result.letters = result.letters[0] + len(masked.intersection(outside)), result.letters[1] + len(outside)
        all_direct = True
        for wanted in row["spans"]:
            start, end, kind = wanted["start"], wanted["end"], wanted["type"]
            hit = all(i in masked for i in range(start, end) if text[i].isalnum())
            result.add("ident", wanted["ident"], hit)
            result.add("type", kind, hit)
            if kind == _NAMES:
                result.add("names", "all", hit)
                result.add("names", casing(text[start:end]), hit)
            all_direct &= hit or wanted["ident"] != "direct"
            if not hit:
                result.missed.append(Miss(kind, text, start, end, found))
        if any(wanted["ident"] == "direct" for wanted in row["spans"]):
            result.add("documents", "direct_masked", all_direct)
        for kept in row.get("keep", ()):
            touched = any(i in masked for i in range(kept["start"], kept["end"]))
            result.add("over", "keep_spans", touched)
            if touched:
                result.missed.append(Miss("KEEP", text, kept["start"], kept["end"], found))
        if not row["spans"]:
            result.add("over", "clean_sentences", bool(found))
            result.missed += [Miss("CLEAN", text, span.start, span.end, found) for span in found[:1]]
    return result


def casing(name: str) -> str:
    """Say how a name is written: "upper", "lower" or "title"."""
    return "upper" if name.isupper() and len(name) > 1 else "lower" if name.islower() else "title"


def figures(pseudonymiser: Pseudonymiser, ner_version: str | None, path: str | Path = GOLD) -> dict[str, Any]:
    """Give what a manifest records of the gold set, measured once a version of code, data and recogniser.

    Returns {"file", "sha256", "sentences", "confidence", "shares": {group: {key: {"hits", "n", "lower", "upper"}}},
    "over_masked_letters": {"hits", "n"}}; lower and upper are two-sided Clopper-Pearson limits. Letters have none:
    those of one word are masked together or not at all. Kept under <home>/gold.

    Args:
        ner_version: names the recogniser that `pseudonymiser` was given; None without one.

    Raises InputError if the gold set cannot be read.
    """
    path = Path(path)
    kept = home() / "gold" / f"{_fingerprint(path, ner_version)}.json"
    if found := read_object(kept):
        return found
    rows = read_jsonl(path, needs=("text", "spans"))
    measured = measure(rows, pseudonymiser)
    counts = measured.counts
    result = {
        "file": path.name,
        "sha256": file_sha256(path),
        "sentences": len(rows),
        "confidence": CONFIDENCE,
        "shares": {
            group: {key: share(*counts[group][key]) for key in sorted(counts[group])} for group in sorted(counts)
        },
        "over_masked_letters": dict(zip(("hits", "n"), measured.letters, strict=True)),
    }
    make_folder(kept.parent)
    write(kept, json.dumps(result, indent=1) + "\n")
    return result


def share(hits: int, n: int) -> dict[str, Any]:
    """Give a share with its two-sided interval, as `figures` and the privacy page hold it."""
    lower, upper = clopper_pearson(hits, n)
    return {"hits": hits, "n": n, "lower": round(lower, 6), "upper": round(upper, 6)}


def _fingerprint(path: Path, ner_version: str | None) -> str:
    counted = 2  # raise it when this module counts otherwise
    content = file_sha256(path) if path.is_file() else None
    return json_sha256([counted, content, version(), ner_version])[:32]
