"""Says how alike two texts are: the share of their word triples that both hold."""

from functools import lru_cache

from plume.french.text import fold, words


@lru_cache(maxsize=512)  # some 15 kB each
def triples(text: str) -> frozenset[str]:
    """Give the text's runs of three words, without case and accents; of a shorter text, all its words as one."""
    found = words(fold(text))
    return frozenset(" ".join(found[i : i + 3]) for i in range(max(1, len(found) - 2)))


def contained(part: str, whole: str) -> float:
    """Give the share of a text's word triples that another text holds, 0 to 1."""
    return len(triples(part) & triples(whole)) / len(triples(part))


def similarity(a: str, b: str) -> float:
    """Give the Jaccard similarity of two texts' word triples, 0 to 1."""
    left, right = triples(a), triples(b)
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)
