"""From rows to pairs: nothing gets lost, and each row left out says why."""

from dataclasses import asdict

import pytest

from plume.contacts import Directory
from plume.corpus.dataset import FEATURES
from plume.corpus.pairs import MADE, Quarantined, Selection, UnmaskedPair, outcomes
from plume.corpus.split import experience_of
from plume.export.body_names import body_name
from plume.export.cleaning import clean
from plume.export.columns import CELLS
from plume.export.experience import Experience
from plume.export.placeholders import is_placeholder
from plume.export.reader import read_experiences, read_rows
from plume.export.values import READERS

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


def explode(rows: list, selection: Selection) -> tuple[list[UnmaskedPair], list[Quarantined]]:
    """The pairs and the quarantined rows that come of some rows."""
    directory, seen = Directory.load(), set()

    def is_repeated(experience: str) -> bool:
        return experience in seen or seen.add(experience) is not None

    read = [row if isinstance(row, Experience) else Experience.of(row) for row in rows]
    found = [o for n, one in enumerate(read, 1) for o in outcomes(one, n, selection, directory, is_repeated)]
    return [o for o in found if isinstance(o, UnmaskedPair)], [o for o in found if isinstance(o, Quarantined)]


def reasons(*rows: dict, **selection) -> list[str]:
    return [q.reason for q in explode(list(rows), Selection(**selection))[1]]


def test_a_key_that_is_written_as_it_was_read_was_not_read_as_text():
    """Else a column that is shifted, or that people write in, would carry text past the masks."""
    kinds = {cell.name: cell.kind for cell in CELLS.values()}
    assert {kinds[key] for key in FEATURES if key not in MADE} <= set(READERS) - {"text", "words"}
    assert set(MADE) <= set(FEATURES)


def test_a_pair_carries_every_declared_feature():
    full = row(
        date_de_publication="2024-03-02T08:00:00",
        date_de_premiere_reponse="05/03/2024",
        ressenti_usager="Négatif",
        code_insee_departement_usager="93",
        aide_ia_proposee_reponse_structure_1="O",
        top_ia_structure_1="N",
        taux_de_similarite_reponse_ia_structure_1="41",
        vote_de_l_agent_reponse_ia_structure_1="utile",
        evaluation_reponse_structure_1_par_auteur="Utile ",
        reponse_structure_1=REPLY + "\r\nCordialement,\r\nAna",
    )
    [pair], _ = explode([full], Selection())
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
        "ai_enabled": False,
        "ai_offered": True,
        "ai_similarity": 41,
        "agent_vote": "utile",
        "author_vote": "utile",
        "sources": None,
    }
    assert list(pair.values) == list(FEATURES)
    assert (pair.pseudonym, pair.closing) == ("Tournesol", "Cordialement,\nAna")


@pytest.mark.parametrize(
    "nothing",
    ["Aucun", "aucune", "non", "N", "-", "—", "Néant", "Sans objet", "N/A", "null", ".", "Aucun motif", "pas de rejet"],
)
def test_a_reason_that_is_none_rejects_nothing(nothing):
    told = {"etat_experience": "Traitées", "statut_de_l_experience": "Expérience avec réponse"}
    assert reasons(row(motif_de_rejet=nothing, **told)) == []


@pytest.mark.parametrize("status", ["Réponse apportée", "Réponse adoptée", "Publiée", "Réponse publiée", None])
def test_published_replies_are_kept_whatever_the_year_calls_them(status):
    assert reasons(row(statut_reponse_structure_1=status)) == []


def test_what_is_absent_is_null():
    [pair], _ = explode([row()], Selection())
    absent = ["department", "sentiment", "published_on", "replied_on"]
    absent += ["ai_enabled", "ai_offered", "ai_similarity", "agent_vote", "author_vote"]
    assert all(pair.values[name] is None for name in absent)


