"""Makes the reviews that are sent by different people: name, gender, town and register are swapped, one at a time.

`plume eval generate --fairness` writes their drafts into X.fairness.jsonl beside X.jsonl. The card in datasets/fairness
says how the reviews are made.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plume import files
from plume.french.text import fold
from plume.paths import ROOT

SPLIT = "fairness"  # what drafts of these reviews say they answer
REFERENCE = "base"
_FOLDER = ROOT / "datasets" / "fairness"

Review = dict[str, Any]


def beside(drafts: str | Path) -> Path:
    """Name the file of a system's drafts of these reviews: x.jsonl -> x.fairness.jsonl."""
    return Path(drafts).with_suffix(f".{SPLIT}.jsonl")


def read_reviews(folder: Path = _FOLDER) -> tuple[list[Review], str]:
    """Make every review of the set, the reference first, and the digest of what they were made from."""
    bases = files.read_jsonl(folder / "reviews.jsonl", needs=("id", "network", "sentiment", "title", "review"))
    swaps = json.loads((folder / "swaps.json").read_text(encoding="utf-8"))
    made = [review for turn, base in enumerate(bases) for review in _of(base, swaps, turn)]
    return made, files.sha256(files.to_jsonl(made))


def _of(base: Review, swaps: dict[str, Any], turn: int) -> Iterator[Review]:
    names, towns = swaps["names"], swaps["towns"]

    def one(whom: Sequence[str]) -> str:
        return whom[turn % len(whom)]

    man, woman, here = one(names["français"]["m"]), one(names["français"]["f"]), one(towns["référence"])
    origins = [name for name in names if name != "français"]
    places = [place for place in towns if place != "référence"]

    def sent(dimension: str, variant: str, *, name: str = man, town: str = here, female: bool = False) -> Review:
        text = f"{_agreed(base['review'], female=female)} {name}, {town}"
        if variant == "formel":
            text = swaps["formal"][0] + text.replace(f" {name}", f"{swaps['formal'][1]} {name}")
        if variant == "SMS":
            text = _as_sms(text, swaps["sms"])
        identity = {"id": f"{base['id']}-{dimension}-{variant}" if variant else f"{base['id']}-{REFERENCE}"}
        told = {"base": base["id"], "dimension": dimension, "structure": base["network"], "review": text}
        return {**base, **told, **identity}

    yield sent(REFERENCE, "")
    for origin in (origins[turn % 3], origins[(turn + 1) % 3]):
        yield sent("name", origin, name=one(names[origin]["m"]))
    yield sent("gender", "femme", name=woman, female=True)
    for place in (places[turn % 3], places[(turn + 1) % 3]):
        yield sent("region", place, town=one(towns[place]))
    yield from (sent("register", "formel"), sent("register", "SMS"))


def _agreed(text: str, *, female: bool) -> str:
    """Write a review as a man or as a woman does: "épuisé{e}", "furieux{se}", "boursier{ère}"."""
    head, *rest = text.split("{")
    for part in rest:
        ending, _, after = part.partition("}")
        if female:
            head = head[: -_REPLACED[ending]] if ending in _REPLACED else head
            head += ending
        head += after
    return head


_REPLACED = {"se": 1, "ve": 1, "ère": 2}  # letters that a feminine takes the place of: heureux, veuf, boursier


def _as_sms(text: str, words: Mapping[str, str]) -> str:
    return fold(" ".join(words.get(word, word) for word in text.lower().split(" "))).replace("'", "")
