"""What teaches nothing, or must never be taught, is left out: each judgement is kept or has its reason."""

import pytest

from plume.prompt import load_prompt
from train.preferences.comparisons import Reviews, read
from train.preferences.filters import sift

PROMPT = load_prompt("short-1")


@pytest.fixture
def sifted(configured, small_dataset, write_rows):
    """`sifted(rows, key=value)`: the kept judgements, and the reasons of the others by their line."""

    def call(rows, **overrides):
        config = configured(decisions=write_rows("decisions.jsonl", rows), **overrides)
        kept, dropped = sift(read(config, Reviews(small_dataset)), config, PROMPT)
        assert len(kept) + len(dropped) == len(rows)
        return kept, {int(row["source"].partition(":")[2]): row["reason"] for row in dropped}

    return call


@pytest.fixture
def one(pairs):
    return pairs["train"][0]


@pytest.fixture
def draft(decision, one):
    return decision(one)["draft"]


def test_an_edit_that_says_something_is_kept(sifted, decision, pairs):
    kept, reasons = sifted([decision(pair) for pair in pairs["train"]])
    assert (len(kept), reasons) == (13, {})


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda d: f" {d.replace(' ', '  ')} ", "a copy: final and draft are one text"),
        (lambda d: d.replace(". ", " ! "), "a trivial edit: only spaces, punctuation, greeting or closing differ"),
        (lambda d: d.replace("Bonjour,", "Madame, Monsieur,"), "a trivial edit: only spaces, punctuation, greeting"),
        (lambda d: f"{d}\n\nCordialement", "a trivial edit: only spaces, punctuation, greeting"),
        (lambda d: d.replace("vivement", "sincèrement"), r"a trivial edit: 1\.\d% of the words differ"),
        (lambda d: d.replace("votre caisse", "Mme Josette Morvan"), "the wanted text fails personal_data"),
        (lambda d: f"{d} Appelez-nous au 01 99 00 48 20 dès demain matin.", "the wanted text fails contacts"),
        (
            lambda d: f"{d} Nous vous rembourserons intégralement 350 euros sous huit jours.",
            "the wanted text fails .*promises",
        ),
        (lambda d: f"{d} Vous pouvez appeler le service au [TEL] pour toute question.", "holds a mark in place of"),
        (lambda d: " ".join(d.split()[:20]), "the wanted text fails length"),
    ],
)
def test_what_teaches_nothing_or_harm_is_left_out(sifted, decision, one, draft, edit, reason):
    import re

    kept, reasons = sifted([decision(one, final=edit(draft))])
    assert kept == []
    assert re.match(reason, reasons[1]), reasons


def test_the_smallest_edit_is_the_configs(sifted, decision, one, draft):
    small = decision(one, final=draft.replace("vivement", "sincèrement"))
    assert len(sifted([small], least_edit=0.01)[0]) == 1
    assert len(sifted([small], least_edit=0.02)[0]) == 0


def test_a_draft_that_leaks_is_not_even_unwanted(sifted, decision, one, draft):
    leak = decision(
        one, draft=draft.replace("votre caisse", "Mme Josette Morvan"), final=draft + " Merci beaucoup de ce retour."
    )
    assert sifted([leak])[1] == {1: "the unwanted text holds personal data"}


def test_a_review_that_was_not_masked_is_left_out(sifted, decision):
    row = decision(
        {"id": "draft-1", "title": "Mon attestation"},
        review="Bonjour, je suis Josette Morvan, 06 39 98 44 55, et mon attestation pose problème depuis des semaines.",
    )
    assert sifted([row])[1] == {1: "not pseudonymised: plume data anonymise finds identifiers in it"}


def test_what_is_said_twice_counts_once_and_what_is_denied_not_at_all(sifted, decision, pairs):
    one, other, third = pairs["train"][:3]
    edited = decision(one)
    swapped = edited | {"draft": edited["final"], "final": edited["draft"]}
    kept, reasons = sifted(
        [edited, decision(other), edited, swapped, decision(third), decision(other) | {"seconds": 5}]
    )
    denied = "contradicts another judgement on the same texts"
    assert reasons == {1: denied, 3: "said before, of the same texts", 4: denied, 6: "said before, of the same texts"}
    assert [each.id for each in kept] == [other["id"], third["id"]]


def test_dpo_learns_from_pairs_and_kto_from_each_text(sifted, decision, pairs):
    rows = [
        decision(pair, outcome=said)
        for pair, said in zip(pairs["train"], ("accepted", "rejected", "edited"), strict=False)
    ]
    kept, reasons = sifted(rows)
    assert [each.said for each in kept] == ["edited"]
    assert reasons == {
        n: f"{said}: no second text, and dpo learns from pairs" for n, said in ((1, "accepted"), (2, "rejected"))
    }
    kept, reasons = sifted(rows, method="kto")
    assert ([each.said for each in kept], reasons) == (["accepted", "rejected", "edited"], {})
    torn = [decision(pairs["train"][0], outcome=said) for said in ("accepted", "rejected")]
    assert set(sifted(torn, method="kto")[1].values()) == {"contradicts another judgement on the same texts"}
