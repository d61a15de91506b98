"""Any text, and any pair, is masked once and for all."""

import random
from itertools import pairwise

import pytest

from plume.french.text import fold
from plume.pseudonymise import PLACEHOLDER, Pseudonymiser
from tests.plume.pseudonymise.test_pseudonymise import NEGATIVE, POSITIVE

PIECES = [
    *(marked.replace("⟦", "").replace("⟧", "") for _, marked in POSITIVE),
    *NEGATIVE,
    "[TEL]", "[USAGER]", "[ ]", "@", "\n", "\t", "\u00a0", "\u202f", "€", "’", "«", "…", "é", "É", "œ", "ß", "İ", "ŉ",
    "ﬁ", "½", "²", "🙂", "\u0301", "\u200b", "\x00", "\ud800", "１２３", "٣٤", "ФИО", "名前",
    "0" * 40, "06" * 30, "a" * 300, "M. " * 20,
    "12 rue " * 10, "[[[[", "]]]]", "n° " * 30, ",,,,", "@@@@", "://", "www.", "né le ", "....",
]  # fmt: skip


def noise(seed: int) -> str:
    generator = random.Random(seed)
    text = generator.choice(["", " ", "\n"]).join(generator.choices(PIECES, k=generator.randint(1, 8)))
    characters = list(text)
    for _ in range(generator.randint(0, 6)):
        at = generator.randrange(len(characters) + 1)
        characters[at : at + generator.randint(0, 2)] = generator.choice(PIECES)[: generator.randint(0, 3)]
    text = "".join(characters)
    return generator.choice([str, str, str, str.upper, str.lower, str.swapcase])(text)


def check_any_text(pseudonymiser: Pseudonymiser, text: str) -> None:
    spans = pseudonymiser.find(text)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert spans == pseudonymiser.find(text)
    masked, replaced = pseudonymiser.mask(text)
    # The offsets map back: outside the spans, the masked text is the input, piece by piece.
    position, rest = 0, masked
    for span in replaced:
        piece = text[position : span.start]
        assert rest.startswith(piece + "[" + span.type)
        rest = rest[len(piece) :]
        rest = rest[PLACEHOLDER.match(rest).end() :]
        position = span.end
    assert rest == text[position:]
    assert pseudonymiser.mask(masked)[0] == masked, (text, masked)


@pytest.mark.parametrize("block", range(10))
def test_any_text_is_masked_once_and_for_all(rules, block):
    for seed in range(block * 60, block * 60 + 60):
        check_any_text(rules, noise(seed))


def test_any_text_with_the_recogniser(full):
    for seed in range(1000, 1080):
        check_any_text(full, noise(seed))


def test_any_pair_is_masked_without_raising(full):
    for seed in range(30):
        masked = full.pair(title=noise(seed), review=noise(seed + 1), reply=noise(seed + 2), pseudonym=noise(seed + 3))
        assert sum(masked.counts.values()) == sum(
            len(PLACEHOLDER.findall(t)) for t in (masked.title, masked.review, masked.reply)
        )


def test_find_many_is_find_for_each(full):
    texts = [noise(seed) for seed in range(40)]
    assert full.find_many(texts) == [full.find(text) for text in texts]


def test_folding_keeps_every_offset():
    for seed in range(200):
        text = noise(seed)
        assert len(fold(text)) == len(text)
    assert fold("ÉCOLE d’Été\u00a0²") == "ecole d'ete 2"
