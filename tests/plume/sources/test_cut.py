"""A sheet is cut at the ends of blocks or sentences, and a passage keeps its id while it says the same."""

from plume.sources.cut import WORDS, Block, Sheet, passages


def sheet(*blocks: Block, **fields) -> Sheet:
    return Sheet(**({"id": "F1", "kind": "sheet", "title": "Titre", "blocks": blocks} | fields))


def block(count: int, word: str = "mot", where: tuple[str, ...] = ()) -> Block:
    return Block(where, " ".join([word] * (count - 1) + [f"{word}."]))


def test_neighbours_under_the_same_headings_are_joined_up_to_the_length():
    made = passages(sheet(block(60), block(50), block(10), block(20, where=("Coût",)), block(5)))
    assert [len(passage["text"].split()) for passage in made] == [110, 10, 20, 5]
    assert [passage["id"] for passage in made] == ["F1#1", "F1#2", "F1#3", "F1#4"]
    assert made[2]["where"] == ["Coût"]


def test_a_block_that_is_too_long_is_cut_between_sentences_and_nothing_is_lost():
    sentences = [f"Selon l'art. {n} et M. Durand, " + " ".join(["mot"] * 40) + f" fin {n}." for n in range(6)]
    text = " ".join(sentences)
    made = passages(sheet(Block((), text)))
    assert len(made) == 3
    assert all(len(passage["text"].split()) <= WORDS for passage in made)
    assert " ".join(passage["text"] for passage in made) == text
    assert all(passage["text"].endswith(".") for passage in made)


def test_a_sentence_is_never_cut():
    long = Block((), "mot " * 300 + "fin.")
    assert [len(passage["text"].split()) for passage in passages(sheet(long))] == [301]


def test_what_only_announces_goes_with_what_follows():
    made = passages(
        sheet(
            Block(("Coût",), "Cela dépend de votre situation :"),
            Block(("Coût", "Majeur"), "86 €."),
            Block(("Coût", "Mineur"), "42 €."),
        )
    )
    assert [(p["where"], p["text"]) for p in made] == [
        (["Coût", "Majeur"], "Cela dépend de votre situation : 86 €."),
        (["Coût", "Mineur"], "42 €."),
    ]


def test_a_passage_that_says_the_same_keeps_its_id_and_a_new_one_gets_a_new_one():
    first, second = block(60, "un"), block(70, "deux")
    before = passages(sheet(first, second))
    after = passages(sheet(block(80, "neuf"), first, second, title="Autre titre"), before)
    assert [passage["id"] for passage in after] == ["F1#3", "F1#1", "F1#2"]
    assert after[1]["sha256"] != before[0]["sha256"]
    assert passages(sheet(first, second), before) == before
