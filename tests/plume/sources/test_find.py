"""Passages are found by a citizen's words; none for what no sheet is about; the same ones every time."""

import json
import random

import pytest

from plume.files import file_sha256, read_jsonl
from plume.paths import ROOT
from plume.sources import folder
from plume.sources.find import NEAR_DUPLICATE, OF_A_SHEET, Finder
from plume.sources.index import EVIDENCE, FEATURES, WEIGHTS, shipped

GOLD = ROOT / "datasets" / "gold" / "sources"
PAIRS = tuple(f"pairs-{n}.jsonl" for n in range(1, 7))
LICENCE = {"review": "J'ai paumé mon permis de conduire dans le train, comment je fais pour en refaire un ?"}
LICENCE_SHEET = "F91010"  # Permis de conduire perdu : comment obtenir un duplicata ?


@pytest.fixture(scope="module")
def passages():
    return folder.read(GOLD)


@pytest.fixture(scope="module")
def finder(passages):
    return Finder(passages)


def ids(found):
    return [passage["id"] for passage in found]


def sheets(found):
    return [passage["sheet"] for passage in found]


def passage(sheet, n, text, *, title="Permis de conduire perdu : que faire ?", kind="sheet", network=None):
    return {"id": f"{sheet}#{n}", "sheet": sheet, "kind": kind, "title": title, "where": [], "text": text} | {
        "network": network
    }


# --- what is found, and what is not


def test_most_reviews_find_their_sheet_and_most_others_nothing(finder):
    pairs = [pair for name in PAIRS for pair in read_jsonl(GOLD / name)]
    on, off = ([pair for pair in pairs if bool(pair["sheets"]) is wanted] for wanted in (True, False))
    hits = sum(not set(sheets(finder.find(pair, 10))).isdisjoint(pair["sheets"]) for pair in on)
    assert len(on) == 560
    assert hits / len(on) >= 0.85  # the weights are learnt from them: unseen pairs do worse
    assert sum(not finder.find(pair) for pair in off) / len(off) >= 0.9


def test_what_is_found_does_not_hang_on_how_many_sheets_there_are(passages, finder):
    every = sorted({one["sheet"] for one in passages})
    pairs = read_jsonl(GOLD / PAIRS[0])
    alone = {pair["id"]: sheets(finder.find(pair, 1)) for pair in pairs}
    few = {*every[::7], LICENCE_SHEET}
    small = Finder([one for one in passages if one["sheet"] in few])
    assert sheets(small.find(LICENCE))[0] == LICENCE_SHEET
    for pair in pairs:
        if set(alone[pair["id"]]) <= few:  # the nearest of all is the nearest of these
            assert sheets(small.find(pair, 1)) == alone[pair["id"]] or not alone[pair["id"]]
    missing = [pair for pair in pairs if few.isdisjoint(pair["sheets"])]
    assert sum(not small.find(pair, 1) for pair in missing) / len(missing) >= 0.65


def test_of_a_review_whose_sheet_is_missing_many_get_no_neighbours(passages, finder):
    on = [pair for name in PAIRS for pair in read_jsonl(GOLD / name) if pair["sheets"]]
    silent = [not finder.find(p, 1, drop=[one["id"] for one in passages if one["sheet"] in p["sheets"]]) for p in on]
    assert sum(silent) / len(silent) >= 0.25


def test_citizens_words_find_the_administrations_sheet(finder):
    found = finder.find(LICENCE)
    assert 1 < len(found) <= 3
    assert sheets(found)[0] == LICENCE_SHEET


@pytest.mark.parametrize(
    "review",
    [
        "Grand merci à la dame de l'accueil, souriante et patiente, qui a pris le temps de m'écouter.",
        "Deux heures de file d'attente debout, des toilettes sales et un vigile malpoli. C'est une honte.",
        "Et alors, qu'est-ce que c'est que ça ?",
        "…",
        "",
    ],
)
def test_nothing_is_found_where_no_sheet_is_about_it(finder, review):
    assert finder.find({"review": review}) == []
    assert finder.find({"review": review, "network": "ANTS", "structure": None, "title": None, "id": "7-1"}) == []


def test_no_passages_or_none_wanted(finder):
    Finder([]).prepare()
    assert Finder([]).find(LICENCE, keep=("F1#1",)) == []
    assert finder.find(LICENCE, 0) == []


def test_the_network_tells_sheets_apart():
    texts = "Déclarez la perte en ligne. Un droit de 25 € est dû."
    twins = [passage(sheet, 1, f"{texts} {sheet}", network=of) for sheet, of in (("F1", "Police"), ("F2", "ANTS"))]
    rest = [passage(f"F{n}", 1, f"Autre sujet {n}", title="Élections : voter") for n in range(3, 9)]
    for network, first in (("ants", "F2"), ("POLICE", "F1")):
        assert sheets(Finder([*twins, *rest]).find(LICENCE | {"network": network}, 1)) == [first]


# --- which of them, in which order


def test_the_order_in_which_passages_come_and_other_questions_change_nothing(passages, finder):
    shuffled = list(passages)
    random.Random(1).shuffle(shuffled)
    other = Finder(shuffled)
    for pair in read_jsonl(GOLD / PAIRS[0])[:20]:
        assert ids(other.find(pair, 5)) == ids(finder.find(pair, 5))
    assert other.describe() == finder.describe()


