"""Lists what test items are grouped by, once: a new group is one row here, and a word in a rule's `slices.by`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plume.corpus.dataset import Pair
from plume.french.text import count_words

Pairs = Sequence[Pair]


@dataclass(frozen=True)
class Dimension:
    """A French label, and what gives each pair of a split its group (None or empty: it is in none)."""

    label: str
    of: Callable[[Pairs], Sequence[str | None]]


def _key(name: str) -> Callable[[Pairs], Sequence[str | None]]:
    return lambda pairs: [pair.get(name) for pair in pairs]


def _length(pairs: Pairs) -> Sequence[str]:
    """Cut the lengths of reviews in terciles."""
    import numpy as np

    lengths = [count_words(pair["review"]) for pair in pairs]
    short, long = np.quantile(lengths, (1 / 3, 2 / 3))
    return ["court" if length <= short else "moyen" if length <= long else "long" for length in lengths]


DIMENSIONS: dict[str, Dimension] = {
    "network": Dimension("réseau", _key("network")),
    "sentiment": Dimension("ressenti", _key("sentiment")),
    "review_length": Dimension("longueur de l’avis", _length),
}


def slices_of(pairs: Pairs) -> list[dict[str, str]]:
    """Give each pair's groups: `{"sentiment": "Négatif", …}`, without those that it is in none of."""
    groups = {name: dimension.of(pairs) for name, dimension in DIMENSIONS.items()}
    return [{name: of[at] for name, of in groups.items() if of[at]} for at in range(len(pairs))]


def label(name: str) -> str:
    """`sentiment=Négatif` -> `ressenti : Négatif`."""
    key, _, value = name.partition("=")
    return f"{DIMENSIONS[key].label if key in DIMENSIONS else key} : {value}"