def test_three_structures_make_three_pairs_of_one_experience():
    both = row("12") | row("12", 2) | row("12", 3)
    pairs, _ = explode([both], Selection())
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
        ({"statut_reponse_structure_1": "REPONSE DEPUBLIEE"}, "unpublished_reply"),
        ({"statut_reponse_structure_1": "Dépubliée"}, "unpublished_reply"),
        ({"statut_reponse_structure_1": "Réponse non publiée"}, "unpublished_reply"),
        ({"statut_reponse_structure_1": "En attente"}, "unpublished_reply"),
        ({"statut_reponse_structure_1": "En attente de réponse"}, "unpublished_reply"),
        ({"statut_reponse_structure_1": "Réponse en attente de validation"}, "unpublished_reply"),
        ({"statut_reponse_structure_1": "Rejetée"}, "unpublished_reply"),
        ({"motif_de_rejet": "Propos injurieux"}, "rejected_experience"),
        ({"motif_de_rejet": "Non conforme"}, "rejected_experience"),
        ({"motif_de_rejet": "Rejeté"}, "rejected_experience"),
        ({"statut_de_l_experience": "Expérience rejetée"}, "rejected_experience"),
        ({"reponse_structure_1": "mot&nbsp;" * 10**6}, "reply_too_long"),
        ({"description": "mot " * 701}, "review_too_long"),
        ({"titre": "x" * 10**6}, "review_too_long"),
        ({"description": "I have been waiting for my card since March and nobody answers."}, "review_not_french"),
        ({"description": "привет " * 12}, "review_not_french"),
        (
            {"reponse_structure_1": "We are sorry for the delay. Your card is on its way to you. Thank you all."},
            "reply_not_french",
        ),
        ({"reponse_structure_1": REPLY + " Écrivez à zoe@exemple-inconnu.fr."}, "unlisted_contact"),
        ({"id_experience": None}, "no_id"),
        ({"id_experience": " "}, "no_id"),
        ({"id_experience": "Je suis venu lundi"}, "bad_id"),
        ({"id_experience": "Zoé-Tournesol"}, "bad_id"),
        ({"id_experience": "dupont-75"}, "bad_id"),
        ({"id_experience": "0612345678"}, "bad_id"),
        ({"id_experience": "612345678"}, "bad_id"),  # Excel drops the zero
        ({"id_experience": "285057800608436"}, "bad_id"),
        ({"intitule_structure_1": "mot " * 50}, "bad_structure"),
    ],
)
def test_each_row_left_out_says_why(fields, reason):
    pairs, [left_out] = explode([row(**fields)], Selection())
    assert not pairs
    assert left_out.reason == reason
    assert left_out.detail


@pytest.mark.parametrize("name", ["7", "3180452", "100000001", "ligne-12", "EXP_0007"])
def test_ids_of_the_platform_and_of_extracts_are_kept(name):
    [pair], _ = explode([row(name)], Selection())
    assert pair.values["id"] == f"{name}-1"


def test_an_experience_sent_nowhere_or_given_twice_is_accounted_for():
    nowhere = {"id_experience": "5", "description": REVIEW, "ecrit_le": "2024-03-01"}
    pairs, quarantine = explode([nowhere, row("6"), row("6")], Selection())
    assert [p.values["id"] for p in pairs] == ["6-1"]
    assert [(q.id, q.reason) for q in quarantine] == [("5", "no_structure"), ("6", "duplicate_experience")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("49", 49),
        ("0", 0),
        ("12.6", 12),
        ("49.5", 49),
        ("49,99 %", 49),
        ("", None),
        ("?", None),
        ("inf", None),
        ("nan", None),
        ("41 %", 41),
    ],
)
def test_similarity_is_a_whole_percentage_or_unknown(given, kept):
    [pair], _ = explode([row(taux_de_similarite_reponse_ia_structure_1=given or None)], Selection())
    assert pair.values["ai_similarity"] == kept


@pytest.mark.parametrize(
    ("mailbox", "listed"),
    [
        ("pref-courrier@lande.gouv.fr", True),
        ("cni-passeports.ville-fslt@exemple.gouv.fr", True),
        ("jean.dupont@lande.gouv.fr", False),
        ("j.dupont@exemple.gouv.fr", False),
        ("contact@exemple-gouv.fr", False),
    ],
)
def test_official_mailboxes_of_a_function_need_no_directory(mailbox, listed):
    assert reasons(row(reponse_structure_1=f"{REPLY} Écrivez à {mailbox}.")) == ([] if listed else ["unlisted_contact"])


