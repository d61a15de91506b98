"""From rows to pairs: nothing gets lost, and each row left out says why."""

import pytest

from plume.corpus.dataset import FEATURES
from plume.corpus.export import read_experiences, structures
from plume.corpus.pairs import Selection, explode
from plume.corpus.placeholders import is_placeholder
from plume.corpus.split import experience_of

REVIEW = "J'attends ma carte grise depuis le mois de mars."
REPLY = (
    "Bonjour, nous regrettons ce retard. Votre carte grise est en cours de fabrication et vous parviendra par la poste."
)
PLACEHOLDER = (
    "Le service public concerné par votre témoignage n’est pas encore en mesure de vous répondre.\r\nSachez que nous "
    "sommes mobilisés pour que tous les services publics puissent vous apporter une réponse.\r\nCamille"
)


def row(number: str | None = "1", n: int = 1, **fields: str | None) -> dict:
    return {
        "id_experience": number,
        "titre": "Carte&nbsp;grise",
        "description": REVIEW,
        "ecrit_le": "2024-03-01",
        "pseudonyme_usager": "Tournesol",
        f"intitule_typologie_{n}": "France Titres - ANTS",
        f"intitule_structure_{n}": "France Titres",
        f"statut_reponse_structure_{n}": "Réponse apportée",
        f"reponse_structure_{n}": REPLY,
    } | fields


def reasons(*rows: dict, **selection) -> list[str]:
    return [q.reason for q in explode(rows, Selection(**selection)).quarantine]


def test_a_pair_carries_every_declared_feature():
    full = row(
        date_de_publication="2024-03-02T08:00:00",
        date_de_premiere_reponse="05/03/2024",
        ressenti_usager="Négatif",
        code_insee_departement_usager="93",
        aide_ia_proposee_reponse_structure_1="O",
        taux_de_similarite_reponse_ia_structure_1="41",
        evaluation_reponse_structure_1_par_auteur="Utile ",
        reponse_structure_1=REPLY + "\r\nCordialement,\r\nAna",
    )
    [pair] = explode([full], Selection()).pairs
    assert pair.values == {
        "id": "1-1",
        "network": "France Titres - ANTS",
        "structure": "France Titres",
        "department": "93",
        "sentiment": "Négatif",
        "title": "Carte grise",
        "review": REVIEW,
        "reply": REPLY,
        "written_on": "2024-03-01",
        "published_on": "2024-03-02",
        "replied_on": "2024-03-05",
        "ai_offered": True,
        "ai_similarity": 41,
        "author_vote": "utile",
    }
    assert list(pair.values) == list(FEATURES)
    assert (pair.pseudonym, pair.closing) == ("Tournesol", "Cordialement,\nAna")


def test_what_is_absent_is_null():
    [pair] = explode([row()], Selection()).pairs
    absent = ("department", "sentiment", "published_on", "replied_on", "ai_offered", "ai_similarity", "author_vote")
    assert all(pair.values[name] is None for name in absent)


def test_three_structures_make_three_pairs_of_one_experience():
    both = row("12") | row("12", 2) | row("12", 3)
    pairs = explode([both], Selection()).pairs
    assert [p.values["id"] for p in pairs] == ["12-1", "12-2", "12-3"]
    assert {experience_of(p.values["id"]) for p in pairs} == {"12"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reponse_structure_1": None}, "no_reply"),
        ({"reponse_structure_1": "&nbsp;\r\n"}, "no_reply"),
        ({"reponse_structure_1": PLACEHOLDER}, "placeholder_reply"),
        ({"statut_reponse_structure_1": "Réponse dépubliée"}, "unpublished_reply"),
        ({"ecrit_le": None}, "bad_date"),
        ({"ecrit_le": "hier"}, "bad_date"),
        ({"reponse_structure_1": "Bonjour, merci."}, "reply_too_short"),
        ({"reponse_structure_1": "mot " * 401}, "reply_too_long"),
        ({"description": "Nul."}, "review_too_short"),
        ({"description": None}, "review_too_short"),
        ({"taux_de_similarite_reponse_ia_structure_1": "50"}, "written_by_ai"),
        ({"id_experience": None}, "no_id"),
        ({"id_experience": " "}, "no_id"),
    ],
)
def test_each_row_left_out_says_why(fields, reason):
    result = explode([row(**fields)], Selection())
    assert (result.rows, len(result.pairs)) == (1, 0)
    [left_out] = result.quarantine
    assert left_out.reason == reason
    assert left_out.detail


def test_an_experience_sent_nowhere_or_given_twice_is_accounted_for():
    nowhere = {"id_experience": "5", "description": REVIEW, "ecrit_le": "2024-03-01"}
    result = explode([nowhere, row("6"), row("6")], Selection())
    assert (result.experiences, result.rows, len(result.pairs)) == (3, 3, 1)
    assert [(q.id, q.reason) for q in result.quarantine] == [("5", "no_structure"), ("6", "duplicate_experience")]


@pytest.mark.parametrize(
    ("given", "kept"), [("49", 49), ("0", 0), ("12.6", 13), ("", None), ("?", None), ("inf", None), ("nan", None)]
)
def test_similarity_is_a_whole_percentage_or_unknown(given, kept):
    [pair] = explode([row(taux_de_similarite_reponse_ia_structure_1=given or None)], Selection()).pairs
    assert pair.values["ai_similarity"] == kept


def test_the_selection_decides():
    similar = row(taux_de_similarite_reponse_ia_structure_1="100")
    assert reasons(similar) == ["written_by_ai"]
    assert reasons(similar, ai_similarity_below=101) == []
    assert reasons(row(), min_reply_words=100) == ["reply_too_short"]
    assert reasons(row(), max_reply_words=16) == ["reply_too_long"]
    assert reasons(row(), min_review_words=50) == ["review_too_short"]


def test_the_quarantine_holds_no_text_of_a_person():
    marked = row(reponse_structure_1="Secretissime", description="Secretissime", pseudonyme_usager="Secretissime")
    [left_out] = explode([marked], Selection()).quarantine
    assert "Secretissime" not in str(left_out)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (PLACEHOLDER, True),
        (PLACEHOLDER.replace("’", "'").replace(" ", "\u00a0"), True),
        ("Bonjour,\r\n" + PLACEHOLDER, True),
        ("Bonjour, nous ne sommes pas encore en mesure de vous répondre : votre dossier est à l'étude.", False),
        (REPLY, False),
        (None, False),
        ("", False),
    ],
)
def test_the_platforms_placeholder_is_no_reply(reply, expected):
    assert is_placeholder(reply) is expected


@pytest.mark.parametrize("name", ["sample_export", "real_export"])
def test_every_experience_and_every_structure_is_accounted_for(name, request):
    rows = list(read_experiences(request.getfixturevalue(name)))
    result = explode(rows, Selection())
    ids = [p.values["id"] for p in result.pairs] + [q.id for q in result.quarantine]
    assert len(ids) == len(set(ids)) == result.rows == len(result.pairs) + len(result.quarantine)
    assert {experience_of(i) for i in ids} == {r["id_experience"] for r in rows}
    assert result.rows == sum(max(1, len(structures(r))) for r in rows)
    for pair in result.pairs:
        assert pair.values["reply"]
        assert not is_placeholder(pair.values["reply"])
