"""Reading exports: rows, structures and dates, and one clear line for files that are none (shapes: test_shapes)."""

import datetime as dt
import json
import unicodedata
from pathlib import Path

import pytest

from plume.errors import InputError
from plume.export.columns import _AS_WRITTEN, NO_LABEL, SPELLINGS, Columns, slug_of
from plume.export.experience import Experience
from plume.export.reader import read_experiences, read_rows
from plume.export.values import parse_date


def experience(number: int = 1, **fields) -> dict:
    return {"id_experience": number, "description": "Un avis.", "ecrit_le": "2024-01-02"} | fields


@pytest.fixture
def export(tmp_path: Path):
    def write(content: object) -> Path:
        path = tmp_path / "export.json"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def test_every_value_is_text_or_none(export):
    given = experience(
        7, description=3, top_ia_structure_1=False, titre="", etat_experience=" \n", motif_de_rejet=["a"]
    )
    [row] = read_rows(export([given | {"pseudonyme_usager": None, "pays": "France"}]))
    assert row["id_experience"] == "7"
    assert (row["description"], row["top_ia_structure_1"], row["motif_de_rejet"]) == ("3", "false", '["a"]')
    assert row["titre"] is row["etat_experience"] is row["pseudonyme_usager"] is None
    assert "pays" not in row  # nothing is read from it


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_service_is_one_whatever_the_form_of_its_accents(export, form):
    service = unicodedata.normalize(form, "Préfecture de l'Hérault")
    rows = [experience(1, intitule_structure_1=service), experience(2, pseudonyme_usager=service)]
    first, second = read_experiences(export(rows))
    assert first.answers[0].structure == second.pseudonym == "Préfecture de l'Hérault"


def test_half_an_emoji_can_be_written_again(export):
    [row] = read_experiences(
        export('[{"id_experience": 1, "description": "bien \\ud83d fini \\ud83d\\ude00", "ecrit_le": ""}]')
    )
    assert row.review.encode()
    assert row.review == "bien \ufffd fini \U0001f600"


GOOD = json.dumps([experience(1), experience(2)])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("[]", "holds no experience"),
        (GOOD[:-1], "truncated"),
        (GOOD[: len(GOOD) // 2], "truncated"),
        (GOOD[:-20], "truncated"),
        ("ID expérience;Titre\n1;Bonjour\n", "not an export"),
        ("<html><body>503</body></html>", "not an export"),
        ('[{"id_experience": 1,, }]', "not valid JSON"),
        ("[" * 100_000, "not an export"),
        ("9" * 5000, "not an export"),
        (b"\xff\xfe[\x00]\x00", "not UTF-8"),
        ('"text"', "not an export"),
        ("[[1]]", "none of its 1 records is an object"),
        ('[{"titre": 1}]', "no record has the field id_experience, description, ecrit_le"),
        ([{"id_experience": 1, "ecrit_le": None}, {"id_experience": 2}], "no record has the field description"),
        ({"total_count": 1, "results": []}, "a page of the API, 0 of 1 records"),
        ('{"results": [{"id_experience": 1, "description": "x", "ecrit_le": "2024-01-02"}]', "truncated"),
        ({"total_count": 1, "resultats": []}, "no record has the field"),
        (GOOD.encode("utf-16-le"), "UTF-16LE, not UTF-8; convert it first: iconv -f UTF-16LE"),
        (GOOD.encode("utf-16-be"), "UTF-16BE, not UTF-8; convert it first: iconv -f UTF-16BE"),
    ],
    ids=str,
)
def test_a_file_that_is_no_export_is_told_in_one_line(export, content, told):
    path = export(content)
    with pytest.raises(InputError) as caught:
        list(read_experiences(path))
    message = str(caught.value)
    assert told in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(InputError, match="no such export"):
        list(read_experiences(tmp_path / "nowhere.json"))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_experiences(tmp_path))


def test_the_truncated_line_is_named(export):
    with pytest.raises(InputError, match="line 3: truncated"):
        list(read_experiences(export('[{"id_experience": 1,\n"description": "x",\n"ecrit_le": "202')))