def test_the_selection_decides():
    similar = row(taux_de_similarite_reponse_ia_structure_1="100")
    assert reasons(similar) == ["written_by_ai"]
    assert reasons(similar, ai_similarity_below=101) == []
    assert reasons(row(), min_reply_words=100) == ["reply_too_short"]
    assert reasons(row(), max_reply_words=16) == ["reply_too_long"]
    assert reasons(row(), min_review_words=50) == ["review_too_short"]
    assert reasons(row(), max_review_words=6) == ["review_too_long"]
    unlisted = row(reponse_structure_1=REPLY + " Écrivez à zoe@exemple-inconnu.fr.")
    assert reasons(unlisted) == ["unlisted_contact"]
    assert reasons(unlisted, unlisted_contacts="keep") == []
    assert reasons(unlisted | {"description": REVIEW + " J'ai écrit à zoe@exemple-inconnu.fr."}) == ["unlisted_contact"]
    assert reasons(row(reponse_structure_1=PLACEHOLDER), placeholders=True) == []
    assert reasons(row(statut_reponse_structure_1="Réponse dépubliée"), unpublished=True) == []
    english = row(description="I have been waiting for my card since March and nobody answers.")
    assert reasons(english, french_only=False) == []
    assert reasons(row(description="OK RAS parfait top nickel")) == []  # too short to be told another language


def test_contacts_outside_the_directory_are_counted_where_they_are_kept():
    unlisted = row(reponse_structure_1=REPLY + " Écrivez à zoe@exemple-inconnu.fr ou au 01 99 00 12 34.")
    [pair], _ = explode([unlisted], Selection(unlisted_contacts="keep"))
    assert pair.unlisted_contacts == 2


def test_the_quarantine_holds_no_text_of_a_person():
    marked = row(reponse_structure_1="Secretissime", description="Secretissime", pseudonyme_usager="Secretissime")
    _, [left_out] = explode([marked], Selection())
    assert "Secretissime" not in str(left_out)


@pytest.mark.parametrize("odd", ["0612345678", "285057800608436", "Zoé.Tournesol", "zoe@exemple.fr"])
def test_what_is_no_id_is_not_printed(odd):
    _, [left_out] = explode([row(odd)], Selection())
    assert left_out.id == "record-1"
    assert odd not in str(left_out)


@pytest.mark.parametrize("column", ["intitule_structure_1", "intitule_typologie_1"])
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("CAF du Nord 06 12 34 56 78", "CAF du Nord [TEL]"),
        ("CAF du Nord zoe.tournesol@exemple.fr", "CAF du Nord [EMAIL]"),
        ("CAF 2 85 05 78 006 084 36", "CAF [NIR]"),
        ("Madame Zoé Durand, CAF du Nord", "Madame [TIERS], CAF du Nord"),
        ("Le médiateur - Claude Martin", "Le médiateur - [TIERS]"),
        ("Zoé Durand", "[TIERS]"),
        ("DURAND Zoé", "[TIERS]"),
        ("CCAS Louis Aragon", "CCAS Louis Aragon"),
        ("France Titres-ANTS", "France Titres-ANTS"),
        ("Mairie - Saint-Georges-de-Didonne", "Mairie - Saint-Georges-de-Didonne"),
        ("Lycée Victor Hugo", "Lycée Victor Hugo"),
        ("CPAM ST LO", "CPAM ST LO"),
    ],
)
def test_a_person_in_the_name_of_a_body_is_masked(column, name, written):
    [pair], [out] = explode(
        [row("1", **{column: name}), row("2", **{column: name, "reponse_structure_1": None})], Selection()
    )
    field = "structure" if "structure" in column else "network"
    assert pair.values[field] == getattr(out, field) == written


@pytest.mark.parametrize("name", ["sample_export", "real_export"])
def test_the_names_of_real_bodies_stay(name, request):
    for row in read_rows(request.getfixturevalue(name)):
        for column in (f"intitule_{what}_{n}" for what in ("typologie", "structure") for n in (1, 2, 3)):
            assert body_name(row.get(column)) == (clean(row.get(column)) or None)


TEXT = "Je m'appelle Zoé Tournesol et ceci est tout un avis. " * 4


@pytest.mark.parametrize("column", list(row(code_insee_departement_usager="1", ressenti_usager="1")))
def test_text_in_a_column_that_is_written_unmasked_goes_nowhere(column):
    """Shifted columns must not carry a citizen's words past the pseudonymiser."""
    masked = {"titre", "description", "reponse_structure_1", "pseudonyme_usager"}
    pairs, quarantine = explode([row(**{column: TEXT})], Selection())
    assert len(pairs) + len(quarantine) == 1
    for pair in pairs:
        assert "Tournesol" not in str({k: v for k, v in pair.values.items() if k not in ("title", "review", "reply")})
        assert column in masked or "Tournesol" not in str(pair.values)
    assert "Tournesol" not in str([asdict(q) for q in quarantine])