def test_equal_scores_go_by_id():
    twins = [passage(sheet, 1, f"Déclarez la perte du permis en ligne {sheet}") for sheet in ("F3", "F1", "F2")]
    rest = [passage(f"G{n}", 1, f"Autre sujet {n}", title="Élections : voter") for n in range(40)]
    assert sheets(Finder([*rest, *twins]).find(LICENCE)) == ["F1", "F2", "F3"]


def test_a_sheet_gives_two_passages_at_most(finder):
    for k in (3, 5, 10):
        for pair in read_jsonl(GOLD / PAIRS[1])[:20]:
            found = sheets(finder.find(pair, k))
            assert len(found) <= k
            assert all(found.count(sheet) <= OF_A_SHEET for sheet in found)


def test_what_says_nearly_the_same_comes_once():
    text = "La perte se déclare en ligne sur le site de l'agence, avant de demander un nouveau titre de conduite."
    rest = [passage(f"G{n}", 1, f"Autre sujet {n}", title="Élections : voter") for n in range(6)]
    found = Finder([passage("F1", 1, text), passage("F2", 1, text + " Merci."), *rest]).find(LICENCE)
    assert sheets(found) == ["F1"]


# --- what the agent keeps and drops


def test_what_is_kept_comes_first_whatever_the_review_says(finder):
    kept = ["F92001#1", "F91002#2"]
    assert ids(finder.find({"review": "Merci à l'accueil"}, keep=kept)) == kept
    found = ids(finder.find(LICENCE, keep=[*kept, kept[0], "F0#9"]))
    assert found[:2] == kept
    assert found[2].startswith(LICENCE_SHEET)
    assert ids(finder.find(LICENCE, 1, keep=kept)) == kept[:1]


def test_what_is_dropped_does_not_come_back(finder):
    first, second, *_ = ids(finder.find(LICENCE, 5))
    assert first not in ids(finder.find(LICENCE, 5, drop=[first]))
    assert second in ids(finder.find(LICENCE, 5, drop=[first]))
    assert first not in ids(finder.find(LICENCE, 5, drop=[first], keep=[first]))
    whole = [one["id"] for one in finder.find(LICENCE, 100, keep=()) if one["sheet"] == LICENCE_SHEET]
    assert set(whole).isdisjoint(ids(finder.find(LICENCE, 5, drop=whole)))


# --- published replies


def test_a_reply_never_comes_for_its_own_experience_or_nearly_its_own_words():
    text = "La perte du permis de conduire se déclare en ligne, puis un duplicata est demandé sur le site de l'agence."
    replies = [passage(f"{n}-1", 1, f"{text} Dossier type {n}.", kind="reply") for n in (12, 31)]
    rest = [passage(f"G{n}", 1, f"Autre sujet {n}", title="Élections : voter") for n in range(6)]
    found = Finder([*replies, *rest])
    assert sheets(found.find(LICENCE)) == ["12-1"]  # the other says nearly the same
    assert sheets(found.find(LICENCE | {"id": "12-1"})) == ["31-1"]
    assert sheets(found.find(LICENCE | {"id": "12-3"})) == ["31-1"]  # another structure of the same experience
    assert sheets(found.find(LICENCE | {"id": "112-1"})) == ["12-1"]
    assert found.find(LICENCE | {"reply": replies[0]["text"]}) == []
    # A passage is a part of a reply.
    longer = (
        "Bonjour, merci de votre avis, nous regrettons que personne n'ait pu vous renseigner au guichet ce jour-là."
    )
    assert found.find(LICENCE | {"reply": f"{longer} {replies[0]['text']}"}) == []
    assert found.find({"review": f"{text} Dossier ?"}) == []
    assert NEAR_DUPLICATE == 0.8


def test_replies_only_fill_up_what_sheets_leave():
    text = "perdu mon permis de conduire dans le train, comment faire pour en refaire un"
    replies = [passage(f"{n}-1", 1, f"{text} {n} " * 3, kind="reply") for n in (12, 31)]
    own = [passage("F1", n, f"La perte est déclarée en ligne, cas {n} et suivants.") for n in (1, 2)]
    rest = [passage(f"G{n}", 1, f"Autre sujet {n}", title="Élections : voter") for n in range(30)]
    assert sheets(Finder([*replies, *own, *rest]).find(LICENCE)) == ["F1", "F1", "12-1"]
    assert sheets(Finder([*replies, *rest]).find(LICENCE)) == ["12-1", "31-1"]


# --- fingerprints


def test_what_decides_is_described(passages, finder):
    told = finder.describe()
    assert told["passages"] == len(passages)
    assert json.loads(json.dumps(told)) == told
    changed = [passages[0] | {"text": "Autre texte."}, *passages[1:]]
    assert Finder(changed).describe()["sha256"] != told["sha256"]
    other = Finder(passages, shipped()._replace(bias=0.0)).describe()
    assert other["weights_sha256"] != told["weights_sha256"]


def test_weights_are_of_the_pairs_that_are_here():
    made = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    assert made["of"] == {name: file_sha256(GOLD / name)[:16] for name in PAIRS}
    assert set(made["features"]) == set(FEATURES)
    assert set(made["evidence"]) == set(EVIDENCE)