def test_structures_are_numbered_and_empty_ones_left_out():
    row = {"id_experience": "1", "intitule_structure_1": "CAF du Nord", "canaux_typologie_2": "Courrier"}
    row |= {"reponse_structure_3": "Bonjour", "aide_ia_proposee_reponse_structure_3": "O"}
    row |= {"taux_de_similarite_reponse_ia_structure_3": "41", "evaluation_reponse_structure_3_par_auteur": "utile"}
    first, third = Experience.of(row).answers
    assert (first.number, first.structure, first.reply) == (1, "CAF du Nord", None)
    assert (third.number, third.ai_offered) == (3, True)
    assert (third.ai_similarity, third.author_vote) == (41, "utile")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-02-29", dt.date(2024, 2, 29)),
        ("2024-02-29T23:59:59+02:00", dt.date(2024, 2, 29)),
        ("2023-10-05T22:00:00+00:00", dt.date(2023, 10, 6)),  # midnight in France, as the API writes it
        ("2023-10-05T22:00:00Z", dt.date(2023, 10, 6)),
        ("2024-01-05T22:59:59.999+0000", dt.date(2024, 1, 5)),
        ("2024-01-05T10:00:00.123456", dt.date(2024, 1, 5)),
        ("2024-01-05T25:00:00+00:00", dt.date(2024, 1, 5)),  # no such hour: the day as written
        ("9999-12-31T23:59:59Z", dt.date(9999, 12, 31)),
        ("05/10/2023 14:30", dt.date(2023, 10, 5)),
        ("2024-02-29 10:00:00", dt.date(2024, 2, 29)),
        (" 05/10/2023 ", dt.date(2023, 10, 5)),
        ("2023-02-29", None),
        ("31/04/2023", None),
        ("10/13/2023", None),
        ("5 octobre 2023", None),
        ("2024-02-291", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_as_the_platform_wrote_them(text, date):
    assert parse_date(text) == date


def test_both_exports_are_read(sample_export, real_export):
    for path, least in ((sample_export, 120), (real_export, 58)):
        rows = list(read_experiences(path))
        assert len(rows) >= least
        assert all(row.review and row.written_on for row in rows)


@pytest.mark.parametrize(
    "label",
    [
        "Zoé Tournesol",
        "0612345678",
        "zoe.tournesol@exemple.fr",
        "Je suis allé au guichet hier et on m'a dit de revenir lundi",
    ],
)
def test_an_unknown_column_is_not_named_by_what_somebody_wrote(export, label):
    columns = Columns()
    list(read_rows(export([experience(1, **{label: "x", "Numéro interne": "y"})]), columns))
    assert columns.unknown == {NO_LABEL: 1, "numero_interne": 1}


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("ID  EXPÉRIENCE ", "id_experience"),
        ("N° expérience", "id_experience"),
        ("idExperience", "id_experience"),
        ("ID exp\ufffdrience", "id_experience"),
        ("ID exp?rience", "id_experience"),
        ("E\u0301crit le :", "ecrit_le"),
        ("Écrit le (date)", "ecrit_le"),
        ("ReponseStructure1", "reponse_structure_1"),
        ("R\ufffdponse structure 2", "reponse_structure_2"),
        ("REPONSE  STRUCTURE N°3", "reponse_structure_3"),
        ("Autre chose ?", "autre_chose"),
        ("Numéro de l'expérience", "id_experience"),
        ("Expérience", "experience"),  # a text, not its number
        ("E\u00b4crit le", "ecrit_le"),
        ("?crit le", "ecrit_le"),
        ("id_expa_c_rience", "id_experience"),
        ("a_crit_le", "ecrit_le"),
        ("ra_c_ponse_structure_1", "reponse_structure_1"),
        ("intitula_c_structure_1", "intitule_structure_1"),
    ],
)
def test_older_and_damaged_spellings_of_a_column(label, slug):
    assert slug_of(label) == slug


def test_every_name_of_a_column_leads_to_one_column():
    """Also without its blanks, so that no spelling of one column is taken for another's."""
    seen: dict[str, str] = {}
    for old, new in (SPELLINGS | _AS_WRITTEN).items():
        assert slug_of(old) == new, old
        assert seen.setdefault(old.replace("_", ""), new) == new, old


@pytest.mark.parametrize("text", ["1/3/2024", "01-03-2024", "1-3-2024", "01.03.2024", "1/3/2024 10:05", "2024/3/1"])
def test_a_spreadsheets_dates_are_read_day_first(text):
    assert parse_date(text) == dt.date(2024, 3, 1)


@pytest.mark.parametrize("text", ["31/02/2024", "13/13/2024", "1/3/24", "2024", "1/3-2024x"])
def test_what_is_no_date_is_none(text):
    assert parse_date(text) is None


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Avis de Zorbladine Quixworthy", NO_LABEL),
        ("commentaire_karim", NO_LABEL),
        ("Suivi Benali", NO_LABEL),
        ("lecomte", NO_LABEL),
        ("dossier_quixworthy", NO_LABEL),
        ("Réponse Zorbla", NO_LABEL),
        ("Numéro interne", "numero_interne"),
        ("Unnamed: 0", "unnamed_0"),
        ("Date de traitement", "date_de_traitement"),
    ],
)
def test_the_label_of_an_unknown_column_shows_no_name_even_one_on_no_list(export, label, shown):
    columns = Columns()
    list(read_rows(export([experience(1, **{label: "x"})]), columns))
    assert columns.unknown == {shown: 1}
