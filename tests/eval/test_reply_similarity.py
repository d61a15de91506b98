"""Values by hand first, then agreement with the packages that compute the same thing."""

import unicodedata

import pytest
from sacrebleu.metrics import CHRF

from eval.reply_similarity import chrf, chrf_corpus, chrf_signature, edit_rate, mean, rouge, texts
from plume.errors import InputError

DRAFT = "Bonjour, nous regrettons l’attente et vous remercions de votre réponse."
REPLY = "Bonjour, merci de votre témoignage ; nous regrettons cette attente."


def test_chrf_of_a_text_with_itself_and_with_nothing_in_common() -> None:
    assert chrf(REPLY, REPLY) == pytest.approx(100)
    assert chrf("xyz", "abc") == 0
    assert chrf("", REPLY) == 0


def test_the_form_of_accents_does_not_count() -> None:
    decomposed = unicodedata.normalize("NFD", REPLY + " À bientôt.")
    assert chrf(decomposed, REPLY + " À bientôt.") == chrf_corpus([decomposed], [REPLY + " À bientôt."]) == 100
    assert edit_rate(decomposed, REPLY + " À bientôt.") == 0
    assert rouge(decomposed, REPLY + " À bientôt.")["rougeL"] == 1


def test_chrf_by_hand() -> None:
    # "abc" against "abd", characters 1 to 6, orders that neither text has left out (effective order):
    #   1-grams: a b shared of 3 and 3 -> P = R = 2/3; 2-grams: ab of 2 and 2 -> 1/2; 3-grams: 0 of 1 and 1 -> 0.
    #   P = R = (2/3 + 1/2 + 0) / 3 = 7/18, so F2 = 7/18 whatever beta is.
    assert chrf("abc", "abd") == pytest.approx(100 * 7 / 18)


def test_chrf_weighs_recall_four_times_as_much_as_precision() -> None:
    # "a" against "ab": 1-grams P = 1, R = 1/2; the draft has no 2-gram. F2 = 5 P R / (4 P + R) = 2.5 / 4.5.
    # "ab" against "a": P = 1/2, R = 1: F2 = 2.5 / (2 + 1).
    assert chrf("a", "ab") == pytest.approx(100 * 2.5 / 4.5)
    assert chrf("ab", "a") == pytest.approx(100 * 2.5 / 3)


def test_chrf_agrees_with_sacrebleu() -> None:
    drafts, replies = [DRAFT, "Merci."], [REPLY, "Bonjour, merci."]
    for draft, reply in zip(drafts, replies, strict=True):
        assert chrf(draft, reply) == CHRF().sentence_score(draft, [reply]).score
    assert chrf_corpus(drafts, replies) == CHRF().corpus_score(drafts, [replies]).score


def test_the_signature_says_how_chrf_was_computed() -> None:
    signature = chrf_signature()
    assert "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:" in signature


def test_rouge_by_hand() -> None:
    # draft "la réponse est claire" (4 words), reply "la réponse , très claire" (4 words: la réponse très claire).
    #   1: la, réponse, claire shared -> F1 = 2·3 / (4 + 4) = 0.75
    #   2: "la réponse" shared of 3 and 3 pairs -> 2·1 / 6
    #   L: la réponse … claire, 3 long -> 0.75
    scores = rouge("La réponse est claire.", "la RÉPONSE, très claire")
    assert scores == pytest.approx({"rouge1": 0.75, "rouge2": 1 / 3, "rougeL": 0.75})


def test_rouge_counts_a_word_as_often_as_both_texts_hold_it() -> None:
    # "le le le" and "le le": min(3, 2) = 2 shared -> 2·2 / 5; pairs: min(2, 1) = 1 -> 2·1 / 3.
    assert rouge("le le le", "le le") == pytest.approx({"rouge1": 0.8, "rouge2": 2 / 3, "rougeL": 0.8})


def test_rouge_l_wants_the_order() -> None:
    # The same three words backwards: every word shared, the longest common subsequence is one word -> 2·1 / 6.
    assert rouge("un deux trois", "trois deux un") == pytest.approx({"rouge1": 1, "rouge2": 0, "rougeL": 1 / 3})


def test_a_word_with_an_accent_is_one_word() -> None:
    # Cut at accents, "réponse" and "régime" would share their "r", and unrelated phrases would look alike.
    assert rouge("réponse", "régime")["rouge1"] == 0
    assert rouge("élève reçu", "été déçu")["rouge1"] == 0
    assert rouge("réponse", "re\u0301ponse")["rouge1"] == 1  # the accent composed or not
    assert rouge("réponse", "reponse")["rouge1"] == 0  # a missing accent is another word


def test_typography_is_no_difference() -> None:
    assert rouge("L’accueil\u00a0!", "l'accueil !") == {"rouge1": 1, "rouge2": 1, "rougeL": 1}
    assert edit_rate("L’accueil\u00a0!", "l'accueil !") == 0


@pytest.mark.parametrize(
    ("draft", "reply", "rate"),
    [
        ("a b c d", "a b c d", 0),
        ("a b c d", "a x c d", 1 / 4),  # one replaced, 4 words
        ("a b c", "a b c d e", 2 / 5),  # two inserted, by the longer
        ("a b c d e", "a b c", 2 / 5),  # two deleted
        ("", "a b", 1),
        ("", "", 0),
        ("a b", "c d e", 1),
        ("Nous répondons vite", "nous répondrons vite.", 1 / 3),  # words, not letters
    ],
)
def test_edit_rate_by_hand(draft: str, reply: str, rate: float) -> None:
    assert edit_rate(draft, reply) == pytest.approx(rate)
    assert edit_rate(reply, draft) == pytest.approx(rate)


def test_the_mean_of_nothing_is_an_error_not_zero() -> None:
    assert mean([1, 2]) == 1.5
    with pytest.raises(InputError, match="no draft to score"):
        mean([])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"predictions": ["a"], "references": ["a", "b"]}, "differ in length: predictions 1, references 2"),
        ({"predictions": ["a", None], "references": ["a", "b"]}, r"predictions\[1\] is not a text but None"),
        ({"predictions": ["a"], "references": [" …"]}, r"references\[0\] holds no word"),
    ],
)
def test_bad_columns_are_named(columns: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        texts(**columns)


def test_an_empty_draft_is_a_draft() -> None:
    texts(predictions=[""], references=["a"])
