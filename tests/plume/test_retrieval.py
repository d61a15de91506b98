"""Past replies as examples: of the same network, never the item itself or a near-duplicate; the same every time."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plume.corpus.dataset import read_split
from plume.corpus.split import experience_of
from plume.french.similar import similarity
from plume.retrieval import NEAR_DUPLICATE, Retriever


def pair(number, review, *, network="CAF", structure="CAF du Nord", structure_number=1, reply=None, title=None):
    return {
        "id": f"{number}-{structure_number}",
        "network": network,
        "structure": structure,
        "title": title,
        "review": review,
        "reply": reply or f"Bonjour [USAGER], réponse {number} au sujet de {review}",
    }


PAST = [
    pair(1, "Ma carte grise n'arrive pas depuis trois mois", network="Préfectures"),
    pair(2, "L'aide au logement a été suspendue sans explication"),
    pair(3, "La carte d'allocataire est perdue, le guichet ne répond pas"),
    pair(4, "Le guichet était fermé, personne au téléphone"),
    pair(5, "Merci pour votre accueil"),
]


def ids(pairs):
    return [p["id"] for p in pairs]


def test_the_most_similar_of_the_same_network_come_first():
    found = Retriever(PAST).similar(pair(9, "le guichet ne répond pas au téléphone, carte perdue"), 2)
    assert ids(found) == ["3-1", "4-1"]


def test_case_accents_and_the_title_do_not_part_texts():
    found = Retriever(PAST).similar(pair(9, "RIEN", title="AIDE AU LOGEMENT SUSPENDUE", network="Caf"), 1)
    assert ids(found) == ["2-1"]


def test_nothing_is_shown_where_nothing_is_similar_or_the_network_is_new():
    retriever = Retriever(PAST)
    assert retriever.similar(pair(9, "zzz"), 3) == []
    assert retriever.similar(pair(9, "…"), 3) == []
    assert retriever.similar(pair(9, "le guichet", network="Urssaf"), 3) == []
    assert retriever.similar(pair(9, "le guichet", network=None, structure=None), 3) == []
    assert retriever.similar(PAST[1], 0) == []


def test_without_a_network_it_is_the_same_structure():
    past = [pair(1, "le site plante", network=None, structure="ANTS"), pair(2, "le site plante", network=None)]
    found = Retriever(past).similar(pair(9, "le site plante encore au paiement", network=None, structure="ANTS"), 5)
    assert ids(found) == ["1-1"]


def test_the_item_its_experience_and_its_near_duplicates_are_left_out():
    review = "Le guichet de mon quartier est fermé tous les lundis et personne ne prévient jamais les usagers"
    same = pair(7, review)
    other_structure = pair(7, "Le guichet, autre structure de la même expérience", structure_number=2)
    copied = pair(8, review.replace("lundis", "mardis"), reply="Une tout autre réponse, sur un autre sujet")
    other = pair(10, "Le guichet est fermé")
    assert similarity(review, copied["review"]) < NEAR_DUPLICATE  # so that the threshold decides below
    past = [same, other_structure, copied, other]
    assert set(ids(Retriever(past).similar(same, 9))) == {"8-1", "10-1"}
    near = Retriever(past, near_duplicate=similarity(review, copied["review"]))
    assert ids(near.similar(same, 9)) == ["10-1"]


def test_a_past_reply_near_the_one_to_be_written_is_left_out():
    reply = "Bonjour, nous regrettons l'attente au guichet et renforçons l'équipe dès la rentrée prochaine."
    past = [pair(1, "Guichet fermé hier", reply=reply), pair(2, "Guichet plein")]
    item = pair(9, "Le guichet, encore", reply=reply)
    assert ids(Retriever(past).similar(item, 5)) == ["2-1"]
    assert set(ids(Retriever(past).similar({k: v for k, v in item.items() if k != "reply"}, 5))) == {"1-1", "2-1"}


def test_one_reply_is_not_shown_twice():
    template = "Bonjour, nous vous remercions de votre avis et le transmettons au service concerné pour suite utile."
    past = [pair(n, f"Guichet numéro {n} fermé", reply=template) for n in range(4)]
    assert len(Retriever(past).similar(pair(9, "Guichet fermé"), 3)) == 1


@pytest.mark.parametrize(("reply", "shown"), [("Voyez [AGENT_1].", False), ("[USAGER], au [TEL_1]…", True)])
def test_a_reply_with_a_placeholder_that_its_review_lacks_is_no_example(reply, shown):
    past = [pair(1, "J'appelle le [TEL_1] : guichet fermé", reply=reply)]
    assert bool(Retriever(past).similar(pair(9, "guichet"), 1)) is shown


def test_equal_scores_go_by_id():
    past = [pair(n, "guichet fermé", reply=f"réponse {n} " + "mot " * n) for n in (30, 10, 20)]
    assert ids(Retriever(past, near_duplicate=1.01).similar(pair(9, "guichet fermé"), 3)) == ["10-1", "20-1", "30-1"]


WORDS = st.sampled_from(
    ["guichet", "carte", "dossier", "attente", "caf", "aide", "téléphone", "retard", "merci", "site"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
PAIRS = st.lists(
    st.tuples(st.integers(1, 8), st.integers(1, 3), st.sampled_from(["CAF", "CPAM", None]), TEXTS, TEXTS),
    min_size=1,
    max_size=14,
    unique_by=lambda t: t[:2],
).map(lambda rows: [pair(n, r, structure_number=s, network=w, reply=a) for n, s, w, r, a in rows])


@settings(max_examples=150, deadline=None)
@given(PAIRS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_what_is_excluded_is_never_shown_and_order_does_not_matter(pairs, k, chance):
    item, past = pairs[0], list(pairs)
    found = Retriever(past).similar(item, k)
    assert len(found) <= k
    scope = item["network"] or item["structure"]
    for shown in found:
        assert (shown["network"] or shown["structure"]) == scope
        assert experience_of(shown["id"]) != experience_of(item["id"])
        assert similarity(shown["review"], item["review"]) < NEAR_DUPLICATE
        assert similarity(shown["reply"], item["reply"]) < NEAR_DUPLICATE
    shuffled = list(past)
    chance.shuffle(shuffled)
    again = Retriever(shuffled)
    assert ids(again.similar(item, k)) == ids(found)
    assert again.describe() == Retriever(past).describe()
    assert ids(Retriever(past).similar(item, k + 1))[: len(found)] == ids(found)


def test_the_description_changes_with_what_is_shown(small_dataset):
    train = read_split(small_dataset, "train")
    retriever = Retriever.load(small_dataset)
    assert retriever.describe() == Retriever(train).describe()
    assert retriever.describe()["pairs"] == len(train)
    assert retriever.describe()["library"].startswith("bm25s ")
    digests = {Retriever(train[:-1]).describe()["sha256"], retriever.describe()["sha256"]}
    for key in ("review", "reply", "title"):
        digests.add(Retriever([*train[:-1], train[-1] | {key: "autre"}]).describe()["sha256"])
    assert len(digests) == 5
    assert json.dumps(retriever.describe())


def test_a_thousand_pairs_give_the_same_examples_from_a_new_index():
    random.seed(4)
    vocabulary = [f"mot{i}" for i in range(80)]
    past = [pair(i, " ".join(random.choices(vocabulary, k=20))) for i in range(1000)]
    item = pair(5000, " ".join(random.choices(vocabulary, k=20)))
    assert ids(Retriever(past).similar(item, 10)) == ids(Retriever(past[::-1]).similar(item, 10))
