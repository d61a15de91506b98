"""Files of judgements are read into what is wanted and what is not, of reviews that no verdict is made on."""

import pytest

from plume.errors import InputError
from plume.judgements import SHOWN
from train.preferences.comparisons import Reviews, read

OWN = {
    "network": "CAF",
    "structure": "CAF du Nord",
    "title": None,
    "review": "Mon attestation n'arrive pas, que faire ?",
}


@pytest.fixture
def read_here(configured, small_dataset):
    return lambda **files: read(configured(**files), Reviews(small_dataset))


def test_an_outcome_says_which_text_is_wanted(read_here, pairs, decision, write_rows):
    one = pairs["train"][0]
    rows = [
        decision(one, outcome="accepted"),
        decision(one),
        decision(one, outcome="rejected"),
        decision(one, outcome="rejected", final="Bonjour, un meilleur texte."),
    ]
    accepted, edited, rejected, replaced = read_here(decisions=write_rows("decisions.jsonl", rows))
    assert (accepted.good, accepted.bad, accepted.of_agent) == (rows[0]["draft"], None, False)
    assert (edited.good, edited.bad, edited.of_agent) == (rows[1]["final"], rows[1]["draft"], True)
    assert (rejected.good, rejected.bad) == (None, rows[2]["draft"])
    assert (replaced.good, replaced.bad) == ("Bonjour, un meilleur texte.", rows[3]["draft"])
    assert {each.fault for each in (accepted, edited, rejected, replaced)} == {""}
    assert edited.source == "decisions.jsonl:2"
    assert edited.review["review"] == one["review"]
    assert edited.review["sentiment"] == "Négatif"


def test_the_review_comes_from_the_train_split_or_the_row_and_never_from_what_is_held_out(
    read_here, pairs, decision, write_rows
):
    held = pairs["test"][0]["review"]
    rows = [
        decision(pairs["validation"][0]),
        decision(pairs["test"][0], **OWN),  # its id is held out, whatever the row holds
        decision({"id": "draft-1", "title": "x"}, **OWN),
        decision({"id": "draft-2", "title": "x"}, **OWN | {"review": held.upper()}),
        decision({"id": "draft-3", "title": "x"}),
        decision({"id": "draft-4", "title": "x"}, **OWN | {"network": 3}),
        decision({"id": "draft-5", "title": "x"}, **OWN | {"sources": [{"title": "x"}]}),
    ]
    read_rows = read_here(decisions=write_rows("decisions.jsonl", rows))
    assert [each.fault for each in read_rows] == [
        "its review is of the validation split",
        "its review is of the test split",
        "",
        "its review is nearly one of the test split",
        "no review of this id: the train split has none, and the row holds none",
        "network, structure, title, review, instruction, tone are texts, or null",
        "sources are a list of passages, each with a title and a text, or null",
    ]
    assert read_rows[2].review == dict.fromkeys(SHOWN) | OWN


def test_ratings_are_of_drafts_that_systems_wrote(read_here, pairs, write_rows):
    one, other = (pair["id"] for pair in pairs["train"][:2])
    drafts = [write_rows(f"{s}.jsonl", [{"id": one, "system": s, "draft": f"texte de {s}"}]) for s in ("v1", "v2")]
    said = [
        (one, "left"),
        (one, "right"),
        (one, "equal"),
        (one, "neither"),
        (other, "left"),
        (pairs["test"][0]["id"], "left"),
    ]
    more = {"reasons": ["tone"], "left_drafts_sha256": "a" * 64, "right_drafts_sha256": "b" * 64}  # as a study exports
    rows = [{"id": i, "left": "v1", "right": "v2", "choice": choice, "rater": "r"} | more for i, choice in said]
    files = {"ratings": write_rows("ratings.jsonl", rows), "drafts": f"[{drafts[0]},{drafts[1]}]"}
    left, right, equal, neither, lacking, held = read_here(**files)
    assert (left.good, left.bad, left.said) == ("texte de v1", "texte de v2", "preferred")
    assert (right.good, right.bad) == ("texte de v2", "texte de v1")
    assert not left.of_agent
    assert equal.fault == neither.fault == "no draft is preferred"
    assert lacking.fault == "no draft of v1 for it among drafts="
    assert held.fault == "its review is of the test split"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": "maybe"}, "line 1: outcome 'maybe' is none of accepted, edited, rejected"),
        ({"seconds": True}, "line 1: seconds True is no number"),
        ({"final": 3}, "line 1: draft and final are texts"),
    ],
)
def test_a_row_that_says_nothing_is_refused_with_its_line(read_here, pairs, decision, write_rows, change, message):
    path = write_rows("decisions.jsonl", [decision(pairs["train"][0]) | change])
    with pytest.raises(InputError, match=message):
        read_here(decisions=path)


def test_two_drafts_of_one_system_for_one_review_are_refused(read_here, pairs, write_rows):
    one = pairs["train"][0]["id"]
    drafts = [write_rows(f"{n}.jsonl", [{"id": one, "system": "v1", "draft": f"texte {n}"}]) for n in range(2)]
    rows = [{"id": one, "left": "v1", "right": "v2", "choice": "left", "rater": "r"}]
    with pytest.raises(InputError, match="another draft of v1 for"):
        read_here(ratings=write_rows("ratings.jsonl", rows), drafts=f"[{drafts[0]},{drafts[1]}]")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({}, "nothing to learn from: give decisions=FILE"),
        ({"ratings": "r.jsonl"}, "ratings name systems: give their drafts"),
        (
            {"decisions": "d.jsonl", "method": "kto", "micro_batch": 2},
            "micro_batch=2: kto compares the texts of a whole step.* use micro_batch=null",
        ),
        ({"decisions": "d.jsonl", "lora.rank": 8}, "lora.rank: unknown key"),
    ],
)
def test_a_config_that_cannot_be_learnt_from_is_refused(configured, overrides, message):
    with pytest.raises(InputError, match=message):
        configured(**overrides)