def test_what_the_columns_say_is_brought_to_one_spelling():
    odd = row(ressenti_usager="NEGATIF ", code_insee_departement_usager="2a", intitule_structure_1="CAF&nbsp;du Nord")
    odd |= {"top_ia_structure_1": "Oui", "vote_de_l_agent_reponse_ia_structure_1": "Pas utile"}
    [pair], _ = explode([odd], Selection())
    found = {k: pair.values[k] for k in ("sentiment", "department", "structure", "ai_enabled", "agent_vote")}
    assert found == {
        "sentiment": "Négatif",
        "department": "2A",
        "structure": "CAF du Nord",
        "ai_enabled": True,
        "agent_vote": "pas utile",
    }


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (PLACEHOLDER, True),
        (PLACEHOLDER.replace("’", "'").replace(" ", "\u00a0"), True),
        ("Bonjour,\r\n" + PLACEHOLDER, True),
        (PLACEHOLDER.upper(), True),
        (PLACEHOLDER.replace("é", "e").replace("’", " "), True),
        (PLACEHOLDER.replace("’", "â€™").replace("é", "Ã©"), True),
        ("Les services publics concernés ne sont pas encore en mesure de vous répondre.", True),
        ("Le service public visé par votre avis n'est pas en mesure de vous apporter une réponse.", True),
        ("Nous voulons que tous les services publics puissent vous répondre. Camille", True),
        ("Le service public concerné n’est pas en capacité de répondre à votre témoignage.", True),
        (
            "Le service public concerné par votre témoignage n'est pas en capacité de vous répondre pour l'instant.",
            True,
        ),
        ("Bonjour, le service public concerné ne peut pas encore vous répondre.", True),
        ("Les services publics visés ne peuvent malheureusement pas encore vous apporter de réponse.", True),
        ("L'administration concernée par votre avis n'est pas à même de vous répondre à ce jour.", True),
        ("Le service public destinataire ne sera pas en mesure de vous donner une réponse avant 2022.", True),
        ("Le service public que vous citez ne répond pas encore aux témoignages.", True),
        ("Bonjour, il ne nous est pas encore possible de vous répondre.\nCamille, Équipe Services Publics +", True),
        ("Cet organisme n'est pas encore présent sur la plateforme.\r\nL'équipe Services Publics Plus", True),
        ("Nous ne pouvons pas vous répondre sur ce dossier : écrivez à la structure concernée.", False),
        (
            "Merci ! Nous transmettons à la mairie.\nCamille, Équipe Services Publics +",
            True,
        ),  # not the body's own reply
        ("Merci pour ce partage.\nL’équipe Services Publics&nbsp;+.", True),
        ("Merci.\r\nÉquipe Services Publics Plus\r\nDirection interministérielle de la transformation publique", True),
        ("Merci de ce partage.\nCamille, Direction interministérielle de la transformation publique", True),
        ("Le service public concerné ne peut malheureusement pas, à ce jour, vous apporter de réponse.", True),
        ("Le service public concerné par votre expérience n'est pas encore à même d'y répondre.", True),
        ("Le service public concerné par votre témoignage n'a pas encore rejoint la démarche.", True),
        ("L'équipe Services Publics + nous a transmis votre avis : votre dossier est à l'étude.", False),
        ("L'équipe Services Publics + nous a transmis votre avis : nous ne pouvons pas encore vous répondre.", False),
        ("Le service concerné ne peut pas vous répondre sans votre numéro de dossier : appelez-le au 3646.", False),
        ("Les services publics ne peuvent pas répondre par téléphone le lundi, mais votre carte est prête.", False),
        ("Le service public n'est pas à la hauteur, et nous vous devons une réponse : votre carte est prête.", False),
        ("Le service compétent n'a pas reçu votre pièce : répondez à son courrier en la joignant.", False),
        ("Bonjour, nous regrettons que le service public n'ait pas répondu à vos appels.", False),
        ("Notre service n'est pas en mesure de vous répondre par téléphone le samedi.", False),
        ("Le service public est là pour vous, mais nous ne sommes pas encore en mesure de vous répondre.", False),
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
    pairs, quarantine = explode(rows, Selection())
    ids = [p.values["id"] for p in pairs] + [q.id for q in quarantine]
    assert len(ids) == len(set(ids)) == sum(max(1, len(r.answers)) for r in rows)
    assert {experience_of(i) for i in ids} == {r.id for r in rows}
    for pair in pairs:
        assert pair.values["reply"]
        assert not is_placeholder(pair.values["reply"])
